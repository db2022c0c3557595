package inspect

import (
	"bytes"
	"slices"
	"strings"
)

// timeText is how one value writes a time.
type timeText struct {
	// pattern is a strftime pattern. Where two numbers may each be the day or the
	// month they are the bytes 1 and 2 behind their %.
	pattern   []byte
	a, b      int // these two numbers
	ambiguous bool
	iso       bool // may need no pattern: isoPattern says
	clock     bool
	year      int
	zone      zoneKind
	zoneName  string
}

type zoneKind uint8

const (
	zoneNone zoneKind = iota
	zoneOffset
	zoneAbbreviation
)

// longestTime is the longest text that is looked at as a time.
const longestTime = 100

// timeScan reads a text from left to right.
type timeScan struct {
	v       []byte
	at      int
	t       timeText
	numbers int // of day and month that were seen
	month   bool
	hourAt  int // where the pattern has its hour
	digits2 bool
}

// readTime recognises a text that names a day, perhaps with a time. It knows
// forms, not calendars: the 31st of February is a date here.
func readTime(v []byte) (timeText, bool) {
	if len(v) < 6 || len(v) > longestTime || !isLetterOrDigit(v[0]) || bytes.IndexFunc(v, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
		return timeText{}, false
	}
	s := timeScan{v: v, digits2: true, hourAt: -1, t: timeText{pattern: make([]byte, 0, 40)}}
	for s.at < len(v) {
		c := v[s.at]
		ok := true
		switch {
		case c >= '0' && c <= '9':
			ok = s.number()
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			ok = s.word()
		case (c == '+' || c == '-') && s.t.clock && s.at+3 <= len(v) && v[s.at+1] >= '0' && v[s.at+1] <= '9':
			ok = s.offset()
		case c == '(' && s.t.clock && v[len(v)-1] == ')': // the zone's name in the browser's language
			s.at = len(v)
			s.t.pattern = bytes.TrimRight(s.t.pattern, " ")
		case c == 0xC2 && s.at+1 < len(v) && v[s.at+1] == 0xA0: // non-breaking space
			s.literal(' ', 2)
		case c == 0xE2 && s.at+2 < len(v) && v[s.at+1] == 0x80 && v[s.at+2] == 0xAF: // narrow one
			s.literal(' ', 3)
		case strings.IndexByte(" -/.,:@", c) >= 0:
			s.literal(c, 1)
		default:
			ok = false
		}
		if !ok {
			return timeText{}, false
		}
	}
	dated := s.t.year > 0 && (s.numbers == 2 || s.month && s.numbers == 1)
	s.t.iso = s.t.iso && s.digits2 && s.t.zone != zoneAbbreviation
	return s.t, dated
}

func isLetterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (s *timeScan) literal(c byte, size int) {
	s.t.pattern = append(s.t.pattern, c)
	s.at += size
}

func (s *timeScan) put(directive string, size int) {
	s.t.pattern = append(s.t.pattern, directive...)
	s.at += size
}

// run gives the digits at a place, at most 9 of them.
func (s *timeScan) run(at int) (n, value int) {
	for at+n < len(s.v) && n < 9 && s.v[at+n] >= '0' && s.v[at+n] <= '9' {
		value = value*10 + int(s.v[at+n]-'0')
		n++
	}
	return n, value
}

func (s *timeScan) number() bool {
	n, value := s.run(s.at)
	colon := s.at+n < len(s.v) && s.v[s.at+n] == ':'
	switch {
	case colon && !s.t.clock && n <= 2 && value <= 24:
		return s.clock(n)
	case n == 4 && s.t.year == 0 && value >= 1900 && value <= 2100:
		s.t.iso = s.numbers == 0 && !s.month
		s.t.year = value
		s.put("%Y", n)
	case n == 8 && s.t.year == 0 && s.numbers == 0 && value >= 1900_01_01 && value <= 2100_12_31 && value/100%100 <= 12 && value%100 <= 31 && s.at+n < len(s.v):
		s.t.iso, s.t.year, s.numbers = true, value/10000, 2
		s.put("%Y%m%d", n)
	case n == 6 && s.t.iso && s.numbers == 2 && !s.t.clock && value/10000 <= 24:
		s.t.clock = true
		s.put("%H%M%S", n)
	case n <= 2 && s.numbers < 2 && value >= 1 && value <= 31 && !(s.month && s.numbers == 1):
		s.dayOrMonth(n, value)
	case n == 2 && s.t.year == 0 && (s.numbers == 2 || s.month && s.numbers == 1):
		s.t.year = 2000 + value
		s.put("%y", n)
	default:
		return false
	}
	return true
}

