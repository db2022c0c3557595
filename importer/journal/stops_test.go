package journal

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However many marks there are, a cursor has what came early above the place at which it
// begins, never begins behind anything else about its row, begins near it, and few places
// are kept.
func TestACursorBeginsAboveAllOfItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		marks := rapid.IntRange(0, 5*mostStops).Draw(t, "marks")
		seg := segment{from: place{offset: 100}}
		high, early := []int64{0}, []int{0} // by how many marks lie above
		for i := range marks {
			seg.high += rapid.Int64Range(0, 20).Draw(t, "rows")
			seg.stop(place{offset: int64(1000 * (i + 1))})
			high, early = append(high, seg.high), append(early, len(seg.early.spans))
			for row := seg.high + 1; i%50 == 0 && row < seg.high+3; row++ {
				require.True(t, seg.reach(row))
				seg.early.spans = append(seg.early.spans, span{lo: Ref{row, 1}, hi: Ref{row, 1}})
			}
		}
		require.LessOrEqual(t, len(seg.stops), mostStops)
		row := rapid.Int64Range(0, seg.high+60).Draw(t, "row asked for")
		at, has := seg.before(row)
		above := int(at.offset / 1000) // marks
		require.Equal(t, high[above], at.high)
		require.Len(t, has.spans, early[above])
		if above > 0 {
			require.Less(t, at.high, row)
		}
		best := 0
		for i, h := range high {
			if h < row {
				best = i
			}
		}
		require.LessOrEqual(t, best-above, 4*marks/mostStops+1, "it begins near its row")
	})
}
