package source

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// fitsLines tells that the first line is a JSON value as a whole.
func fitsLines(h *head, cfg *Config) bool {
	if oddFirstLine(h, cfg) {
		return true
	}
	if !beginsJSON(h, '{') && !arraysALine(h, cfg) {
		return false
	}
	line, _, whole := h.line(0)
	if !whole {
		// A first line that is longer than a row may be: with pages it is likely
		// one page, else the first of many lines.
		return cfg.Rows == ""
	}
	return endsJSON(line)
}

// arraysALine tells that the rows are arrays, whose columns are set, a line each: the
// text begins with an array of values and not of arrays. With one column the values
// are the rows.
func arraysALine(h *head, cfg *Config) bool {
	if len(cfg.Columns) < 2 || cfg.Rows != "" || !beginsJSON(h, '[') {
		return false
	}
	text := bytes.TrimLeft(h.data, " \t\r\n")
	return len(bytes.TrimLeft(text[1:], " \t\r\n")) > 0 && bytes.TrimLeft(text[1:], " \t\r\n")[0] != '['
}

// oddFirstLine tells that the first line is a JSON value which is not an object, and the
// next one an object as a whole: each line is a row, of which the first is invalid.
func oddFirstLine(h *head, cfg *Config) bool {
	if cfg.Rows != "" {
		return false
	}
	first, next, whole := h.line(0)
	first = bytes.Trim(first, " \t\r")
	if !whole || len(first) == 0 || first[0] == '{' || !json.Valid(first) {
		return false
	}
	for {
		at := next
		line, after, whole := h.line(at)
		if !isBlank(line, 0) {
			return whole && beginsJSON(&head{data: line}, '{') && endsJSON(line)
		}
		if !whole || after == at {
			return false
		}
		next = after
	}
}

// namedJSON tells that a file is called as JSON is, packed or not.
func namedJSON(name string) bool {
	name = strings.ToLower(name)
	for _, packed := range [...]string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return slices.Contains([]string{".json", ".jsonl", ".ndjson"}, path.Ext(name))
}

// fitsScalars tells that the lines at the beginning are JSON values, of which none is an
// object or an array.
func fitsScalars(h *head) bool {
	found := false
	for at, n := 0, 0; n < scalarLines; n++ {
		line, next, whole := h.line(at)
		if line = bytes.Trim(line, " \t\r"); !isBlank(line, 0) {
			if !whole && !h.eof || !json.Valid(line) || line[0] == '{' || line[0] == '[' {
				return false
			}
			found = true
		}
		if next == at {
			break
		}
		at = next
	}
	return found
}

// scalarLines is how many lines fitsScalars looks at.
const scalarLines = 5

// beginsJSON tells that a text begins with an opening bracket and what can
// follow it in JSON: CSV headers have been seen that begin with one.
func beginsJSON(h *head, open byte) bool {
	text := bytes.TrimLeft(h.data, " \t\r\n")
	if len(text) == 0 || text[0] != open {
		return false
	}
	next := bytes.TrimLeft(text[1:], " \t\r\n")
	if len(next) == 0 {
		return true
	}
	if open == '{' {
		return next[0] == '"' || next[0] == '}'
	}
	return bytes.IndexByte([]byte(`{["]-0123456789tfn`), next[0]) >= 0
}

// lineScanner finds the rows of JSON lines: every line that is not blank,
// whatever is in it.
type lineScanner struct {
	lineEnd byte
	long    *Row // as in csvScanner
}

func newLineScanner(m *member, _ *Layout, cfg *Config) scanner {
	if cfg.Rows != "" {
		return newPageScanner(values{lineEnd: m.lineEnd, lines: true}, cfg.Rows)
	}
	return &lineScanner{lineEnd: m.lineEnd}
}

func (s *lineScanner) behind() int { return 0 }

func (s *lineScanner) scan(w *window, rows []Row) []Row {
	data := w.data
	lineEnd, joint := -1, -1 // the first ones at or after the position, once it has reached them
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
		if w.pos < len(data) && data[w.pos] == utf8BOM[0] {
			w.pos = skipMark(data, w.pos)
		}
		lineEnd = indexFrom(data, lineEnd, w.pos, s.lineEnd)
		end, next, ended := lineEnd, min(lineEnd+1, len(data)), lineEnd < len(data)
		if !ended && (end == w.pos && w.eof || !w.eof && end-w.pos <= MaxRow+1) {
			return rows
		}
		raw := trimCR(data[w.pos:end:end], s.lineEnd)
		if len(raw) > MaxRow {
			s.long = &Row{Line: w.line, Offset: w.offset(w.pos), Reason: tooLong}
			continue
		}
		if joint < w.pos {
			if joint = bytes.Index(data[w.pos:], []byte("}{")); joint < 0 {
				joint = len(data)
			} else {
				joint += w.pos
			}
		}
		if joint < end {
			if n := firstValue(raw); n > 0 {
				rows = append(rows, Row{Line: w.line, Offset: w.offset(w.pos), Raw: raw[:n:n]})
				w.pos += n
				w.here()
				continue
			}
		}
		if len(raw) > 0 && (raw[0] != ' ' && raw[0] != '\t' || !isBlank(raw, 0)) && (ended || string(raw) != endOfFile) {
			rows = append(rows, Row{Line: w.line, Offset: w.offset(w.pos), Raw: raw})
		} else {
			raw = nil
		}
		w.pos = next
		if ended {
			w.line++
		}
		if raw != nil {
			w.open = !ended
			w.here()
		}
	}
	return rows
}

// firstValue is the length of the first of several objects in one line, as there are
// where a line end is missing between them; 0 where there is one, or none.
func firstValue(line []byte) int {
	if len(line) == 0 || line[0] != '{' {
		return 0
	}
	var n nesting
	end, how := n.feed(line)
	if how != finished || end == len(line) || line[end] != '{' {
		return 0
	}
	return end
}
