package importer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func hoursOf(t *testing.T, text string) Hours {
	t.Helper()
	h, err := ParseHours(text)
	require.NoError(t, err, text)
	return h
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// What the wall clock of the zone shows decides, on days on which it is set, too. Whatever
// is said of the next change holds for each minute up to it.
func TestHoursGoByTheClockOnTheWall(t *testing.T) {
	for _, c := range []struct {
		hours, at string
		open      bool
		until     string
	}{
		{"01:00-05:00 UTC", "2026-11-28T00:59:59Z", false, "2026-11-28T01:00:00Z"},
		{"01:00-05:00 UTC", "2026-11-28T01:00:00Z", true, "2026-11-28T05:00:00Z"},
		{"01:00-05:00 UTC", "2026-11-28T04:59:59Z", true, "2026-11-28T05:00:00Z"},
		{"01:00-05:00 UTC", "2026-11-28T05:00:00Z", false, "2026-11-29T01:00:00Z"},
		{"01:00-05:00 +02:00", "2026-11-28T00:00:00Z", true, "2026-11-28T03:00:00Z"},
		{"22:00-05:00 Europe/Berlin", "2026-11-28T20:59:00Z", false, "2026-11-28T21:00:00Z"},
		{"22:00-05:00 Europe/Berlin", "2026-11-28T23:30:00Z", true, "2026-11-29T04:00:00Z"},
		{"22:00-24:00 Europe/Berlin", "2026-11-28T21:30:00Z", true, "2026-11-28T23:00:00Z"},
		// Spring: 02:00 is 03:00, so the night is an hour shorter.
		{"01:00-05:00 Europe/Berlin", "2026-03-28T23:30:00Z", false, "2026-03-29T00:00:00Z"},
		{"01:00-05:00 Europe/Berlin", "2026-03-29T00:00:00Z", true, "2026-03-29T03:00:00Z"},
		{"02:15-02:45 Europe/Berlin", "2026-03-28T12:00:00Z", false, "2026-03-30T00:15:00Z"}, // there is none on the 29th
		// Autumn: 03:00 is 02:00 once more.
		{"01:00-05:00 Europe/Berlin", "2026-10-24T23:00:00Z", true, "2026-10-25T04:00:00Z"},
		{"02:15-02:45 Europe/Berlin", "2026-10-25T00:15:00Z", true, "2026-10-25T00:45:00Z"},
		{"02:15-02:45 Europe/Berlin", "2026-10-25T00:45:00Z", false, "2026-10-25T01:15:00Z"}, // the second one
		{"22:00-02:30 America/New_York", "2026-11-01T06:30:00Z", true, "2026-11-01T07:30:00Z"},
		{"00:00-24:00 UTC", "2026-11-28T12:00:00Z", true, ""},
	} {
		h, at := hoursOf(t, c.hours), moment(t, c.at)
		assert.Equal(t, c.open, h.open(at), "%s at %s", c.hours, c.at)
		if c.until == "" {
			continue
		}
		until := h.until(at)
		assert.Equal(t, moment(t, c.until), until.UTC(), "%s at %s", c.hours, c.at)
		for u := at; u.Before(until); u = u.Add(time.Minute) {
			require.Equal(t, c.open, h.open(u), "%s at %s", c.hours, u)
		}
	}
	assert.True(t, Hours{}.open(time.Now()))
}

// A day is from midnight to midnight, and has 23 or 25 hours when the clocks are set.
func TestADayIsThatOfTheZone(t *testing.T) {
	for _, c := range []struct{ zone, at, from, until string }{
		{"UTC", "2026-11-28T12:00:00Z", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"Europe/Berlin", "2026-11-27T23:00:00Z", "2026-11-28T00:00:00+01:00", "2026-11-29T00:00:00+01:00"},
		{"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}, // has no midnight
		{"Pacific/Kiritimati", "2026-11-28T12:00:00Z", "2026-11-29T00:00:00+14:00", "2026-11-30T00:00:00+14:00"},
	} {
		from, until := hoursOf(t, "01:00-05:00 "+c.zone).day(moment(t, c.at))
		assert.Equal(t, c.from, from.Format(time.RFC3339), c.zone)
		assert.Equal(t, c.until, until.Format(time.RFC3339), c.zone)
	}
}

func TestHoursThatAreNone(t *testing.T) {
	for _, text := range []string{
		"1-5", "01:00", "01:00-", "25:00-05:00", "01:60-05:00", "24:00-05:00", "01:00-24:01", "05:00-05:00", "-", "01:00-05:00 Mars/Base",
		"01:00-05:00 CET", "01:00-05:00 EST", "01:00-05:00 Europe/Berlin x", "01:00-05:00 ../etc/passwd",
	} {
		_, err := ParseHours(text)
		if assert.Error(t, err, text) {
			assert.True(t, IsRefused(err), text)
			assert.Contains(t, err.Error(), "01:00-05:00 Europe/Berlin", text)
		}
	}
	assert.Equal(t, "22:00-05:00 Europe/Berlin", hoursOf(t, " 22:00 - 5:00  Europe/Berlin").String())
	assert.Equal(t, "01:00-05:00 local time", hoursOf(t, "01:00-05:00").String())
	assert.Equal(t, 7*time.Hour, hoursOf(t, "22:00-05:00 UTC").Length())
	assert.Equal(t, 24*time.Hour, Hours{}.Length())
}
