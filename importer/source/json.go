package source

import (
	"bytes"
	"fmt"
)

// fitsArray tells that a text is an array of JSON values, or several of them.
func fitsArray(h *head, cfg *Config) bool {
	return beginsJSON(h, '[') && !arraysALine(h, cfg) && !oddFirstLine(h, cfg)
}

// fitsDocument tells that a text is a JSON object over several lines, or
// several of them.
func fitsDocument(h *head, _ *Config) bool { return beginsJSON(h, '{') }

func newArrayScanner(m *member, _ *Layout, cfg *Config) scanner {
	return newJSONScanner(m, cfg, true)
}

func newDocumentScanner(m *member, _ *Layout, cfg *Config) scanner {
	return newJSONScanner(m, cfg, false)
}

func newJSONScanner(m *member, cfg *Config, array bool) scanner {
	v := values{lineEnd: m.lineEnd, array: array}
	if cfg.Rows != "" {
		return newPageScanner(v, cfg.Rows)
	}
	return &jsonScanner{values: v, first: m.body}
}

// jsonScanner finds the elements of arrays at the top of a text, or the values
// that stand there one after another. Commas are not insisted on. A place where
// a row begins is always one in an array, so that reading can begin there.
type jsonScanner struct {
	values
	first  int64 // offset where the text begins; -1 once scanning has begun
	closed bool  // array: not inside of one
}

func (s *jsonScanner) scan(w *window, rows []Row) []Row {
	if s.first >= 0 {
		s.closed = w.offset(w.pos) <= s.first
		s.first = -1
	}
	for len(rows) < cap(rows) {
		if w.stray { // nothing more is a row
			w.pos = len(w.data)
			return rows
		}
		if s.bad != nil {
			var done bool
			if rows, done = s.goOn(w, rows); !done {
				return rows
			}
			s.closed = false
			continue
		}
		b, ok := s.between(w)
		if !ok {
			if w.eof && s.array && !s.closed {
				w.cut = cutArray
			}
			return rows
		}
		if s.array && b == ']' && !s.closed || s.array && b == '[' && s.closed {
			s.closed = b == ']'
			w.pos++
			continue
		}
		if s.array && s.closed {
			w.cut, w.stray = "other text follows the end of the array", true
			continue
		}
		var done bool
		if rows, done = s.value(w, rows); !done {
			return rows
		}
	}
	return rows
}

// cutArray says that the end of a file is missing.
const cutArray = "the text ends inside an array of rows: it was cut off"

// values is what finds JSON values has to know and do.
type values struct {
	lineEnd byte
	array   bool      // the text is an array, or several of them
	inPage  bool      // the value is one of the rows of a page
	lines   bool      // a value ends with its line, whatever is missing
	bad     *badValue // a malformed value that is being passed over
}

// badValue is a row that cannot be read, while the next row is looked for.
type badValue struct {
	row    Row
	indent int  // blanks at the beginning of the line on which it begins
	skip   int  // bytes after the position that belong to it in any case
	cut    bool // the text ends inside it, unless a row is found after it
	lost   bool // it is too long to be kept
	inLine bool // the position is in the middle of a line that belongs to it
	// within follows a value that is too long for a row while it stays on its line: all
	// rows may stand on one line, and those behind it are rows.
	within *nesting
}

// indentBehind is how far before a value the beginning of its line is looked for.
const indentBehind = 256

func (v *values) behind() int { return indentBehind }

// between passes over blanks, line ends and commas to the next byte.
func (v *values) between(w *window) (byte, bool) {
	for ; w.pos < len(w.data); w.pos++ {
		switch b := w.data[w.pos]; b {
		case v.lineEnd:
			w.line++
		case ' ', '\t', '\r', '\n', ',':
		default:
			return b, true
		}
	}
	return 0, false
}

// value takes the value at the position for a row. It is not done when it needs
// more text.
func (v *values) value(w *window, rows []Row) (_ []Row, done bool) {
	text, eof := w.data[w.pos:], w.eof
	if v.lines {
		if i := bytes.IndexByte(text, v.lineEnd); i >= 0 {
			text, eof = text[:i], true
		}
	}
	end, how := v.extent(text, eof)
	switch how {
	case unfinished:
		return rows, false
	case finished:
		raw := w.data[w.pos : w.pos+end : w.pos+end]
		rows = append(rows, Row{Line: w.line, Offset: w.offset(w.pos), Raw: raw})
		v.pass(w, end)
		w.open = w.eof && w.pos == len(w.data) && raw[end-1] != '}' && raw[end-1] != ']' && raw[end-1] != '"'
		w.here()
		return rows, true
	}
	line := w.line + int64(bytes.Count(w.data[w.pos:w.pos+end], []byte{v.lineEnd}))
	v.bad = &badValue{
		row:    Row{Line: w.line, Offset: w.offset(w.pos), Reason: fmt.Sprintf(how.reason(), line)},
		indent: v.indent(w),
		inLine: true,
	}
	v.bad.cut = how == neverClosed && !v.lines && (v.array || v.inPage)
	switch {
	case how == tooDeep:
		v.bad.skip = end // or else each of many opening brackets would be gone back to
	case how == overlong && (!v.lines || v.inPage) && line == w.line:
		v.bad.within = new(nesting)
		_, how = v.bad.within.feed(w.data[w.pos : w.pos+end])
		v.bad.lost, v.bad.skip = true, end
		if how != unfinished {
			v.bad.within = nil
		}
	}
	return rows, true
}

