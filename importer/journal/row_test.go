package journal_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// Below the low row nothing more of a row can come: what was sent of it is all, if
// nothing else became of it. Above it more may come.
func TestARowIsWholeWhenNothingMoreOfItCanCome(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	for _, o := range []journal.Outcome{
		sent(1, 1, true), sent(2, 1, false), sent(2, 2, true),
		sent(4, 1, false), refused(4, 2, "no"), // row 3 makes nothing
		sent(5, 2, true), // its first consent waits
		sent(6, 1, true),
		sent(7, 1, false), // another waits
	} {
		require.NoError(t, w.Append(o))
	}
	require.NoError(t, w.Mark(mark(5, 7)))
	require.NoError(t, w.Close())
	s, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	assert.EqualValues(t, 5, s.Low(1))
	assert.Zero(t, s.Low(0))
	assert.Zero(t, s.Low(2))
	l, err := s.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	whole := journal.Outcome{State: journal.Sent}
	at := func(row int64, consent int32, o journal.Outcome) journal.Outcome {
		o.Ref = ref(row, consent)
		return o
	}
	for row, want := range [][]journal.RowOutcome{
		1: {{Pass: 1, First: 1, Last: journal.WholeRow, Outcome: at(1, 1, whole)}},
		2: {{Pass: 1, First: 1, Last: journal.WholeRow, Outcome: at(2, 1, whole)}},
		3: nil,
		4: {{Pass: 1, First: 1, Last: 1, Outcome: at(4, 1, whole)}, {Pass: 1, First: 2, Last: 2, Outcome: refused(4, 2, "no")}},
		5: {{Pass: 1, First: 2, Last: 2, Outcome: at(5, 2, whole)}},
		6: {{Pass: 1, First: 1, Last: 1, Outcome: at(6, 1, whole)}},
		7: {{Pass: 1, First: 1, Last: 1, Outcome: at(7, 1, whole)}},
		8: nil,
	} {
		if row == 0 {
			continue
		}
		got, err := l.Row(int64(row), nil)
		require.NoError(t, err)
		assert.Equal(t, want, got, "row %d", row)
	}
	_, err = l.Row(3, nil)
	assert.ErrorContains(t, err, "ascending")
}

func TestResolveTakesTheLastOutcomeButKeepsAFinalOne(t *testing.T) {
	row := []journal.RowOutcome{
		{Pass: 1, First: 1, Last: 1, Outcome: journal.Outcome{State: journal.Sent}},
		{Pass: 1, First: 2, Last: 2, Outcome: journal.Outcome{State: journal.Refused, Status: 400}},
		{Pass: 2, First: 1, Last: journal.WholeRow, Outcome: journal.Outcome{State: journal.Failed}},
		{Pass: 3, First: 3, Last: 3, Outcome: journal.Outcome{State: journal.Superseded, By: ref(9, 1)}},
		{Pass: 4, First: 3, Last: 3, Outcome: journal.Outcome{State: journal.Sent}},
	}
	got := journal.Resolve(row, 8, 4, nil)
	assert.Equal(t, []journal.PassOutcome{
		{Pass: 1, Outcome: journal.Outcome{Ref: ref(8, 1), State: journal.Sent}},
		{Pass: 2, Outcome: journal.Outcome{Ref: ref(8, 2), State: journal.Failed}},
		{Pass: 3, Outcome: journal.Outcome{Ref: ref(8, 3), State: journal.Superseded, By: ref(9, 1)}},
		{Pass: 2, Outcome: journal.Outcome{Ref: ref(8, 4), State: journal.Failed}},
	}, got)
	assert.Equal(t, []journal.PassOutcome{{Outcome: journal.Outcome{Ref: ref(8, 1)}}}, journal.Resolve(nil, 8, 1, nil), "pending")
}
