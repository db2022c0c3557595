package intempt

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"unicode"
	"unicode/utf8"

	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/consentimport/consentimport/importer/delivery"
)

// maxJSON is how many bytes of an answer of success are looked through for an error. The
// target answers with two; what is longer than this is not its answer.
const maxJSON = 16 << 20

// verdict says what an answer with a status of success comes to by its body. Many APIs
// answer 200 with an error in the body, and what stands between us and the target answers
// 200 with a page of its own. end says how reading the body ended; how it ended when all was
// read that verdict wanted is given with the class.
func (c *conn) verdict(end bodyEnd) (delivery.Class, bodyEnd) {
	if isMarkup(c.resp.Header.ContentType()) {
		return delivery.Stopped, end
	}
	if class, plain := glance(c.body); plain && end == bodyWhole {
		return class, end
	}
	limited := &io.LimitedReader{R: c.wholeBody(), N: maxJSON}
	text := bufio.NewReader(limited)
	switch skipBlank(text) {
	case '<':
		return delivery.Stopped, end
	case '{':
		return c.lookThrough(text, limited, end)
	}
	if end == bodyCut || end == bodyLate { // what was to come may have been an error
		return delivery.Transient, end
	}
	return delivery.Sent, end
}

// glance gives what a whole body comes to, if it begins with what can be seen and is
// neither packed nor in another form of Unicode: as all that a target answers.
func glance(body []byte) (class delivery.Class, plain bool) {
	switch {
	case len(body) == 0:
		return delivery.Sent, true
	case body[0] <= ' ' || body[0] > '~' || bytes.IndexByte(body, 0) >= 0:
		return 0, false
	case body[0] == '<':
		return delivery.Stopped, true
	case body[0] == '{' && (bytes.Contains(body, []byte("err")) || bytes.IndexByte(body, '\\') >= 0):
		var seen errorSeeker
		if seen.look(body); seen.found() {
			return delivery.Refused, true
		}
	}
	return delivery.Sent, true
}

// isMarkup reports whether a content type is meant for a browser.
func isMarkup(contentType []byte) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	kind = bytes.TrimSpace(kind)
	return bytes.EqualFold(kind, []byte("text/html")) || bytes.EqualFold(kind, []byte("application/xhtml+xml"))
}

// wholeBody reads the body from its beginning, also what is still to come of it: without a
// compression that nobody asked for, in UTF-8.
func (c *conn) wholeBody() io.Reader {
	var whole io.Reader = bytes.NewReader(bytes.Clone(c.body)) // c.body is about to be what it says
	if c.more != nil {
		whole = io.MultiReader(whole, c.more)
	}
	if bytes.HasPrefix(c.body, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(whole); err == nil {
			whole = z
		}
	}
	text := bufio.NewReader(whole)
	begin, _ := text.Peek(4)
	switch zero := zeros(begin); {
	case zero == "xx00":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder().Reader(text)
	case zero == "00xx", zero == "000x":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder().Reader(text)
	case zero == "x000":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM).NewDecoder().Reader(text)
	case bytes.HasPrefix(begin, []byte{0xff, 0xfe}), len(zero) > 1 && zero[:2] == "x0":
		return xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM).NewDecoder().Reader(text)
	case bytes.HasPrefix(begin, []byte{0xfe, 0xff}), len(zero) > 1 && zero[:2] == "0x":
		return xunicode.UTF16(xunicode.BigEndian, xunicode.UseBOM).NewDecoder().Reader(text)
	}
	return text
}

// zeros shows which of some bytes are 0 ("0") and which are not ("x"). The first
// characters of a page and of JSON are ASCII or a byte order mark, so this tells in which
// form of Unicode they are written.
func zeros(b []byte) string {
	shown := make([]byte, len(b))
	for i := range b {
		shown[i] = 'x'
		if b[i] == 0 {
			shown[i] = '0'
		}
	}
	return string(shown)
}

// skipBlank goes to the first character that is seen and gives it; 0 when there is none.
// Bytes that are not UTF-8 are passed over: a no-break space of Latin-1 is one.
func skipBlank(text *bufio.Reader) rune {
	for {
		r, _, err := text.ReadRune()
		switch {
		case err != nil:
			return 0
		case r == utf8.RuneError, unicode.IsSpace(r), unicode.In(r, unicode.C):
			continue
		}
		_ = text.UnreadRune()
		return r
	}
}

// lookThrough reads a JSON object for an error, to its end or as far as limited allows, and
// makes c.body what there is to say of it.
func (c *conn) lookThrough(text io.Reader, limited *io.LimitedReader, end bodyEnd) (delivery.Class, bodyEnd) {
	var seen errorSeeker
	c.body = c.body[:0]
	chunk := make([]byte, 8<<10)
	for !seen.done() {
		n, err := text.Read(chunk)
		seen.look(chunk[:n])
		c.body = append(c.body, chunk[:min(n, maxBody-len(c.body))]...)
		switch {
		case err == nil:
			continue
		case err != io.EOF && end != bodyLate:
			end = endOf(err)
		case limited.N == 0: // also of few bytes, where they are packed
			end = bodyLong
		case end == bodyLong:
			end = bodyWhole
		}
		break
	}
	switch {
	case seen.found():
		if len(c.body) == maxBody {
			c.body = seen.appendFound(c.body[:0])
		}
		return delivery.Refused, end
	case seen.closed:
		return delivery.Sent, end
	case end == bodyCut, end == bodyLate:
		return delivery.Transient, end
	case end == bodyLong:
		return delivery.Stopped, bodyHuge
	}
	return delivery.Sent, end
}
