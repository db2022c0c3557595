package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// The ways in which Split finds a row not to be a record. They are constants so
// that a bad row costs no more than a good one.
var (
	errBareQuote = errors.New("a quote is inside a cell that does not begin with one")
	errAfter     = errors.New("text follows a closing quote")
	errUnclosed  = errors.New("a quote is never closed")
)

// Split takes a CSV row apart and appends its cells to dst. A cell points into
// raw where that holds its text; where quotes had to be taken out it points into
// scratch, to which its text was appended. Both come back, grown where that was
// needed, and nothing is allocated when they have room.
//
// The error is a predicate of the row: "has 5 cells, the header has 7".
func (l *Layout) Split(raw []byte, dst [][]byte, scratch []byte) (cells [][]byte, newScratch []byte, err error) {
	had := len(dst)
	if bytes.IndexByte(raw, '"') < 0 && (l.Escape == 0 || bytes.IndexByte(raw, l.Escape) < 0) {
		dst = splitPlain(raw, l.Delimiter, dst)
	} else {
		dst, scratch, err = l.splitQuoted(raw, dst, scratch, len(l.Columns))
		if err != nil {
			return dst[:had], scratch, err
		}
	}
	if len(dst)-had != len(l.Columns) {
		return dst, scratch, l.miscount(raw, dst[had:])
	}
	return dst, scratch, nil
}

// miscount says how many cells a row has, and why where the row shows it: what to
// do about a delimiter at the end of each row has nothing to do with what to do
// about one in a text.
func (l *Layout) miscount(raw []byte, cells [][]byte) error {
	n, want := len(cells), len(l.Columns)
	names := "the header"
	if l.NoHeader {
		names = "input.columns"
	}
	text := fmt.Sprintf("has %s, %s has %d", count(n, "cell"), names, want)
	surplus := n - want
	stray := ""
	if bytes.ContainsAny(raw, "\r\n") {
		stray = strayLineEnd(raw)
	}
	switch {
	case len(bytes.Trim(raw, "\x00")) == 0:
		text = "holds nothing but NUL bytes: the file was filled up with them, or what was here is lost"
	case surplus > 0 && l.Escape == 0 && bytes.Contains(raw, []byte{'\\', l.Delimiter}):
		text += ": a backslash comes before a delimiter, as databases write one that belongs to a cell: set input.escape: \"\\\\\""
	case surplus < 0 && l.Escape == 0 && raw[len(raw)-1] == '\\':
		text += ": it ends with a backslash, as databases write a line end that belongs to a cell: set input.escape: \"\\\\\""
	case stray != "":
		text += ": " + stray + " is in it, so line ends are mixed"
	case surplus == 1 && len(cells[want]) == 0:
		text += ": the last cell is empty, so the row ends with a delimiter that the header does not have"
	case surplus > 1 && !slices.ContainsFunc(cells[want:], func(c []byte) bool { return len(c) > 0 }):
		text += fmt.Sprintf(": the last %d cells are empty, so the row ends with delimiters that the header does not have", surplus)
	case surplus == -1 && l.Columns[want-1] == "":
		text += ": the last column has no name, so the header ends with a delimiter that the row does not have"
	}
	return errors.New(text)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// cells takes a record apart whatever the number of its cells.
func (l *Layout) cells(raw []byte) ([][]byte, error) {
	cells, _, err := l.splitQuoted(raw, nil, nil, 0)
	return cells, err
}

// Span is where a cell stands in a row as written: the bytes From to To, its quotes
// included and the delimiters around it not.
type Span struct{ From, To int }

// Spans finds the cells of a CSV row as written, as Split does, and appends them to
// dst. It does not mind how many there are. The error is Split's.
func (l *Layout) Spans(raw []byte, dst []Span) ([]Span, error) {
	had := len(dst)
	c := splitter{delimiter: l.Delimiter, escape: l.Escape, spans: &dst}
	var room [32][]byte // what the cells say is not wanted
	_, _, err := c.split(raw, room[:0], nil)
	if err == nil || l.Escape != 0 {
		return dst, err
	}
	dst = dst[:had]
	c.lenient = true
	if _, _, lenientErr := c.split(raw, room[:0], nil); lenientErr != nil || len(dst)-had != len(l.Columns) {
		return dst[:had], err
	}
	return dst, nil
}

// Each byte of a word, and their lowest and highest bits.
const (
	eachByte = 0x0101010101010101
	lowBits  = 0x7f7f7f7f7f7f7f7f
)

// splitPlain takes a record without quotes apart. Cells are short, so it looks
// at eight bytes at a time rather than for one delimiter after the other.
func splitPlain(raw []byte, delimiter byte, dst [][]byte) [][]byte {
	delimiters := uint64(delimiter) * eachByte
	start, i := 0, 0
	for ; i+8 <= len(raw); i += 8 {
		word := binary.LittleEndian.Uint64(raw[i:])
		for found := zeroBytes(word ^ delimiters); found != 0; found &= found - 1 {
			end := i + bits.TrailingZeros64(found)>>3
			dst = append(dst, raw[start:end:end])
			start = end + 1
		}
	}
	for ; i < len(raw); i++ {
		if raw[i] == delimiter {
			dst = append(dst, raw[start:i:i])
			start = i + 1
		}
	}
	return append(dst, raw[start:])
}

// zeroBytes sets the highest bit of each byte that is zero, and no other bit
// (Warren, "Hacker's Delight", 6-1).
func zeroBytes(word uint64) uint64 { return ^((word&lowBits + lowBits) | word | lowBits) }

// splitQuoted takes a record with quotes apart: strictly, or, where that fails,
// leniently, when that gives the wanted number of cells (0: any).
func (l *Layout) splitQuoted(raw []byte, dst [][]byte, scratch []byte, want int) ([][]byte, []byte, error) {
	had, used := len(dst), len(scratch)
	c := splitter{delimiter: l.Delimiter, escape: l.Escape}
	dst, scratch, err := c.split(raw, dst, scratch)
	if err == nil || l.Escape != 0 {
		return dst, scratch, err
	}
	c.lenient = true
	dst, scratch, lenientErr := c.split(raw, dst[:had], scratch[:used])
	if lenientErr != nil || want != 0 && len(dst)-had != want {
		return dst[:had], scratch[:used], err
	}
	return dst, scratch, nil
}

// Encode gives UTF-8 text, such as a row or a header, the bytes that it had in
// the export. The text itself comes back when the export is UTF-8.
func (l *Layout) Encode(utf8 []byte) ([]byte, error) {
	c := l.charset
	if c == nil && l.Encoding != "" {
		var err error
		if c, err = charsetNamed(l.Encoding); err != nil {
			return nil, err
		}
	}
	return c.encode(utf8)
}
