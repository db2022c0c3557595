package report

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		want int
		s    Summary
	}{
		{0, Summary{State: Complete}},
		{0, Summary{State: Complete, DryRun: true, Consents: Consents{Made: 1, Pending: 1}}},
		{1, Summary{State: Unbalanced, OverPermissive: OverPermissive{Count: 1}}},
		{3, Summary{State: Complete, Rows: Rows{Invalid: 1}}},
		{3, Summary{State: Complete, Consents: Consents{Refused: 1}}},
		{3, Summary{State: Complete, Consents: Consents{Failed: 1}}},
		{0, Summary{State: Complete, Consents: Consents{Superseded: 1}, Rows: Rows{Skipped: 1}}},
		{4, Summary{State: Incomplete, OverPermissive: OverPermissive{Count: 1}, Rows: Rows{Invalid: 1}}},
		{5, Summary{State: Complete, OverPermissive: OverPermissive{Count: 1}, Rows: Rows{Invalid: 1}}},
	} {
		assert.Equal(t, c.want, Exit(&c.s), "%+v", c.s)
	}
}

func TestBalance(t *testing.T) {
	s := clean()
	require.NoError(t, s.Balanced())
	s.Rows.Read++
	assert.ErrorContains(t, s.Balanced(), "balance rows: read 10000001, but")
	s = clean()
	s.Consents.Sent--
	assert.ErrorContains(t, s.Balanced(), "balance consents: made 13200000, but sent 13199999")
	s = clean()
	s.ByDecision[0].Failed++
	assert.ErrorContains(t, s.Balanced(), "balance decision analytics accept")
	s = clean()
	s.ByDecision = s.ByDecision[1:]
	assert.ErrorContains(t, s.Balanced(), "balance decisions")
}

// An import whose counts contradict each other is no success, whatever its end.
func TestUnbalancedIsSaid(t *testing.T) {
	s := mixed()
	s.parts[0].rows[0].Consents[0].Outcome.State = 99 // no outcome that we know
	dir, sum := write(t, s)
	assert.Equal(t, Unbalanced, sum.State)
	assert.Equal(t, 1, sum.ExitCode)
	assert.Contains(t, sum.Detail, "made 7")
	assert.Contains(t, read(t, dir, "report.json"), `"state": "unbalanced"`)
	assert.Equal(t, "consentimport verify "+dir, sum.Next)
}

func TestStateFollowsTheEndOfTheLastRun(t *testing.T) {
	s := mixed()
	s.facts.End = nil
	_, sum := write(t, s)
	assert.Equal(t, []any{Incomplete, WhyCrash, 4}, []any{sum.State, sum.Why, sum.ExitCode})

	s = mixed()
	s.facts.End.State, s.facts.End.Why = Incomplete, "limit"
	_, sum = write(t, s)
	assert.Equal(t, []any{Incomplete, "limit", 4}, []any{sum.State, sum.Why, sum.ExitCode})
	assert.Equal(t, "consentimport run acme.csv --preset acme --resume", sum.Next)

	s = repaired()
	s.parts[0].rows[0].Consents[0].Outcome.State = 0
	_, sum = write(t, s)
	assert.Equal(t, []any{Incomplete, WhyPending, 4}, []any{sum.State, sum.Why, sum.ExitCode})
}

// A shell takes a quoted line apart into the words that went in.
func TestShellLines(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell")
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[ -~äö\n]{0,8}`), 1, 4).Draw(t, "words")
		out, err := exec.Command(sh, "-c", `for w in `+ShellLine(words)+`; do printf '%s\0' "$w"; done`).Output()
		require.NoError(t, err)
		require.Equal(t, strings.Join(words, "\x00")+"\x00", string(out))
	})
}

func TestTheCommandRepeatsTheImport(t *testing.T) {
	v := Invocation{Exports: []string{"a.csv", "it's b.csv"}, Flags: []Flag{
		{"mapping", "m.yaml"}, {"sandbox", "true"}, {"set", "A=1"}, {"set", "B=two words"},
		{"dry-run", "true"}, {"limit", "1"}, {"resume", "true"}, {"json", "true"}, {"out", "o"}, {"approved", "abc"},
	}}
	assert.Equal(t, `consentimport run a.csv 'it'\''s b.csv' --mapping m.yaml --sandbox --set A=1 --set 'B=two words' --out o --approved abc --resume`,
		v.command(v.Exports, nil, "--resume"))

	s := rejects()
	s.OutDir = "o"
	advise(s, &v)
	assert.Equal(t, `consentimport run o/rejected.csv --mapping m.yaml --sandbox --set A=1 --set 'B=two words' --repair o`, s.Next)

	s = wrongMapping()
	s.State = Complete
	advise(s, &v)
	assert.Equal(t, `consentimport run a.csv 'it'\''s b.csv' --sandbox --set A=1 --set 'B=two words' --out o --mapping onetrust-fixed.yaml --resume --retry`, s.Next)

	s = clean()
	s.Consents.Sent, s.Consents.Failed = 0, s.Consents.Made
	s.FailureGroups = grouped(FailureGroup{Stage: stageSend, Status: 503, Reason: "no message", Count: s.Consents.Failed})
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
	s.facts.End = &journal.End{State: Incomplete, Why: whyBudget}
	sum, err = Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.NoError(t, err)
	assert.Contains(t, sum.Steps[0], "cp "+dir+"/mapping-ab12.yaml acme-fixed.yaml")
	assert.Contains(t, sum.Next, " --mapping acme-fixed.yaml --resume --retry")
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		assert.Equal(t, want, Thousands(n))
	}
	for s, want := range map[float64]string{0: "0 ms", 0.81: "810 ms", 1.25: "1.2 s", 252: "4 min 12 s", 7500: "2 h 5 min", 273600: "3 d 4 h"} {
		assert.Equal(t, want, lapse(s))
	}
	for x, want := range map[float64]string{0: "0 %", 0.0001: "<1 %", 0.5: "50 %", 0.9999: ">99 %", 1: "100 %"} {
		assert.Equal(t, want, percent(x))
	}
	for n, want := range map[int64]string{1: "1 byte", 1023: "1,023 bytes", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		assert.Equal(t, want, size(n))
	}
	assert.Equal(t, "2 retries", Plural(2, "retry"))
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
		return Invocation{Exports: []string{"walk/r.csv"}, Flags: []Flag{{"preset", "acme"}, {"repair", "walk/import"}}}
	}
	v := repair()
	v.goesOnWith([]string{"acme.csv"}, "walk/import")
	assert.Equal(t, "consentimport run acme.csv --preset acme --out walk/import --resume --retry", v.command(v.Exports, nil, "--resume", "--retry"))
	v = repair()
	v.goesOnWith([]string{"acme.csv"}, "acme.csv.import")
	assert.Equal(t, "consentimport run acme.csv --preset acme --resume --retry", v.command(v.Exports, nil, "--resume", "--retry"))
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
		assert.Equal(t, want, permissiveText(s))
		assert.Empty(t, s.Steps)
		s.State = Complete
		s.Steps = nil
		advise(s, &acme)
		assert.Contains(t, s.Steps[0], "First: stop")
	}
}
