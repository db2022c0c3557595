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
	require.NoError(t, w.Run(Run{N: 1, At: time.UnixMilli(1), Pass: 1, From: 1, Ahead: true}))
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
	c, err := openCursor(snap, 1)
	require.NoError(t, err)
	defer c.close()
	require.InEpsilon(t, c.rows.sorted.Disk(), snap.SortRoom(), 0.25)
}
