package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notHeld are the values of report.json that nobody can know from checkpoint, export and
// mapping: how the run was called, and where its directory lay. report/README.md lists them.
var notHeld = regexp.MustCompile(`^(next|steps\[.*|notes\[.*|outDir)$`)

// eachEdit calls edit with every value of a JSON document changed, one at a time: texts,
// numbers and switches to others, entries of lists removed.
func eachEdit(v any, path string, set func(any), edit func(path string)) {
	try := func(path string, to any) {
		set(to)
		edit(path)
		set(v)
	}
	switch x := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(x))
		for name := range x {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			eachEdit(x[name], strings.TrimPrefix(path+"."+name, "."), func(to any) { x[name] = to }, edit)
		}
	case []any:
		for i := range x {
			eachEdit(x[i], fmt.Sprintf("%s[%d]", path, i), func(to any) { x[i] = to }, edit)
		}
		if len(x) > 0 {
			try(path+"[less]", slices.Clone(x[1:]))
		}
	case string:
		if _, err := fmt.Sscanf(x, "%d-", new(int)); err == nil && strings.Contains(x, "T") { // a time
			try(path, "2"+x[1:3]+"0"+x[4:])
			return
		}
		try(path, x+"x")
	case json.Number:
		try(path, json.Number("1"+x.String()))
	case bool:
		try(path, !x)
	}
}

// Each value of report.json is held against what checkpoint, export and mapping give,
// those aside that only the run itself knew.
func TestVerifyHoldsEachValueOfTheReport(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags  []string
		code   int
		faults string
	}{
		"an import":         {nil, exitFailures, "subject400=bob,subject422=eve"},
		"a permissive one":  {nil, exitPermissive, ""},
		"one stopped early": {[]string{"--limit", "5"}, exitIncomplete, ""},
		"a dry run":         {[]string{"--dry-run"}, exitFailures, ""},
		"a shard":           {[]string{"--shard", "1/2"}, exitFailures, "subject400=bob,subject422=eve"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", exportHeader+
				exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no")+exportRow(3, "cat", "mail", "WRONG")+exportRow(4, "0", "mail", "yes")+
				exportRow(5, "eve", "Mail", "yes")+exportRow(6, "eve", "ads", "")+exportRow(7, "0", "ads", "no")+exportRow(8, "ann", "mail", "no"))
			if c.code == exitPermissive {
				r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+strings.Replace(exportRow(2, "ann", "mail", "no"), "2024-", "never-", 1))
			} else {
				r.faults(t, c.faults)
			}
			out := filepath.Join(r.dir, "out")
			r.here(t, nil, r.args(append(c.flags, "--out", out)...)...).requireCode(t, c.code)
			each := 3
			if name == "an import" {
				each = 1
			}
			holdsEachValue(t, r, out, each, c.flags)
		})
	}
}

// holdsEachValue changes the values of a report one at a time, or one in so many.
func holdsEachValue(t *testing.T, r *rehearsal, out string, each int, flags []string) {
	t.Helper()
	path := filepath.Join(out, "report.json")
	was, err := os.ReadFile(path)
	require.NoError(t, err)
	untouched := r.here(t, nil, "verify", out).stdout
	agree := `derived again and equal: approval\.html, .*report\.json` // the version of the tool stands in both
	if slices.Contains(flags, "--shard") {
		agree = `derived again and equal: report\.json`
	}
	require.Regexp(t, agree, untouched)
	decoder := json.NewDecoder(strings.NewReader(string(was)))
	decoder.UseNumber()
	var all map[string]any
	require.NoError(t, decoder.Decode(&all))
	values, free := 0, 0
	eachEdit(all, "", nil, func(where string) {
		values++
		if values%each != 0 {
			return
		}
		text, err := json.Marshal(all)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		got := r.here(t, nil, "verify", out)
		if notHeld.MatchString(where) || where == "tool.version" && slices.Contains(flags, "--shard") {
			free++
			assert.Equal(t, untouched, got.stdout, "%s is said not to be held", where)
			return
		}
		assert.Equal(t, exitFailures, got.code, "%s", where)
		assert.NotRegexp(t, agree, got.stdout, "%s is not held", where)
	})
	assert.Greater(t, values, 80)
	assert.True(t, free > 0 || each > 1)
}
