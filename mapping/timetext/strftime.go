package timetext

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// strfLayout is a strftime pattern, compiled. Reading is ours, because Go's
// time.Parse silently takes an unknown zone abbreviation for UTC, and because
// it is on the path of every row.
type strfLayout struct {
	parts []strfPart
}

type strfPart struct {
	verb    byte   // directive; 0: literal text
	literal string // blanks in it match any blanks
	whole   bool   // a number beside another: 2024111 would be two dates, so that no digit may lack
}

// parseStrftime compiles a pattern. One that cannot be right is an error.
func parseStrftime(pattern string) (*strfLayout, error) {
	var l strfLayout
	rest := strings.TrimSpace(expandStrftime(pattern))
	for rest != "" {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			l.literal(rest)
			break
		}
		l.literal(rest[:i])
		rest = rest[i+1:]
		if rest == "" {
			return nil, fmt.Errorf("format %q ends with a %%", pattern)
		}
		verb := rest[0]
		rest = rest[1:]
		if verb == '-' && rest != "" { // no padding: reading takes one or two digits anyway
			verb, rest = rest[0], rest[1:]
		}
		switch verb {
		case '%':
			l.literal("%")
		case 'Y', 'y', 'm', 'd', 'e', 'H', 'k', 'I', 'l', 'M', 'S', 'p', 'P', 'b', 'h', 'B', 'a', 'A', 'z', 'Z', 'f', 'L', 'N', 'j':
			l.parts = append(l.parts, strfPart{verb: verb})
		default:
			return nil, fmt.Errorf("format %q: %%%c is unknown; use %%Y %%y %%m %%d %%e %%j %%b %%B %%a %%A %%H %%I %%M %%S %%f %%p %%z %%Z", pattern, verb)
		}
	}
	var has [256]bool
	for _, p := range l.parts {
		has[p.verb] = true
	}
	if !(has['Y'] || has['y']) || !(has['j'] || (has['m'] || has['b'] || has['h'] || has['B']) && (has['d'] || has['e'])) {
		return nil, fmt.Errorf("format %q lacks the year, the month or the day", pattern)
	}
	if message := l.conflict(); message != "" {
		return nil, fmt.Errorf("format %q %s", pattern, message)
	}
	for i := 1; i < len(l.parts); i++ {
		if before, p := &l.parts[i-1], &l.parts[i]; before.isNumber() && p.isNumber() {
			before.whole, p.whole = true, true
		}
	}
	return &l, nil
}

// isNumber tells that a part is digits alone.
func (p *strfPart) isNumber() bool {
	return p.verb != 0 && strings.IndexByte("YymdejHkIlMS", p.verb) >= 0
}

// conflict says what of a pattern cannot be right: two parts that say one thing, which
// may disagree, and an hour that needs another part or has one too many.
func (l *strfLayout) conflict() string {
	var first [256]byte // by what a part says, the verb that said it
	for _, p := range l.parts {
		if p.verb == 0 {
			continue
		}
		says := p.verb
		for _, same := range [...]string{"Yy", "mbhB", "de", "HkIl", "fLN", "pP", "aA"} {
			if strings.IndexByte(same, p.verb) >= 0 {
				says = same[0]
			}
		}
		if first[says] != 0 {
			return fmt.Sprintf("has two parts for one thing, %%%c and %%%c", first[says], p.verb)
		}
		first[says] = p.verb
	}
	hour, half := first['H'], first['p']
	twelve := hour == 'I' || hour == 'l'
	switch {
	case first['j'] != 0 && (first['m'] != 0 || first['d'] != 0):
		return "has two parts for one thing, %j and the month or day"
	case twelve && half == 0:
		return fmt.Sprintf("has %%%c, an hour of twelve, without %%p, which says whether it is in the morning; %%H is an hour of 24", hour)
	case hour != 0 && !twelve && half != 0:
		return fmt.Sprintf("has %%p beside %%%c, an hour of 24; the hour of twelve is %%I", hour)
	case hour == 0 && half != 0:
		return "has %p without an hour"
	case hour == 0 && first['M'] != 0:
		return "has %M, minutes, without an hour; %m is the month"
	case first['M'] == 0 && first['S'] != 0:
		return "has %S, seconds, without %M, minutes"
	case first['S'] == 0 && first['f'] != 0:
		return fmt.Sprintf("has %%%c, parts of a second, without %%S, seconds", first['f'])
	}
	return ""
}

// expandStrftime writes the short forms out.
func expandStrftime(p string) string {
	return strings.NewReplacer("%%", "%%", "%F", "%Y-%m-%d", "%T", "%H:%M:%S", "%R", "%H:%M", "%D", "%m/%d/%y", "%r", "%I:%M:%S %p", "%n", " ", "%t", " ").Replace(p)
}

