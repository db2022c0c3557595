package timetext

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Lifetime is how long a consent is good for.
type Lifetime struct{ years, months, days int }

// ParseLifetime reads 395d, 13mo, 1y or 2w.
func ParseLifetime(s string) (Lifetime, error) {
	s = strings.TrimSpace(s)
	n := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	count, err := strconv.Atoi(strings.TrimSpace(n))
	if err != nil || count <= 0 || count > 100000 {
		return Lifetime{}, fmt.Errorf("%q is not a lifetime; write 395d, 56w, 13mo or 1y", s)
	}
	switch s[len(n):] {
	case "d":
		return Lifetime{days: count}, nil
	case "w":
		return Lifetime{days: 7 * count}, nil
	case "mo":
		return Lifetime{months: count}, nil
	case "y":
		return Lifetime{years: count}, nil
	}
	return Lifetime{}, fmt.Errorf("%q is not a lifetime; write 395d, 56w, 13mo or 1y", s)
}

// After gives the end of a lifetime that begins at ms, by the calendar in UTC.
// A day that a month lacks becomes its last day.
func (l Lifetime) After(ms int64) int64 {
	if l.years == 0 && l.months == 0 {
		return ms + int64(l.days)*86400000
	}
	t := time.UnixMilli(ms).UTC()
	months := int64(t.Year()+l.years)*12 + int64(t.Month()) - 1 + int64(l.months)
	y, m := months/12, months%12+1
	d := min(int64(t.Day()), daysIn(y, m))
	midnight := daysFrom(y, m, d) * 86400000
	return midnight + ms - time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).UnixMilli() + int64(l.days)*86400000
}
