package importer

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/mapping/timetext"
)

// Hours are a part of the day, from a minute up to another, which is not in it. A part that
// ends before it begins goes over midnight. The zero value is the whole day.
type Hours struct {
	From, To int            // minutes since midnight, 0 to 1440
	Zone     *time.Location // nil: the machine's
}

var hoursForm = regexp.MustCompile(`^(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)(?:\s+(\S+))?$`)

// ParseHours reads "01:00-05:00", of the machine's zone, or "22:00-05:00 Europe/Berlin". A
// zone may also be an offset such as +02:00, or local. "" is the whole day.
func ParseHours(s string) (Hours, error) {
	bad := func(why string) (Hours, error) {
		return Hours{}, blocked.Bad(blocked.SendingHours, "%q %s: give hours such as 01:00-05:00 Europe/Berlin", s, why)
	}
	if s == "" {
		return Hours{}, nil
	}
	m := hoursForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return bad("is not a part of the day")
	}
	var at [2]int
	for i := range at {
		hour, _ := strconv.Atoi(m[1+2*i]) // two digits
		minute, _ := strconv.Atoi(m[2+2*i])
		at[i] = 60*hour + minute
		if minute > 59 || at[i] > 24*60 || at[i] == 24*60 && i == 0 {
			return bad("has a time that no clock shows")
		}
	}
	if at[0] == at[1] {
		return bad("begins and ends at the same time")
	}
	zone, err := hoursZone(m[5])
	if err != nil {
		return bad(err.Error())
	}
	return Hours{From: at[0], To: at[1], Zone: zone}, nil
}

func hoursZone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, nil
	}
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(name, offset), nil
	}
	if len(name) < 5 && name != "UTC" && name != "GMT" {
		return nil, errors.New("abbreviates the zone, which more than one place may mean")
	}
	zone, err := timetext.Zone(name)
	if err != nil {
		return nil, errors.New("names a time zone that is not known")
	}
	return zone, nil
}

// String gives the hours as they are written.
func (h Hours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d %s", h.From/60, h.From%60, h.To/60, h.To%60, h.zoneName())
}

func (h Hours) zoneName() string {
	if h.Zone == nil {
		return "local time"
	}
	return h.Zone.String()
}

func (h Hours) in(t time.Time) time.Time {
	if h.Zone == nil {
		return t.Local()
	}
	return t.In(h.Zone)
}

// open reports whether a moment is in the hours.
func (h Hours) open(t time.Time) bool {
	t = h.in(t)
	m := 60*t.Hour() + t.Minute()
	switch {
	case h.From == h.To:
		return true
	case h.From < h.To:
		return h.From <= m && m < h.To
	}
	return m >= h.From || m < h.To
}

// Length is how long they are on a day on which no clock is set; the whole day for the
// zero value.
func (h Hours) Length() time.Duration {
	minutes := h.To - h.From
	if minutes <= 0 {
		minutes += 24 * 60
	}
	return time.Duration(minutes) * time.Minute
}

// until is the next moment at which open changes. It goes by minutes, so that whatever
// the clocks of the zone do is right; it is a few days ahead at most.
func (h Hours) until(t time.Time) time.Time {
	now, u := h.open(t), t.Truncate(time.Minute)
	for range 4 * 24 * 60 {
		if u = u.Add(time.Minute); h.open(u) != now {
			break
		}
	}
	return u
}

// day is the day of a moment.
func (h Hours) day(t time.Time) (from, until time.Time) {
	today := h.in(t).YearDay()
	from, until = t.Truncate(time.Minute), t.Truncate(time.Minute)
	for u := from; h.in(u).YearDay() == today; u = u.Add(-time.Minute) {
		from = u
	}
	for h.in(until).YearDay() == today {
		until = until.Add(time.Minute)
	}
	return h.in(from), h.in(until)
}
