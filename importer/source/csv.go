package source

import (
	"bytes"
	"fmt"
)

// fitsCSV: whatever is nothing else is CSV.
func fitsCSV(*head, *Config) bool { return true }

// csvScanner finds the records of a CSV text: RFC 4180 as encoding/csv reads
// it, with a delimiter of its own.
//
// A record that breaks the grammar is read once more as PHP's fputcsv writes
// it, where a backslash before a quote keeps the quote from ending the cell,
// and with blanks before an opening quote; that is taken when the record then
// has as many cells as the header. Otherwise the record is unreadable, and
// reading goes on at the line after the one where the cell at fault began: a
// forgotten quote costs one row and not its neighbours.
//
// That cannot make the time quadratic. To go on far from a line's beginning a
// cell has to stay open over many lines, so these hold no quotes but doubled
// ones, and read from their own beginnings they are records of one line.
//
// With an escape character the grammar is that of escape.go alone.
type csvScanner struct {
	delimiter byte
	lineEnd   byte
	escape    byte   // 0: none
	columns   int    // cells of the header; 0 when it is the header that is read
	header    []byte // nil without one
	// quote is the offset in the text of the first quote at or after the
	// position, or where the search for it ended.
	quote int64
	esc   int64 // the same for the escape character
	// long is a row that is known to be unreadable while the end of its line is
	// not yet in the window.
	long *Row
}

func newCSVScanner(m *member, l *Layout, _ *Config) scanner {
	return &csvScanner{delimiter: l.Delimiter, lineEnd: m.lineEnd, escape: l.Escape, columns: len(l.Columns), header: l.Header}
}

func (s *csvScanner) behind() int { return 0 }

func (s *csvScanner) scan(w *window, rows []Row) []Row {
	data := w.data
	quote := indexFrom(data, -1, max(int(s.quote-w.base), w.pos), '"')
	esc := len(data)
	if s.escape != 0 {
		esc = indexFrom(data, -1, max(int(s.esc-w.base), w.pos), s.escape)
	}
	defer func() { s.quote, s.esc = w.offset(quote), w.offset(esc) }()
	other := otherLineEnd(s.lineEnd)
	for len(rows) < cap(rows) {
		if s.long != nil {
			if !skipLine(w, s.lineEnd) {
				return rows
			}
			rows = append(rows, *s.long)
			s.long = nil
			w.here()
			continue
		}
		if w.pos < len(data) && (data[w.pos] == other || data[w.pos] == utf8BOM[0]) {
			w.pos = skipMark(data, skipHalf(data, w.pos, s.lineEnd))
		}
		quote = indexFrom(data, quote, w.pos, '"')
		n := bytes.IndexByte(data[w.pos:], s.lineEnd)
		end, next := w.pos+n, w.pos+n+1
		if n < 0 {
			end, next = len(data), len(data)
			if end == w.pos && w.eof {
				return rows
			}
		}
		if s.escape != 0 {
			esc = indexFrom(data, esc, w.pos, s.escape)
		} else if quote < end && n >= 0 && n <= MaxRow {
			quote = s.quotedLine(data[:end], w.pos, quote)
		}
		if quote < end || esc < end {
			var done bool
			if rows, done = s.quoted(w, rows); !done {
				return rows
			}
			continue
		}
		if n < 0 && !w.eof && end-w.pos <= MaxRow+1 {
			return rows
		}
		raw := trimCR(data[w.pos:end:end], s.lineEnd)
		if len(raw) > MaxRow {
			s.long = &Row{Line: w.line, Offset: w.offset(w.pos), Reason: tooLong}
			continue
		}
		if len(raw) == 0 || (raw[0] == ' ' || raw[0] == '\t') && isBlank(raw, s.delimiter) || n < 0 && string(raw) == endOfFile {
			w.pos = next
			if n >= 0 {
				w.line++
			}
			continue
		}
		rows = append(rows, Row{Line: w.line, Offset: w.offset(w.pos), Raw: raw})
		if s.isHeader(raw) {
			rows[len(rows)-1].Reason = repeatsHeader
		}
		w.pos = next
		if n >= 0 {
			w.line++
		} else {
			w.open = true
		}
		w.here()
	}
	return rows
}

