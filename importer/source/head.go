package source

import (
	"bytes"
	"fmt"
	"io"
)

// headSniff is how many bytes of a text are looked at to tell what it is.
const headSniff = 64 << 10

// head is the beginning of a text, as much as was asked for.
type head struct {
	r    io.Reader
	data []byte
	eof  bool
	err  error
}

// need reads until n bytes are there, or the text ends.
func (h *head) need(n int) {
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
func (h *head) line(at int, lineEnd byte) (text []byte, next int, whole bool) {
	for searched := at; ; {
		if i := bytes.IndexByte(h.data[searched:], lineEnd); i >= 0 {
			end := searched + i
			return trimCR(h.data[at:end], lineEnd), end + 1, true
		}
		searched = len(h.data)
		if h.eof || h.err != nil || len(h.data)-at > MaxRow+1 {
			break
		}
		h.need(len(h.data) + headSniff)
	}
	return trimCR(h.data[at:], lineEnd), len(h.data), h.eof
}

// trimCR takes away the CR of a line that ended with CR LF, or with the text.
func trimCR(line []byte, lineEnd byte) []byte {
	if n := len(line); lineEnd == '\n' && n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
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

// lineEndOf tells which byte ends the lines of a text: LF, or CR where the
// beginning of the text has CR and no LF at all.
func lineEndOf(data []byte) byte {
	if len(data) > headSniff {
		data = data[:headSniff]
	}
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') >= 0 {
		return '\r'
	}
	return '\n'
}

// utf8BOM is the byte order mark as UTF-8.
const utf8BOM = "\xef\xbb\xbf"

// detectCharset tells the encoding from the first bytes and the configuration.
// The evidence is for inspect.
func detectCharset(data []byte, cfg *Config) (c *charset, bom int, evidence string, err error) {
	switch {
	case bytes.HasPrefix(data, []byte(utf8BOM)):
		return utf8Charset, len(utf8BOM), "encoding utf-8: the file begins with its byte order mark", nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return utf16LECharset, 2, "encoding utf-16le: the file begins with its byte order mark", nil
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return utf16BECharset, 2, "encoding utf-16be: the file begins with its byte order mark", nil
	case cfg.Encoding != "":
		c, err := charsetNamed(cfg.Encoding)
		if err != nil {
			return nil, 0, "", err
		}
		return c, 0, fmt.Sprintf("encoding %s: as it was set", c.name), nil
	}
	// Text of mostly ASCII characters has a NUL in every other byte of UTF-16.
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
		return utf16LECharset, 0, "encoding utf-16le: every other byte is NUL, though there is no byte order mark", nil
	case pairs > 0 && even*10 >= pairs*4 && odd*10 < pairs:
		return utf16BECharset, 0, "encoding utf-16be: every other byte is NUL, though there is no byte order mark", nil
	}
	return utf8Charset, 0, "encoding utf-8: no byte order mark and nothing else was set", nil
}
