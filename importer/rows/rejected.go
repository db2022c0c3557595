package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/source"
)

// rawMember holds a row that is not a JSON object, in rejected.jsonl: as text, or
// null where the row is too long to be repeated.
const rawMember = "_raw"

// RejectedName is the name of the file for the rows of the nth layout of an export,
// from 0. Files with different headers cannot share one.
func RejectedName(layout *source.Layout, n int) string {
	if n == 0 {
		return "rejected." + layout.Format.String()
	}
	return fmt.Sprintf("rejected-%d.%s", n+1, layout.Format)
}

// Rejected writes the source rows of one layout that failed, in the export's own
// form, so that the file can be repaired and imported: rejected.csv or .jsonl.
type Rejected struct {
	Layout  *source.Layout
	lists   bool  // a JSON row may be a list or a single value
	columns int   // that the export has, _row and _error of an earlier repair left out
	drop    []int // indexes of those, ascending
	lineEnd string
	spans   []source.Span
	raw     []byte // source bytes, kept when encoded
	own     []byte // what we add
}

// NewRejected prepares the form for a layout.
func NewRejected(l *source.Layout) *Rejected {
	f := &Rejected{Layout: l, columns: len(l.Columns), lineEnd: l.LineEnd}
	if f.lineEnd == "" {
		f.lineEnd = "\n"
	}
	for i, name := range l.Columns {
		if name == RowColumn || name == ErrorColumn {
			f.drop = append(f.drop, i)
			f.columns--
		}
	}
	return f
}

// Head is what stands above the rows: preamble and header as in the export, in
// its encoding and with its byte order mark.
func (f *Rejected) Head() []byte {
	l := f.Layout
	f.raw, f.own = f.raw[:0], f.own[:0]
	if l.BOM {
		f.raw = append(f.raw, "\uFEFF"...)
	}
	f.raw = append(f.raw, l.Preamble...)
	if l.HasHeader() {
		f.raw, _ = f.appendBody(f.raw, l.Header)
		f.own = append(append(f.own, l.Delimiter), RowColumn...)
		f.own = append(append(f.own, l.Delimiter), ErrorColumn...)
		f.own = append(f.own, f.lineEnd...)
	}
	return f.encode(nil)
}

// AppendRow appends a row as written with its number and what is wrong with it.
// file is where the row stands, for one that is too long to be repeated.
func (f *Rejected) AppendRow(dst []byte, row *source.Row, file, reason string) []byte {
	f.raw, f.own = f.raw[:0], f.own[:0]
	if lost(row) {
		reason = fmt.Sprintf("%s; it is too long to be repeated here: see line %d of %s", reason, row.Line, file)
	}
	if f.Layout.Nested() {
		f.putJSON(row, reason)
	} else {
		f.putCSV(row, reason)
	}
	f.own = append(f.own, f.lineEnd...)
	return f.encode(dst)
}

// lost tells that a row is too long to have been kept.
func lost(row *source.Row) bool { return row.Raw == nil && row.Reason != "" }

// encode appends raw and own in the encoding of the layout. Source bytes come
// back as they were; a character that the encoding lacks becomes a question mark.
func (f *Rejected) encode(dst []byte) []byte {
	for _, text := range [...][]byte{f.raw, f.own} {
		if out, err := f.Layout.Encode(text); err == nil {
			dst = append(dst, out...)
			continue
		}
		for len(text) > 0 {
			_, n := utf8.DecodeRune(text)
			if out, err := f.Layout.Encode(text[:n]); err == nil {
				dst = append(dst, out...)
			} else {
				dst = append(dst, '?')
			}
			text = text[n:]
		}
	}
	return dst
}

// appendBody appends a CSV row or header without the cells of an earlier repair, and
// tells how many cells it has left. A row that is not a record comes whole, but for
// what an earlier repair wrote at its end; then there is no telling: -1.
func (f *Rejected) appendBody(dst, raw []byte) ([]byte, int) {
	spans, err := f.Layout.Spans(raw, f.spans[:0])
	if err != nil {
		if body, _, ok := lineageAtEnd(raw, f.Layout.Delimiter); ok && f.drop != nil {
			raw = raw[:body]
		}
		return f.closed(append(dst, raw...)), -1
	}
	f.spans = spans
	n := 0
	for i, s := range spans {
		if slices.Contains(f.drop, i) {
			continue
		}
		if n > 0 {
			dst = append(dst, f.Layout.Delimiter)
		}
		dst = append(dst, raw[s.From:s.To]...)
		n++
	}
	return f.closed(dst), n
}

