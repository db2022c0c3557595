package rows

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/consentimport/consentimport/importer/source"
)

// fault says why a row of the export cannot be read; "" when it can.
func (f *Rejected) fault(row *source.Row) string {
	switch {
	case row.Reason != "":
		return row.Reason
	case f.Layout.Nested():
		switch {
		case f.lists && json.Valid(row.Raw), isObject(row.Raw):
			return ""
		case f.lists:
			return "is not valid JSON"
		}
		return "is not a JSON object"
	}
	if _, _, err := f.Layout.Split(row.Raw, nil, nil); err != nil {
		return err.Error()
	}
	return ""
}

// unchanged tells that a row which cannot be read came back as rejected.* held it,
// whatever somebody did to its _error.
func (f *Rejected) unchanged(r *returned, row *source.Row) bool {
	if lost(row) {
		return len(bytes.Trim(r.body, string(f.Layout.Delimiter)+`" `)) == 0 || bytes.Equal(compact(r.body), []byte(`{"`+rawMember+`":null}`))
	}
	f.raw, f.own = f.raw[:0], f.own[:0]
	if f.Layout.Nested() {
		f.putJSON(row, "")
		was := dropMembers(append(bytes.Clone(f.raw), f.own...))
		return f.same(compact(r.body), compact(was))
	}
	body, n := f.appendBody(nil, row.Raw)
	if rest, ok := bytes.CutPrefix(r.body, body); ok && len(bytes.Trim(rest, string(f.Layout.Delimiter))) == 0 {
		return true
	}
	if n < 0 || r.cells == nil {
		return f.same(r.body, body)
	}
	was := make([][]byte, 0, n)
	for _, s := range f.mustSpans(body) {
		was = append(was, f.text(body[s.From:s.To]))
	}
	cells := f.ordered(r)
	if len(cells) < len(was) {
		return false
	}
	for i, c := range cells {
		if i < len(was) && !f.same(c, was[i]) || i >= len(was) && len(c) > 0 {
			return false
		}
	}
	return true
}

// ordered are the cells of a row as the export's header has them: whoever went through
// the file may have moved columns, or added one that nobody reads.
func (f *Rejected) ordered(r *returned) [][]byte {
	var own []string
	for i, name := range f.Layout.Columns {
		if !slices.Contains(f.drop, i) {
			own = append(own, name)
		}
	}
	if !f.Layout.HasHeader() || slices.Equal(own, r.names) {
		return r.cells
	}
	cells := make([][]byte, len(own))
	for i, name := range own {
		if at := slices.Index(r.names, name); at >= 0 {
			cells[i] = r.cells[at]
		}
	}
	return cells
}

// mustSpans are the cells of a body that has been taken apart before.
func (f *Rejected) mustSpans(body []byte) []source.Span {
	spans, err := f.Layout.Spans(body, nil)
	if err != nil {
		return nil
	}
	return spans
}

// text is what one cell says.
func (f *Rejected) text(cell []byte) []byte {
	one := source.Layout{Delimiter: f.Layout.Delimiter, Escape: f.Layout.Escape, Columns: []string{""}}
	cells, _, err := one.Split(cell, nil, nil)
	if err != nil {
		return cell
	}
	return cells[0]
}

// same compares a text that came back with one that was given out, in which what the
// encoding does not have became a question mark.
func (f *Rejected) same(back, out []byte) bool {
	if bytes.Equal(back, out) {
		return true
	}
	encode := func(text []byte) []byte {
		f.raw, f.own = append(f.raw[:0], text...), f.own[:0]
		return f.encode(nil)
	}
	return bytes.Equal(encode(back), encode(out))
}

// compact is JSON without the blanks between its tokens.
func compact(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}
