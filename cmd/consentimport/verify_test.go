package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// messyImport is an import that has every list: sent, refused, invalid, repaired
// and superseded.
func messyImport(t *testing.T) *rehearsal {
	t.Helper()
	r := newRehearsal(t, "subject400=bob")
	r.write(t, "export.csv", exportHeader+
		exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no")+exportRow(3, "cat", "mail", "WRONG")+exportRow(4, "dan", "mail", "no"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	return r
}

// Every list is derived again: one that was edited, cut, or put where none should
// be is named, and nothing is put right in silence.
func TestVerifyHoldsEveryListAgainstTheCheckpoint(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	got := r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "derived again and equal: approval.html, decisions.csv, failures.csv, rejected.csv, report.json, successes.csv\n")
	assert.NotContains(t, got.stdout, "untouched")
	names := []string{"approval.html", "decisions.csv", "failures.csv", "rejected.csv", "report.json", "successes.csv"}
	for _, name := range names {
		path := filepath.Join(r.out(), name)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		changed := map[string]string{
			"a letter":    strings.Replace(string(text), "mail", "nail", 1),
			"a line more": string(text) + "1,2,3\n",
			"cut":         string(text[:len(text)-2]),
			"empty":       "",
		}
		if name == "report.json" {
			changed = map[string]string{
				"a count": strings.Replace(string(text), `"sent": 2`, `"sent": 3`, 1), "code": strings.Replace(string(text), `"exitCode": 3`, `"exitCode": 0`, 1), "empty": "",
			}
		}
		for what, text := range changed {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
			assert.Contains(t, got.stdout, "wrong: "+name+" was changed", "%s: %s", name, what)
			assert.Contains(t, got.stdout, "VERDICT: inconsistent")
		}
		require.NoError(t, os.Remove(path))
		got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
		assert.Contains(t, got.stdout, "wrong: "+name+" is missing")
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	for _, name := range []string{"suppress.csv", "superseded.csv"} {
		path := filepath.Join(r.out(), name)
		require.NoError(t, os.WriteFile(path, []byte("a,b\n"), 0o600))
		got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
		assert.Contains(t, got.stdout, "wrong: "+name+" should not be there")
		require.NoError(t, os.Remove(path))
	}
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
}

// Without a mapping that it was made with nobody can say anything of an import; every
// command says what to do.
func TestAMissingMappingIsToBeRestored(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	kept, err := filepath.Glob(filepath.Join(r.out(), "mapping-*.yaml"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.NoError(t, os.Remove(kept[0]))
	for _, args := range [][]string{{"verify", r.out()}, {"report", r.out()}, {"evidence", r.out()}, {"purge", r.out()}, r.args("--resume", "--retry")} {
		got := r.here(t, nil, args...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, "hint: restore the file; it is part of the import", args[0])
	}
}

// A checkpoint of another time beside the lists of a later one does not pass.
func TestVerifySeesACheckpointOfAnotherTime(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	path := filepath.Join(r.out(), "checkpoint.jsonl")
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	require.NoError(t, os.WriteFile(path, old, 0o600))
	got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "wrong: successes.csv was changed, or belongs to another time")
}

// A person is found in whatever identifier and spelling, in rows that could not be
// mapped too, and nobody else is shown.
func TestVerifyAnswersForOnePerson(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	for subject, line := range map[string]string{
		"ann":   `1\.1 +sent +accept +mail `,
		" ann ": `1\.1 +sent +accept +mail `,
		"bob":   `2\.1 +refused +reject +mail `,
		"cat":   `3 +invalid .*not listed`,
		"CAT":   `3 +invalid .*not listed`,
	} {
		got := r.here(t, nil, "verify", "--subject", subject, r.out()).requireCode(t, exitComplete)
		assert.Regexp(t, line, got.stdout, subject)
		assert.Equal(t, 4, strings.Count(got.stdout, "\n"), "one consent and nobody else: %s", got.stdout)
	}
	got := r.here(t, nil, "verify", "--subject", "zoe", r.out()).requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "not found")
	for _, empty := range []string{"", "  ", "\u200b"} {
		got := r.here(t, nil, "verify", "--subject", empty, r.out()).requireCode(t, exitRefused)
		assert.Empty(t, got.stdout)
	}
}

// An export that was moved, and given at its new place once, is found there by all that
// comes after it, printed commands included; and where it lay when it is back again.
func TestAMovedExportIsFoundWhereItWasGivenLast(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	there := filepath.Join(r.dir, "it's moved.csv")
	require.NoError(t, os.Rename(r.export, there))
	for _, args := range [][]string{{"verify", r.out()}, {"report", r.out()}} {
		assert.Contains(t, r.here(t, nil, args...).requireCode(t, exitRefused).stderr, "does not exist")
	}
	args := append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", r.out(), "--resume", "--retry"}, r.target()...)
	r.here(t, nil, append(args, there)...).requireCode(t, exitFailures)
	s := summaryIn(t, r.out())
	assert.Equal(t, there, s.Inputs[0].Path)
	for _, args := range [][]string{{"report", r.out()}, {"evidence", r.out()}, {"verify", r.out()}, {"verify", "--subject", "ann", r.out()}} {
		got := r.here(t, nil, args...)
		assert.Contains(t, []int{exitComplete, exitFailures}, got.code, got.stderr)
	}
	r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), filepath.Join(r.out(), "rejected.csv"))...).requireCode(t, exitFailures)
	r.here(t, nil, append(args, there)...).requireCode(t, exitFailures)
	r.here(t, nil, "verify", r.out())

	require.NoError(t, os.Rename(there, r.export))
	r.here(t, nil, "report", r.out()).requireCode(t, exitFailures)
	r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	require.NoError(t, os.WriteFile(there, []byte("another\n"), 0o600)) // what took its place is not it
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitRefused).stderr, "the export is not the one")
}