func (l *strfLayout) literal(s string) {
	if s != "" {
		l.parts = append(l.parts, strfPart{literal: s})
	}
}

// ambiguous reports whether day and month are both numbers in an order that is
// not ISO's, so that one could be taken for the other.
func (l *strfLayout) ambiguous() bool {
	order := l.order()
	return order == "dmy" || order == "mdy"
}

// order is in which order a pattern has the numbers of a date.
func (l *strfLayout) order() (order string) {
	for _, p := range l.parts {
		switch p.verb {
		case 'Y', 'y':
			order += "y"
		case 'm':
			order += "m"
		case 'd', 'e':
			order += "d"
		}
	}
	return order
}

// dotted reports whether a dot stands behind the first number of the date.
func (l *strfLayout) dotted() bool {
	for i, p := range l.parts {
		switch p.verb {
		case 'd', 'e', 'm':
			return i+1 < len(l.parts) && strings.HasPrefix(l.parts[i+1].literal, ".")
		}
	}
	return false
}

// fields are what a pattern read.
type fields struct {
	y, m, d, doy int64
	h, mi, s, ms int64
	twelve, pm   bool
	offset       int64
	hasOffset    bool
	isUTC        bool // a zone's name behind the offset says so
	abbreviation []byte
	day          int // weekday from 1, Monday; 0: not read
}

// read gives the milliseconds of a text that has the pattern's form.
func (l *strfLayout) read(text []byte, zone *time.Location) (int64, string) {
	f := fields{m: 1, d: 1, doy: -1}
	for i := range l.parts {
		var ok bool
		if text, ok = l.parts[i].read(text, &f); !ok {
			return 0, NoMatch
		}
	}
	// Behind the offset JavaScript writes the zone's name in the user's language:
	// GMT+0100 (heure normale d’Europe centrale).
	if text = bytes.TrimSpace(text); len(text) > 0 && !(f.hasOffset && bytes.IndexByte(text, '(') == 0 && bytes.IndexByte(text, ')') == len(text)-1) {
		return 0, NoMatch
	}
	return f.moment(zone)
}

func (f *fields) moment(zone *time.Location) (int64, string) {
	if f.twelve {
		if f.h < 1 || f.h > 12 {
			return 0, NoMatch
		}
		f.h %= 12
		if f.pm {
			f.h += 12
		}
	}
	if f.m < 1 || f.m > 12 || f.d < 1 || f.d > daysIn(f.y, f.m) || f.h > 23 || f.mi > 59 || f.s > 60 || f.doy == 0 || f.doy > 337+daysIn(f.y, 2) {
		return 0, NoMatch
	}
	f.s = min(f.s, 59)
	days := daysFrom(f.y, f.m, f.d)
	if f.doy > 0 {
		days = daysFrom(f.y, 1, 1) + f.doy - 1
	}
	if f.day > 0 && int64(f.day-1) != ((days+3)%7+7)%7 { // 1970 began on a Thursday
		return 0, Weekday
	}
	wall := ((days*24+f.h)*60+f.mi)*60000 + f.s*1000 + f.ms
	switch {
	case f.isUTC && f.offset != 0:
		return 0, OtherZone
	case f.hasOffset:
		if f.abbreviation != nil && zone != nil {
			// Of a name that clocks there showed then, the offset is known.
			if name, offset := time.UnixMilli(wall - f.offset).In(zone).Zone(); name == string(f.abbreviation) && int64(offset)*1000 != f.offset {
				return 0, OtherZone
			}
		}
		return wall - f.offset, ""
	case zone == nil:
		if f.abbreviation != nil {
			return 0, Abbreviation
		}
		return 0, NoZone
	case f.abbreviation == nil:
		return local(wall, zone)
	}
	// An abbreviation must be the one that the zone's clocks showed then; it also
	// tells the two hours apart that clocks show twice.
	for _, shift := range [...]time.Duration{0, -24 * time.Hour, 24 * time.Hour} {
		name, offset := time.UnixMilli(wall).Add(shift).In(zone).Zone()
		if name != string(f.abbreviation) {
			continue
		}
		ms := wall - int64(offset)*1000
		if now, _ := time.UnixMilli(ms).In(zone).Zone(); now == name {
			return ms, ""
		}
	}
	return 0, OtherZone
}

