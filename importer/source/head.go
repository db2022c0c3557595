package source

import (
	"bytes"
	"fmt"
	"io"
)

// headSniff is how many bytes of a text are looked at to tell what it is.
const headSniff = 64 << 10

// maxHead bounds what is read of a text to tell what it is: what stands above the
// header, the header, and the first row may each be as long as a row.
const maxHead = 3*MaxRow + headSniff

// head is the beginning of a text, as much as was asked for.
type head struct {
	r       io.Reader
	data    []byte
	lineEnd byte // as lineEndOf tells
	eof     bool
	err     error
}

// need reads until n bytes are there, maxHead at most, or the text ends.
func (h *head) need(n int) {
	n = min(n, maxHead)
	for len(h.data) < n && !h.eof && h.err == nil {
		size := max(headSniff, n-len(h.data))
		h.data = append(h.data, make([]byte, size)...)
		got, err := io.ReadFull(h.r, h.data[len(h.data)-size:])
		h.data = h.data[:len(h.data)-size+got]
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			// A decompressor's ErrUnexpectedEOF is wrapped and so not equal.
			h.eof = true
		default:
			h.err = err
		}
	}
}

// line gives the line that begins at an offset, without and with its line end.
// It is not whole when it is longer than a row may be.
func (h *head) line(at int) (text []byte, next int, whole bool) {
	for searched := at; ; {
		if i := bytes.IndexByte(h.data[searched:], h.lineEnd); i >= 0 {
			end := searched + i
			return trimCR(h.data[at:end], h.lineEnd), end + 1, true
		}
		searched = len(h.data)
		if h.eof || h.err != nil || len(h.data)-at > MaxRow+1 {
			break
		}
		h.need(len(h.data) + headSniff)
	}
	return trimCR(h.data[at:], h.lineEnd), len(h.data), h.eof
}

// isBlank tells that a line holds nothing but blanks, of which a delimiter is none.
func isBlank(line []byte, delimiter byte) bool {
	for _, b := range line {
		if b != ' ' && b != '\t' || b == delimiter {
			return false
		}
	}
	return true
}

// utf8BOM is the byte order mark as UTF-8.
const utf8BOM = "\xef\xbb\xbf"

var (
	utf16LEBOM = []byte("\xff\xfe")
	utf16BEBOM = []byte("\xfe\xff")
)

// leadingBOMs is how many bytes the byte order marks at the beginning take: a
// program that adds one where one is already leaves two.
func leadingBOMs(data, bom []byte) int {
	n := 0
	for bytes.HasPrefix(data[n:], bom) {
		n += len(bom)
	}
	return n
}

// detectCharset tells the encoding from the first bytes and the configuration.
// The evidence is for inspect.
func detectCharset(data []byte, cfg *Config) (c *charset, bom int, evidence string, err error) {
	wide, marks := utf16Of(data)
	switch {
	case bytes.HasPrefix(data, []byte(utf8BOM)):
		return utf8Charset, leadingBOMs(data, []byte(utf8BOM)), "encoding utf-8: the file begins with its byte order mark", nil
	case wide != nil && marks > 0:
		return wide, marks, fmt.Sprintf("encoding %s: the file begins with its byte order mark", wide.name), nil
	case cfg.Encoding != "":
		c, err := charsetNamed(cfg.Encoding)
		if err != nil {
			return nil, 0, "", err
		}
		return c, 0, fmt.Sprintf("encoding %s: as it was set", c.name), nil
	case wide != nil:
		return wide, 0, fmt.Sprintf("encoding %s: every other byte is NUL, though there is no byte order mark", wide.name), nil
	}
	guess := GuessEncoding(data[:min(len(data), headSniff)])
	switch {
	case guess == "":
		return utf8Charset, 0, "encoding utf-8: no byte order mark and nothing else was set", nil
	case cfg.Guess:
		c, err := charsetNamed(guess)
		if err != nil {
			return nil, 0, "", err
		}
		return c, 0, fmt.Sprintf("encoding %s: a guess, for the text is not UTF-8 and its characters fit", guess), nil
	}
	return &charset{name: utf8Charset.name, guess: guess}, 0,
		fmt.Sprintf("encoding utf-8: no byte order mark and nothing else was set, but the text is not UTF-8 and looks like %s", guess), nil
}

// utf16Of tells UTF-16 from the first bytes of a text, and how many of them are its byte
// order marks; nil where it is something else. Without a mark, text of mostly ASCII
// characters has a NUL in every other byte.
func utf16Of(data []byte) (c *charset, marks int) {
	switch {
	case bytes.HasPrefix(data, utf16LEBOM):
		return utf16LECharset, leadingBOMs(data, utf16LEBOM)
	case bytes.HasPrefix(data, utf16BEBOM):
		return utf16BECharset, leadingBOMs(data, utf16BEBOM)
	}
	pairs := min(len(data), 4<<10) / 2
	even, odd := 0, 0
	for i := range pairs {
		if data[2*i] == 0 {
			even++
		}
		if data[2*i+1] == 0 {
			odd++
		}
	}
	switch {
	case pairs > 0 && odd*10 >= pairs*4 && even*10 < pairs:
		return utf16LECharset, 0
	case pairs > 0 && even*10 >= pairs*4 && odd*10 < pairs:
		return utf16BECharset, 0
	}
	return nil, 0
}
