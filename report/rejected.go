package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// The columns, or members, that rejected.* has beside those of the export. A
// file that has them is recognised as one to repair.
const (
	rowColumn   = "_row"
	errorColumn = "_error"
	// rawMember holds a row that is no JSON object, in rejected.jsonl.
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
	text    []byte
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
	var text []byte
	if f.layout.BOM {
		text = append(text, "\uFEFF"...)
	}
	text = append(text, f.layout.Preamble...)
	if f.layout.Format == source.CSV && !f.layout.NoHeader {
		text = f.appendBody(text, f.layout.Header)
		text = append(text, f.layout.Delimiter)
		text = append(text, rowColumn...)
		text = append(text, f.layout.Delimiter)
		text = append(text, errorColumn...)
		text = append(text, f.lineEnd...)
	}
	return encodeText(nil, f.layout, text)
}

// appendRow appends a row as written with its number and what is wrong with it.
func (f *rejectedForm) appendRow(dst []byte, row *source.Row, reason string) []byte {
	f.text = f.text[:0]
	if f.layout.Format == source.JSONL {
		f.text = appendJSONRow(f.text, row, reason)
	} else {
		f.text = f.appendCSVRow(f.text, row, reason)
	}
	f.text = append(f.text, f.lineEnd...)
	return encodeText(dst, f.layout, f.text)
}

// appendBody appends a CSV row or header without the cells of an earlier repair.
func (f *rejectedForm) appendBody(dst, raw []byte) []byte {
	if f.drop == nil {
		return append(dst, raw...)
	}
	f.cells, _ = rowCells(f.cells, raw, f.layout.Delimiter, len(f.layout.Columns))
	return dropCells(dst, raw, f.cells, f.drop, f.layout.Delimiter)
}

// appendCSVRow appends a CSV row. One with too few cells is filled up with
// empty ones, so that _row stands in its column. One with too many cannot be
// cut without losing what somebody has to look at: _row follows its last cell.
func (f *rejectedForm) appendCSVRow(dst []byte, row *source.Row, reason string) []byte {
	delimiter := f.layout.Delimiter
	var open bool
	f.cells, open = rowCells(f.cells, row.Raw, delimiter, len(f.layout.Columns))
	have := len(f.cells)
	if f.drop == nil {
		dst = append(dst, row.Raw...)
	} else {
		dst = dropCells(dst, row.Raw, f.cells, f.drop, delimiter)
		for i := range f.cells {
			if f.drop[i] {
				have--
			}
		}
	}
	if open {
		// The rest of the line belongs to the cell whose quote is not closed.
		// The last quote of the line closes it: whoever reads the file loses
		// this row, not those after it.
		dst = append(dst, delimiter)
		dst = strconv.AppendInt(dst, row.Number, 10)
		dst = append(dst, delimiter)
		dst = append(dst, strings.ReplaceAll(reason, `"`, `'`)...)
		return append(dst, '"')
	}
	for ; have < f.columns; have++ {
		dst = append(dst, delimiter)
	}
	dst = append(dst, delimiter)
	dst = strconv.AppendInt(dst, row.Number, 10)
	dst = append(dst, delimiter)
	if needsQuotes([]byte(reason), delimiter) {
		return appendQuoted(dst, []byte(reason))
	}
	return append(dst, reason...)
}

// appendJSONRow appends a JSON value as one line with its number and what is
// wrong with it as its last members. Line ends between its tokens become
// blanks. A row that is no object is wrapped into one, as text.
func appendJSONRow(dst []byte, row *source.Row, reason string) []byte {
	raw := bytes.TrimSpace(row.Raw)
	if len(raw) < 2 || raw[0] != '{' || !json.Valid(raw) {
		dst = append(dst, `{"`+rowColumn+`":`...)
		dst = strconv.AppendInt(dst, row.Number, 10)
		dst = append(dst, `,"`+errorColumn+`":`...)
		dst = appendJSONString(dst, reason)
		dst = append(dst, `,"`+rawMember+`":`...)
		dst = appendJSONString(dst, string(row.Raw))
		return append(dst, '}')
	}
	raw = dropMembers(raw)
	at := len(dst)
	dst = append(dst, raw[:len(raw)-1]...)
	for i := at; i < len(dst); i++ {
		if dst[i] == '\n' || dst[i] == '\r' { // never within a string
			dst[i] = ' '
		}
	}
	if len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0 {
		dst = append(dst, ',')
	}
	dst = append(dst, `"`+rowColumn+`":`...)
	dst = strconv.AppendInt(dst, row.Number, 10)
	dst = append(dst, `,"`+errorColumn+`":`...)
	dst = appendJSONString(dst, reason)
	return append(dst, '}')
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
func rowError(r *importer.SurveyRow) string {
	if r.Status == mapping.Invalid {
		text := mapReason(r)
		if r.Column != "" && !strings.Contains(text, r.Column) {
			text = "column " + r.Column + ": " + text
		}
		return oneLine(text)
	}
	var b strings.Builder
	for i := range r.Consents {
		c := &r.Consents[i]
		if s := c.Outcome.State; s != journal.Rejected && s != journal.Failed {
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
	return oneLine(b.String())
}

// oneLine replaces line ends by blanks.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
}
