package mapping

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestCrowdCountsAsTheMethodDoes holds crowd against Misra and Gries as they wrote it,
// with one counter less in each slot where a subject has none.
func TestCrowdCountsAsTheMethodDoes(t *testing.T) {
	t.Parallel()
	hits := 0
	rapid.Check(t, func(t *rapid.T) {
		var c crowd
		naive := map[uint64]int64{}
		first := map[uint64]int64{}
		few := rapid.Uint64Range(1, 3).Draw(t, "few")
		for row := range int64(rapid.IntRange(0, 2000).Draw(t, "rows")) {
			subject := (uint64(row)*0x9e3779b97f4a7c15 ^ few) | 1
			if uint64(row)*7%10 < 3*few {
				subject = (uint64(row) % few) << 59
			}
			c.fold([]appearance{{subject, row}})
			_, has := naive[subject]
			switch {
			case has || len(naive) < crowdSlots:
				if naive[subject]++; !has {
					first[subject] = row
				}
			default:
				for s := range naive {
					if naive[s]--; naive[s] == 0 {
						delete(naive, s)
					}
				}
			}
		}
		got := map[uint64]int64{}
		for _, s := range c.slots {
			if s.count > c.lost {
				got[s.subject] = s.count - c.lost
				require.Equal(t, first[s.subject], s.seen.rows[0], "the first row since it has the slot")
			}
		}
		require.Equal(t, naive, got)
		if c.found().count > 0 {
			hits++
		}
	})
	require.Positive(t, hits, "nobody was ever conspicuous")
}
