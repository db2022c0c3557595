package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/text"
)

// acme is the command line of the imports below.
var acme = Invocation{Exports: []string{"exports/acme may.csv"}, Flags: []Flag{
	{Name: "preset", Value: "onetrust"}, {Name: "org", Value: "acme"}, {Name: "project", Value: "main"}, {Name: "limit", Value: "5"}, {Name: "concurrency", Value: "128"},
}}

const acmeDir = "exports/acme may.csv.import"

// clean is a complete import of ten million rows.
func clean() *summary.Summary {
	s := &summary.Summary{
		State: summary.Complete, Tool: summary.Tool{Name: "consentimport", Version: "1.0.0"},
		Inputs:    []summary.Input{{Path: "exports/acme may.csv", Bytes: 1_234_567_890, SHA256: strings.Repeat("ab", 32), Rows: 10_000_000}},
		Mapping:   summary.Mapping{Name: "onetrust", SHA256: strings.Repeat("cd", 32)},
		Target:    summary.Target{BaseURL: "https://api.intempt.com/v1", Org: "acme", Project: "main", Dialect: "docs"},
		StartedAt: began, FinishedAt: began.Add(73 * time.Minute), Runs: 1,
		Rows:     summary.Rows{Read: 10_000_000, Mapped: 9_970_000, Skipped: 30_000},
		Consents: summary.Consents{Made: 13_200_000, Sent: 13_200_000},
		Subjects: 9_812_345,
		LastWords: []summary.LastWord{
			{Category: "analytics", Accept: 5_000_000, Reject: 2_000_000, None: 812_345}, {Category: "marketing", Accept: 6_000_000, Reject: 1_000_000, Expired: 12},
		},
		History: "chronological",
		ByDecision: []summary.ByDecision{
			{Category: "analytics", Action: "accept", Consents: summary.Consents{Made: 1_200_000, Sent: 1_200_000}},
			{Category: "analytics", Action: "reject", Consents: summary.Consents{Made: 3_000_000, Sent: 3_000_000}},
			{Category: "marketing", Action: "accept", Consents: summary.Consents{Made: 7_000_000, Sent: 7_000_000}},
			{Category: "marketing", Action: "reject", Consents: summary.Consents{Made: 2_000_000, Sent: 2_000_000}},
		},
		FailureGroups: []summary.FailureGroup{}, OverPermissive: summary.OverPermissive{Consents: []string{}}, Lint: []summary.Finding{},
		HTTP: summary.HTTP{Requests: 13_212_345, Retries: 12_345, ByStatus: map[string]int64{"200": 13_200_000, "429": 12_000, "503": 345},
			LatencyMs: summary.Latency{P50: 12.4, P95: 31.9, P99: 88.1, Max: 2101.5}, ThrottledSeconds: 312},
		ElapsedSeconds: 4380, ConsentsPerSecond: 3013.7,
		Steps: []string{}, Notes: []string{},
		Passes: []summary.Pass{{N: 1, Kind: "import", Mapping: summary.Mapping{Name: "onetrust", SHA256: strings.Repeat("cd", 32)}, Sent: 13_200_000}},
		Skips:  []summary.Skip{{Reason: "undecided: no choice was made", Count: 28_000}, {Reason: "test data", Count: 2_000}}, Decisions: []summary.Decision{},
		Decided: fourYears(), Throughput: anHour(),
		OutDir: acmeDir, Files: []string{"failures.csv", "report.html", "report.json", "successes.csv"},
	}
	return s
}

// fourYears are decisions that come in waves.
func fourYears() []summary.Month {
	out := []summary.Month{}
	for i := range int64(41) {
		out = append(out, summary.Month{Month: began.AddDate(-4, int(i), 0).Format("2006-01"), Accept: 20_000 + 7_000*(i%7), Reject: 9_000 + 1_500*(i%5)})
	}
	return out
}

