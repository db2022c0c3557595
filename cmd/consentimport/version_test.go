package main

import (
	"encoding/json"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The version names the commit and its date where the binary knows them.
func TestTheVersionNamesTheCommit(t *testing.T) {
	t.Parallel()
	b := buildOf(&debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-05-04T10:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}, true)
	assert.Contains(t, b.String(), "commit abc of 2026-05-04T10:00:00Z, changed since")
	got := program{}.here(t, nil, "version", "--json").requireCode(t, exitComplete)
	var read build
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &read))
	assert.Equal(t, version(), read.Version)
	assert.NotEmpty(t, read.Go)
}

// Where no terminal is, the summary leaves nothing out: forty causes are forty lines.
func TestTheSummaryIsWholeOffATerminal(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	text := exportHeader + exportRow(1, "ann", "mail", "yes")
	for i := range 40 {
		text += exportRow(i+2, "bob", "category "+strings.Repeat("x", 30)+string(rune('a'+i%26))+string(rune('A'+i/26)), "no")
	}
	r.write(t, "export.csv", text)
	got := r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	dry := r.here(t, nil, "run", "--dry-run", "--mapping", r.dir+"/plain.yaml", "--out", r.dir+"/dry", r.dir+"/export.csv").requireCode(t, exitComplete)
	assert.Equal(t, 41, strings.Count(dry.stdout, "last word "), dry.stdout)
	assert.Equal(t, 40, strings.Count(dry.stdout, `→ reject`))
	for _, out := range []string{got.stdout, dry.stdout} {
		assert.NotContains(t, out, "… ")
	}
	full := r.here(t, nil, "report", "--full", r.out()).requireCode(t, exitComplete)
	assert.Equal(t, 41, strings.Count(full.stdout, "last word "))
}
