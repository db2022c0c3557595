package report

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/name, or writes it.
func golden(t *testing.T, name string, got []byte) {
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

// acme is the command line of the imports below.
var acme = Invocation{Exports: []string{"exports/acme may.csv"}, Flags: []Flag{
	{"preset", "onetrust"}, {"org", "acme"}, {"project", "main"}, {"limit", "5"}, {"concurrency", "128"},
}}

const acmeDir = "exports/acme may.csv.import"

// clean is a complete import of ten million rows.
func clean() *Summary {
	s := &Summary{
		State: Complete, Tool: Tool{"consentimport", "1.0.0"},
		Inputs:    []Input{{"exports/acme may.csv", 1_234_567_890, strings.Repeat("ab", 32), 10_000_000}},
		Mapping:   Mapping{"onetrust", strings.Repeat("cd", 32)},
		Target:    Target{BaseURL: "https://api.intempt.com/v1", Org: "acme", Project: "main", Dialect: "docs"},
		StartedAt: began, FinishedAt: began.Add(73 * time.Minute), Runs: 1,
		Rows:     Rows{Read: 10_000_000, Mapped: 9_970_000, Skipped: 30_000},
		Consents: Consents{Made: 13_200_000, Sent: 13_200_000},
		Subjects: 9_812_345,
		LastWords: []LastWord{
			{Category: "analytics", Accept: 5_000_000, Reject: 2_000_000, None: 812_345}, {Category: "marketing", Accept: 6_000_000, Reject: 1_000_000, Expired: 12},
		},
		History: "chronological",
		ByDecision: []ByDecision{
			{"analytics", "accept", Consents{Made: 1_200_000, Sent: 1_200_000}},
			{"analytics", "reject", Consents{Made: 3_000_000, Sent: 3_000_000}},
			{"marketing", "accept", Consents{Made: 7_000_000, Sent: 7_000_000}},
			{"marketing", "reject", Consents{Made: 2_000_000, Sent: 2_000_000}},
		},
		FailureGroups: []FailureGroup{}, OverPermissive: OverPermissive{Consents: []string{}}, Lint: []Finding{},
		HTTP: HTTP{Requests: 13_212_345, Retries: 12_345, ByStatus: map[string]int64{"200": 13_200_000, "429": 12_000, "503": 345},
			LatencyMs: Latency{12.4, 31.9, 88.1, 2101.5}, ThrottledSeconds: 312},
		ElapsedSeconds: 4380, ConsentsPerSecond: 3013.7,
		Steps: []string{}, Notes: []string{},
		Passes: []Pass{{1, "import", Mapping{"onetrust", strings.Repeat("cd", 32)}, 13_200_000}},
		Skips:  []Skip{{"undecided: no choice was made", 28_000}, {"test data", 2_000}}, Decisions: []Decision{},
		Decided: fourYears(), Throughput: anHour(),
		OutDir: acmeDir, Files: []string{"failures.csv", "report.html", "report.json", "successes.csv"},
	}
	return s
}

// fourYears are decisions that come in waves.
func fourYears() []Month {
	out := []Month{}
	for i := range int64(41) {
		out = append(out, Month{began.AddDate(-4, int(i), 0).Format("2006-01"), 20_000 + 7_000*(i%7), 9_000 + 1_500*(i%5)})
	}
	return out
}

// anHour is an import in two runs that was slowed down for a while.
func anHour() []Point {
	out := []Point{}
	p := Point{At: began, Run: 1}
	for i := range 200 {
		out = append(out, p)
		p.At = p.At.Add(22 * time.Second)
		p.Sent += int64(61_000 + 5_000*(i%9))
		p.Retries += int64(i % 3 * 40)
		if i > 60 && i < 80 {
			p.Sent -= 40_000
			p.Retries += 900
			p.ThrottledSeconds += 15
		}
		if i == 120 {
			p.Run, p.At = 2, p.At.Add(time.Hour)
		}
		p.Requests = p.Sent + p.Retries
	}
	return out
}

// rejects is an import that failed for some.
func rejects() *Summary {
	s := clean()
	s.Rows.Mapped, s.Rows.Invalid = 9_969_500, 500
	s.Consents.Sent, s.Consents.Refused, s.Consents.Failed = 13_198_000, 1_900, 100
	s.ByDecision[2].Sent, s.ByDecision[2].Refused, s.ByDecision[2].Failed = 6_998_000, 1_900, 100
	s.FailureGroups = grouped(
		FailureGroup{Stage: stageSend, Status: 400, Reason: "message is too long, # characters", Count: 1_900, Rows: []int64{17, 4_711, 4_712, 5_000}},
		FailureGroup{Stage: stageMap, Reason: "row has # cells, the header 12", Count: 400, Rows: []int64{88}},
		FailureGroup{Stage: stageSend, Status: 503, Reason: "no message", Count: 99, Rows: []int64{912_001, 912_003}},
		FailureGroup{Stage: stageMap, Reason: "the quote opened here is never closed", Column: "", Count: 100, Rows: []int64{2_000_001}},
		FailureGroup{Stage: stageSend, Status: 0, Reason: "no answer", Count: 1, Rows: []int64{912_002}},
	)
	s.Files = append(s.Files, "rejected.csv")
	return s
}

// grouped sets share and suggestion as a survey would.
func grouped(groups ...FailureGroup) []FailureGroup {
	var total int64
	for _, g := range groups {
		total += g.Count
	}
	for i := range groups {
		groups[i].Share = share(groups[i].Count, total)
		groups[i].Suggestion = suggest(&groups[i])
	}
	return groups
}

// permissiveImport is rejects with withdrawals among them.
func permissiveImport() *Summary {
	s := rejects()
	s.OverPermissive = OverPermissive{12, []string{"17.1", "4711.2"}}
	s.Files = append(s.Files, "suppress.csv")
	s.Lint = []Finding{
		{Rule: "one-timestamp", Count: 13_200_000, Message: "All rows have the same time, which is likely that of the export and not of the consents; map the column that says when each decision was made.", Rows: []int64{1, 2, 3}},
		{Rule: "time-in-future", Count: 3, Message: "Times lie more than a day ahead; check the time's column, format, unit and zone.", Rows: []int64{9}},
	}
	return s
}

// stopped is an import that ended early.
func stopped(why, detail string) *Summary {
	s := clean()
	s.State, s.Why, s.Detail = Incomplete, why, detail
	s.Rows = Rows{Read: 2_000_000, Mapped: 1_990_000, Skipped: 10_000}
	s.Consents = Consents{Made: 2_500_000, Sent: 2_499_872, Pending: 128}
	s.ByDecision = []ByDecision{{"marketing", "accept", s.Consents}}
	s.Inputs[0].SHA256, s.Inputs[0].Rows = "", 2_000_000
	s.Skips = []Skip{{"undecided: no choice was made", 10_000}}
	return s
}

// wrongMapping is an import that --max-failures stopped.
func wrongMapping() *Summary {
	s := stopped(whyBudget, "150 of 210 consents failed, more than --max-failures 50% allows")
	s.Rows, s.Skips = Rows{Read: 400, Mapped: 300, Invalid: 100}, []Skip{}
	s.ElapsedSeconds, s.Subjects, s.ConsentsPerSecond, s.HTTP = 0.81, 298, 259.3, HTTP{ByStatus: map[string]int64{"200": 60, "400": 150}, Requests: 210}
	s.Consents = Consents{Made: 300, Sent: 60, Refused: 150, Pending: 90}
	s.ByDecision = []ByDecision{{"marketing", "accept", s.Consents}}
	s.FailureGroups = grouped(
		FailureGroup{Stage: stageMap, Reason: `action: a value of column "state" is not listed in values`, Column: "state", Count: 100, Rows: []int64{7, 9}},
		FailureGroup{Stage: stageSend, Status: 400, Reason: "Source is required for profileId", Count: 150, Rows: []int64{1, 2, 3, 4}},
	)
	s.FailureGroups[0].Suggestion.Patch = "consent:\n  action:\n    values:\n      \"maybe\": DECIDE\n"
	s.FailureGroups[0].Suggestion.Fixes, s.FailureGroups[0].Suggestion.Of = 100, 100
	return s
}

// dryRun is a dry run that finds nothing wrong.
func dryRun() *Summary {
	s := clean()
	s.DryRun, s.Target, s.HTTP = true, Target{}, HTTP{ByStatus: map[string]int64{}}
	s.Throughput = []Point{}
	s.ElapsedSeconds, s.ConsentsPerSecond = 3.4, 3_882_352.9
	s.Consents.Sent, s.Consents.Pending = 0, s.Consents.Made
	for i := range s.ByDecision {
		s.ByDecision[i].Sent, s.ByDecision[i].Pending = 0, s.ByDecision[i].Made
	}
	decision := func(category, value, action string, n int64) Decision {
		return Decision{Category: category, Value: value, Decision: action, Count: n}
	}
	s.Decisions = []Decision{
		decision("analytics", "no", "reject", 3_000_000), decision("analytics", "yes", "accept", 1_200_000),
		decision("marketing", "", "no statement", 28_000), decision("marketing", "0", "reject", 2_000_000),
		decision("marketing", "1", "accept", 7_000_000),
	}
	s.ApprovalHash = strings.Repeat("5d41402abc4b2a76", 4)
	s.Lint = permissiveImport().Lint
	return s
}

// ends are the ends that an import can have, as people see them.
func ends() map[string]*Summary {
	all := map[string]*Summary{
		"complete":        clean(),
		"rejects":         rejects(),
		"over-permissive": permissiveImport(),
		"interrupted":     stopped("signal", "stopped by a signal"),
		"key-refused":     stopped(whyRefused, "the target refuses the key: 401 Unauthorized"),
		"wrong-mapping":   wrongMapping(),
		"dry-run":         dryRun(),
	}
	for _, s := range all {
		s.ExitCode = Exit(s)
		advise(s, &acme)
	}
	return all
}

func TestTextOfEachEnd(t *testing.T) {
	for name, s := range ends() {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.Balanced())
			var b bytes.Buffer
			require.NoError(t, Text(&b, s, Style{Width: 100}))
			golden(t, name+".txt", b.Bytes())

			lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
			assert.LessOrEqual(t, len(lines), textLines)
			assert.Equal(t, s.Next, lines[len(lines)-1], "the last line is the next command")
			for _, line := range lines[:len(lines)-1] {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
			}
		})
	}
}

