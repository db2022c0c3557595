package source

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zip"
)

// member is what reading a Member takes beyond what it says to others.
type member struct {
	input       int
	path        string    // for messages: path of the input, and the name in the archive
	name        string    // base name
	file        *zip.File // nil when the input itself is the member
	compression string    // of the member itself
	before      int64     // compressed bytes of the archive's members before it
	bom         int       // bytes of the byte order mark
	charset     *charset
	layout      int
	grammar     *grammar
	delimiter   byte
	lineEnd     byte  // the byte that ends a line: LF, or CR where there is no LF
	body        int64 // offset in the decoded text where rows can begin
	bodyLine    int64
	print       fingerprint
	// scattered says that a place in the text does not tell what it is in: to
	// begin there, the text before it has to be scanned.
	scattered bool
	lined     bool // it does where a line begins
}

// seekable says that an offset in the text is one in the file.
func (m *member) seekable() bool {
	return m.file == nil && m.compression == plain && m.charset.isUTF8()
}

// pathError puts the member's name and the place before an error of reading.
func (m *member) pathError(raw int64, err error) error {
	return fmt.Errorf("read %s at byte %d: %w", m.path, raw, err)
}

// unpack gives the member's bytes from what lies in the archive or on disk.
func (m *member) unpack(raw io.Reader) (io.ReadCloser, error) {
	return decompress(m.compression, raw)
}

// text gives the decoded text without the byte order mark from unpacked bytes.
func (m *member) text(r io.Reader) (io.Reader, error) {
	if m.bom > 0 {
		if _, err := io.ReadFull(r, make([]byte, m.bom)); err != nil {
			return nil, err
		}
	}
	return m.charset.reader(r), nil
}

// zipReader is the stream of an archive's member whose errors say what to do.
type zipReader struct {
	r     io.Reader
	count int64 // bytes unpacked
}

func (z *zipReader) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	z.count += int64(n)
	if err != nil && err != io.EOF {
		err = memberError(err)
	}
	return n, err
}

// grammar is one way in which rows lie in a text.
type grammar struct {
	name   string
	format Format
	lines  bool // JSON: a row has a line of its own
	// fits tells from the beginning of a text whether it is written so. What
	// fits is the first in the table.
	fits func(h *head, cfg *Config) bool
	// describe says what was found, for inspect.
	evidence string
	scanner  func(m *member, l *Layout, cfg *Config) scanner
}

// lineGrammar is JSON lines. What is set to be JSON is read so when it is nothing else.
var lineGrammar = &grammar{name: "json-lines", format: JSONL, lines: true, fits: fitsLines, evidence: "the first line is a whole JSON value, so each line is a row", scanner: newLineScanner}

// scalarGrammar is that of values a line which are no objects, in a file that is called as
// JSON is.
var scalarGrammar = &grammar{name: "json-scalars", format: JSONL, lines: true, evidence: "the file is called as JSON is, and its lines are JSON values, so each line is a row", scanner: newLineScanner}

// grammars are all that can be read. A new one is a file of its own and a line here.
var grammars = []*grammar{
	{name: "json-array", format: JSONL, fits: fitsArray, evidence: "the text begins with [, so each element of the array is a row", scanner: newArrayScanner},
	lineGrammar,
	{name: "json-document", format: JSONL, fits: fitsDocument, evidence: "the text begins with a JSON value over several lines, so each value at the top is a row", scanner: newDocumentScanner},
	{name: "csv", format: CSV, fits: fitsCSV, evidence: "the text begins with neither [ nor {, so it is CSV", scanner: newCSVScanner},
}

// scanner finds the rows of a text, one window after the other. What it finds
// depends on the text alone, never on where windows end.
type scanner interface {
	// scan appends rows up to the capacity of the slice, and moves the window's
	// position past what it has dealt with. When it finds none, it needs more text.
	scan(w *window, rows []Row) []Row
	// behind is how many bytes before its position it may want to see.
	behind() int
}

// window is the part of a text that is in memory.
type window struct {
	data []byte
	pos  int   // the next byte to deal with
	base int64 // offset in the text of data[0]
	line int64 // line of data[pos]
	eof  bool  // data ends with the text
	// next and nextLine are where reading can begin again after the last row.
	next     int64
	nextLine int64
	open     bool // the last row ended with the text and without a line end
	// cut says that the text ends where it cannot end, once there are no more rows.
	cut string
	// stray: it is text behind the end that is too much.
	stray bool
}

// offset is the place in the text of a byte of the window.
func (w *window) offset(i int) int64 { return w.base + int64(i) }

// here says that reading can begin again at the position.
func (w *window) here() { w.next, w.nextLine = w.offset(w.pos), w.line }
