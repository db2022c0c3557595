package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// pageScanner finds rows in page objects, as APIs give them: the elements of
// the array at a path are the rows, or the object that stands there is the only
// one; with .* behind the path, the members of that object are, each with its key.
// An object at the top without that path is a row itself.
//
// A page may be larger than memory: of a page only the row that is read is
// kept, and the beginning of an object as long as it may yet be a row. In JSON
// lines a page ends with its line, whatever is missing.
type pageScanner struct {
	values
	path   []string
	keyed  bool // the rows are the members of the object at the path
	closed bool // array: not inside of one
	state  pageState
	level  int   // how many components of the path are open objects
	page   Row   // where the page began
	found  bool  // rows were found in it
	cur    int64 // offset up to which the page was read; the position is at its beginning while it may be a row
	line   int64 // line of cur
	match  bool  // the key before the value leads on along the path
	nest   nesting
}

// pageState is what comes next.
type pageState uint8

const (
	atTop       pageState = iota
	beforeKey             // of the page, or its end
	beforeColon           // after a key
	beforeValue           // after the colon
	inValue               // in the middle of a value that is of no interest
	inScalar              // in the middle of a number or word
	inRows                // in the array of rows
	inMembers             // in the object of rows
)

func newPageScanner(v values, path string) scanner {
	s := &pageScanner{values: v, path: strings.Split(path, "."), closed: true}
	if n := len(s.path); s.path[n-1] == "*" {
		s.path, s.keyed = s.path[:n-1], true
	}
	return s
}

func (s *pageScanner) scan(w *window, rows []Row) []Row {
	for len(rows) < cap(rows) {
		done := false
		switch {
		case s.bad != nil:
			bad := s.bad
			if rows, done = s.goOn(w, rows); done && s.lines && bad.within == nil {
				s.state = atTop
			}
		case s.state == atTop:
			rows, done = s.top(w, rows)
		case s.state == inRows:
			rows, done = s.element(w, rows)
		case s.state == inMembers:
			rows, done = s.member(w, rows)
		default:
			rows, done = s.readPage(w, rows)
		}
		if !done {
			return rows
		}
	}
	return rows
}

// top looks for the next page or row.
func (s *pageScanner) top(w *window, rows []Row) ([]Row, bool) {
	b, ok := s.between(w)
	switch {
	case !ok:
		if w.eof && s.array && !s.closed {
			w.cut = cutArray
		}
		return rows, false
	case s.array && b == ']' && !s.closed || s.array && b == '[' && s.closed:
		s.closed = b == ']'
		w.pos++
		return rows, true
	case b != '{' && s.lines:
		return s.wholeLine(w, rows)
	case b != '{':
		return s.value(w, rows)
	}
	s.page = Row{Line: w.line, Offset: w.offset(w.pos)}
	s.state, s.level, s.found = beforeKey, 0, false
	s.cur, s.line = w.offset(w.pos)+1, w.line
	if len(s.path) == 0 { // the page is the object of rows
		s.state, s.found = inMembers, true
		w.pos++
	}
	return rows, true
}

// wholeLine takes the rest of the line for a row.
func (s *pageScanner) wholeLine(w *window, rows []Row) ([]Row, bool) {
	i := bytes.IndexByte(w.data[w.pos:], s.lineEnd)
	if i < 0 {
		if !w.eof && len(w.data)-w.pos <= MaxRow+1 {
			return rows, false
		}
		i = len(w.data) - w.pos
	}
	raw := trimCR(w.data[w.pos:w.pos+i:w.pos+i], s.lineEnd)
	row := Row{Line: w.line, Offset: w.offset(w.pos), Raw: raw}
	s.state = atTop
	if len(raw) > MaxRow {
		row.Raw, row.Reason = nil, tooLong
		s.bad = &badValue{row: row, inLine: true}
		return rows, true
	}
	w.pos += i
	w.open = w.eof && w.pos == len(w.data)
	if w.pos < len(w.data) {
		w.pos, w.line = w.pos+1, w.line+1
	}
	w.here()
	return append(rows, row), true
}