func TestTextFitsNarrowTerminals(t *testing.T) {
	for name, s := range ends() {
		for _, width := range []int{40, 60, 80} {
			var b bytes.Buffer
			require.NoError(t, Text(&b, s, Style{Width: width, Color: true}))
			plain := stripColor(b.String())
			lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
			for _, line := range lines[:len(lines)-1] {
				if isStep(s, line) {
					continue // a command is never broken
				}
				assert.LessOrEqual(t, utf8.RuneCountInString(line), width, "%s at %d: %s", name, width, line)
			}
			assert.Equal(t, s.Next, lines[len(lines)-1])
			for _, f := range []figure{{s.Rows.Read, "read"}, {s.Rows.Invalid, "invalid"}, {s.Consents.Refused, "refused"}, {s.Consents.Pending, "pending"}} {
				if f.n > 0 && !(s.DryRun && f.name == "pending") {
					assert.Contains(t, plain, " "+Thousands(f.n)+" "+f.name, "%s at %d: a number is cut", name, width)
				}
			}
		}
	}
}

// isStep says whether a line is the command of a step.
func isStep(s *Summary, line string) bool {
	for _, step := range s.Steps {
		if _, command := SplitStep(step); command != "" && command == line {
			return true
		}
	}
	return false
}

// stripColor takes the SGR sequences out of a text.
func stripColor(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

func TestJSONOfOneSummary(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, JSON(&b, ends()["over-permissive"]))
	golden(t, "report.json", b.Bytes())
}

func TestHTMLOfOneSummary(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, HTML(&b, ends()["over-permissive"]))
	golden(t, "report.html", b.Bytes())
}

// brokenWriter takes some bytes and then fails.
type brokenWriter struct{ left int }

var errBroken = errors.New("no space left")

func (w *brokenWriter) Write(b []byte) (int, error) {
	if len(b) > w.left {
		return w.left, errBroken
	}
	w.left -= len(b)
	return len(b), nil
}

// A form whose writer fails says so, wherever it fails.
func TestAWriterThatFails(t *testing.T) {
	s := ends()["over-permissive"]
	all := append([]form{{"text", false, true, func(w io.Writer, s *Summary, _ *Options) error { return Text(w, s, Style{}) }}}, forms...)
	table := tableOf(Decision{Category: "news", Value: strings.Repeat("yes ", 150), Decision: "accept", Count: 1})
	for _, f := range all {
		for _, left := range []int{0, 100, 500} {
			assert.ErrorIs(t, f.write(&brokenWriter{left}, s, &Options{Decisions: table}), errBroken, f.name)
		}
	}
}