// anHour is an import in two runs that was slowed down for a while.
func anHour() []summary.Point {
	out := []summary.Point{}
	p := summary.Point{At: began, Run: 1}
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
func rejects() *summary.Summary {
	s := clean()
	s.Rows.Mapped, s.Rows.Invalid = 9_969_500, 500
	s.Consents.Sent, s.Consents.Refused, s.Consents.Failed = 13_198_000, 1_900, 100
	s.ByDecision[2].Sent, s.ByDecision[2].Refused, s.ByDecision[2].Failed = 6_998_000, 1_900, 100
	s.FailureGroups = grouped(
		summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: "message is too long, # characters", Count: 1_900, Rows: []int64{17, 4_711, 4_712, 5_000}},
		summary.FailureGroup{Stage: summary.StageMap, Reason: "row has # cells, the header 12", Count: 400, Rows: []int64{88}},
		summary.FailureGroup{Stage: summary.StageSend, Status: 503, Reason: "no message", Count: 99, Rows: []int64{912_001, 912_003}},
		summary.FailureGroup{Stage: summary.StageMap, Reason: "the quote opened here is never closed", Column: "", Count: 100, Rows: []int64{2_000_001}},
		summary.FailureGroup{Stage: summary.StageSend, Status: 0, Reason: "no answer", Count: 1, Rows: []int64{912_002}},
	)
	s.Files = append(s.Files, "rejected.csv")
	return s
}

// grouped sets share and suggestion as a survey would.
func grouped(groups ...summary.FailureGroup) []summary.FailureGroup {
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
func permissiveImport() *summary.Summary {
	s := rejects()
	s.OverPermissive = summary.OverPermissive{Count: 12, Consents: []string{"17.1", "4711.2"}}
	s.Files = append(s.Files, "suppress.csv")
	s.Courses = &summary.Courses{Keys: 41, Order: summary.OrderCheckpoint, Drawn: []summary.Course{
		{Category: "marketing", Person: `userId "a99999" with email "aaa@aaaaaa.aaaaaaa"`, Why: summary.TooPermissive, LastWord: "reject", Stands: "accept", Older: 3, Turns: []summary.Turn{
			{Consent: "4711.1", Time: "2024-01-08T21:33:02Z", Decision: "reject", Outcome: "sent", Arrived: 1},
			{Consent: "9802001.12", Time: "2024-02-08T21:33:02Z", Decision: "accept", Outcome: "sent", Arrived: 2},
			{Consent: "4711.2", Time: "2024-03-08T21:33:02Z", Decision: "reject", Outcome: "refused", Status: 400},
			{Consent: "4712.1", Decision: "reject", Outcome: "invalid"},
		}},
		{Category: "analytics", Person: `email "aaa@aaaaaa.aaaaaaa"`, Why: summary.OutOfOrder, LastWord: "accept", Stands: "accept", Turns: []summary.Turn{
			{Consent: "19.1", Time: "2021-01-08T21:33:02Z", Decision: "accept", Outcome: "sent", Arrived: 3},
			{Consent: "17.1", Time: "2022-02-08T21:33:02Z", Decision: "reject", Outcome: "sent", Arrived: 1},
			{Consent: "18.1", Time: "2023-03-08T21:33:02Z", Decision: "accept", Outcome: "sent", Arrived: 2},
		}},
	}}
	s.Lint = []summary.Finding{
		{Rule: "one-timestamp", Count: 13_200_000, Message: "All rows have the same time, which is likely that of the export and not of the consents; map the column that says when each decision was made.", Rows: []int64{1, 2, 3}},
		{Rule: "time-in-future", Count: 3, Message: "Times lie more than a day ahead; check the time's column, format, unit and zone.", Rows: []int64{9}},
		{Rule: "identity-split", Count: 4_711, Message: "These people stand under several spellings of one identifier.", Rows: []int64{4, 17}, Examples: []string{
			`row 4: email "aaa@aaaaaa.aaaaaaa"; row 1203: userId "a99999" with email "Aaa@aaaaaa.aaaaaaa"`, `row 17: userId "a99999"; row 18: userId "a99999 "`,
		}},
	}
	return s
}

// stopped is an import that ended early.
func stopped(why, detail string) *summary.Summary {
	s := clean()
	s.State, s.Why, s.Detail = summary.Incomplete, why, detail
	s.Rows = summary.Rows{Read: 2_000_000, Mapped: 1_990_000, Skipped: 10_000}
	s.Consents = summary.Consents{Made: 2_500_000, Sent: 2_499_872, Pending: 128}
	s.ByDecision = []summary.ByDecision{{Category: "marketing", Action: "accept", Consents: s.Consents}}
	s.Inputs[0].SHA256, s.Inputs[0].Rows = "", 2_000_000
	s.Skips = []summary.Skip{{Reason: "undecided: no choice was made", Count: 10_000}}
	return s
}

// wrongMapping is an import that --max-failures stopped.
func wrongMapping() *summary.Summary {
	s := stopped(whyBudget, "150 of 210 consents failed, more than --max-failures 50% allows")
	s.Rows, s.Skips = summary.Rows{Read: 400, Mapped: 300, Invalid: 100}, []summary.Skip{}
	s.ElapsedSeconds, s.Subjects, s.ConsentsPerSecond, s.HTTP = 0.81, 298, 259.3, summary.HTTP{ByStatus: map[string]int64{"200": 60, "400": 150}, Requests: 210}
	s.Consents = summary.Consents{Made: 300, Sent: 60, Refused: 150, Pending: 90}
	s.ByDecision = []summary.ByDecision{{Category: "marketing", Action: "accept", Consents: s.Consents}}
	s.FailureGroups = grouped(
		summary.FailureGroup{Stage: summary.StageMap, Reason: `action: a value of column "state" is not listed in values`, Column: "state", Count: 100, Rows: []int64{7, 9}},
		summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: "Source is required for profileId", Count: 150, Rows: []int64{1, 2, 3, 4}},
	)
	s.FailureGroups[0].Suggestion.Patch = "consent:\n  action:\n    values:\n      \"maybe\": DECIDE\n"
	s.FailureGroups[0].Suggestion.Fixes, s.FailureGroups[0].Suggestion.Of = 100, 100
	return s
}

