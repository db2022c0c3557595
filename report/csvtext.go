package report

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/journal"
)

// appendCell appends one CSV cell exactly as csv.Writer would write it.
func appendCell[T string | []byte](dst []byte, cell T) []byte {
	if !needsQuotes(cell) {
		return append(dst, cell...)
	}
	return appendQuoted(dst, cell)
}

// appendQuoted appends a cell within quotes.
func appendQuoted[T string | []byte](dst []byte, cell T) []byte {
	dst = append(dst, '"')
	for i := range len(cell) {
		if cell[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, cell[i])
	}
	return append(dst, '"')
}

// needsQuotes follows the rules of csv.Writer.
func needsQuotes[T string | []byte](cell T) bool {
	if len(cell) == 0 {
		return false
	}
	for i := range len(cell) {
		if c := cell[i]; c == ',' || c == '"' || c == '\n' || c == '\r' {
			return true
		}
	}
	if c := cell[0]; c < utf8.RuneSelf {
		// `\.` alone ends the input of Postgres' COPY.
		return c == ' ' || (c >= '\t' && c <= '\r') || (c == '\\' && len(cell) == 2 && cell[1] == '.')
	}
	r, _ := utf8.DecodeRuneInString(string(cell[:min(len(cell), utf8.UTFMax)]))
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

// disarm is appendSafeCell for lines that come of structs.
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

// appendTime appends epoch milliseconds as RFC 3339 in UTC, with milliseconds
// when they are not zero.
func appendTime(dst []byte, ms int64) []byte {
	layout := "2006-01-02T15:04:05.000Z07:00"
	if ms%1000 == 0 {
		layout = time.RFC3339 // the time package has a short way for it
	}
	return time.UnixMilli(ms).UTC().AppendFormat(dst, layout)
}