// element takes the next element of the array of rows.
func (s *pageScanner) element(w *window, rows []Row) ([]Row, bool) {
	line := w.line
	at := w.pos
	b, ok := s.between(w)
	switch {
	case s.lines && w.line > line:
		w.pos, w.line = at+bytes.IndexByte(w.data[at:], s.lineEnd), line
		return s.breakPage(w, rows, "the line ends inside the array of rows")
	case !ok:
		if w.eof {
			w.cut = cutArray
		}
		return rows, false
	case b == ']':
		w.pos++
		s.state = beforeKey
		s.cur, s.line = w.offset(w.pos), w.line
		return rows, true
	}
	s.values.inPage = true
	rows, done := s.value(w, rows)
	s.values.inPage = false
	return rows, done
}

// member takes the next member of the object of rows.
func (s *pageScanner) member(w *window, rows []Row) ([]Row, bool) {
	line, at := w.line, w.pos
	more := func() ([]Row, bool) { // the text ends within the member
		if w.pos, w.line = at, line; w.eof {
			w.cut = "the text ends inside an object of rows: it was cut off"
		}
		return rows, false
	}
	b, ok := s.between(w)
	switch {
	case s.lines && w.line > line:
		w.pos, w.line = at+bytes.IndexByte(w.data[at:], s.lineEnd), line
		return s.breakPage(w, rows, "the line ends inside the object of rows")
	case !ok && w.eof:
		return more()
	case !ok:
		return rows, false
	case b == '}':
		w.pos++
		s.state, s.cur, s.line = beforeKey, w.offset(w.pos), w.line
		if len(s.path) == 0 {
			s.state = atTop
			w.here()
		}
		return rows, true
	case b != '"':
		return s.breakPage(w, rows, fmt.Sprintf("the JSON value is malformed on line %d", w.line))
	}
	var n nesting
	name := w.data[w.pos:]
	end, how := n.feed(name[:min(len(name), MaxRow)])
	if how == unfinished && len(name) < MaxRow {
		return more()
	}
	if how != finished {
		return s.breakPage(w, rows, fmt.Sprintf("the JSON value is malformed on line %d", w.line))
	}
	key := name[1 : end-1 : end-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		var plain string
		if json.Unmarshal(name[:end], &plain) == nil {
			key = []byte(plain)
		}
	}
	p := end
	for colon := false; ; p++ {
		if p == len(name) {
			return more()
		}
		b := name[p]
		if !colon && b == ':' {
			colon = true
			continue
		}
		if b == ' ' || b == '\t' || b == '\r' || b == '\n' {
			continue
		}
		if !colon {
			return s.breakPage(w, rows, fmt.Sprintf("the JSON value is malformed on line %d", w.line))
		}
		break
	}
	s.pass(w, p)
	had := len(rows)
	s.values.inPage = true
	rows, done := s.value(w, rows)
	s.values.inPage = false
	if !done {
		return more()
	}
	if len(rows) > had {
		rows[had].Key = key
	}
	return rows, true
}

// readPage reads on in the page, outside of its rows.
func (s *pageScanner) readPage(w *window, rows []Row) ([]Row, bool) {
	from := int(s.cur - w.base)
	p, what := s.read(w.data, from, w.eof)
	s.line += int64(bytes.Count(w.data[from:p], []byte{s.lineEnd}))
	s.cur = w.offset(p)
	keep := !s.found && s.cur-s.page.Offset <= MaxRow
	if s.found || what == unfinished && !keep {
		w.pos, w.line = p, s.line
	}
	switch what {
	case unfinished:
		if w.eof && s.found {
			w.cut = "the text ends inside a page: it was cut off"
			return rows, false
		}
		if !w.eof {
			return rows, false
		}
		rows, done := s.breakPage(w, rows, fmt.Sprintf(neverClosed.reason(), s.line))
		if s.bad != nil {
			s.bad.cut = s.array
		}
		return rows, done
	case finished:
		return s.endPage(w, rows, keep)
	case foundRows:
		s.found = true
		w.pos, w.line = p+1, s.line
		s.state = inRows
		return rows, true
	case foundRow:
		s.found = true
		w.pos, w.line = p, s.line
		if s.keyed {
			w.pos++
			s.state = inMembers
			return rows, true
		}
		had := len(rows)
		rows, done := s.value(w, rows)
		if !done {
			s.state = beforeValue // the value is looked at once more
			return rows, false
		}
		s.state = beforeKey
		s.cur, s.line = w.offset(w.pos), w.line
		if len(rows) == had {
			s.state = atTop // it is malformed, and so is the page
		}
		return rows, true
	default:
		return s.breakPage(w, rows, fmt.Sprintf("the JSON value is malformed on line %d", s.line))
	}
}

