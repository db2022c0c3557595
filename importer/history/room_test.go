package history

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

func TestRoomIsWhatAnIndexTakes(t *testing.T) {
	for _, n := range []int{200_000, 2_500_000} {
		open, _ := temps(t)
		b := NewBuilder(Config{Temp: open, Now: time.UnixMilli(1000)})
		batch := b.NewBatch()
		c := mapping.Consent{Action: mapping.Accept, ValidUntil: mapping.Unlimited, Source: []byte("web"), Category: []byte("news")}
		for i := range n {
			c.UserID = fmt.Appendf(c.UserID[:0], "user-%d", i)
			c.Category = fmt.Appendf(c.Category[:0], "purpose %d", i%5)
			c.Timestamp = 1_700_000_000_000 + int64(i)*7919%1_000_000_007
			batch.Consent(At(int64(i+1), 1), &c, Fate{})
			if i%1000 == 0 {
				require.NoError(t, b.Add(batch))
			}
		}
		require.NoError(t, b.Add(batch))
		x, err := b.Sort()
		require.NoError(t, err)
		took, said := x.Disk(), Room(int64(n))
		require.NoError(t, x.Close())
		if n == 200_000 {
			require.Zero(t, took)
			require.Zero(t, said)
			continue
		}
		require.InEpsilon(t, took, said, 0.1)
	}
}
