package source

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// charset turns text of one encoding into UTF-8 and back.
//
// What an encoding does not define comes out as bytes that are not valid UTF-8,
// different ones for each thing that was there: a lone surrogate as its three
// bytes in the pattern of UTF-8, a byte without a meaning as the lone surrogate
// U+DC00 + byte, half a code unit at the end as two bytes of which the first is
// none of UTF-8. The row in which they stand is unreadable, and encode turns
// them back into what was there. Only the encodings of East Asia, which come
// from x/text, give U+FFFD instead and do not turn it back.
type charset struct {
	name  string // canonical WHATWG name, lower case
	width codeUnit
	table *byteTable        // encodings of one byte a character
	other encoding.Encoding // the rest
	guess string            // of utf-8: what the text looks like instead, as it is not
}

// codeUnit is how the characters of an encoding are laid out in bytes.
type codeUnit uint8

const (
	unitByte codeUnit = iota
	unitLE
	unitBE
)

// The encodings that can be told from the bytes alone.
var (
	utf8Charset    = &charset{name: "utf-8"}
	utf16LECharset = &charset{name: "utf-16le", width: unitLE}
	utf16BECharset = &charset{name: "utf-16be", width: unitBE}
)

// charsetNamed finds an encoding by any of its WHATWG names.
func charsetNamed(label string) (*charset, error) {
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, fmt.Errorf("encoding %q is unknown; use a name such as utf-8, utf-16le, windows-1252 or iso-8859-15", label)
	}
	name, err := htmlindex.Name(enc)
	if err != nil {
		return nil, fmt.Errorf("encoding %q is ambiguous; use utf-8, utf-16le, windows-1252 or another WHATWG name", label)
	}
	switch name {
	case "utf-8":
		return utf8Charset, nil
	case "utf-16le":
		return utf16LECharset, nil
	case "utf-16be":
		return utf16BECharset, nil
	case "replacement", "x-user-defined":
		return nil, fmt.Errorf("encoding %q cannot be read; convert the file to UTF-8 first", label)
	}
	c := &charset{name: name}
	if m, ok := enc.(*charmap.Charmap); ok {
		c.table = newByteTable(m)
	} else {
		c.other = enc
	}
	return c, nil
}

func (c *charset) unit() codeUnit {
	if c == nil {
		return unitByte
	}
	return c.width
}

// isUTF8 tells that text in this encoding needs no decoding.
func (c *charset) isUTF8() bool {
	return c == nil || c.width == unitByte && c.table == nil && c.other == nil
}

// reader gives the text of r as UTF-8.
func (c *charset) reader(r io.Reader) io.Reader {
	switch {
	case c.isUTF8():
		return r
	case c.width != unitByte:
		return &decoder{r: r, decode: utf16Decoder(c.width)}
	case c.table != nil:
		return &decoder{r: r, decode: c.table.decode}
	default:
		return transform.NewReader(r, c.other.NewDecoder())
	}
}

// encode gives the bytes that the text had before it was decoded. A character
// that the encoding does not have is an error.
func (c *charset) encode(text []byte) ([]byte, error) {
	switch {
	case c.isUTF8():
		return text, nil
	case c.width != unitByte:
		return encodeUTF16(text, c.width), nil
	case c.table != nil:
		return c.table.encode(text, c.name)
	default:
		out, err := c.other.NewEncoder().Bytes(text)
		if err != nil {
			return nil, fmt.Errorf("encode as %s: %w", c.name, err)
		}
		return out, nil
	}
}

// fault describes what is wrong with a row in which invalid UTF-8 was found.
func (c *charset) fault(raw []byte) string {
	at := 1 + invalidUTF8(raw)
	switch {
	case c.isUTF8():
		if c != nil && c.guess != "" {
			return fmt.Sprintf("invalid UTF-8 at byte %d of the row; the file looks like %s, so its encoding has to be set", at, c.guess)
		}
		return fmt.Sprintf("invalid UTF-8 at byte %d of the row; if the file is not UTF-8, its encoding has to be set, e.g. windows-1252", at)
	case c.width != unitByte:
		return fmt.Sprintf("invalid UTF-16 (half a character) at byte %d of the row", at)
	default:
		return fmt.Sprintf("a byte that %s does not define, at byte %d of the row; its encoding is another one", c.name, at)
	}
}

