package report

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// An import whose counts contradict each other is not a success, whatever its end.
func TestUnbalancedIsSaid(t *testing.T) {
	s := mixed()
	s.parts[0].rows[0].Consents[0].Outcome.State = 99 // no outcome that we know
	dir, sum := write(t, s)
	assert.Equal(t, summary.Unbalanced, sum.State)
	assert.Equal(t, 1, sum.ExitCode)
	assert.Contains(t, sum.Detail, "made 7")
	assert.Contains(t, read(t, dir, "report.json"), `"state": "unbalanced"`)
	assert.Equal(t, "consentimport verify "+dir, sum.Next)
}

func TestStateFollowsTheEndOfTheLastRun(t *testing.T) {
	s := mixed()
	s.facts.End = nil
	_, sum := write(t, s)
	assert.Equal(t, []any{summary.Incomplete, summary.WhyCrash, 4}, []any{sum.State, sum.Why, sum.ExitCode})

	s = mixed()
	s.facts.End.State, s.facts.End.Why = summary.Incomplete, "limit"
	_, sum = write(t, s)
	assert.Equal(t, []any{summary.Incomplete, "limit", 4}, []any{sum.State, sum.Why, sum.ExitCode})
	assert.Equal(t, "consentimport run acme.csv --preset acme --resume", sum.Next)

	s = repaired()
	s.parts[0].rows[0].Consents[0].Outcome.State = 0
	_, sum = write(t, s)
	assert.Equal(t, []any{summary.Incomplete, summary.WhyPending, 4}, []any{sum.State, sum.Why, sum.ExitCode})
}

// A shell takes a quoted line apart into the words that went in.
func TestShellLines(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell")
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[ -~äö\n]{0,8}`), 1, 4).Draw(t, "words")
		shell := sh
		if slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(w, "\n") }) { // not every sh can be told of it, see shellWritten
			if shell, err = exec.LookPath("bash"); err != nil {
				t.Skip("no bash")
			}
		}
		out, err := exec.Command(shell, "-c", `for w in `+ShellLine(words)+`; do printf '%s\0' "$w"; done`).Output()
		require.NoError(t, err)
		require.Equal(t, strings.Join(words, "\x00")+"\x00", string(out))
	})
}

// An organisation may be called true: only a switch stands without a value.
func TestAValueIsRepeatedWhateverItIs(t *testing.T) {
	v := Invocation{Exports: []string{"a.csv"}, Flags: []Flag{{Name: "org", Value: "true"}, {Name: "strict", Switch: true}, {Name: "project", Value: ""}}}
	assert.Equal(t, "consentimport run a.csv --org true --strict --project ''", v.command(v.Exports, nil))
}

func TestTheCommandRepeatsTheImport(t *testing.T) {
	v := Invocation{Exports: []string{"a.csv", "it's b.csv"}, Flags: []Flag{
		{Name: "mapping", Value: "m.yaml"}, {Name: "sandbox", Switch: true}, {Name: "set", Value: "A=1"}, {Name: "set", Value: "B=two words"},
		{Name: "dry-run", Switch: true}, {Name: "limit", Value: "1"}, {Name: "resume", Switch: true}, {Name: "json", Switch: true}, {Name: "out", Value: "o"}, {Name: "approved", Value: "abc"},
	}}
	assert.Equal(t, `consentimport run a.csv 'it'\''s b.csv' --mapping m.yaml --sandbox --set A=1 --set 'B=two words' --out o --approved abc --resume`,
		v.command(v.Exports, nil, "--resume"))

	s := rejects()
	s.OutDir = "o"
	advise(s, &v)
	assert.Equal(t, `consentimport run o/rejected.csv --mapping m.yaml --sandbox --set A=1 --set 'B=two words' --repair o`, s.Next)

	s = wrongMapping()
	s.State = summary.Complete
	advise(s, &v)
	assert.Equal(t, `consentimport run a.csv 'it'\''s b.csv' --sandbox --set A=1 --set 'B=two words' --out o --mapping onetrust-fixed.yaml --resume --retry`, s.Next)

	s = clean()
	s.Consents.Sent, s.Consents.Failed = 0, s.Consents.Made
	s.FailureGroups = grouped(summary.FailureGroup{Stage: summary.StageSend, Status: 503, Reason: "no message", Count: s.Consents.Failed})
	advise(s, &v)
	assert.Contains(t, s.Next, "--resume --retry")
}

// report DIR knows no command line: the journal says what to go on with.
func TestTheJournalKnowsTheImport(t *testing.T) {
	s := mixed()
	s.facts.Header.Inputs = []journal.Input{{Path: "x y.csv"}}
	s.facts.Header.Target.Dialect, s.facts.Header.History = "sdk", "latest"
	s.facts.Passes[0].Mapping.File = "mapping-ab12.yaml"
	s.facts.End = nil
	dir := t.TempDir()
	sum, err := Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.NoError(t, err)
	assert.Equal(t, "consentimport run 'x y.csv' --mapping "+dir+"/mapping-ab12.yaml --org acme --project main --dialect sdk --history latest --out "+dir+" --resume", sum.Next)

	// The mapping there is named by its digest and is never edited in place.
	s.facts.End = &journal.End{State: summary.Incomplete, Why: whyBudget}
	sum, err = Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.NoError(t, err)
	assert.Contains(t, sum.Steps[0], "cp "+dir+"/mapping-ab12.yaml acme-fixed.yaml")
	assert.Contains(t, sum.Next, " --mapping acme-fixed.yaml --resume --retry")
}