// quotedLine follows the quoted cells of a line from its first quote on, as long
// as nothing unusual is in it: each cell ends in the line, without a doubled
// quote. It gives the end of the line, or the first quote where it is unusual.
// It only spares most records the way through quoted.
func (s *csvScanner) quotedLine(data []byte, start, quote int) int {
	first := quote
	for {
		if quote > start && data[quote-1] != s.delimiter {
			return first
		}
		i := bytes.IndexByte(data[quote+1:], '"')
		if i < 0 {
			return first
		}
		next := quote + i + 2 // after the closing quote
		if next == len(data) || data[next] == '\r' && len(trimCR(data[next:], s.lineEnd)) == 0 {
			return len(data)
		}
		if data[next] != s.delimiter {
			return first
		}
		if i = bytes.IndexByte(data[next+1:], '"'); i < 0 {
			return len(data)
		}
		quote = next + 1 + i
	}
}

// The reasons that need no numbers.
const (
	tooLong       = "the row is longer than 1 MiB"
	repeatsHeader = "the row repeats the header"
)

// isHeader tells that a row is the header once more, as it is where files were
// put together; the byte order mark may have come along.
func (s *csvScanner) isHeader(raw []byte) bool {
	if len(raw) == len(s.header)+len(utf8BOM) {
		raw = bytes.TrimPrefix(raw, []byte(utf8BOM))
	}
	return len(raw) == len(s.header) && len(raw) > 0 && bytes.Equal(raw, s.header)
}

// skipLine moves to the beginning of the next line, or as far as there is text.
func skipLine(w *window, lineEnd byte) (done bool) {
	if i := bytes.IndexByte(w.data[w.pos:], lineEnd); i >= 0 {
		w.pos += i + 1
		w.line++
		return true
	}
	w.pos = len(w.data)
	w.open = w.eof
	return w.eof
}

// quoted reads the record at the position, in whose first line a quote or an escape
// stands. It is not done when it needs more text.
func (s *csvScanner) quoted(w *window, rows []Row) (_ []Row, done bool) {
	data := w.data
	var found extent
	if s.escape != 0 {
		found = s.escapedRecord(data, w.pos, w.eof)
	} else {
		found = s.record(data, w.pos, w.eof, false)
	}
	if found.fault == needMore {
		return rows, false
	}
	if found.fault != noFault && s.escape == 0 {
		lenient := s.record(data, w.pos, w.eof, true)
		if lenient.fault == needMore {
			return rows, false
		}
		if lenient.fault == noFault && (s.columns == 0 || lenient.cells == s.columns) {
			found = lenient
		}
	}
	row := Row{Line: w.line, Offset: w.offset(w.pos)}
	if found.fault == noFault {
		row.Raw = data[w.pos:found.end:found.end]
		if s.isHeader(row.Raw) {
			row.Reason = repeatsHeader
		}
		w.line += int64(bytes.Count(data[w.pos:found.next], []byte{s.lineEnd}))
		w.open = found.next == len(data) && w.eof && data[found.next-1] != s.lineEnd
		w.pos = found.next
		w.here()
		return append(rows, row), true
	}
	before := int64(bytes.Count(data[w.pos:found.at], []byte{s.lineEnd}))
	row.Reason = fmt.Sprintf(found.fault.reason(), w.line+before)
	n := bytes.IndexByte(data[found.at:], s.lineEnd)
	if n < 0 && !w.eof && len(data)-w.pos <= MaxRow+1 {
		return rows, false // the line may yet be short enough to be kept
	}
	end := found.at + n
	if n < 0 {
		end = len(data)
	}
	if raw := trimCR(data[w.pos:end:end], s.lineEnd); len(raw) <= MaxRow {
		row.Raw = raw
	}
	w.pos = found.at
	w.line += before
	if n < 0 && !w.eof {
		unread := row // a copy, so that only this row costs an allocation
		s.long = &unread
		return rows, true
	}
	skipLine(w, s.lineEnd)
	w.here()
	return append(rows, row), true
}