// dayOrMonth takes a number of one or two digits.
func (s *timeScan) dayOrMonth(n, value int) {
	s.numbers++
	s.digits2 = s.digits2 && n == 2
	switch {
	case s.month:
		s.put("%d", n)
	case s.t.year > 0 && s.numbers == 1: // a year in front is followed by the month
		s.put("%m", n)
	case s.t.year > 0:
		s.put("%d", n)
	case s.numbers == 1:
		s.t.a = value
		s.put("%\x01", n)
	default:
		s.t.b, s.t.ambiguous = value, true
		s.put("%\x02", n)
	}
}

// clock takes 9:07, 21:07:33 and 21:07:33.087.
func (s *timeScan) clock(n int) bool {
	s.t.clock = true
	s.digits2 = s.digits2 && n == 2
	s.hourAt = len(s.t.pattern) + 1
	s.put("%H", n)
	for _, directive := range []string{"%M", "%S"} {
		if s.at >= len(s.v) || s.v[s.at] != ':' {
			break
		}
		digits, value := s.run(s.at + 1)
		if digits != 2 || value > 60 {
			return false
		}
		s.literal(':', 1)
		s.put(directive, 2)
	}
	if s.at+1 < len(s.v) && (s.v[s.at] == '.' || s.v[s.at] == ',') {
		if digits, _ := s.run(s.at + 1); digits > 0 {
			s.literal(s.v[s.at], 1)
			s.put("%f", digits)
		}
	}
	return true
}

// offset takes +0100, +01:00 and +01.
func (s *timeScan) offset() bool {
	digits, _ := s.run(s.at + 1)
	size := 1 + digits
	if digits == 2 && s.at+size < len(s.v) && s.v[s.at+size] == ':' {
		if more, _ := s.run(s.at + size + 1); more == 2 {
			size += 3
		}
	}
	if digits != 2 && digits != 4 {
		return false
	}
	s.t.zone = zoneOffset
	s.put("%z", size)
	return true
}

func (s *timeScan) word() bool {
	n := 0
	for s.at+n < len(s.v) && (s.v[s.at+n] >= 'a' && s.v[s.at+n] <= 'z' || s.v[s.at+n] >= 'A' && s.v[s.at+n] <= 'Z') {
		n++
	}
	word := string(s.v[s.at : s.at+n])
	lower := strings.ToLower(word)
	switch {
	case !s.month && s.numbers < 2 && isName(lower, monthNames()):
		s.month = true
		s.t.pattern = bytes.Replace(s.t.pattern, []byte("%\x01"), []byte("%d"), 1) // a number before it was the day
		s.put(longOrShort(lower, "%B", "%b"), n)
	case s.t.year == 0 && !s.month && s.numbers == 0 && isName(lower, dayNames()):
		s.put(longOrShort(lower, "%A", "%a"), n)
	case s.t.clock && (lower == "am" || lower == "pm"):
		if s.hourAt >= 0 {
			s.t.pattern[s.hourAt] = 'I'
		}
		s.put("%p", n)
	case word == "T" && !s.t.clock && s.numbers == 2 || lower == "at" && !s.t.clock:
		s.put(word, n)
	case s.t.clock && s.t.zone == zoneNone && (word == "Z" || word == "UTC" || word == "GMT"):
		if next := s.at + n; next < len(s.v) && (s.v[next] == '+' || s.v[next] == '-') {
			s.at += n // %z takes GMT+0100 whole
			return s.offset()
		}
		s.t.zone = zoneOffset
		s.put("%Z", n)
	case s.t.clock && s.t.zone == zoneNone && n >= 2 && n <= 5 && word == strings.ToUpper(word):
		s.t.zone, s.t.zoneName = zoneAbbreviation, word
		s.put("%Z", n)
	default:
		return false
	}
	return true
}

func monthNames() []string {
	return []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
}

func dayNames() []string {
	return []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
}

func isName(lower string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n == lower || n[:3] == lower })
}

func longOrShort(word, long, short string) string {
	if len(word) > 3 {
		return long
	}
	return short
}

// isoPattern reports whether a pattern is one that is read without being named.
func isoPattern(s string) bool {
	for _, date := range []string{"%Y-%m-%d", "%Y%m%d"} {
		rest, ok := strings.CutPrefix(s, date)
		if !ok {
			continue
		}
		if rest == "" {
			return date == "%Y-%m-%d"
		}
		rest = strings.NewReplacer(" %z", "", "%z", "", " %Z", "", "%Z", "", ".%f", "", ",%f", "").Replace(rest)
		return slices.Contains([]string{"T%H:%M", " %H:%M", "T%H:%M:%S", " %H:%M:%S", "T%H%M%S"}, rest)
	}
	return false
}
