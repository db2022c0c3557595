package studio

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/consentimport/consentimport/importer/source"
)

// maxRejected bounds what is read of rejected.*; an editor has no bound.
const maxRejected = 16 << 20

// rejected are the rows of rejected.*, or of a repaired copy of it. What nobody changes is
// written again byte for byte.
type rejected struct {
	Head  []string
	Rows  []rejectedRow
	lead  string // what stands before the rows: preamble and header
	comma rune   // 0: a row is a line of JSON
	coded encoding.Encoding
	bom   bool
	// Guess is the encoding that cells look like which are not in that of the others.
	Guess string
}

// rejectedRow is one of them.
type rejectedRow struct {
	Number string // _row: the row of the export
	Reason string // _error
	Cells  []string
	raw    string // with its line end
}

// Own is how many cells of a row are the export's: the others are _row and _error.
func (r *rejected) Own() int {
	if r.comma == 0 {
		return 1
	}
	return len(r.Head) - 2
}

// byHand is why the rows cannot be repaired on a page.
func byHand(why string) error {
	return fmt.Errorf("the rows cannot be shown as a table: %s; repair them in an editor that keeps their encoding", why)
}

// readRejected reads rows; named is the encoding that the export is read in, where a mapping
// says so or inspect has found it.
func readRejected(path, named string) (*rejected, error) {
	text, err := read(path, maxRejected)
	if err != nil {
		return nil, err
	}
	r := &rejected{coded: encoding.Nop}
	if named != "" && named != "utf-8" {
		if r.coded, err = htmlindex.Get(named); err != nil {
			return nil, byHand("nobody knows the encoding " + named)
		}
	}
	switch { // a byte order mark wins
	case bytes.HasPrefix(text, []byte("\ufeff")):
		r.coded, r.bom, text = encoding.Nop, true, text[3:]
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		r.coded = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		r.coded = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	plain := text
	if r.coded != encoding.Nop { // what is not UTF-8 there is a cell that somebody has to repair
		plain, err = r.coded.NewDecoder().Bytes(text)
		if err == nil {
			var again []byte
			if again, err = r.coded.NewEncoder().Bytes(plain); err == nil && !bytes.Equal(again, text) {
				err = errors.New("its bytes cannot be written again as they are")
			}
		}
		if err != nil {
			return nil, byHand(err.Error())
		}
	}
	if filepath.Ext(path) == ".jsonl" {
		r.readLines(string(plain))
	} else if err := r.readTable(string(plain)); err != nil {
		return nil, err
	}
	r.Guess = r.guess()
	return r, nil
}

// guess looks at the cells that are not in the encoding of the others.
func (r *rejected) guess() string {
	var foreign []byte
	for i := range r.Rows {
		for _, c := range r.Rows[i].Cells {
			if !utf8.ValidString(c) {
				foreign = append(append(foreign, c...), '\n')
			}
		}
	}
	return cmp.Or(source.GuessEncoding(foreign), "windows-1252")
}

// shown is a cell as a page shows it. One whose bytes are not in the encoding of the others
// is read in the one that it looks like: whoever saves it has looked at it.
func (r *rejected) shown(cell string) (text string, guessed bool) {
	if utf8.ValidString(cell) {
		return cell, false
	}
	if e, err := htmlindex.Get(r.Guess); err == nil {
		if text, err = e.NewDecoder().String(cell); err == nil {
			return text, true
		}
	}
	return strings.ToValidUTF8(cell, "\ufffd"), true
}

// readLines reads rows of JSON.
func (r *rejected) readLines(text string) {
	r.Head = []string{"row"}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		number, reason := lineageOf(line)
		r.Rows = append(r.Rows, rejectedRow{Number: number, Reason: reason, Cells: []string{strings.TrimRight(line, "\r\n")}, raw: line})
	}
}

// readTable reads rows of CSV: preamble lines, a header unless the export has none, rows.
func (r *rejected) readTable(text string) error {
	for _, comma := range []rune{',', ';', '\t', '|'} {
		if found := r.readWith(text, comma); found {
			return nil
		}
	}
	return byHand("no column _row was found")
}

