package journal

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However many marks there are, a cursor never begins behind anything that stands about its
// row, begins near it, and few places are kept.
func TestACursorBeginsAboveAllOfItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		marks := rapid.IntRange(0, 5*mostStops).Draw(t, "marks")
		ahead := rapid.Int64Range(0, 50).Draw(t, "ahead")
		begins := place{offset: 100}
		seg := segment{from: begins}
		far := []int64{0} // by how many marks lie above
		for i := range marks {
			seg.far = max(seg.far, int64(10*i)+rapid.Int64Range(0, ahead).Draw(t, "row"))
			seg.high = int64(10 * i)
			seg.stop(place{offset: int64(1000 * (i + 1))})
			far = append(far, seg.far)
		}
		require.LessOrEqual(t, len(seg.stops), mostStops)
		row := rapid.Int64Range(0, int64(10*marks+60)).Draw(t, "row asked for")
		at := seg.before(row)
		above := 0 // marks
		if at.place == begins {
			require.Zero(t, at.far)
		} else {
			above = int(at.offset / 1000)
			require.Less(t, at.far, row)
			require.Equal(t, far[above], at.far)
		}
		best := 0
		for i, f := range far {
			if i > 0 && f < row {
				best = i
			}
		}
		require.LessOrEqual(t, best-above, 4*marks/mostStops+1, "it begins near its row")
	})
}
