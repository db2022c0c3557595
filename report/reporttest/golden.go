// Package reporttest helps tests of the forms of a report: summaries as samples, golden
// files, a decision table that is there already, and a real browser.
package reporttest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/summary"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Sample is the summary of one end that an import can have, with all that a report
// says of it: complete, rejects, over-permissive, interrupted, key-refused,
// wrong-mapping or dry-run. The tests of package report write them. It is called from
// there, or from the folder of a form below it.
func Sample(t *testing.T, name string) *summary.Summary {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(samples(t), name+".json"))
	require.NoError(t, err)
	var s summary.Summary
	require.NoError(t, json.Unmarshal(text, &s), name)
	return &s
}

// Samples are all of them, by name.
func Samples(t *testing.T) map[string]*summary.Summary {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(samples(t), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "there are no samples")
	all := map[string]*summary.Summary{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		all[name] = Sample(t, name)
	}
	return all
}

// samples is where they lie.
func samples(t *testing.T) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	if filepath.Base(dir) == "report" {
		return "testdata"
	}
	return filepath.Join("..", "testdata")
}

// Golden compares with testdata/name, or writes it.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	if bytes.Equal(want, got) {
		return
	}
	wants, gots := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(wants), len(gots)) {
		var a, b string
		if i < len(wants) {
			a = wants[i]
		}
		if i < len(gots) {
			b = gots[i]
		}
		if a != b {
			assert.Fail(t, name+" differs", "line %d is\n%.400s\nand should be\n%.400s\ngo test -update writes it anew", i+1, b, a)
			return
		}
	}
}