// Cells of our lists that a spreadsheet would run are disarmed; those of the
// export stay as they are.
func TestFormulasAreDisarmed(t *testing.T) {
	s := mixed()
	s.parts[0].file = "=cmd.csv"
	rows := s.parts[0].rows
	rows[0].Consents[0].Category = []byte("+cat")
	rows[0].Row.Raw = []byte("=1,2,3")
	rows[1].Reason = "@reason"
	rows[1].Row.Raw = []byte("=2+5,@x,-3")
	rows[3].Consents[0].Category = []byte("-cat")
	rows[3].Consents[0].Outcome.Message = "=HYPERLINK(1)"
	rows[5].Consents[0].Category = []byte("\tcat")
	dir, _ := write(t, s)
	for _, name := range []string{"successes.csv", "failures.csv", "superseded.csv"} {
		text := read(t, dir, name)
		assert.Contains(t, text, ",'=cmd.csv\n", name)
		assert.NotRegexp(t, `(?m)(^|,)"?[=+\-@\t\r]`, text, name)
	}
	assert.Contains(t, read(t, dir, "successes.csv"), ",'+cat,")
	assert.Contains(t, read(t, dir, "failures.csv"), ",'@reason,")
	assert.Contains(t, read(t, dir, "failures.csv"), ",'=HYPERLINK(#),'=HYPERLINK(1),'-cat,")
	assert.Contains(t, read(t, dir, "superseded.csv"), ",'\tcat,")
	assert.Contains(t, read(t, dir, "rejected.csv"), "\n=2+5,@x,-3,2,")
}

// What is left after a repair goes on in the same import, never with the
// repaired file as an export of its own.
func TestAfterARepairTheImportGoesOn(t *testing.T) {
	repair := func() Invocation {
		return Invocation{Exports: []string{"walk/r.csv"}, Flags: []Flag{{Name: "preset", Value: "acme"}, {Name: "repair", Value: "walk/import"}}}
	}
	v := repair()
	v.goesOnWith([]string{"acme.csv"}, "walk/import")
	assert.Equal(t, "consentimport run acme.csv --preset acme --out walk/import --resume --retry", v.command(v.Exports, nil, "--resume", "--retry"))
	v = repair()
	v.goesOnWith([]string{"acme.csv"}, "acme.csv.import")
	assert.Equal(t, "consentimport run acme.csv --preset acme --resume --retry", v.command(v.Exports, nil, "--resume", "--retry"))
}

// With --history rows a reject may have arrived, and too early: nobody is told that it
// did not, or that something failed.
func TestRejectsInRowOrderArrivedTooEarly(t *testing.T) {
	s := &summary.Summary{State: summary.Complete, History: "rows", Overtaken: 2}
	s.Consents.Sent, s.OverPermissive.Count = 5, 2
	assert.Equal(t, "2 rejects arrived before an older accept, and the target still has an accept: act on suppress.csv first", summary.PermissiveText(s))
	verdict, _ := summary.Verdict(s)
	assert.Equal(t, "COMPLETE, BUT TOO PERMISSIVE: 5 consents sent", verdict)
	s.Rows.Invalid = 1
	assert.Equal(t, "2 rejects did not arrive, or arrived before an older accept, and the target still has an accept: act on suppress.csv first", summary.PermissiveText(s))
	verdict, _ = summary.Verdict(s)
	assert.Equal(t, "COMPLETE, BUT TOO PERMISSIVE: 5 consents sent, 1 row failed", verdict)
	s.History = "chronological"
	assert.Contains(t, summary.PermissiveText(s), "2 rejects did not arrive, and")
	s.Rows.Invalid, s.DryRun, s.Consents.Made, s.Consents.Pending = 0, true, 5, 5
	verdict, _ = summary.Verdict(s)
	assert.Equal(t, "DRY RUN: WOULD END TOO PERMISSIVE: 5 consents would be sent", verdict)
}

// As long as an import can go on, that is what brings the rejects there: the
// advice is to go on, and not to go after people one by one first.
func TestRejectionsOnTheirWayAreNoFirstStep(t *testing.T) {
	for n, want := range map[int64]string{
		1: "1 reject has not arrived yet, and the target still has an accept: continue soon, or act on suppress.csv",
		2: "2 rejects have not arrived yet, and the target still has an accept: continue soon, or act on suppress.csv",
	} {
		s := stopped("signal", "stopped by a signal")
		s.OverPermissive.Count = n
		advise(s, &acme)
		assert.Equal(t, want, summary.PermissiveText(s))
		assert.Empty(t, s.Steps)
		s.State = summary.Complete
		s.Steps = nil
		advise(s, &acme)
		assert.Contains(t, s.Steps[0], "First: stop")
	}
}