func (p *strfPart) read(b []byte, f *fields) ([]byte, bool) {
	if p.verb == 0 {
		return matchLiteral(b, p.literal)
	}
	number := func(most int, into *int64) ([]byte, bool) {
		padded := len(b)
		b = bytes.TrimLeft(b, " ")
		if p.whole { // a blank stands for a digit
			most -= padded - len(b)
		}
		n := 0
		for n < len(b) && n < most && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		v, ok := digits(b[:n])
		*into = v
		return b[n:], ok && (!p.whole || n == most)
	}
	switch p.verb {
	case 'Y':
		if len(b) < 4 || !AllDigits(b[:4]) {
			return b, false
		}
		return number(4, &f.y)
	case 'y':
		rest, ok := number(2, &f.y)
		if f.y += 2000; f.y >= 2069 { // as POSIX has it
			f.y -= 100
		}
		return rest, ok
	case 'm':
		return number(2, &f.m)
	case 'd', 'e':
		return number(2, &f.d)
	case 'j':
		return number(3, &f.doy)
	case 'H', 'k':
		return number(2, &f.h)
	case 'I', 'l':
		f.twelve = true
		return number(2, &f.h)
	case 'M':
		return number(2, &f.mi)
	case 'S':
		return number(2, &f.s)
	case 'f', 'L', 'N':
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		f.ms = millisOf(b[:n])
		return b[n:], n > 0
	case 'p', 'P':
		return f.half(trimBlanks(b))
	case 'b', 'h', 'B':
		n, rest := month(b)
		f.m = int64(n + 1)
		return rest, n >= 0
	case 'a', 'A':
		n, rest := name(b, dayNames[:])
		f.day = n + 1
		return rest, n >= 0
	case 'z':
		b = bytes.TrimLeft(b, " ")
		whole := len(b)
		b = bytes.TrimPrefix(bytes.TrimPrefix(b, []byte("GMT")), []byte("UTC"))
		end := bytes.IndexByte(b, ' ')
		if end < 0 {
			end = len(b)
		}
		if end == 0 { // "GMT" alone, or nothing at all
			f.hasOffset = len(b) < whole
			return b, f.hasOffset
		}
		var ok bool
		f.offset, ok = isoOffset(b[:end])
		f.hasOffset = ok
		return b[end:], ok
	default: // 'Z'
		b = bytes.TrimLeft(b, " ")
		n := 0
		for n < len(b) && b[n] >= 'A' && b[n] <= 'Z' {
			n++
		}
		if n == 0 {
			return b, false
		}
		if s := string(b[:n]); s == "UTC" || s == "GMT" || s == "Z" {
			f.isUTC = f.hasOffset // before an offset, as in GMT+0200, it is what that counts from
			f.hasOffset = true
		} else {
			f.abbreviation = b[:n]
		}
		return b[n:], true
	}
}

// matchLiteral consumes a literal; a blank in it matches any run of blanks, one at
// least, also the narrow ones that locales print.
func matchLiteral(b []byte, literal string) ([]byte, bool) {
	for i := 0; i < len(literal); i++ {
		if literal[i] == ' ' {
			rest := trimBlanks(b)
			if len(rest) == len(b) && (i == 0 || literal[i-1] != ' ') {
				return b, false
			}
			b = rest
			continue
		}
		if len(b) == 0 || b[0] != literal[i] {
			return b, false
		}
		b = b[1:]
	}
	return b, true
}

// half reads the half of the day: AM, pm, a.m., p. m.
func (f *fields) half(b []byte) ([]byte, bool) {
	if len(b) == 0 || b[0]|0x20 != 'a' && b[0]|0x20 != 'p' {
		return b, false
	}
	pm := b[0]|0x20 == 'p'
	b = b[1:]
	dotted := len(b) > 0 && b[0] == '.'
	if dotted {
		b = trimBlanks(b[1:])
	}
	if len(b) == 0 || b[0]|0x20 != 'm' {
		return b, false
	}
	if b = b[1:]; dotted && len(b) > 0 && b[0] == '.' {
		b = b[1:]
	}
	f.pm = pm
	return b, true
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 {
		if b[0] == ' ' || b[0] == '\t' {
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		if r != '\u00a0' && r != '\u202f' && r != '\u2009' {
			break
		}
		b = b[n:]
	}
	return b
}

var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
var dayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// name finds an English name, whole or by its first three letters.
func name(b []byte, names []string) (int, []byte) {
	n := 0
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
		n++
	}
	if n < 3 {
		return -1, b
	}
	for i, full := range names {
		if n <= len(full) && (n == 3 || n == len(full) || full == "september" && n == 4) && bytes.EqualFold(b[:n], []byte(full[:n])) {
			rest := b[n:]
			if len(rest) > 0 && rest[0] == '.' {
				rest = rest[1:]
			}
			return i, rest
		}
	}
	return -1, b
}
