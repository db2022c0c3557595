package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gocarina/gocsv"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// mixed is an import in which each outcome occurs.
func mixed() *told {
	layout := csvLayout("id,mail,state", "id", "mail", "state")
	by := outcome(journal.Superseded, 0, 0, "")
	by.By = journal.Ref{Row: 4, Consent: 1}
	return &told{facts: finished(9), parts: []part{{layout, "acme.csv", []survey.Row{
		mapped(1, "u1,a@example.com,yes", consent("u1", "marketing", mapping.Accept, sent), consent("u1", "analytics", mapping.Reject, sent)),
		invalid(2, "u2,b@example.com,maybe", "state", `"maybe" is not listed in values`),
		skipped(3, "u3,c@example.com,", "no decision"),
		mapped(4, "u4,d@example.com,no", consent("u4", "marketing", mapping.Reject, outcome(journal.Refused, 400, 1, "Source is required for profileId"))),
		mapped(5, `u5,"e,x",yes`,
			consent("u5", "marketing", mapping.Accept, outcome(journal.Failed, 503, 8, "busy")),
			consent("u5", "analytics", mapping.Accept, outcome(journal.Refused, 400, 1, "bad"))),
		mapped(6, "u4,d@example.com,yes", consent("u4", "marketing", mapping.Accept, by)),
		invalid(7, "u7", "", "row has 1 cell, the header 3"),
		invalid(8, "u8,b,c,d", "", "row has 4 cells, the header 3"),
		mapped(9, "u9,,no", consent("u9", "marketing", mapping.Reject, sent)),
	}}}}
}

func TestEachOutcomeIsListedOnceInRowOrder(t *testing.T) {
	dir, sum := write(t, mixed())
	assert.Equal(t, `row,line,consent,category,action,timestamp,file
1,2,1.1,marketing,accept,2024-01-08T21:33:02Z,acme.csv
1,2,1.2,analytics,reject,2024-01-08T21:33:02Z,acme.csv
9,10,9.1,marketing,reject,2024-01-08T21:33:02Z,acme.csv
`, read(t, dir, "successes.csv"))
	assert.Equal(t, `row,line,consent,stage,status,reason,message,category,action,attempts,file
2,3,,map,,"""maybe"" is not listed in values",column state,,,0,acme.csv
4,5,4.1,send,400,Source is required for profileId,Source is required for profileId,marketing,reject,1,acme.csv
5,6,5.1,send,503,busy,busy,marketing,accept,8,acme.csv
5,6,5.2,send,400,bad,bad,analytics,accept,1,acme.csv
7,8,,map,,"row has 1 cell, the header 3",,,,0,acme.csv
8,9,,map,,"row has 4 cells, the header 3",,,,0,acme.csv
`, read(t, dir, "failures.csv"))
	assert.Equal(t, `row,line,consent,category,action,timestamp,by,file
6,7,6.1,marketing,accept,2024-01-08T21:33:02Z,4.1,acme.csv
`, read(t, dir, "superseded.csv"))
	assert.Equal(t, `id,mail,state,_row,_error
u2,b@example.com,maybe,2,"column state: ""maybe"" is not listed in values"
u4,d@example.com,no,4,4.1 marketing: 400 Source is required for profileId
u5,"e,x",yes,5,5.1 marketing: 503 busy; 5.2 analytics: 400 bad
u7,,,7,"row has 1 cell, the header 3"
u8,b,c,d,8,"row has 4 cells, the header 3"
`, read(t, dir, "rejected.csv"))
	assert.Equal(t, withForms("failures.csv", "rejected.csv", "successes.csv", "superseded.csv"), names(t, dir))
	assert.Equal(t, names(t, dir), sum.Files)

	assert.Equal(t, summary.Rows{Read: 9, Mapped: 5, Skipped: 1, Invalid: 3}, sum.Rows)
	assert.Equal(t, summary.Consents{Made: 7, Sent: 3, Refused: 2, Failed: 1, Superseded: 1}, sum.Consents)
	assert.Equal(t, []summary.ByDecision{
		{Category: "analytics", Action: "accept", Consents: summary.Consents{Made: 1, Refused: 1}},
		{Category: "analytics", Action: "reject", Consents: summary.Consents{Made: 1, Sent: 1}},
		{Category: "marketing", Action: "accept", Consents: summary.Consents{Made: 3, Sent: 1, Failed: 1, Superseded: 1}},
		{Category: "marketing", Action: "reject", Consents: summary.Consents{Made: 2, Sent: 1, Refused: 1}},
	}, sum.ByDecision)
	assert.Equal(t, []summary.Skip{{Reason: "no decision", Count: 1}}, sum.Skips)
	assert.Equal(t, []summary.Month{{Month: "2024-01", Accept: 4, Reject: 3}}, sum.Decided)
	assert.EqualValues(t, 4, sum.Subjects)
	assert.Equal(t, summary.Complete, sum.State)
	assert.Equal(t, 3, sum.ExitCode)
	require.NoError(t, sum.Balanced())
}

