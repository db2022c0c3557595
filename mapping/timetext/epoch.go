package timetext

import "bytes"

// The seconds between which an all-digit text is taken for an epoch: the years 1995
// to 2100. No consent platform is older.
const (
	firstEpoch = 788_918_400
	lastEpoch  = 4_133_980_799
)

// EpochUnit tells by its size whether an all-digit text counts seconds ("s"),
// milliseconds ("ms"), microseconds ("us") or nanoseconds ("ns") since 1970. It is
// empty where the text does not lie between 1995 and 2100, and where it could be a
// compact date: 20240131, 202401311230, 20240131123045.
func EpochUnit(text []byte) string {
	n := len(text)
	if n < 9 || n > 19 || n == 12 || n == 14 || !AllDigits(text) {
		return ""
	}
	var v uint64
	for _, c := range text {
		v = v*10 + uint64(c-'0')
	}
	for _, unit := range [...]string{"s", "ms", "us", "ns"} {
		if v < firstEpoch {
			return ""
		}
		if v <= lastEpoch {
			return unit
		}
		v /= 1000
	}
	return ""
}

// AllDigits reports whether a text is digits alone, one at least.
func AllDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// IsScientific recognises what spreadsheets, data frames and JVM programs make of long
// numbers: 1.6081E+12, 1.6081E12. Without a sign and a fraction it may be anything.
func IsScientific(b []byte) bool {
	i := bytes.IndexAny(b, "Ee")
	if i < 1 || i+1 >= len(b) {
		return false
	}
	fraction := false
	for _, c := range b[:i] {
		switch {
		case c == '.', c == ',':
			fraction = true
		case c < '0' || c > '9':
			return false
		}
	}
	if b[i+1] == '+' {
		return AllDigits(b[i+2:])
	}
	return fraction && AllDigits(b[i+1:])
}

// epoch reads a whole number, or for seconds one with a fraction.
func epoch(text []byte, unit string) (int64, string) {
	if IsScientific(text) {
		return 0, Mangled
	}
	whole, fraction := text, []byte(nil)
	if i := bytes.IndexByte(text, '.'); i > 0 && unit == "s" {
		whole, fraction = text[:i], text[i+1:]
		if !AllDigits(fraction) {
			return 0, NoMatch
		}
	}
	if len(whole) > 1 && whole[0] == '-' && AllDigits(whole[1:]) {
		return 0, Early
	}
	finer := 0 // digits below the millisecond, which are cut
	switch unit {
	case "us":
		finer = 3
	case "ns":
		finer = 6
	}
	if finer > 0 && len(whole) > finer && AllDigits(whole) {
		whole = whole[:len(whole)-finer]
	}
	n, ok := digits(whole)
	if !ok {
		return 0, NoMatch
	}
	if n > MaxMillis {
		return 0, Late
	}
	if unit == "s" {
		n *= 1000
	}
	switch {
	case n > MaxMillis: // before another format of the list is given up
		return 0, Late
	case n >= firstEpoch*1000:
		return n + millisOf(fraction), ""
	case unit == "ms" && EpochUnit(text) == "s":
		return 0, Seconds
	}
	return 0, Old
}

// digits reads an unsigned number of at most 18 digits.
func digits(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 || !AllDigits(b) {
		return 0, false
	}
	var n int64
	for _, c := range b {
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// millisOf gives the milliseconds of the digits behind a decimal point; what is
// finer is cut.
func millisOf(fraction []byte) int64 {
	var ms int64
	for i := range 3 {
		ms *= 10
		if i < len(fraction) {
			ms += int64(fraction[i] - '0')
		}
	}
	return ms
}
