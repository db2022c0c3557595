package timetext

import (
	"bytes"
	"time"
)

// iso reads RFC 3339 and ISO 8601 with their usual variants: a blank or a small
// t for the T, no seconds, a fraction of any length behind a dot or a comma,
// offsets such as Z, +02:00, +0200, +02, also behind a blank, UTC and GMT; a date
// alone, which is midnight in the mapping's zone; the basic form 20110122T111244; and
// a time zone by its name, behind a blank or in the brackets of RFC 9557.
func (t *Reader) iso(b []byte) (int64, string) {
	zone := t.zone
	named := false
	if n := len(b); n > 0 && b[n-1] == ']' {
		i := bytes.IndexByte(b, '[')
		if i < 0 {
			return 0, NoTime
		}
		var ok bool
		if zone, named, ok = t.bracketed(b[i:]); !ok {
			return 0, NoTime
		}
		b = b[:i]
	}
	wall, rest, ok := usualISO(b)
	if !ok {
		if wall, rest, ok = isoWall(b); !ok {
			return 0, NoTime
		}
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) == 0 {
		if zone == nil {
			return 0, NoZone
		}
		return local(wall, zone)
	}
	offset, ok := isoOffset(rest)
	if !ok {
		if !named && bytes.IndexByte(rest, '/') > 0 {
			if z, known := t.zones.get(rest); known {
				return local(wall, z)
			}
		}
		if isAbbreviation(rest) {
			return 0, Abbreviation
		}
		return 0, NoTime
	}
	ms := wall - offset
	if named && rest[0] != 'Z' && rest[0] != 'z' { // Z says nothing of the clocks there
		if _, shown := time.UnixMilli(ms).In(zone).Zone(); int64(shown)*1000 != offset {
			return 0, Disagree
		}
	}
	return ms, ""
}

// bracketed reads the suffixes of RFC 9557: a zone by its name, [Europe/Paris], or by
// an offset, and tags such as [u-ca=hebrew], which change no moment. The mark of what
// must be heeded, [!…], may stand in each.
func (t *Reader) bracketed(b []byte) (zone *time.Location, named, ok bool) {
	zone = t.zone
	for first := true; len(b) > 0; first = false {
		end := bytes.IndexByte(b, ']')
		if b[0] != '[' || end < 2 {
			return nil, false, false
		}
		in := bytes.TrimPrefix(b[1:end], []byte("!"))
		b = b[end+1:]
		if bytes.IndexByte(in, '=') > 0 {
			continue
		}
		if !first {
			return nil, false, false
		}
		if offset, fixed := isoOffset(in); fixed {
			zone, named = time.FixedZone("", int(offset/1000)), true
		} else if zone, named = t.zones.get(in); !named {
			return nil, false, false
		}
	}
	return zone, named, true
}

// two reads two digits.
func two(b []byte) (int64, bool) {
	if len(b) < 2 || b[0]-'0' > 9 || b[1]-'0' > 9 {
		return 0, false
	}
	return int64(b[0]-'0')*10 + int64(b[1]-'0'), true
}

// isoWall reads a date and, if there is one, a time of the day; milliseconds as if they
// were UTC's.
func isoWall(b []byte) (ms int64, rest []byte, ok bool) {
	date, rest, ok := isoDate(b)
	if !ok || len(rest) == 0 {
		return date, rest, ok
	}
	if rest[0] != 'T' && rest[0] != 't' && rest[0] != ' ' {
		return 0, nil, false
	}
	clock, rest, ok := isoClock(rest[1:])
	return date + clock, rest, ok
}

// isoDate reads 2011-01-22 or, before a T, 20110122; milliseconds of its midnight.
func isoDate(b []byte) (ms int64, rest []byte, ok bool) {
	if len(b) < 8 {
		return 0, nil, false
	}
	hi, ok1 := two(b)
	lo, ok2 := two(b[2:])
	var m, d int64
	var ok3, ok4 bool
	if b[4] == '-' {
		if len(b) < 10 || b[7] != '-' {
			return 0, nil, false
		}
		m, ok3 = two(b[5:])
		d, ok4 = two(b[8:])
		rest = b[10:]
	} else {
		m, ok3 = two(b[4:])
		d, ok4 = two(b[6:])
		rest = b[8:]
		if len(rest) == 0 || rest[0] != 'T' && rest[0] != 't' {
			return 0, nil, false
		}
	}
	y := hi*100 + lo
	if !ok1 || !ok2 || !ok3 || !ok4 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, nil, false
	}
	return daysFrom(y, m, d) * 86400000, rest, true
}

// isoClock reads 11:12, 11:12:44.123, 1112 or 111244; milliseconds since midnight.
func isoClock(b []byte) (ms int64, rest []byte, ok bool) {
	h, ok := two(b)
	if !ok || h > 23 {
		return 0, nil, false
	}
	b = b[2:]
	colon := len(b) > 0 && b[0] == ':'
	if colon {
		b = b[1:]
	}
	m, ok := two(b)
	if !ok || m > 59 {
		return 0, nil, false
	}
	b = b[2:]
	var s int64
	if colon && len(b) > 0 && b[0] == ':' || !colon && len(b) > 1 && b[0] >= '0' && b[0] <= '9' {
		if colon {
			b = b[1:]
		}
		if s, ok = two(b); !ok || s > 60 {
			return 0, nil, false
		}
		if ms, b, ok = fraction(b[2:]); !ok {
			return 0, nil, false
		}
	}
	return clockOf(h, m, s) + ms, b, true
}

// clockOf gives milliseconds since midnight; a leap second is the end of its minute.
func clockOf(h, m, s int64) int64 { return ((h*60+m)*60 + min(s, 59)) * 1000 }

// fraction reads .123 or ,123 behind the seconds, if it is there; milliseconds.
func fraction(b []byte) (ms int64, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0, b, true
	}
	n := 1
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return millisOf(b[1:n]), b[n:], n > 1
}

// isoOffset reads Z, UTC, GMT, +02:00, +0200, +02; milliseconds.
func isoOffset(b []byte) (ms int64, ok bool) {
	switch {
	case len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case len(b) == 3 && (string(b) == "UTC" || string(b) == "GMT"):
		return 0, true
	case len(b) < 3 || b[0] != '+' && b[0] != '-':
		return 0, false
	}
	h, ok := two(b[1:])
	if !ok || h > 23 {
		return 0, false
	}
	var m int64
	if rest := b[3:]; len(rest) > 0 {
		if rest[0] == ':' {
			rest = rest[1:]
		}
		if m, ok = two(rest); !ok || m > 59 || len(rest) != 2 {
			return 0, false
		}
	}
	ms = (h*60 + m) * 60000
	if b[0] == '-' {
		ms = -ms
	}
	return ms, true
}

// isAbbreviation recognises CET, EST, AEDT and their like.
func isAbbreviation(b []byte) bool {
	if len(b) < 2 || len(b) > 5 {
		return false
	}
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
