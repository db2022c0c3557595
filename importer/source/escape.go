package source

import "bytes"

// With an escape character set, a CSV text is read as databases unload it: MySQL's
// SELECT … INTO OUTFILE, Redshift's UNLOAD … ESCAPE, Hive's ESCAPED BY, Spark's
// escape option. The character before a quote, a delimiter, a line end or itself
// makes that a part of the cell, within quotes and without; before anything else it
// stands for itself, for not all of them double it there. A cell that is nothing but
// the character and N is NULL, and empty here.
//
// (MySQL reference manual, "SELECT ... INTO Statement" and "LOAD DATA Statement",
// field and line handling; Amazon Redshift, "UNLOAD", parameter ESCAPE; Apache Hive,
// "LanguageManual DDL", row formats.)

// escapable tells that an escape before b makes it a part of the cell.
func escapable(b, delimiter, escape byte) bool {
	return b == '"' || b == delimiter || b == escape || b == '\r' || b == '\n'
}

// escapedEnd finds the delimiter that ends the unquoted cell at p, or the end of the
// data.
func escapedEnd(data []byte, p int, delimiter, escape byte) int {
	for ; p < len(data); p++ {
		switch data[p] {
		case delimiter:
			return p
		case escape:
			if p+1 < len(data) && escapable(data[p+1], delimiter, escape) {
				p++
			}
		}
	}
	return len(data)
}

// escapedClosing is closingQuote with an escape character, which within quotes passes
// over whatever follows it.
func escapedClosing(data []byte, open int, escape byte) int {
	for p := open + 1; p < len(data); p++ {
		switch data[p] {
		case escape:
			p++
		case '"':
			if p+1 == len(data) || data[p+1] != '"' {
				return p
			}
			p++
		}
	}
	return -1
}

// unescaped is the text of a cell, appended to scratch where something had to be
// taken out.
func unescaped(scratch, text []byte, delimiter, escape byte, quoted bool) (plain, newScratch []byte) {
	if len(text) == 2 && text[0] == escape && text[1] == 'N' {
		return text[:0], scratch
	}
	if bytes.IndexByte(text, escape) < 0 && (!quoted || bytes.IndexByte(text, '"') < 0) {
		return text, scratch
	}
	from := len(scratch)
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case b == escape && i+1 < len(text) && escapable(text[i+1], delimiter, escape):
			i++
			b = text[i]
		case b == '"' && quoted:
			i++ // the first of two
		}
		scratch = append(scratch, b)
	}
	return scratch[from:len(scratch):len(scratch)], scratch
}

// splitEscaped is split with an escape character.
func (c *splitter) splitEscaped(raw []byte, dst [][]byte, scratch []byte) ([][]byte, []byte, error) {
	for p := 0; ; p++ {
		quoted := p < len(raw) && raw[p] == '"'
		from, end := p, 0
		var text []byte
		if quoted {
			if end = escapedClosing(raw, p, c.escape); end < 0 {
				return dst, scratch, errUnclosed
			}
			text = raw[p+1 : end : end]
			end++
			if end < len(raw) && raw[end] != c.delimiter {
				return dst, scratch, errAfter
			}
		} else {
			end = escapedEnd(raw, p, c.delimiter, c.escape)
			text = raw[p:end:end]
		}
		text, scratch = unescaped(scratch, text, c.delimiter, c.escape, quoted)
		dst = append(dst, text)
		c.found(from, end)
		if end == len(raw) {
			return dst, scratch, nil
		}
		p = end
	}
}

// escapedRecord finds the end of the record that begins at start, as record does.
func (s *csvScanner) escapedRecord(data []byte, start int, eof bool) extent {
	limit := start + MaxRow + 2
	cut := len(data) > limit
	if cut {
		data = data[:limit]
	}
	open := -1 // the quote of the cell that is open
	cellStart := true
	for p := start; p < len(data); p++ {
		b := data[p]
		switch {
		case b == s.escape && p+1 == len(data):
			return s.cutShort(data, start, open, eof && !cut)
		case b == s.escape && (open >= 0 || escapable(data[p+1], s.delimiter, s.escape)):
			p++
			if data[p] == '\r' && p+1 < len(data) && data[p+1] == '\n' {
				p++
			} else if data[p] == '\r' && p+1 == len(data) && (!eof || cut) {
				return s.cutShort(data, start, open, false)
			}
			cellStart = false
		case open >= 0:
			if b != '"' {
				continue
			}
			if p+1 < len(data) && data[p+1] == '"' {
				p++
				continue
			}
			after := data[p+1:]
			if len(after) == 0 && (!eof || cut) {
				return s.cutShort(data, start, open, false)
			}
			if rest := trimCR(after[:min(len(after), indexFrom(after, -1, 0, s.lineEnd))], s.lineEnd); len(after) > 0 && after[0] != s.delimiter && len(rest) > 0 {
				return extent{fault: textAfterQuote, at: open}
			}
			open = -1
		case b == '"' && cellStart:
			open, cellStart = p, false
		case b == s.delimiter:
			cellStart = true
		case b == s.lineEnd:
			end := start + len(trimCR(data[start:p], s.lineEnd))
			if end-start > MaxRow {
				return extent{fault: long, at: end}
			}
			return extent{end: end, next: p + 1}
		default:
			cellStart = false
		}
	}
	return s.cutShort(data, start, open, eof && !cut)
}

// cutShort says what it means that the data ends within a record.
func (s *csvScanner) cutShort(data []byte, start, open int, ended bool) extent {
	over := len(data)-start > MaxRow+1
	switch {
	case over && open >= 0:
		return extent{fault: longOpen, at: open}
	case over:
		return extent{fault: long, at: len(data) - 1}
	case !ended:
		return extent{fault: needMore}
	case open >= 0:
		return extent{fault: unclosedQuote, at: open}
	}
	end := start + len(trimCR(data[start:], s.lineEnd))
	return extent{end: end, next: len(data)}
}

// looksEscaped tells that the beginning of a text has what nobody but a database
// writes: JSON whose quotes stand behind backslashes, or a cell that is \N.
func looksEscaped(data []byte, delimiter byte) bool {
	for _, sign := range [...]string{`{\"`, `[\"`, string(delimiter) + `\N` + string(delimiter), string(delimiter) + "\\N\n", string(delimiter) + "\\N\r"} {
		if bytes.Contains(data, []byte(sign)) {
			return true
		}
	}
	return false
}