// closed doubles an escape character at the end of a body, where it stands for itself:
// before a delimiter it would not.
func (f *Rejected) closed(body []byte) []byte {
	n := 0
	for e := f.Layout.Escape; e != 0 && n < len(body) && body[len(body)-1-n] == e; n++ {
	}
	if n%2 == 1 {
		body = append(body, f.Layout.Escape)
	}
	return body
}

// putCSV puts a CSV row. One with too few cells is filled up with empty ones, so
// that _row stands in its column. One with too many cannot be cut without losing
// what somebody has to look at: _row follows its last cell.
func (f *Rejected) putCSV(row *source.Row, reason string) {
	delimiter := f.Layout.Delimiter
	var have int
	f.raw, have = f.appendBody(f.raw, row.Raw)
	for ; have >= 0 && have < f.columns; have++ {
		f.own = append(f.own, delimiter)
	}
	f.own = append(f.own, delimiter)
	f.own = strconv.AppendInt(f.own, row.Number, 10)
	f.own = append(f.own, delimiter)
	// After an open quote the text is quoted in any case: text after a quote
	// ends the search for the closing one on this very line, so that whoever
	// reads the file loses this row and not its neighbours.
	f.own = f.Layout.AppendCell(f.own, []byte(reason), have < 0)
}

// putJSON puts a JSON value as one line with its number and what is wrong with it as
// its last members. Line ends between its tokens become blanks. A row that is not an
// object is wrapped into one, as text.
func (f *Rejected) putJSON(row *source.Row, reason string) {
	if !isObject(row.Raw) {
		f.own = append(f.own, '{')
		f.putLineage(row, reason)
		f.own = append(f.own, `,"`+rawMember+`":`...)
		if lost(row) {
			f.own = append(f.own, "null}"...)
			return
		}
		f.own = append(appendJSONString(f.own, string(row.Raw)), '}')
		return
	}
	raw := dropMembers(bytes.TrimSpace(row.Raw))
	f.raw = append(f.raw, raw[:len(raw)-1]...)
	for i, c := range f.raw {
		if c == '\n' || c == '\r' { // never within a string
			f.raw[i] = ' '
		}
	}
	if len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0 {
		f.own = append(f.own, ',')
	}
	f.putLineage(row, reason)
	f.own = append(f.own, '}')
}

// isObject tells that a text is a JSON object.
func isObject(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) >= 2 && raw[0] == '{' && json.Valid(raw)
}

// putLineage puts the members that name a row and what is wrong with it.
func (f *Rejected) putLineage(row *source.Row, reason string) {
	f.own = append(f.own, `"`+RowColumn+`":`...)
	f.own = strconv.AppendInt(f.own, row.Number, 10)
	if row.Key != nil {
		f.own = append(f.own, `,"`+KeyMember+`":`...)
		f.own = appendJSONString(f.own, string(row.Key))
	}
	f.own = append(f.own, `,"`+ErrorColumn+`":`...)
	f.own = appendJSONString(f.own, reason)
}

// appendJSONString appends a text as a JSON string, in which <, > and & stay.
func appendJSONString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// dropMembers takes the _row and _error of an earlier repair out of a valid
// JSON object, wherever they stand at its top. An object without them comes
// back as it is.
func dropMembers(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`"_`)) {
		return raw
	}
	out := []byte{'{'}
	dropped := false
	from := 1 // begin of the member
	for from < len(raw)-1 {
		to := memberEnd(raw, from)
		member := raw[from:to]
		if isRepairMember(member) {
			dropped = true
		} else {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, member...)
		}
		from = to + 1
	}
	if !dropped {
		return raw
	}
	return append(out, '}')
}

// memberEnd gives the index of the comma after the member that begins at from,
// or of the object's closing brace.
func memberEnd(raw []byte, from int) int {
	depth := 0
	for i := from; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(raw) - 1
}

// isRepairMember says whether a member of an object is _row, _error or _key.
func isRepairMember(member []byte) bool {
	member = bytes.TrimSpace(member)
	for _, name := range [...]string{`"` + RowColumn + `"`, `"` + ErrorColumn + `"`, `"` + KeyMember + `"`} {
		if rest, ok := bytes.CutPrefix(member, []byte(name)); ok && bytes.HasPrefix(bytes.TrimSpace(rest), []byte(":")) {
			return true
		}
	}
	return false
}