func TestReportJSONIsTheSummary(t *testing.T) {
	dir, sum := write(t, mixed())
	var back summary.Summary
	require.NoError(t, json.Unmarshal([]byte(read(t, dir, "report.json")), &back))
	assert.Equal(t, *sum, back)
	assert.NotContains(t, read(t, dir, "report.json"), "null")
}

// A report does not depend on how rows are dealt out to workers.
func TestBatchesDoNotChangeTheReport(t *testing.T) {
	want, _ := write(t, mixed())
	for _, size := range []int{1, 2, 5, 100} {
		s := mixed()
		s.batch = size
		got, _ := write(t, s)
		for _, name := range names(t, want) {
			assert.Equal(t, strings.ReplaceAll(read(t, want, name), want, "DIR"),
				strings.ReplaceAll(read(t, got, name), got, "DIR"), "%s in batches of %d", name, size)
		}
	}
}

func TestEveryFileIsForTheUserAlone(t *testing.T) {
	dir, _ := write(t, mixed())
	for _, name := range names(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

// What an earlier report left goes when there is nothing to list any more.
func TestStaleListsAreRemoved(t *testing.T) {
	s := mixed()
	s.facts.Header.History = "chronological" // or the accept of u4 would arrive behind the reject
	dir, _ := write(t, s)
	for i := range s.parts[0].rows {
		r := &s.parts[0].rows[i]
		r.Status = mapping.Mapped
		for j := range r.Consents {
			r.Consents[j].Outcome = sent
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".rejected.csv.tmp"), []byte("of a crash"), 0o600))
	_, err := Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.NoError(t, err)
	assert.Equal(t, withForms("failures.csv", "successes.csv"), names(t, dir))
	assert.Equal(t, failureHeader, read(t, dir, "failures.csv"))
}

func TestASurveyThatFailsLeavesTheOldReport(t *testing.T) {
	s := mixed()
	dir, _ := write(t, s)
	before := read(t, dir, "failures.csv")
	s.err = io.ErrUnexpectedEOF
	s.parts[0].rows = s.parts[0].rows[:4]
	_, err := Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, before, read(t, dir, "failures.csv"))
	assert.Equal(t, withForms("failures.csv", "rejected.csv", "successes.csv", "superseded.csv"), names(t, dir))
}

// successLine is successes.csv as gocsv would write it.
type successLine struct {
	Row       int64  `csv:"row"`
	Line      int64  `csv:"line"`
	Consent   string `csv:"consent"`
	Category  string `csv:"category"`
	Action    string `csv:"action"`
	Timestamp string `csv:"timestamp"`
	File      string `csv:"file"`
}

// The lines that are written by hand are those that gocsv would write.
func TestSuccessLinesEqualGocsv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `\.`, " x", "\u00a0x", "=1+1", "-", "a,b", `"`, "\r\n", "@", "\tx"}))
		category, file := text.Draw(t, "category"), text.Draw(t, "file")
		row := survey.Row{Row: &source.Row{Number: rapid.Int64Min(1).Draw(t, "row"), Line: rapid.Int64Min(1).Draw(t, "line")}}
		c := consent("u", category, mapping.Accept, sent)
		c.Timestamp = rapid.Int64Range(-62167219200000, 253402300799999).Draw(t, "time")
		ref := journal.Ref{Row: row.Row.Number, Consent: rapid.Int32Min(1).Draw(t, "n")}

		var want bytes.Buffer
		require.NoError(t, gocsv.MarshalCSV([]successLine{{
			row.Row.Number, row.Row.Line, refString(ref), disarm(category), "accept", string(appendTime(nil, c.Timestamp)), disarm(file),
		}}, csv.NewWriter(&want)))
		got := appendSuccess([]byte(successHeader), fileCell(file), &row, &c, ref)
		require.Equal(t, want.String(), string(got))
	})
}

