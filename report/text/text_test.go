package text

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// However full the screen is, it says that there are findings, and a dry run
// what it is signed off by.
func TestAFullScreenKeepsFindingsAndSignature(t *testing.T) {
	s := reporttest.Sample(t, "rejects")
	s.DryRun, s.Consents.Pending = true, s.Consents.Made
	s.Lint = append(reporttest.Sample(t, "over-permissive").Lint, make([]summary.Finding, 1_500)...)
	s.Decisions, s.ApprovalHash = reporttest.Sample(t, "dry-run").Decisions, strings.Repeat("5d41402abc4b2a76", 4)
	for i := range 9 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d %s", i, strings.Repeat("a note for the person who reads this ", 4)))
	}
	var b bytes.Buffer
	require.NoError(t, Write(&b, s, Style{Width: 100}))
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	assert.LessOrEqual(t, len(lines), textLines, b.String())
	assert.Contains(t, lines, "look at   1,503 lint findings, in report.html")
	assert.Contains(t, lines, "approval hash "+s.ApprovalHash)
	assert.Contains(t, b.String(), "notes more in report.html")
	assert.NotContains(t, b.String(), "consents/s")
	assert.Equal(t, s.Next, lines[len(lines)-1])
}

// The decision table of a dry run lines up in any script.
func TestDecisionsLineUpInAnyScript(t *testing.T) {
	p := page{width: 100}
	lines := p.decisions(&summary.Summary{DryRun: true, Decisions: []summary.Decision{
		{Category: "ニュースレター", Value: "はい", Decision: "accept", Count: 1234}, {Category: "mail", Value: "no", Decision: "reject", Count: 7},
	}}, 20)
	require.Len(t, lines, 3)
	for _, line := range lines[1:] {
		before, _, ok := strings.Cut(line, "→")
		require.True(t, ok)
		assert.Equal(t, 25, wording.Width(before), line)
		assert.Equal(t, wording.Width(lines[1]), wording.Width(line), line)
	}
}

// Where nothing is to be cut, nothing is: each reason with its rows, each group, each
// finding, and every change that is proposed.
func TestAWholeTextCutsNothing(t *testing.T) {
	s := reporttest.Sample(t, "rejects")
	s.DryRun, s.Next, s.Lint, s.FailureGroups = true, "consentimport run --mapping x.yaml e.jsonl --dry-run", nil, nil
	reason := "has none of \"consent_state.gdpr.performance.consented\", \"consent_state.gdpr.marketing.consented\", \"consent_state.ccpa.data_sale_opt_out.consented\", from which the decision is read"
	for i := range 9 {
		s.FailureGroups = append(s.FailureGroups, summary.FailureGroup{Stage: summary.StageMap, Reason: reason, Count: 1, Rows: []int64{int64(100 + i)},
			Suggestion: &summary.Suggestion{Text: strings.Repeat("what to do about it ", 12) + "at last", Patch: fmt.Sprintf("skip:\n  - a == %d\n", i), Fixes: 1, Of: 1}})
		s.Lint = append(s.Lint, summary.Finding{Count: 1, Message: strings.Repeat("what was found ", 20) + "in the end", Rows: []int64{int64(200 + i)}})
	}
	var b bytes.Buffer
	require.NoError(t, Write(&b, s, Style{Full: true}))
	got := strings.Join(strings.Fields(b.String()), " ")
	for i := range 9 {
		assert.Contains(t, got, fmt.Sprintf("is read (row %d) → what to do", 100+i))
		assert.Contains(t, got, fmt.Sprintf("in the end (row %d)", 200+i))
		assert.Contains(t, got, fmt.Sprintf("skip: - a == %d ", i))
	}
	assert.Equal(t, 9, strings.Count(got, "at last"))
	assert.Contains(t, got, "change 9: fixes 1 of 1 row")
	assert.NotContains(t, got, "…")
}
