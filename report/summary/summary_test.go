package summary_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		want int
		s    summary.Summary
	}{
		{0, summary.Summary{State: summary.Complete}},
		{0, summary.Summary{State: summary.Complete, DryRun: true, Consents: summary.Consents{Made: 1, Pending: 1}}},
		{1, summary.Summary{State: summary.Unbalanced, OverPermissive: summary.OverPermissive{Count: 1}}},
		{3, summary.Summary{State: summary.Complete, Rows: summary.Rows{Invalid: 1}}},
		{3, summary.Summary{State: summary.Complete, Consents: summary.Consents{Refused: 1}}},
		{3, summary.Summary{State: summary.Complete, Consents: summary.Consents{Failed: 1}}},
		{0, summary.Summary{State: summary.Complete, Consents: summary.Consents{Superseded: 1}, Rows: summary.Rows{Skipped: 1}}},
		{4, summary.Summary{State: summary.Incomplete, OverPermissive: summary.OverPermissive{Count: 1}, Rows: summary.Rows{Invalid: 1}}},
		{5, summary.Summary{State: summary.Complete, OverPermissive: summary.OverPermissive{Count: 1}, Rows: summary.Rows{Invalid: 1}}},
	} {
		assert.Equal(t, c.want, summary.Exit(&c.s), "%+v", c.s)
	}
}

func TestBalance(t *testing.T) {
	s := reporttest.Sample(t, "complete")
	require.NoError(t, s.Balanced())
	s.Rows.Read++
	assert.ErrorContains(t, s.Balanced(), "balance rows: read 10000001, but")
	s = reporttest.Sample(t, "complete")
	s.Consents.Sent--
	assert.ErrorContains(t, s.Balanced(), "balance consents: made 13200000, but sent 13199999")
	s = reporttest.Sample(t, "complete")
	s.ByDecision[0].Failed++
	assert.ErrorContains(t, s.Balanced(), "balance decision analytics accept")
	s = reporttest.Sample(t, "complete")
	s.ByDecision = s.ByDecision[1:]
	assert.ErrorContains(t, s.Balanced(), "balance decisions")
}
