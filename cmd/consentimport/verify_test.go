package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
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

// Whatever report.json says that checkpoint and export give is held against them.
func TestVerifyHoldsEveryNumberOfTheReport(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	path := filepath.Join(r.out(), "report.json")
	was, err := os.ReadFile(path)
	require.NoError(t, err)
	for what, change := range map[string]func(s *summary.Summary){
		"number of runs":       func(s *summary.Summary) { s.Runs++ },
		"times":                func(s *summary.Summary) { s.StartedAt = s.StartedAt.Add(-time.Hour) },
		"dryRun":               func(s *summary.Summary) { s.DryRun = true },
		"decision table":       func(s *summary.Summary) { s.Decisions[0].Value = "no" },
		"list of failures":     func(s *summary.Summary) { s.FailureGroups[0].Reason = "nothing of note" },
		"list of skipped rows": func(s *summary.Summary) { s.Skips = append(s.Skips, summary.Skip{Reason: "a test", Count: 1}) },
		"list of passes":       func(s *summary.Summary) { s.Passes[0].Sent++ },
		"list of requests":     func(s *summary.Summary) { s.HTTP.Retries++ },
		"history":              func(s *summary.Summary) { s.History = "rows" },
	} {
		s := summaryIn(t, r.out())
		change(s)
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
		assert.Contains(t, got.stdout, "wrong: report.json was changed, or belongs to another time: its "+what+" differs")
		assert.Contains(t, got.stdout, "VERDICT: inconsistent")
		require.NoError(t, os.WriteFile(path, was, 0o600))
	}
}

// A run that was killed while it wrote its reports, or had no room for them, left nobody's
// forgery: verify says so, whether there are none or those of an earlier run.
func TestReportsThatWereNotWrittenAreNobodysChange(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	says := func(why string) {
		t.Helper()
		got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
		assert.Contains(t, got.stdout, "wrong: "+why)
		_, after, found := strings.Cut(got.stdout, "are not those of the last run. To write them again:\n")
		require.True(t, found, got.stdout)
		command, _, _ := strings.Cut(after, "\n")
		r.typed(t, command)
		r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	}
	earlier := filesIn(t, r.out())
	for _, name := range []string{"approval.html", "decisions.csv", "failures.csv", "rejected.csv", "report.html", "report.json", "successes.csv"} {
		require.NoError(t, os.Remove(filepath.Join(r.out(), name)))
	}
	says("the reports were not written, or not all of them")
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
	for _, name := range []string{"report.json", "successes.csv"} { // as if the rest had come into place
		require.NoError(t, os.WriteFile(filepath.Join(r.out(), name), []byte(earlier[name]), 0o600))
	}
	says("the reports are of an earlier run")
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

// The file by which a checkpoint is known to have lost its end is checked itself: what
// somebody changed is wrong, what a copy or a kill may leave is a note.
func TestVerifySaysWhatTheFileBesideTheCheckpointIsWorth(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	path := filepath.Join(r.out(), journal.KnownName)
	older, err := os.ReadFile(path)
	require.NoError(t, err)
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
	assert.NotContains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout, journal.KnownName)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	says := func(text []byte, code int, want string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, text, 0o600))
		assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, code).stdout, want+"; whether the checkpoint has lost its end is told by report.json alone\n")
	}
	check := func() {
		t.Helper()
		says(bytes.Replace(text, []byte(`"bytes":`), []byte(`"bytes":1`), 1), exitFailures, "wrong: .sealed was changed or damaged: it is not what the import wrote")
		says(text[:len(text)-2], exitFailures, "wrong: .sealed was changed or damaged: it is not what the import wrote")
		for _, less := range [][]byte{older, nil, make([]byte, len(text))} {
			says(less, exitComplete, "note: .sealed says less than the checkpoint has: an older one was put back, or the run was killed before it was written")
		}
		require.NoError(t, os.Remove(path))
		assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout, "note: .sealed is missing: it was removed, or a copy left hidden files out")
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	check()
	r.here(t, nil, "purge", r.out()).requireCode(t, exitComplete)
	require.NoError(t, os.Remove(r.export)) // it checks what it can then
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	check()
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
