package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/mapping"
)

// TestExportsOfWhichNothingComes: only rows that make or state a decision are worth a
// run.
func TestExportsOfWhichNothingComes(t *testing.T) {
	t.Parallel()
	skipped := rows.Result{Status: mapping.Skipped, Reason: "says nothing"}
	invalid := rows.Result{Status: mapping.Invalid, Reason: "is wrong"}
	for _, c := range []struct {
		of   []rows.Result
		want string
	}{
		{nil, "has no rows"},
		{[]rows.Result{skipped, skipped}, "all 2 are skipped, the first because: says nothing"},
		{[]rows.Result{invalid}, "all 1 are invalid, the first because: is wrong"},
		{[]rows.Result{skipped, invalid, skipped}, "2 are skipped, the first because: says nothing; 1 are invalid, the first because: is wrong"},
		{[]rows.Result{skipped, {Status: mapping.Mapped}}, ""},
		{[]rows.Result{invalid, {Status: mapping.Invalid, Reason: "has no time", Consents: []mapping.Consent{{Action: mapping.Reject}}}}, ""},
	} {
		var seen checked
		for i := range c.of {
			seen.add(&c.of[i])
		}
		err := seen.refusal()
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
		require.True(t, IsRefused(err))
	}
}

// TestWhatWasStoppedBeforeItsFirstRunIsChecked: a process that dies while it goes over the
// rows has sent nothing, so the one that goes on has to look for what refuses a mapping.
func TestWhatWasStoppedBeforeItsFirstRunIsChecked(t *testing.T) {
	t.Parallel()
	cfg := configOf(t)
	cfg.Source.Paths = []string{filepath.Join(filepath.Dir(cfg.Dir), "export.jsonl")}
	require.NoError(t, os.WriteFile(cfg.Source.Paths[0], []byte(`{"id":"ann","decision":"yes","at":"2024-01-01T00:00:00Z"}`+"\n"), 0o600))
	var err error
	cfg.Spec, err = mapping.Parse("plain.yaml", []byte(strings.Replace(string(cfg.Spec.Source()), "{const: web}", "{from: channle, default: web}", 1)), nil)
	require.NoError(t, err)
	im, err := Open(cfg)
	require.NoError(t, err)
	require.NoError(t, im.Close()) // as a kill leaves it: the pass is set down, no run is

	cfg.Resume = true
	im, err = Open(cfg)
	require.NoError(t, err)
	err = im.Check(t.Context())
	require.ErrorContains(t, err, `"channle"`)
	require.True(t, IsRefused(err))
	require.NoError(t, im.Close())
}
