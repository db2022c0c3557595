package timetext

import (
	"testing"
	"time"
)

// TestDaysAreCounted holds the quick way to count days against the calendar of package
// time, for each month that can be read and a few beyond.
func TestDaysAreCounted(t *testing.T) {
	for y := int64(-1); y <= 10_500; y++ {
		for m := int64(1); m <= 12; m++ {
			for _, d := range []int64{1, daysIn(y, m)} {
				want := time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC).Unix() / 86400
				if got := daysFrom(y, m, d); got != want {
					t.Fatalf("%d-%d-%d: %d days, not %d", y, m, d, got, want)
				}
			}
		}
	}
}