// valid tells whether decoded text holds nothing that its encoding did not define.
func (c *charset) valid(text []byte) bool {
	return utf8.Valid(text) && (c.isUTF8() || c.other == nil || !bytes.Contains(text, []byte("\uFFFD")))
}

// invalidUTF8 is the offset of the first byte that is no UTF-8, or of the first
// U+FFFD where there is none: a decoder's sign for the same thing.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return max(0, bytes.Index(text, []byte("\uFFFD")))
}

// decoder is an io.Reader over a stateless decoding function.
type decoder struct {
	r   io.Reader
	buf [16 << 10]byte // raw bytes that are not yet decoded: buf[i:n]
	i   int
	n   int
	err error // what r ended with
	// short is text for which there was no room: a character may need more than
	// there is at the end of a block.
	short   []byte
	storage [2 * utf8.UTFMax]byte
	// decode turns raw bytes into text as far as there is room for it, and says
	// how many of each it dealt with. At the end it leaves nothing.
	decode func(dst, src []byte, end bool) (written, read int)
}

// Read gives decoded text.
func (d *decoder) Read(p []byte) (int, error) {
	if len(d.short) == 0 && len(p) < len(d.storage) {
		n, err := d.read(d.storage[:])
		if err != nil {
			return 0, err
		}
		d.short = d.storage[:n]
	}
	if len(d.short) > 0 {
		n := copy(p, d.short)
		d.short = d.short[n:]
		return n, nil
	}
	return d.read(p)
}

// read decodes into a slice that has room for at least one character.
func (d *decoder) read(p []byte) (int, error) {
	for {
		if d.i < d.n {
			written, read := d.decode(p, d.buf[d.i:d.n], d.err == io.EOF)
			d.i += read
			if written > 0 {
				return written, nil
			}
		}
		if d.err != nil {
			return 0, d.err
		}
		d.n = copy(d.buf[:], d.buf[d.i:d.n])
		d.i = 0
		n, err := d.r.Read(d.buf[d.n:])
		d.n += n
		d.err = err
	}
}

// byteTable is an encoding of one byte a character.
type byteTable struct {
	text  [256][3]byte // UTF-8 of each byte
	size  [256]uint8
	bytes map[rune]byte
}

func newByteTable(m *charmap.Charmap) *byteTable {
	t := &byteTable{bytes: make(map[rune]byte, 256)}
	for i := range 256 {
		r := m.DecodeByte(byte(i))
		if r == utf8.RuneError {
			copy(t.text[i][:], appendSurrogate(nil, 0xDC00+uint16(i)))
			t.size[i] = 3
			continue
		}
		t.size[i] = uint8(copy(t.text[i][:], utf8.AppendRune(nil, r)))
		if _, ok := t.bytes[r]; !ok {
			t.bytes[r] = byte(i)
		}
	}
	return t
}

func (t *byteTable) decode(dst, src []byte, _ bool) (written, read int) {
	for read < len(src) && written+3 <= len(dst) {
		b := src[read]
		read++
		if n := t.size[b]; n == 1 {
			dst[written] = t.text[b][0]
			written++
		} else {
			written += copy(dst[written:], t.text[b][:n])
		}
	}
	return written, read
}

func (t *byteTable) encode(text []byte, name string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if u, ok := surrogateAt(text[i:]); ok && u >= 0xDC00 && u <= 0xDCFF {
			out = append(out, byte(u-0xDC00))
			i += 3
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		b, ok := t.bytes[r]
		if !ok || r == utf8.RuneError {
			return nil, fmt.Errorf("encode as %s: it has no character %U", name, r)
		}
		out = append(out, b)
		i += n
	}
	return out, nil
}
