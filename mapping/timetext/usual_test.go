package timetext

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUsualTimesAreThoseOfTheLongWay holds the quick look at a time against the full one:
// of times in which a byte is another one or a number too large, it passes none that the
// full one reads differently.
func TestUsualTimesAreThoseOfTheLongWay(t *testing.T) {
	t.Parallel()
	passed := 0
	same := func(text []byte) {
		ms, rest, ok := usualISO(text)
		if !ok {
			return
		}
		passed++
		wantMS, wantRest, wantOK := isoWall(text)
		require.Equal(t, fmt.Sprint(wantOK, wantMS, string(wantRest)), fmt.Sprint(ok, ms, string(rest)), "%q", text)
	}
	for _, usual := range []string{"2024-02-29T23:59:60Z", "0000-01-01 00:00:00", "9999-12-31T19:09:59.5+02:00", "2023-10-05T08:30:00,123456789Z", "2023-10-05T08:30:00."} {
		_, _, ok := usualISO([]byte(usual))
		require.True(t, ok, usual)
		for i := range usual {
			text := []byte(usual)
			same(text[:i])
			for c := range 256 {
				text[i] = byte(c)
				same(text)
			}
		}
	}
	for n := range 100 {
		for _, form := range []string{"2024-%02d-29T11:12:44Z", "2023-02-%02dT11:12:44Z", "2023-04-%02d 11:12:44", "%02[1]d%02[1]d-12-31T11:12:44Z", "2023-04-05T%02d:12:44Z", "2023-04-05T11:%02d:44Z", "2023-04-05T11:12:%02dZ"} {
			same(fmt.Appendf(nil, form, n))
		}
	}
	require.Greater(t, passed, 1000)
}