// endPage makes a row of an object without rows in it.
func (s *pageScanner) endPage(w *window, rows []Row, keep bool) ([]Row, bool) {
	s.state = atTop
	if s.found {
		return rows, true
	}
	row := s.page
	end := int(s.cur - w.base)
	if s.lines {
		if s.page.Offset >= w.base && w.offset(w.pos) == s.page.Offset {
			return s.wholeLine(w, rows)
		}
		row.Reason = tooLong
		w.pos, w.line = end, s.line
		s.bad = &badValue{row: row, inLine: true, lost: true}
		return rows, true
	}
	if keep {
		row.Raw = w.data[w.pos:end:end]
	} else {
		row.Reason = tooLong
	}
	w.pos, w.line = end, s.line
	w.here()
	return append(rows, row), true
}

// breakPage makes an unreadable row of a page that is malformed, from where
// that was found if rows of it have been given.
func (s *pageScanner) breakPage(w *window, rows []Row, reason string) ([]Row, bool) {
	if s.lines && !s.found && w.offset(w.pos) == s.page.Offset {
		return s.wholeLine(w, rows) // in JSON lines a line is a row whatever is in it
	}
	row := Row{Line: w.line, Offset: w.offset(w.pos), Reason: reason}
	if !s.found {
		row.Line, row.Offset = s.page.Line, s.page.Offset
	}
	s.bad = &badValue{row: row, indent: s.indent(w), inLine: true, lost: w.offset(w.pos) != row.Offset}
	s.state = atTop
	return rows, true
}

// Beside the outcomes of nesting, reading a page can come to its rows.
const (
	foundRows progress = 100 + iota
	foundRow
)

// read goes on in a page from a place of the window, and tells where it came to.
func (s *pageScanner) read(data []byte, p int, eof bool) (int, progress) {
	for p < len(data) {
		b := data[p]
		if s.state == inValue {
			n, how := s.nest.feed(data[p:])
			p += n
			if how == unfinished {
				return p, unfinished
			}
			if how != finished {
				return p, how
			}
			s.state = beforeKey
			continue
		}
		if s.state == inScalar {
			n := scalarEnd(data[p:])
			p += n
			if p < len(data) {
				s.state = beforeKey
			}
			continue
		}
		if b == ' ' || b == '\t' || b == '\r' || b == '\n' {
			if s.lines && b == s.lineEnd {
				return p, crossed
			}
			p++
			continue
		}
		switch s.state {
		case beforeKey:
			switch b {
			case ',':
				p++
			case '}':
				p++
				if s.level == 0 {
					return p, finished
				}
				s.level--
			case '"':
				n, how := s.key(data[p:])
				if how != finished {
					return p, how
				}
				p += n
				s.state = beforeColon
			default:
				return p, crossed
			}
		case beforeColon:
			if b != ':' {
				return p, crossed
			}
			p++
			s.state = beforeValue
		default: // beforeValue
			last := s.level == len(s.path)-1
			switch {
			case s.match && last && b == '[':
				return p, foundRows
			case s.match && last && b == '{':
				return p, foundRow
			case s.match && last && b == 'n':
				s.found = true // null: a page without rows
				s.state = inScalar
			case s.match && b == '{':
				s.level++
				s.state = beforeKey
				p++
			case b == '{' || b == '[' || b == '"':
				s.nest = nesting{}
				s.state = inValue
			case b == '}' || b == ']' || b == ':' || b == ',':
				return p, crossed
			default:
				s.state = inScalar
			}
		}
	}
	return p, unfinished
}

// key reads the key that a text begins with, and whether it leads on along the path.
func (s *pageScanner) key(text []byte) (int, progress) {
	var n nesting
	end, how := n.feed(text[:min(len(text), MaxRow)])
	if how == unfinished && len(text) >= MaxRow {
		return 0, overlong
	}
	if how != finished {
		return 0, how
	}
	key := text[1 : end-1]
	want := s.path[s.level]
	if bytes.IndexByte(key, '\\') < 0 {
		s.match = string(key) == want
		return end, finished
	}
	var plain string
	s.match = json.Unmarshal(text[:end], &plain) == nil && plain == want
	return end, finished
}