// pass moves the position by n bytes.
func (v *values) pass(w *window, n int) {
	w.line += int64(bytes.Count(w.data[w.pos:w.pos+n], []byte{v.lineEnd}))
	w.pos += n
}

// extent finds the end of the value that a text begins with.
func (v *values) extent(text []byte, eof bool) (int, progress) {
	over := len(text) > MaxRow+1
	if over {
		text = text[:MaxRow+1]
	}
	end, how := 0, unfinished
	switch text[0] {
	case '{', '[', '"':
		var n nesting
		end, how = n.feed(text)
	case '}', ']', ':':
		how = crossed
	default:
		if end = scalarEnd(text); end < len(text) || eof {
			how = finished
		}
	}
	switch {
	case how == unfinished && len(text) > MaxRow, how == finished && end > MaxRow:
		return min(end, MaxRow), overlong
	case how == unfinished && eof:
		return end, neverClosed
	}
	return end, how
}

// indent counts the blanks at the beginning of the line on which the position
// is. A line that begins too far back counts as one without any.
func (v *values) indent(w *window) int {
	before := w.data[max(0, w.pos-indentBehind):w.pos]
	if i := bytes.LastIndexByte(before, v.lineEnd); i >= 0 {
		before = before[i+1:]
	} else if len(before) == indentBehind {
		return 0
	}
	return len(before) - len(trimBlanks(before, 0))
}

// goOn looks for the row after a malformed one: the next line that begins with
// an object and is not indented deeper, or with the end of the array. All
// before it belongs to the malformed row, which is kept while it is no longer
// than a row may be.
func (v *values) goOn(w *window, rows []Row) (_ []Row, done bool) {
	bad := v.bad
	p := w.pos + bad.skip
	line := w.line + int64(bytes.Count(w.data[w.pos:p], []byte{v.lineEnd}))
	for {
		if bad.inLine {
			i := bytes.IndexByte(w.data[p:], v.lineEnd)
			if bad.within != nil {
				rest := w.data[p:]
				if i >= 0 {
					rest = rest[:i]
				}
				end, how := bad.within.feed(rest)
				if how == finished {
					return append(rows, v.close(w, p+end, line)), true
				} else if how != unfinished || i >= 0 || w.eof {
					bad.within = nil
				}
			}
			if i < 0 {
				p = len(w.data)
				break
			}
			p, line = p+i+1, line+1
			bad.inLine = false
		}
		if v.lines {
			return append(rows, v.close(w, p, line)), true
		}
		at, how := v.beginsRow(w.data[p:], bad.indent, w.eof)
		if how == unfinished {
			break
		}
		if how == finished {
			return append(rows, v.close(w, p+at, line)), true
		}
		bad.inLine = true
	}
	if w.eof && bad.cut {
		// Not a row: when the rest of the file is there, it will be one.
		v.bad = nil
		w.pos, w.cut = len(w.data), cutArray
		return rows, false
	}
	if w.eof {
		w.open = true
		return append(rows, v.close(w, len(w.data), line)), true
	}
	if !bad.lost && len(w.data)-w.pos <= MaxRow+1 {
		bad.inLine = true // all of it is looked at once more
		return rows, false
	}
	bad.lost, bad.skip = true, 0
	w.pos, w.line = p, line
	return rows, false
}

// close ends the malformed row before a place of the window.
func (v *values) close(w *window, end int, line int64) Row {
	row := v.bad.row
	if !v.bad.lost {
		if raw := bytes.TrimRight(w.data[w.pos:end], " \t\r\n,"); len(raw) <= MaxRow {
			row.Raw = raw[:len(raw):len(raw)]
		}
	}
	v.bad = nil
	w.pos, w.line = end, line
	w.here()
	return row
}

// lineSniff is how far into a line it is looked whether a row begins there.
const lineSniff = 4 << 10

// beginsRow tells whether a line can begin a row after a malformed one, and
// where. It is unfinished when more of the line must be seen.
func (v *values) beginsRow(text []byte, indent int, eof bool) (int, progress) {
	limited := len(text) > lineSniff
	if limited {
		text = text[:lineSniff]
	}
	blanks := len(text) - len(trimBlanks(text, 0))
	for i, b := range text[blanks:] {
		switch b {
		case '{':
			if blanks <= indent {
				return blanks + i, finished
			}
			return 0, crossed
		case ']':
			if blanks <= indent {
				return blanks + i, finished
			}
			return 0, crossed
		case '}', ',', ' ', '\t':
		default:
			return 0, crossed
		}
	}
	if limited || eof {
		return 0, crossed
	}
	return 0, unfinished
}