// dryRun is a dry run that finds nothing wrong.
func dryRun() *summary.Summary {
	s := clean()
	s.DryRun, s.Target, s.HTTP = true, summary.Target{}, summary.HTTP{ByStatus: map[string]int64{}}
	s.Throughput = []summary.Point{}
	s.ElapsedSeconds, s.ConsentsPerSecond = 3.4, 3_882_352.9
	s.Consents.Sent, s.Consents.Pending = 0, s.Consents.Made
	for i := range s.ByDecision {
		s.ByDecision[i].Sent, s.ByDecision[i].Pending = 0, s.ByDecision[i].Made
	}
	decision := func(category, value, action string, n int64) summary.Decision {
		return summary.Decision{Category: category, Value: value, Decision: action, Count: n}
	}
	s.Decisions = []summary.Decision{
		decision("analytics", "no", "reject", 3_000_000), decision("analytics", "yes", "accept", 1_200_000),
		decision("marketing", "", "no statement", 28_000), decision("marketing", "0", "reject", 2_000_000),
		decision("marketing", "1", "accept", 7_000_000),
	}
	s.ApprovalHash = strings.Repeat("5d41402abc4b2a76", 4)
	s.Lint = permissiveImport().Lint[:2]
	return s
}

// ends are the ends that an import can have, as people see them.
func ends() map[string]*summary.Summary {
	all := map[string]*summary.Summary{
		"complete":        clean(),
		"rejects":         rejects(),
		"over-permissive": permissiveImport(),
		"interrupted":     stopped("signal", "stopped by a signal"),
		"key-refused":     stopped(whyRefused, "the target refused the key (HTTP 401): Unauthorized"),
		"wrong-mapping":   wrongMapping(),
		"dry-run":         dryRun(),
	}
	for _, s := range all {
		s.ExitCode = summary.Exit(s)
		advise(s, &acme)
	}
	return all
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

// The summaries of all ends, as report.json has them: what the forms are tested on.
func TestJSONOfEachEnd(t *testing.T) {
	for name, s := range ends() {
		require.NoError(t, s.Balanced(), name)
		var b bytes.Buffer
		require.NoError(t, summary.JSON(&b, s))
		reporttest.Golden(t, name+".json", b.Bytes())
	}
}

// A form whose writer fails says so, wherever it fails.
func TestAWriterThatFails(t *testing.T) {
	s := ends()["over-permissive"]
	all := append([]form{{"text", false, true, func(w io.Writer, s *summary.Summary, _ *Options) error { return text.Write(w, s, text.Style{}) }}}, forms...)
	table := reporttest.TableOf(summary.Decision{Category: "news", Value: strings.Repeat("yes ", 150), Decision: "accept", Count: 1})
	for _, f := range all {
		for _, left := range []int{0, 100, 500} {
			assert.ErrorIs(t, f.write(&brokenWriter{left}, s, &Options{Decisions: table}), errBroken, f.name)
		}
	}
}
