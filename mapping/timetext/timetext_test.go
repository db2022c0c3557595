package timetext_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/mapping/timetext"
)

// read gives the time in UTC as RFC 3339 with milliseconds, or the reason.
func read(t require.TestingT, format, zone, text, unit string) string {
	var formats []string
	if format != "" {
		formats = strings.Split(format, "|")
	}
	var z *time.Location
	if zone != "" {
		var err error
		z, err = timetext.Zone(zone)
		require.NoError(t, err, zone)
	}
	r, err := timetext.New(formats, z)
	require.NoError(t, err, format)
	ms, reason := r.Read([]byte(text), unit)
	if reason != "" {
		return reason
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000")
}

// TestTimes: what is read is the moment that was written, and what is not understood
// is no time at all.
func TestTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ format, zone, text, want string }{
		// ISO 8601 and its variants
		{"", "", "2024-05-01T08:00:00Z", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01 10:00:00.123456 +0200", "2024-05-01T08:00:00.123"},
		{"", "", "2024-05-01 08:00:00", timetext.NoZone},
		{"", "Europe/Berlin", "2024-05-01 10:00", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01 10:00:00 CET", timetext.Abbreviation},
		{"", "", "2024-05-01T10:00:00\u221202:00", timetext.NoTime},
		// Of several formats, the reason of the one that read most
		{"%Y-%m-%d %H:%M:%S|rfc3339|%d.%m.%Y|epoch-s", "Europe/Berlin", "2024-03-31 02:30:00", timetext.Gap},
		{"epoch-s|%d.%m.%Y %H:%M|%d.%m.%Y", "Europe/Berlin", "31.03.2024 02:30", timetext.Gap},
		{"%d.%m.%Y %H:%M|epoch-ms", "", "31.03.2024 02:30", timetext.NoZone},
		{"%a %d.%m.%Y|%d.%m.%Y", "UTC", "Mon 30.03.2024", timetext.Weekday},
		{"rfc3339|%d.%m.%Y", "UTC", "2024-05-01T10:00:00+03:00[Europe/Paris]", timetext.Disagree},
		{"rfc3339|%d.%m.%Y", "UTC", "yesterday", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S|%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-03-31 03:30:00", "2024-03-31T01:30:00.000"},
		// RFC 9557 and other names of zones
		{"", "", "2024-05-01T10:00:00+02:00[Europe/Paris]", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01T10:00:00[Europe/Paris]", "2024-05-01T08:00:00.000"},
		{"", "America/New_York", "2024-05-01T10:00:00[Europe/Paris]", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01T10:00:00+02:00[!Europe/Paris][u-ca=hebrew]", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01T08:00:00Z[Europe/Paris]", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01T10:00:00+02:00[+02:00]", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01T10:00:00+02:00[u-ca=gregory]", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01T10:00:00[u-ca=gregory]", timetext.NoZone},
		{"", "", "2024-05-01[Europe/Paris]", "2024-04-30T22:00:00.000"},
		{"", "", "2024-05-01T10:00:00+03:00[Europe/Paris]", timetext.Disagree},
		{"", "", "2024-05-01T10:00:00+02:00[Europe/Pariss]", timetext.NoTime},
		{"", "", "2024-05-01T10:00:00+02:00[localtime]", timetext.NoTime},
		{"", "", "2024-05-01T10:00:00+02:00[Europe/Paris][Europe/Berlin]", timetext.NoTime},
		{"", "", "2024-05-01T10:00:00+02:00[]", timetext.NoTime},
		{"", "", "2024-05-01T10:00:00+02:00Europe/Paris]", timetext.NoTime},
		{"", "", "2024-05-01 10:00:00.000 Europe/Paris", "2024-05-01T08:00:00.000"},
		{"", "Asia/Tokyo", "2024-05-01 10:00:00.000 Europe/Paris", "2024-05-01T08:00:00.000"},
		{"", "", "2024-05-01 10:00:00.000 Europa/Paris", timetext.NoTime},
		// numbers
		{"", "", "1714550400", "2024-05-01T08:00:00.000"},
		{"", "", "1714550400123", "2024-05-01T08:00:00.123"},
		{"", "", "1714550400123456", "2024-05-01T08:00:00.123"},
		{"", "", "1714550400123456789", "2024-05-01T08:00:00.123"},
		{"", "", "788918400", "1995-01-01T00:00:00.000"},
		{"", "", "788918399", timetext.Unclear},
		{"", "", "4133980799", "2100-12-31T23:59:59.000"},
		{"", "", "4133980800", timetext.Unclear},
		{"", "", "20240131", timetext.Unclear},
		{"", "", "202401311230", timetext.Unclear},
		{"", "", "20240131123045", timetext.Unclear},
		{"", "", "868924800000", timetext.Unclear}, // milliseconds of 1997, twelve digits
		{"", "", "0", timetext.Unclear},
		{"", "", "99999999999", timetext.Unclear},
		{"", "", "18446744073709551615", timetext.Unclear},
		{"epoch-s", "", "868924800", "1997-07-15T00:00:00.000"},
		{"epoch-ms", "", "868924800000", "1997-07-15T00:00:00.000"},
		{"epoch-us", "", "1714550400123456", "2024-05-01T08:00:00.123"},
		{"epoch-ns", "", "1714550400123456789", "2024-05-01T08:00:00.123"},
		{"epoch-ms", "", "1714550400", timetext.Seconds},
		{"epoch-s|epoch-ms", "", "1714550400000", "2024-05-01T08:00:00.000"},
		{"epoch-ms|epoch-s", "", "1714550400", "2024-05-01T08:00:00.000"},
		{"epoch-us", "", "1714550400000", timetext.Old},
		{"epoch-s", "", "0", timetext.Old},
		{"epoch-s", "", "788918399", timetext.Old},
		{"epoch-us", "", "12.5", timetext.NoMatch},
		{"epoch-ns", "", "yesterday", timetext.NoMatch},
		{"%Y%m%d%H%M", "UTC", "202401311230", "2024-01-31T12:30:00.000"},
		{"%Y%m%d%H%M%S", "UTC", "20240131123045", "2024-01-31T12:30:45.000"},
		{"", "", "/Date(1714550400000)/", "2024-05-01T08:00:00.000"},
		{"", "", "/Date(1714550400000+0200)/", "2024-05-01T08:00:00.000"},
		{"", "", "/Date(-1)/", timetext.Early},
		{"", "", "/Date(0)/", timetext.Old},
		{"", "", "/Date(1714550400000+02zz)/", timetext.NoTime},
		{"", "", "/Date()/", timetext.NoTime},
		// patterns
		{"%Y-%m-%d %H:%M:%S %z", "Europe/Berlin", "2024-05-01 10:00:00 +0200", "2024-05-01T08:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z", "Europe/Berlin", "2024-05-01 10:00:00", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S%z", "", "2024-05-01 10:00:00", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S %z|%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-05-01 10:00:00", "2024-05-01T08:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z", "", "2024-05-01 10:00:00 GMT", "2024-05-01T10:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z", "", "2024-05-01 10:00:00 Z", "2024-05-01T10:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z", "", "2024-05-01 10:00:00 UTC+02:00", "2024-05-01T08:00:00.000"},
		{"%a %b %d %Y %H:%M:%S %z", "", "Wed May 01 2024 10:00:00 GMT+0200 (Mitteleuropäische Sommerzeit)", "2024-05-01T08:00:00.000"},
		{"%a %b %d %Y %H:%M:%S %z (%Z)", "", "Wed May 01 2024 10:00:00 GMT+0200 (CEST)", "2024-05-01T08:00:00.000"},
		{"%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-05-01 10:00:00 (PDT)", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-05-01 10:00:00 (America/New_York)", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S %z", "", "2024-05-01 10:00:00 +0200 (a) (b)", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S %z", "", "2024-05-01 10:00:00 +0200 b", timetext.NoMatch},
		{"%Y-%m-%d %H:%M:%S (%Z)", "Europe/Berlin", "2024-05-01 10:00:00 (CEST)", "2024-05-01T08:00:00.000"},
		{"%Y-%m-%d %H:%M:%S (%Z)", "Europe/Berlin", "2024-05-01 10:00:00 (PDT)", timetext.OtherZone},
		{"%Y-%m-%d %H:%M:%S %Z", "Europe/Berlin", "2024-05-01 10:00:00", timetext.NoMatch},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 1:30:00\u202fPM", "2024-05-01T13:30:00.000"},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 1:30:00 p.m.", "2024-05-01T13:30:00.000"},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 1:30:00 p. m.", "2024-05-01T13:30:00.000"},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 12:30:00 a.m.", "2024-05-01T00:30:00.000"},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 1:30:00", timetext.NoMatch},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 1:30:00 p", timetext.NoMatch},
		{"%m/%d/%Y, %I:%M:%S %p", "UTC", "5/1/2024, 13:30:00 PM", timetext.NoMatch},
		{"%Y-%j", "UTC", "2024-060", "2024-02-29T00:00:00.000"},
		{"%Y-%j", "UTC", "2024-366", "2024-12-31T00:00:00.000"},
		{"%Y-%j", "UTC", "2023-366", timetext.NoMatch},
		{"%Y-%j", "UTC", "2023-365", "2023-12-31T00:00:00.000"},
		{"%Y-%j", "UTC", "2023-000", timetext.NoMatch},
		{"%A, %d.%m.%Y", "UTC", "Wednesday, 01.05.2024", "2024-05-01T00:00:00.000"},
		{"%A, %d.%m.%Y", "UTC", "Friday, 01.05.2024", timetext.Weekday}, // 5 January 2024 was one
		{"%a, %m/%d/%Y", "UTC", "Fri, 01/05/2024", "2024-01-05T00:00:00.000"},
		{"%a, %d %b %Y", "UTC", "Thu, 01 Jan 1970", "1970-01-01T00:00:00.000"},
		{"%Y-%m-%d %H:%M", "UTC", "2024-05-01 10:00", "2024-05-01T10:00:00.000"},
		{"%Y-%m-%d %H:%M", "UTC", "2024-05-01   10:00", "2024-05-01T10:00:00.000"},
		{"%Y-%m-%d %H:%M", "UTC", "2024-05-0110:00", timetext.NoMatch},
		{"%d %m %Y", "UTC", "1112024", timetext.NoMatch},
		{"%Y%m%d", "UTC", "2024111", timetext.NoMatch}, // 1 November or 11 January
		{"%Y%m%d%H%M%S", "UTC", "2024013112304", timetext.NoMatch},
		{"%d%m%y", "UTC", "11124", timetext.NoMatch}, // a spreadsheet took the zero off
		{"%Y%j", "UTC", "202460", timetext.NoMatch},
		{"%m%e%Y", "UTC", "05 12024", "2024-05-01T00:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z %Z", "Europe/Berlin", "2024-05-01 10:00:00 +0200 CEST", "2024-05-01T08:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z %Z", "Europe/Berlin", "2024-05-01 10:00:00 +0000 CEST", timetext.OtherZone},
		{"%Y-%m-%d %H:%M:%S %z %Z", "", "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00.000"},
		{"%Y-%m-%d %H:%M:%S %z %Z", "", "2024-05-01 10:00:00 +0200 UTC", timetext.OtherZone},
		{"%Y-%m-%d %H:%M:%S %Z%z", "", "2024-05-01 10:00:00 GMT+0200", "2024-05-01T08:00:00.000"},
		{" %Y-%m-%d ", "UTC", " 2024-05-01 ", "2024-05-01T00:00:00.000"},
		{"%Y-%m-%d  %H:%M", "UTC", "2024-05-01 10:00", "2024-05-01T10:00:00.000"},
		// clocks that are moved
		{"", "America/Santiago", "2024-09-08", timetext.Gap},
		{"", "America/Santiago", "2024-09-08 00:30:00", timetext.Gap},
		{"", "Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27T00:30:00.000"},
		{"", "", "2024-03-31T02:30:00[Europe/Berlin]", timetext.Gap},
	} {
		require.Equal(t, c.want, read(t, c.format, c.zone, c.text, ""), "%q as %q in %q", c.text, c.format, c.zone)
	}
}

// TestOneUnitForAColumn: seconds in a column of milliseconds are no time, nor the other
// way round.
func TestOneUnitForAColumn(t *testing.T) {
	t.Parallel()
	for own, text := range map[string]string{"s": "1714550400", "ms": "1714550400000", "us": "1714550400000000", "ns": "1714550400000000000"} {
		require.Equal(t, own, timetext.EpochUnit([]byte(text)))
		for _, unit := range []string{"", "s", "ms"} {
			want := "2024-05-01T08:00:00.000"
			switch own + " in " + unit {
			case "s in ms":
				want = timetext.Seconds
			case "ms in s":
				want = timetext.Millis
			}
			require.Equal(t, want, read(t, "", "", text, unit))
		}
	}
}

// TestPatternsThatCannotBeRight are refused, with what is wrong.
func TestPatternsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"%m/%d/%Y %H:%M %p":    "%p beside %H",
		"%m/%d/%Y %k:%M %P":    "%p beside %k",
		"%m/%d/%Y %I:%M":       "%I, an hour of twelve, without %p",
		"%m/%d/%Y %l:%M":       "%l, an hour of twelve, without %p",
		"%m/%d/%Y %p":          "%p without an hour",
		"%d.%m.%Y %M":          "%M, minutes, without an hour",
		"%d.%m.%Y %H:%S":       "%S, seconds, without %M",
		"%d.%m.%Y %H:%M.%f":    "%f, parts of a second, without %S",
		"%Y-%m-%d %b":          "%m and %b",
		"%Y-%m-%d %y":          "%Y and %y",
		"%F %T %d":             "%d and %d",
		"%F %H:%M %I %p":       "%H and %I",
		"%Y-%j-%d":             "%j and the month or day",
		"%Y-%j %m":             "%j and the month or day",
		"%F %T %M":             "%M and %M",
		"%F %T.%f %M.%f":       "%M and %M",
		"%a %A %F":             "%a and %A",
		"%F %T %z %z":          "%z and %z",
		"%H:%M":                "the year, the month or the day",
		"yyyy-MM-dd":           "neither a name",
		"epoch":                "did you mean",
		"%Y-%m-%d %Q":          "%",
		"%Y-%m-%d %H:%M:%S %s": "%",
	} {
		_, err := timetext.New([]string{pattern}, nil)
		require.ErrorContains(t, err, want, pattern)
	}
	for _, pattern := range []string{"%F %T", "%D %r", "%Y-%j", "%a %b %d %Y %H:%M:%S %z (%Z)", "%d.%m.%y %R", "%B %e, %Y at %I:%M %p"} {
		_, err := timetext.New([]string{pattern}, nil)
		require.NoError(t, err, pattern)
	}
}

