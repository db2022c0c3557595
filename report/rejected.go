package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// The columns, or members, that rejected.* has beside those of the export. A
// file that has them is recognised as one to repair.
const (
	rowColumn   = "_row"
	errorColumn = "_error"
	// rawMember holds a row that is not a JSON object, in rejected.jsonl.
	rawMember = "_raw"
)

// rejectedName is the name of the file for the rows of the nth layout of an
// export, from 0. Files with different headers cannot share one.
func rejectedName(layout *source.Layout, n int) string {
	ext := ".csv"
	if layout.Format == source.JSONL {
		ext = ".jsonl"
	}
	if n == 0 {
		return "rejected" + ext
	}
	return fmt.Sprintf("rejected-%d%s", n+1, ext)
}

// rejectedForm writes the source rows of one layout that failed, in the
// export's own form, so that the file can be repaired and imported.
type rejectedForm struct {
	layout  *source.Layout
	columns int          // that the export has, _row and _error of an earlier repair left out
	drop    map[int]bool // indexes of those
	lineEnd string
	cells   []cellSpan
	raw     []byte // source bytes, kept when encoded
	own     []byte // what we add
}

// newRejectedForm prepares the form for a layout.
func newRejectedForm(l *source.Layout) *rejectedForm {
	f := &rejectedForm{layout: l, columns: len(l.Columns), lineEnd: l.LineEnd}
	if f.lineEnd == "" {
		f.lineEnd = "\n"
	}
	for i, name := range l.Columns {
		if name == rowColumn || name == errorColumn {
			if f.drop == nil {
				f.drop = map[int]bool{}
			}
			f.drop[i] = true
			f.columns--
		}
	}
	return f
}

// head is what stands above the rows: preamble and header as in the export, in
// its encoding and with its byte order mark.
func (f *rejectedForm) head() []byte {
	f.raw, f.own = f.raw[:0], f.own[:0]
	if f.layout.BOM {
		f.raw = append(f.raw, "\uFEFF"...)
	}
	f.raw = append(f.raw, f.layout.Preamble...)
	if f.layout.Format == source.CSV && !f.layout.NoHeader {
		f.raw = f.appendBody(f.raw, f.layout.Header)
		f.own = append(append(f.own, f.layout.Delimiter), rowColumn...)
		f.own = append(append(f.own, f.layout.Delimiter), errorColumn...)
		f.own = append(f.own, f.lineEnd...)
	}
	return f.encode(nil)
}

// appendRow appends a row as written with its number and what is wrong with it.
func (f *rejectedForm) appendRow(dst []byte, row *source.Row, reason string) []byte {
	f.raw, f.own = f.raw[:0], f.own[:0]
	if f.layout.Format == source.JSONL {
		f.putJSONRow(row, reason)
	} else {
		f.putCSVRow(row, reason)
	}
	f.own = append(f.own, f.lineEnd...)
	return f.encode(dst)
}

// encode appends raw and own in the encoding of the layout. Source bytes come
// back as they were; a character of ours that the encoding lacks becomes a
// question mark.
func (f *rejectedForm) encode(dst []byte) []byte {
	for _, text := range [...][]byte{f.raw, f.own} {
		if out, err := f.layout.Encode(text); err == nil {
			dst = append(dst, out...)
			continue
		}
		for len(text) > 0 {
			_, n := utf8.DecodeRune(text)
			if out, err := f.layout.Encode(text[:n]); err == nil {
				dst = append(dst, out...)
			} else {
				dst = append(dst, '?')
			}
			text = text[n:]
		}
	}
	return dst
}

// appendBody appends a CSV row or header without the cells of an earlier repair.
func (f *rejectedForm) appendBody(dst, raw []byte) []byte {
	if f.drop == nil {
		return append(dst, raw...)
	}
	f.cells, _ = rowCells(f.cells, raw, f.layout.Delimiter, len(f.layout.Columns))
	return dropCells(dst, raw, f.cells, f.drop, f.layout.Delimiter)
}