// readWith reads rows with a separator, and reports whether it is theirs.
func (r *rejected) readWith(text string, comma rune) bool {
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.FieldsPerRecord = comma, -1
	r.comma, r.Head, r.Rows, r.lead = comma, nil, nil, ""
	for from := int64(0); ; from = in.InputOffset() {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return len(r.Rows) > 0
		}
		if err != nil {
			return false
		}
		n := len(cells)
		raw := text[from:in.InputOffset()]
		switch {
		case n >= 2 && cells[n-2] == "_row" && cells[n-1] == "_error" && r.Head == nil:
			r.Head, r.lead = cells, text[:in.InputOffset()]
		case n >= 3 && isNumber(cells[n-2]) && r.Head == nil: // the export has no header
			for i := range n - 2 {
				r.Head = append(r.Head, "column "+strconv.Itoa(i+1))
			}
			r.Head, r.lead = append(r.Head, "_row", "_error"), text[:from]
			fallthrough
		case r.Head != nil && n >= 2 && isNumber(cells[n-2]):
			r.Rows = append(r.Rows, rejectedRow{Number: cells[n-2], Reason: cells[n-1], Cells: slices.Clone(cells[:n-2]), raw: raw})
		case r.Head != nil:
			return false
		}
	}
}

// lineageOf finds _row and _error in a row of JSON.
func lineageOf(line string) (number, reason string) {
	var members struct {
		Row   json.Number `json:"_row"`
		Error string      `json:"_error"`
	}
	_ = json.Unmarshal([]byte(line), &members) // a row that is not JSON is shown as it is
	return members.Row.String(), members.Error
}

func isNumber(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n > 0
}

// overlay takes over what somebody has repaired before: rows are known by their number, and
// what does not fail any more is left out.
func (r *rejected) overlay(saved *rejected) {
	for i := range r.Rows {
		for k := range saved.Rows {
			if n := &saved.Rows[k]; n.Number == r.Rows[i].Number && len(n.Cells) == len(r.Rows[i].Cells) {
				r.Rows[i].Cells, r.Rows[i].raw = n.Cells, n.raw
			}
		}
	}
}

// set changes a cell.
func (r *rejected) set(row, cell int, text string) {
	at := &r.Rows[row]
	if at.Cells[cell] == text {
		return
	}
	at.Cells[cell] = text
	end := "\n"
	if strings.HasSuffix(at.raw, "\r\n") {
		end = "\r\n"
	}
	if r.comma == 0 {
		at.raw = strings.Join(strings.Fields(text), " ") + end
		if !strings.Contains(text, "\n") {
			at.raw = text + end
		}
		return
	}
	inside := "\n" // within a cell
	if strings.Contains(strings.TrimSuffix(at.raw, end), "\r\n") {
		inside = "\r\n"
	}
	var b strings.Builder
	for _, c := range append(slices.Clone(at.Cells), at.Number, at.Reason) {
		if b.Len() > 0 {
			b.WriteRune(r.comma)
		}
		if c == "" || strings.ContainsAny(c, "\"\r\n"+string(r.comma)) || c[0] == ' ' || c[len(c)-1] == ' ' {
			c = `"` + strings.ReplaceAll(strings.ReplaceAll(c, `"`, `""`), "\n", inside) + `"`
		}
		b.WriteString(c)
	}
	at.raw = b.String() + end
}

// text is the file with all rows.
func (r *rejected) text() ([]byte, error) {
	var b strings.Builder
	b.WriteString(r.lead)
	for i := range r.Rows {
		b.WriteString(r.Rows[i].raw)
	}
	coded, err := r.coded.NewEncoder().Bytes([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("a cell has a letter that the export's encoding does not have; write it otherwise: %w", err)
	}
	if r.bom {
		coded = append([]byte("\ufeff"), coded...)
	}
	return coded, nil
}
