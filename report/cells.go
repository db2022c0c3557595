package report

import "bytes"

// cellSpan is where a cell stands in a row as written: the bytes from..to, the
// delimiters around it excluded.
type cellSpan struct{ from, to int }

// scanCells finds the cells of a CSV row as written. A quote closes a cell only
// before a delimiter or the end of the row, so that stray quotes stay within
// their cell; with backslash, `\"` does not close it either, as PHP writes it.
// open says that the last quote was never closed.
func scanCells(spans []cellSpan, raw []byte, delimiter byte, backslash bool) (cells []cellSpan, open bool) {
	spans = spans[:0]
	at := 0
	for {
		end, isOpen := cellEnd(raw, at, delimiter, backslash)
		spans = append(spans, cellSpan{at, end})
		if end >= len(raw) {
			return spans, isOpen
		}
		at = end + 1
	}
}

// cellEnd gives the end of the cell that begins at at.
func cellEnd(raw []byte, at int, delimiter byte, backslash bool) (end int, open bool) {
	if at >= len(raw) || raw[at] != '"' {
		n := bytes.IndexByte(raw[at:], delimiter)
		if n < 0 {
			return len(raw), false
		}
		return at + n, false
	}
	for i := at + 1; i < len(raw); i++ {
		switch {
		case backslash && raw[i] == '\\':
			i++
		case raw[i] != '"':
		case i+1 < len(raw) && raw[i+1] == '"':
			i++
		case i+1 == len(raw) || raw[i+1] == delimiter:
			return i + 1, false
		}
	}
	return len(raw), true
}

// rowCells finds the cells of a row that should have want of them.
func rowCells(spans []cellSpan, raw []byte, delimiter byte, want int) (cells []cellSpan, open bool) {
	cells, open = scanCells(spans, raw, delimiter, false)
	if len(cells) == want && !open || !bytes.Contains(raw, []byte(`\"`)) {
		return cells, open
	}
	n := len(cells)
	escaped, stillOpen := scanCells(nil, raw, delimiter, true)
	if len(escaped) == want && !stillOpen {
		return escaped, false
	}
	return cells[:n], open
}

// dropCells appends a row without the cells whose index is in drop.
func dropCells(dst, raw []byte, cells []cellSpan, drop map[int]bool, delimiter byte) []byte {
	first := true
	for i, c := range cells {
		if drop[i] {
			continue
		}
		if !first {
			dst = append(dst, delimiter)
		}
		first = false
		dst = append(dst, raw[c.from:c.to]...)
	}
	return dst
}