// putCSVRow puts a CSV row. One with too few cells is filled up with empty
// ones, so that _row stands in its column. One with too many cannot be cut
// without losing what a person has to look at: _row follows its last cell.
func (f *rejectedForm) putCSVRow(row *source.Row, reason string) {
	delimiter := f.layout.Delimiter
	var open bool
	f.cells, open = rowCells(f.cells, row.Raw, delimiter, len(f.layout.Columns))
	have := len(f.cells)
	if f.drop == nil {
		f.raw = append(f.raw, row.Raw...)
	} else {
		f.raw = dropCells(f.raw, row.Raw, f.cells, f.drop, delimiter)
		for i := range f.cells {
			if f.drop[i] {
				have--
			}
		}
	}
	if !open {
		for ; have < f.columns; have++ {
			f.own = append(f.own, delimiter)
		}
	}
	f.own = append(f.own, delimiter)
	f.own = strconv.AppendInt(f.own, row.Number, 10)
	f.own = append(f.own, delimiter)
	// After an open quote the text is quoted in any case: text after a quote
	// ends the search for the closing one on this very line, so that whoever
	// reads the file loses this row and not its neighbours.
	if open || needsQuotes([]byte(reason), delimiter) {
		f.own = appendQuoted(f.own, []byte(reason))
	} else {
		f.own = append(f.own, reason...)
	}
}

// putJSONRow puts a JSON value as one line with its number and what is wrong
// with it as its last members. Line ends between its tokens become blanks. A
// row that is no object is wrapped into one, as text.
func (f *rejectedForm) putJSONRow(row *source.Row, reason string) {
	raw := bytes.TrimSpace(row.Raw)
	if len(raw) < 2 || raw[0] != '{' || !json.Valid(raw) {
		f.own = append(f.own, '{')
		f.putLineage(row, reason)
		f.own = append(f.own, `,"`+rawMember+`":`...)
		f.own = append(appendJSONString(f.own, string(row.Raw)), '}')
		return
	}
	raw = dropMembers(raw)
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

// putLineage puts the members that name a row and what is wrong with it.
func (f *rejectedForm) putLineage(row *source.Row, reason string) {
	f.own = append(f.own, `"`+rowColumn+`":`...)
	f.own = strconv.AppendInt(f.own, row.Number, 10)
	f.own = append(f.own, `,"`+errorColumn+`":`...)
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

// isRepairMember says whether a member of an object is _row or _error.
func isRepairMember(member []byte) bool {
	member = bytes.TrimSpace(member)
	for _, name := range [...]string{`"` + rowColumn + `"`, `"` + errorColumn + `"`} {
		if rest, ok := bytes.CutPrefix(member, []byte(name)); ok && bytes.HasPrefix(bytes.TrimSpace(rest), []byte(":")) {
			return true
		}
	}
	return false
}

// rowError says on one line what is wrong with a row: why it is invalid, or
// what became of each of its consents that failed. Empty when nothing is.
func rowError(r *survey.Row) string {
	if r.Status == mapping.Invalid {
		text := invalidText(r)
		if r.Column != "" && !strings.Contains(text, r.Column) {
			text = "column " + r.Column + ": " + text
		}
		return spelling.OneLine(text)
	}
	var b strings.Builder
	for i := range r.Consents {
		c := &r.Consents[i]
		if s := c.Outcome.State; s != journal.Refused && s != journal.Failed {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(refString(consentRef(r, i)))
		if len(c.Category) > 0 {
			b.WriteByte(' ')
			b.Write(c.Category)
		}
		b.WriteString(": ")
		if c.Outcome.Status != 0 {
			b.WriteString(strconv.Itoa(c.Outcome.Status))
			b.WriteByte(' ')
		}
		if c.Outcome.Message == "" {
			b.WriteString("no message")
			continue
		}
		b.WriteString(c.Outcome.Message)
	}
	return spelling.OneLine(b.String())
}
