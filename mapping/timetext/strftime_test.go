package timetext

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every directive is read as strftime(3) writes it.
func TestDirectives(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for pattern, c := range map[string]struct{ text, want string }{
		"%Y-%m-%d %H:%M:%S %z":      {"2024-02-29 12:14:56 +0100", "2024-02-29T11:14:56Z"},
		"%d.%m.%y %k:%M":            {"29.02.24  7:05", "2024-02-29T06:05:00Z"},
		"%-d/%-m/%Y, %-H.%M":        {"9/2/2024, 7.05", "2024-02-09T06:05:00Z"},
		"%e %b %Y %l:%M %p":         {" 9 Feb 2024 12:05 AM", "2024-02-08T23:05:00Z"},
		"%A, %B %d, %Y at %I:%M %P": {"Friday, February 09, 2024 at 01:05 pm", "2024-02-09T12:05:00Z"},
		"%a %b %d %T %Z %Y":         {"Fri Feb 09 13:05:06 CET 2024", "2024-02-09T12:05:06Z"},
		"%Y%j %R":                   {"2024060 00:00", "2024-02-28T23:00:00Z"},
		"%F %T.%f":                  {"2024-02-29 12:14:56.1234567", "2024-02-29T11:14:56.123Z"},
		"%D %r":                     {"02/29/24 11:14:56 PM", "2024-02-29T22:14:56Z"},
		"%d.%m.%Y%%%n%H Uhr":        {"29.02.2024% 12 Uhr", "2024-02-29T11:00:00Z"},
	} {
		r, err := New([]string{pattern}, berlin)
		require.NoError(t, err, pattern)
		ms, reason := r.Read([]byte(c.text), "")
		require.Empty(t, reason, "%s: %s", pattern, c.text)
		assert.Equal(t, c.want, time.UnixMilli(ms).UTC().Format(time.RFC3339Nano), "%s: %s", pattern, c.text)
	}
}

// A pattern with a directive that is not read, or without a whole date, is refused.
func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"%Y-%m-%d %Q": "%Q is unknown",
		"%Y-%m-%d %":  "ends with a %",
		"%Y-%m-%d %-": "%- is unknown",
		"%G-W%V-%u":   "%G is unknown",
		"%m-%d %H:%M": "lacks the year",
		"%Y %H:%M":    "lacks the year, the month or the day",
		"YYYY-MM-DD":  "neither a name",
		"%Y-%m-%d %E": "%E is unknown",
		"%c":          "%c is unknown",
	} {
		_, err := New([]string{pattern}, nil)
		assert.ErrorContains(t, err, want, pattern)
	}
}
