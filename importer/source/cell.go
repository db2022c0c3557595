package source

import "bytes"

// splitter takes records apart in one of the grammars that csvScanner describes.
// Whoever wants to know where a cell of a row stands or what it says asks it.
type splitter struct {
	delimiter byte
	escape    byte // 0: none
	lenient   bool
	spans     *[]Span // where the cells stand is appended; may be nil
}

// found notes where a cell stands.
func (c *splitter) found(from, to int) {
	if c.spans != nil {
		*c.spans = append(*c.spans, Span{from, to})
	}
}

// split appends what the cells of a record say.
func (c *splitter) split(raw []byte, dst [][]byte, scratch []byte) ([][]byte, []byte, error) {
	if c.escape != 0 {
		return c.splitEscaped(raw, dst, scratch)
	}
	quote := indexFrom(raw, -1, 0, '"')
	for p := 0; ; {
		open := p
		if c.lenient {
			open = len(raw) - len(trimBlanks(raw[p:], c.delimiter))
		}
		if open != quote || quote == len(raw) {
			end := indexFrom(raw, -1, p, c.delimiter)
			if quote < end {
				return dst, scratch, errBareQuote
			}
			dst = append(dst, raw[p:end:end])
			c.found(p, end)
			if end == len(raw) {
				return dst, scratch, nil
			}
			p = end + 1
			continue
		}
		closing := closingQuote(raw, open, c.lenient)
		if closing < 0 {
			return dst, scratch, errUnclosed
		}
		text := raw[open+1 : closing : closing]
		if first := open + 1 + bytes.IndexByte(raw[open+1:], '"'); first < closing {
			from := len(scratch)
			scratch = appendUnquoted(scratch, text, c.lenient)
			text = scratch[from:len(scratch):len(scratch)]
		}
		dst = append(dst, text)
		c.found(p, closing+1)
		p = closing + 1
		if p == len(raw) {
			return dst, scratch, nil
		}
		if raw[p] != c.delimiter {
			return dst, scratch, errAfter
		}
		p++
		quote = indexFrom(raw, -1, p, '"')
	}
}

// appendUnquoted appends the text of a quoted cell, in which each quote is
// doubled. In the lenient grammar a quote after a backslash stands for itself,
// and the backslash stays, as PHP reads it.
func appendUnquoted(dst, text []byte, lenient bool) []byte {
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i+1]...)
		if lenient && i > 0 && text[i-1] == '\\' {
			text = text[i+1:]
		} else {
			text = text[i+2:]
		}
	}
}

// trimBlanks takes the blanks at the beginning away, of which a delimiter is none.
func trimBlanks(text []byte, delimiter byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t') && text[0] != delimiter {
		text = text[1:]
	}
	return text
}

// closingQuote finds the quote that ends the cell opened at open, or gives -1.
// A quote at the very end of the data counts as one. In the lenient grammar a
// backslash before a quote makes it a part of the cell.
func closingQuote(data []byte, open int, lenient bool) int {
	for p := open + 1; ; {
		i := bytes.IndexByte(data[p:], '"')
		if i < 0 {
			return -1
		}
		p += i
		switch {
		case lenient && p-1 > open && data[p-1] == '\\':
			p++
		case p+1 < len(data) && data[p+1] == '"':
			p += 2
		default:
			return p
		}
	}
}

// indexFrom gives the first place of b at or after from, or the end of the
// data. known is what it gave before: it holds as long as it is not passed.
func indexFrom(data []byte, known, from int, b byte) int {
	if known >= from {
		return known
	}
	if i := bytes.IndexByte(data[from:], b); i >= 0 {
		return from + i
	}
	return len(data)
}

// AppendCell appends a cell of a text of ours to a CSV row of this layout, in quotes
// where it needs them or where they are asked for. Split gives it back.
func (l *Layout) AppendCell(dst, text []byte, quoted bool) []byte {
	if !quoted && !l.needsQuotes(text) {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, b := range text {
		switch {
		case l.Escape != 0 && b == l.Escape:
			dst = append(dst, b)
		case b == '"':
			dst = append(dst, '"')
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// needsQuotes tells that a cell does not stand for itself as it is.
func (l *Layout) needsQuotes(text []byte) bool {
	return bytes.IndexByte(text, l.Delimiter) >= 0 || bytes.ContainsAny(text, "\"\r\n") || len(text) > 0 && (text[0] == ' ' || text[0] == '\t') ||
		l.Escape != 0 && bytes.IndexByte(text, l.Escape) >= 0
}