// TestZonesAreTheSameEverywhere: what stands for the machine's own zone is none.
func TestZonesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "local", "localtime", "LOCALTIME", "posixrules", "Factory", "right/Europe/Berlin", "posix/UTC", "Europe/Nowhere", "../UTC", "/etc/localtime", "Europe\\Berlin"} {
		_, err := timetext.Zone(name)
		require.Error(t, err, name)
	}
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "EST5EDT", "Etc/GMT+5"} {
		_, err := timetext.Zone(name)
		require.NoError(t, err, name)
	}
}

// TestTimesComeBack writes any moment in any of these forms and reads it again.
func TestTimesComeBack(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"}
	forms := []struct{ pattern, layout string }{
		{"", "2006-01-02T15:04:05.000Z07:00"}, {"", "2006-01-02 15:04:05.000 -0700"}, {"%Y-%m-%d %H:%M:%S.%f %z", "2006-01-02 15:04:05.000 -0700"},
		{"%A %e. %B %Y %I:%M:%S.%f %p %z", "Monday 2. January 2006 03:04:05.000 PM -07:00"}, {"%Y-%jT%T.%L%z", "2006-002T15:04:05.000-0700"},
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := timetext.Zone(name)
		require.NoError(t, err)
		at := time.UnixMilli(rapid.Int64Range(0, 4102444800000).Draw(t, "at")).In(zone)
		f := rapid.SampledFrom(forms).Draw(t, "form")
		want := at.UTC().Format("2006-01-02T15:04:05.000")
		text := at.Format(f.layout)
		require.Equal(t, want, read(t, f.pattern, "", text, ""), text)
		if f.pattern == "" {
			named := at.Format("2006-01-02T15:04:05.000-07:00") + "[" + name + "]"
			require.Equal(t, want, read(t, "", "", named, ""), named)
		}
		// Any byte less, and it is another time of the same form or none, but never a panic.
		cut := rapid.IntRange(0, len(text)-1).Draw(t, "cut")
		_ = read(t, f.pattern, name, text[:cut]+text[cut+1:], "")
	})
}

// TestReadersAreShared: goroutines read the times of one column at once.
func TestReadersAreShared(t *testing.T) {
	t.Parallel()
	r, err := timetext.New(nil, nil)
	require.NoError(t, err)
	var g sync.WaitGroup
	wrong := make(chan string, 8)
	for n := range 8 {
		g.Go(func() {
			for i := range 200 {
				text := fmt.Sprintf("2024-05-01T10:%02d:00[%s]", i%60, []string{"Europe/Paris", "Asia/Tokyo", "No/Where", "UTC"}[(n+i)%4])
				if _, reason := r.Read([]byte(text), ""); (reason != "") != strings.Contains(text, "No/Where") {
					wrong <- text + ": " + reason
					return
				}
			}
		})
	}
	g.Wait()
	close(wrong)
	require.Empty(t, <-wrong)
}
