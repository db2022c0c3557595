// Package wording writes numbers, times and columns of text for people.
package wording

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Thousands writes a number with separators: 1,234,567.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural is a counted noun: "1 row", "2,000 rows".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if last := len(noun) - 1; noun[last] == 'y' {
		return Thousands(n) + " " + noun[:last] + "ies"
	}
	return Thousands(n) + " " + noun + "s"
}

// Size is a number of bytes in units of 1024.
func Size(n int64) string {
	if n < 1024 {
		return Plural(n, "byte")
	}
	x, unit := float64(n)/1024, "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if x < 1024 {
			break
		}
		x, unit = x/1024, next
	}
	return fmt.Sprintf("%.1f %s", x, unit)
}

// Lapse is a duration for people: "1.2 s", "4 min 12 s", "2 h 5 min", "3 d 4 h".
func Lapse(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Millisecond && d > 0:
		return fmt.Sprintf("%.1f ms", seconds*1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// Percent is a share for people. Only nothing is 0 % and only all is 100 %.
func Percent(share float64) string {
	switch {
	case share <= 0:
		return "0 %"
	case share < 0.01:
		return "<1 %"
	case share < 1 && share > 0.99:
		return ">99 %"
	default:
		return fmt.Sprintf("%.0f %%", share*100)
	}
}

// Clock is a time for people, to the second.
func Clock(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Base is the last element of a path, whatever system wrote it; "-" is standard input.
func Base(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// Delta is by how much a number grew or shrank; empty when it did neither.
func Delta(a, b int64) string {
	switch {
	case b > a:
		return "+" + Thousands(b-a)
	case b < a:
		return "−" + Thousands(a-b)
	default:
		return ""
	}
}
