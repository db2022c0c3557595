package journal_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// Arrivals come in the order in which answers were written down, over passes, whatever
// the order of rows; what lies within a run is found, and nothing that was not asked for.
func TestArrivalsComeInTheOrderOfAnswers(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	for _, o := range []journal.Outcome{sent(9, 1, true), sent(3, 1, false), refused(4, 2, "bad")} {
		require.NoError(t, w.Append(o))
	}
	require.NoError(t, w.AppendAll([]journal.Outcome{sent(5, 1, true), sent(6, 1, true), sent(7, 1, true)}))
	require.NoError(t, w.Append(journal.Outcome{Ref: ref(2, 1), State: journal.Superseded, By: ref(9, 1)}))
	require.NoError(t, w.Pass(journal.Pass{N: 2, Kind: journal.Retry}))
	require.NoError(t, w.Run(journal.Run{N: 2, At: moment, Tool: "1.0.0", Pass: 2, From: 1}))
	require.NoError(t, w.Append(sent(4, 2, true)))
	require.NoError(t, w.Close())
	snap, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	all, ordered, err := snap.Arrivals([]journal.Ref{ref(2, 1), ref(3, 1), ref(4, 2), ref(6, 1), ref(9, 1), ref(8, 1), ref(4, 2)})
	require.NoError(t, err)
	assert.True(t, ordered)
	type arrival struct {
		ref   string
		state journal.State
		pass  int
	}
	var got []arrival
	for i, a := range all {
		got = append(got, arrival{a.Ref.String(), a.State, a.Pass})
		if i > 0 {
			assert.Greater(t, a.Line, all[i-1].Line)
		}
	}
	assert.Equal(t, []arrival{
		{"9.1", journal.Sent, 1}, {"3.1", journal.Sent, 1}, {"4.2", journal.Refused, 1}, {"6.1", journal.Sent, 1}, {"2.1", journal.Superseded, 1}, {"4.2", journal.Sent, 2},
	}, got)
	assert.Equal(t, 400, all[2].Status)
	none, ordered, err := snap.Arrivals(nil)
	require.NoError(t, err)
	assert.True(t, ordered)
	assert.Empty(t, none)
}