func TestFailureLinesEqualGocsv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `\.`, " x", "\u00a0x", "\u00a0", "\xa0", "\xff x", "'=1+1", "a,b", `"`, `""x"`, "\r\n", "\tx"}))
		draw := func(name string) string { return text.Draw(t, name) }
		line := failureLine{
			rapid.Int64().Draw(t, "row"), rapid.Int64().Draw(t, "line"), draw("consent"), draw("stage"), draw("status"), draw("reason"), draw("message"),
			draw("category"), draw("action"), rapid.Int().Draw(t, "attempts"), draw("file"),
		}
		var want bytes.Buffer
		require.NoError(t, gocsv.MarshalCSVWithoutHeaders([]failureLine{line}, csv.NewWriter(&want)))
		require.Equal(t, want.String(), string(line.append(nil)))
	})
}

// The headers are those of the tagged structs.
func TestHeadersEqualGocsv(t *testing.T) {
	for header, lines := range map[string]any{
		successHeader: []successLine{}, failureHeader: []failureLine{}, supersededHeader: []supersededLine{},
	} {
		var b strings.Builder
		require.NoError(t, gocsv.MarshalCSV(lines, csv.NewWriter(&b)))
		assert.Equal(t, header, b.String())
	}
}

func TestTimesInLists(t *testing.T) {
	for ms, want := range map[int64]string{
		0:               "1970-01-01T00:00:00Z",
		1:               "1970-01-01T00:00:00.001Z",
		-1:              "1969-12-31T23:59:59.999Z",
		1709208896000:   "2024-02-29T12:14:56Z",
		1709208896120:   "2024-02-29T12:14:56.120Z",
		253402300799999: "9999-12-31T23:59:59.999Z",
		-62135596800000: "0001-01-01T00:00:00Z",
	} {
		assert.Equal(t, want, string(appendTime(nil, ms)))
	}
	assert.NotPanics(t, func() { appendTime(nil, mapping.Unlimited) })
}

func TestMonthsOfDecisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m months
		want := map[string]int64{}
		for _, ms := range rapid.SliceOf(rapid.Int64Range(-1e12, 4.2e12)).Draw(t, "times") {
			m.add(ms, true)
			at := time.UnixMilli(min(max(ms, 0), 4102444799999)).UTC() // outside, the ends count
			want[at.Format("2006-01")]++
		}
		got := map[string]int64{}
		for _, l := range m.list() {
			got[l.Month] = l.Accept
		}
		require.Equal(t, want, got)
	})
}

// A row with several elements is invalid for one of them: what could be read of
// the others is not what failed.
func TestAnInvalidRowShowsNoOtherDecisionThanItsOwn(t *testing.T) {
	no := *consent("u1", "ads", mapping.Reject, sent).Consent
	dir, _ := write(t, &told{facts: finished(2), parts: []part{{csvLayout("x", "x"), "x.csv", []survey.Row{
		invalid(1, "1", "mail", `action: value "hm" of column "mail" is not listed in values`, no),
		invalid(2, "2", "at", `timestamp: column "at" is empty`, no),
	}}}})
	lines := strings.Split(read(t, dir, "failures.csv"), "\n")
	assert.Contains(t, lines[1], `a value of column ""mail"" is not listed in values","action: value ""hm"" of column ""mail"" is not listed in values",,,0,x.csv`)
	assert.Contains(t, lines[2], `,column at,ads,reject,0,x.csv`)
}

// withForms adds the forms that need no decision table to the names of lists.
func withForms(lists ...string) []string {
	for _, f := range forms {
		if !f.table {
			lists = append(lists, f.name)
		}
	}
	slices.Sort(lists)
	return lists
}
