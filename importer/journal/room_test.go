package journal

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
)

// What the sorting of outcomes takes is what is said before.
func TestSortRoomIsWhatSortingTakes(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(OS{}, dir, Header{Shard: WholeShard, Started: time.UnixMilli(1)})
	require.NoError(t, err)
	require.NoError(t, w.Pass(Pass{N: 1, Kind: Import}))
	require.NoError(t, w.Run(Run{N: 1, At: time.UnixMilli(1), Pass: 1, From: 1}))
	const rows, portion = 700_000, 10_000
	order := rand.New(rand.NewPCG(1, 1)).Perm(rows)
	require.NoError(t, w.Mark(Mark{At: time.UnixMilli(1), Low: source.Position{Row: 1, Line: 2}, High: rows}))
	for len(order) > 0 {
		var some []Outcome
		for _, row := range order[:portion] {
			some = append(some, Outcome{Ref: Ref{int64(row + 1), 1}, Last: true, State: Sent})
		}
		order = order[portion:]
		require.NoError(t, w.AppendAll(some))
	}
	require.NoError(t, w.Close())
	snap, err := Read(OS{}, dir)
	require.NoError(t, err)
	c, err := openCursor(snap, 1, 0)
	require.NoError(t, err)
	defer c.close()
	require.InEpsilon(t, c.rows.sorted.Disk(), snap.SortRoom(), 0.25)
}

// Outcomes that came before their rows were read are held where they are few, and sorted
// where they are many; the reader has each of them when it comes to its row.
func TestEarlyOutcomesAreSortedWhereTheyAreMany(t *testing.T) {
	t.Parallel()
	for _, early := range []int64{0, 500, mostEarly, mostEarly + 1} {
		dir := t.TempDir()
		w, err := Create(OS{}, dir, Header{Shard: WholeShard, Started: time.UnixMilli(1)})
		require.NoError(t, err)
		require.NoError(t, w.Pass(Pass{N: 1, Kind: Import}))
		require.NoError(t, w.Run(Run{N: 1, At: time.UnixMilli(1), Pass: 1, From: 1}))
		const rows, portion = 200_000, 10_000
		state := func(row int64) State { return []State{Sent, Refused, Sent, Known}[row%4] }
		isEarly := func(row int64) bool { return row > portion && row%2 == 0 && (row-portion)/2 <= early }
		for from := int64(1); from <= rows; from += portion {
			require.NoError(t, w.Mark(Mark{At: time.UnixMilli(1), Low: source.Position{Row: from, Line: 2}, High: from + portion - 1}))
			var some []Outcome
			for row := from; row < from+portion; row++ {
				if !isEarly(row) {
					some = append(some, Outcome{Ref: Ref{row, 1}, Last: true, State: state(row), Status: 400})
				}
			}
			require.NoError(t, w.AppendAll(some))
			some = some[:0]
			for row := int64(portion + 1); from == 1 && row <= rows; row++ {
				if isEarly(row) {
					some = append(some, Outcome{Ref: Ref{row, 1}, Last: true, State: state(row), Status: 400})
				}
			}
			require.NoError(t, w.AppendAll(some))
		}
		require.NoError(t, w.Mark(Mark{At: time.UnixMilli(1), Low: source.Position{Row: rows + 1, Line: 2}, High: rows}))
		require.NoError(t, w.Close())
		snap, err := Read(OS{}, dir)
		require.NoError(t, err)
		for first, stride := range map[int64]int64{1: 1, 2*portion + 1: 97, 150_000: 97, rows: 1} {
			l, err := snap.OutcomesFrom(0, first)
			require.NoError(t, err)
			require.Equal(t, early > mostEarly, l.cursors[0].rows != nil, "%d early ones are sorted", early)
			if early <= mostEarly && first >= 150_000 {
				require.Greater(t, l.cursors[0].scan.offset, snap.Bytes/2, "what stands above is not read")
			}
			var got []PassOutcome
			for row := first; row <= rows; row += stride {
				got, err = l.Of(row, 1, got[:0])
				require.NoError(t, err)
				require.Equal(t, state(row), got[0].State, "row %d, %d early, from row %d", row, early, first)
			}
			require.NoError(t, l.Close())
		}
	}
}
