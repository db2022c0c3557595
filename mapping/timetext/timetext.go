// Package timetext reads the times that exports write: ISO 8601 and its usual
// variants, epoch seconds and milliseconds, days of a spreadsheet, and strftime
// patterns. It invents nothing: a text without a zone needs one, and what is not
// understood is a reason, not a time. Lifetimes such as 13mo are read here too.
package timetext

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// Reasons why a text is not a time. They never quote it, so that rows with the same
// fault are one group.
const (
	NoZone       = "has no time zone, and the mapping sets none (timezone:)"
	NoTime       = "is not a known form of time (set its format:)"
	NoMatch      = "does not have the format of the mapping"
	Abbreviation = "has a time zone abbreviation, which needs %Z in the format and a timezone"
	OtherZone    = "has a time zone abbreviation that clocks in its time zone did not show then"
	Mangled      = "was mangled by a spreadsheet (scientific notation)"
	Unclear      = "is not an epoch between 1995 and 2100, or could be a compact date; set its format: (epoch-s, epoch-ms, epoch-us, epoch-ns, %Y%m%d%H%M%S …)"
	Seconds      = "is in seconds, where the column is in milliseconds"
	Millis       = "is in milliseconds, where the column is in seconds"
	Weekday      = "names another weekday than its date has"
	Disagree     = "has an offset that its time zone did not have then"
	Gap          = "does not exist in its time zone (clocks went forward)"
	Early        = "lies before 1970"
	Old          = "is as an epoch before 1995: it has another unit, or stands for no time"
	Late         = "lies beyond the year 9999"
)

// MaxMillis is the end of the year 9999.
const MaxMillis = 253402300799999

// Reader reads the times of one field. Any number of goroutines may use it.
type Reader struct {
	formats []timeFormat // none: automatic
	zone    *time.Location
	zones   zoneCache
}

// timeFormat is one way in which a time may be written.
type timeFormat struct {
	kind   timeKind
	layout *strfLayout
}

type timeKind uint8

const (
	kindRFC3339 timeKind = iota
	kindISO8601
	kindEpochS
	kindEpochMS
	kindEpochUS
	kindEpochNS
	kindExcel
	kindStrftime
)

// timeNames are the formats that have a name.
var timeNames = map[string]timeKind{
	"rfc3339": kindRFC3339, "iso8601": kindISO8601, "excel": kindExcel,
	"epoch-s": kindEpochS, "epoch-ms": kindEpochMS, "epoch-us": kindEpochUS, "epoch-ns": kindEpochNS,
}

// formatNames lists them for messages.
var formatNames = []string{"rfc3339", "iso8601", "epoch-s", "epoch-ms", "epoch-us", "epoch-ns", "excel"}

// New compiles formats; zone is nil when the mapping names none.
func New(formats []string, zone *time.Location) (*Reader, error) {
	t := &Reader{zone: zone}
	for _, f := range formats {
		if kind, ok := timeNames[f]; ok {
			t.formats = append(t.formats, timeFormat{kind: kind})
			continue
		}
		if !strings.Contains(f, "%") {
			return nil, fmt.Errorf("format %q is neither a name (%s) nor a strftime pattern such as %%Y-%%m-%%d %%H:%%M:%%S%s",
				f, strings.Join(formatNames, ", "), spelling.DidYouMean(f, formatNames))
		}
		layout, err := parseStrftime(f)
		if err != nil {
			return nil, err
		}
		t.formats = append(t.formats, timeFormat{kind: kindStrftime, layout: layout})
	}
	return t, nil
}

// Automatic reports whether the mapping gives no format, so that a text shows by
// itself how it is written.
func (t *Reader) Automatic() bool { return len(t.formats) == 0 }

// DayMonthUnclear reports whether a time is read by a pattern in which day and
// month are numbers that slashes or dashes part: with these, exports write
// either first. With dots the day comes first everywhere.
func (t *Reader) DayMonthUnclear() bool {
	for _, format := range t.formats {
		if format.kind == kindStrftime && format.layout.ambiguous() && !format.layout.dotted() {
			return true
		}
	}
	return false
}

// BothOrders reports whether patterns of the list have the numbers of day and month in
// either order: a text that fits two of them is read by the first.
func (t *Reader) BothOrders() bool {
	orders := map[string]bool{}
	for _, format := range t.formats {
		if format.kind == kindStrftime {
			orders[format.layout.order()] = true
		}
	}
	return orders["dmy"] && orders["mdy"]
}

// Read gives epoch milliseconds, or the reason why text is not a time. Unit is the
// one of the column's all-digit values, "s" or "ms"; empty: told by size.
func (t *Reader) Read(text []byte, unit string) (ms int64, reason string) {
	text = spelling.Trim(text)
	if len(text) > 1 && text[0] == '\'' { // a spreadsheet's guard
		text = text[1:]
	}
	if t.Automatic() {
		ms, reason = t.guess(text, unit)
	} else {
		reason = NoMatch
		for i := range t.formats {
			var why string
			if ms, why = t.as(&t.formats[i], text); why == "" {
				reason = ""
				break
			}
			if telling(why) >= telling(reason) {
				reason = why
			}
		}
	}
	switch {
	case reason != "":
		return 0, reason
	case ms < 0:
		return 0, Early
	case ms > MaxMillis:
		return 0, Late
	}
	return ms, ""
}

