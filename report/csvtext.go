package report

import (
	"bytes"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/journal"
)

// appendCell appends one CSV cell exactly as csv.Writer would write it.
func appendCell(dst, cell []byte) []byte {
	if !needsQuotes(cell) {
		return append(dst, cell...)
	}
	return appendQuoted(dst, cell)
}

// appendQuoted appends a cell within quotes.
func appendQuoted(dst, cell []byte) []byte {
	dst = append(dst, '"')
	for {
		i := bytes.IndexByte(cell, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, cell[:i]...), '"', '"')
		cell = cell[i+1:]
	}
	return append(append(dst, cell...), '"')
}

// needsQuotes follows the rules of csv.Writer.
func needsQuotes(cell []byte) bool {
	if len(cell) == 0 {
		return false
	}
	for _, c := range cell {
		if c == ',' || c == '"' || c == '\n' || c == '\r' {
			return true
		}
	}
	if c := cell[0]; c < utf8.RuneSelf {
		// `\.` alone ends the input of Postgres' COPY.
		return c == ' ' || (c >= '\t' && c <= '\r') || (c == '\\' && len(cell) == 2 && cell[1] == '.')
	}
	r, _ := utf8.DecodeRune(cell)
	return unicode.IsSpace(r)
}

// isFormula says whether a spreadsheet would run a cell instead of showing it.
func isFormula[T string | []byte](cell T) bool {
	if len(cell) == 0 {
		return false
	}
	switch cell[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return true
	}
	return false
}

// appendSafeCell appends a cell that no spreadsheet runs: what looks like a
// formula gets an apostrophe in front, which spreadsheets take as "this is text".
func appendSafeCell(dst, cell []byte) []byte {
	if !isFormula(cell) {
		return appendCell(dst, cell)
	}
	return appendCell(dst, append([]byte{'\''}, cell...))
}

// disarm is appendSafeCell for lines that gocsv writes.
func disarm(cell string) string {
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

// appendRef appends the name of a consent: "523.2".
func appendRef(dst []byte, r journal.Ref) []byte {
	dst = strconv.AppendInt(dst, r.Row, 10)
	dst = append(dst, '.')
	return strconv.AppendInt(dst, int64(r.Consent), 10)
}

// refString is appendRef as a string.
func refString(r journal.Ref) string { return string(appendRef(nil, r)) }

const (
	msPerDay = 24 * 60 * 60 * 1000
	// firstMs and lastMs bound the times that RFC 3339 can write.
	firstMs = -62167219200000 // 0000-01-01
	lastMs  = 253402300799999 // 9999-12-31
)

// appendTime appends epoch milliseconds as RFC 3339 in UTC, with milliseconds
// when they are not zero. It is time.AppendFormat without its general case:
// successes.csv has one in each line.
func appendTime(dst []byte, ms int64) []byte {
	if ms < firstMs || ms > lastMs {
		return time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	}
	day := floorDiv(ms, msPerDay)
	y, m, d := civil(day)
	ms -= day * msPerDay
	sec := ms / 1000
	dst = append(dst,
		byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10), 'T')
	h, mi, s := sec/3600, sec/60%60, sec%60
	dst = append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+mi/10), byte('0'+mi%10), ':', byte('0'+s/10), byte('0'+s%10))
	if f := ms % 1000; f != 0 {
		dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	return append(dst, 'Z')
}

// floorDiv divides towards minus infinity; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil gives the date of a day counted from 1970-01-01 in the proleptic
// Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
func civil(day int64) (year, month, dom int64) {
	day += 719468
	era := floorDiv(day, 146097)
	doe := day - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, dom
}