// telling says how much a reason says of a text, where each format has its own: most of it
// the one that read a whole time, which no clock has shown; least the ones that did not
// know the form.
func telling(reason string) int {
	switch reason {
	case NoMatch, NoTime:
		return 0
	case Unclear, Mangled, Old: // any number may be that
		return 1
	case Gap:
		return 3
	}
	return 2
}

func (t *Reader) as(f *timeFormat, text []byte) (int64, string) {
	switch f.kind {
	case kindRFC3339, kindISO8601:
		return t.iso(text)
	case kindEpochS:
		return epoch(text, "s")
	case kindEpochMS:
		return epoch(text, "ms")
	case kindEpochUS:
		return epoch(text, "us")
	case kindEpochNS:
		return epoch(text, "ns")
	case kindExcel:
		return t.excel(text)
	default:
		return f.layout.read(text, t.zone)
	}
}

// guess reads a time without a format: ISO 8601, digits alone, or what .NET writes
// into JSON: /Date(1714550400000+0200)/, milliseconds and an offset to show them in.
func (t *Reader) guess(text []byte, unit string) (int64, string) {
	if !AllDigits(text) {
		if IsScientific(text) {
			return 0, Mangled
		}
		if inner, ok := dotNet(text); ok {
			return epoch(inner, "ms")
		}
		return t.iso(text)
	}
	own := EpochUnit(text)
	switch {
	case own == "":
		return 0, Unclear
	case unit == "ms" && own == "s":
		return 0, Seconds
	case unit == "s" && own == "ms":
		return 0, Millis
	}
	return epoch(text, own)
}

// dotNet gives the milliseconds in /Date(…)/.
func dotNet(text []byte) ([]byte, bool) {
	if len(text) == 0 || text[0] != '/' {
		return nil, false
	}
	inner, begun := bytes.CutPrefix(text, []byte("/Date("))
	inner, ended := bytes.CutSuffix(inner, []byte(")/"))
	if !begun || !ended || len(inner) == 0 {
		return nil, false
	}
	if i := bytes.LastIndexAny(inner, "+-"); i > 0 {
		if _, ok := isoOffset(inner[i:]); !ok {
			return nil, false
		}
		inner = inner[:i]
	}
	return inner, true
}

// excel reads a serial day of the 1900 system. Excel counts a 29 February 1900
// that never was, so its days count from 30 December 1899 from March 1900 on.
func (t *Reader) excel(text []byte) (int64, string) {
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	day, ok := digits(whole)
	if !ok || len(fraction) > 0 && !AllDigits(fraction) {
		return 0, NoMatch
	}
	if t.zone == nil {
		return 0, NoZone
	}
	if day > 2958465 { // 9999-12-31
		return 0, Late
	}
	part := 0.0
	for i, scale := 0, 0.1; i < len(fraction) && i < 15; i, scale = i+1, scale/10 {
		part += float64(fraction[i]-'0') * scale
	}
	ms := int64(math.Round(part * 86400000))
	days := day - 25569 // 1970-01-01
	return local(days*86400000+ms, t.zone)
}

// local takes milliseconds of a wall clock as if it showed UTC and gives the
// moment at which the clocks of a zone show it. Where clocks go back, the
// earlier moment counts.
func local(wall int64, zone *time.Location) (int64, string) {
	if zone == time.UTC {
		return wall, ""
	}
	at := time.UnixMilli(wall).UTC()
	shows := func(ms int64) bool {
		_, offset := time.UnixMilli(ms).In(zone).Zone()
		return ms+int64(offset)*1000 == wall
	}
	// The offset a day earlier is the one before any change in between.
	_, before := at.Add(-24 * time.Hour).In(zone).Zone()
	_, after := at.Add(24 * time.Hour).In(zone).Zone()
	if ms := wall - int64(max(before, after))*1000; shows(ms) {
		return ms, ""
	}
	if ms := wall - int64(min(before, after))*1000; shows(ms) {
		return ms, ""
	}
	return 0, Gap
}

// daysFrom counts the days from 1970-01-01 to a date of the Gregorian calendar,
// by Howard Hinnant's days_from_civil.
func daysFrom(y, m, d int64) int64 {
	if m <= 2 { // counted from March on, the day that some years have comes last
		y--
	}
	u := uint64(y + 400) // unsigned, since each year is read of each row
	hundreds := u / 100
	return int64(365*u+u/4-hundreds+hundreds/4) + sinceMarch[m] + d - 1 - 719468 - 146097
}

// sinceMarch are the days from the first of March to the first of a month.
var sinceMarch = [13]int64{0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275}

// daysIn is the number of days of a month.
func daysIn(y, m int64) int64 {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
