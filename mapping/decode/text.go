package decode

import (
	"bytes"
	"time"
)

// unwrap undoes what databases and spreadsheets do to a cookie before it
// becomes a cell, in any order and at most three deep: a JSON string around
// it, HTML escapes, percent escapes. The result points into text or into the
// memory of the cell.
func (c *Cell) unwrap(text []byte) []byte {
	for range 3 {
		before := len(text)
		text = bytes.TrimSpace(text)
		if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
			if s, ok := c.unquote(text[1:n-1], '"'); ok {
				text = s
			}
		}
		text = c.unescapeHTML(text)
		text = c.unescapePercent(text, true)
		text = bytes.TrimSpace(text)
		if len(text) == before { // each of these makes the text shorter
			break
		}
	}
	return text
}

// stripName takes the name of a cookie off the front of its value, for cells
// that hold "name=value". Only what is named is taken off.
func stripName(text []byte, names ...string) []byte {
	for _, name := range names {
		if rest, ok := bytes.CutPrefix(text, []byte(name)); ok {
			rest = bytes.TrimLeft(rest, " ")
			if len(rest) > 0 && rest[0] == '=' {
				return bytes.TrimSpace(rest[1:])
			}
		}
	}
	return text
}

// keep writes the parts into the memory of the cell and gives them as one.
// What was kept earlier stays valid.
func (c *Cell) keep(parts ...string) []byte {
	start := len(c.buf)
	for _, s := range parts {
		c.buf = append(c.buf, s...)
	}
	return c.buf[start:len(c.buf):len(c.buf)]
}

// unescapePercent decodes %XX, and with plus a '+' that stands for a blank. A
// text in which a '%' is not followed by two hex digits is not of this form
// and stays as it is, as does one without any '%': a '+' alone proves nothing.
func (c *Cell) unescapePercent(text []byte, plus bool) []byte {
	if bytes.IndexByte(text, '%') < 0 {
		return text
	}
	start := len(c.buf)
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '%':
			if i+2 >= len(text) || unhex(text[i+1]) < 0 || unhex(text[i+2]) < 0 {
				c.buf = c.buf[:start]
				return text
			}
			c.buf = append(c.buf, byte(unhex(text[i+1])<<4|unhex(text[i+2])))
			i += 2
		case b == '+' && plus:
			c.buf = append(c.buf, ' ')
		default:
			c.buf = append(c.buf, b)
		}
	}
	return c.buf[start:len(c.buf):len(c.buf)]
}

// entities are the HTML escapes that exporters write around cookies.
var entities = []struct {
	text string
	char byte
}{
	{"&quot;", '"'}, {"&amp;", '&'}, {"&#039;", '\''}, {"&#39;", '\''}, {"&apos;", '\''},
	{"&#34;", '"'}, {"&#034;", '"'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&#38;", '&'},
}

// unescapeHTML decodes the escapes of HTML that concern a cookie's syntax.
func (c *Cell) unescapeHTML(text []byte) []byte {
	amp := bytes.IndexByte(text, '&')
	if amp < 0 || bytes.IndexByte(text[amp:], ';') < 0 {
		return text
	}
	start, changed := len(c.buf), false
next:
	for i := 0; i < len(text); i++ {
		if text[i] == '&' {
			for _, e := range entities {
				if bytes.HasPrefix(text[i:], []byte(e.text)) {
					c.buf = append(c.buf, e.char)
					i += len(e.text) - 1
					changed = true
					continue next
				}
			}
		}
		c.buf = append(c.buf, text[i])
	}
	if !changed {
		c.buf = c.buf[:start]
		return text
	}
	return c.buf[start:len(c.buf):len(c.buf)]
}

// unhex gives the value of a hex digit, -1 for any other byte.
func unhex(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	default:
		return -1
	}
}

// digits reads a whole decimal number of at most 15 digits, -1 for any other text.
func digits(text []byte) int64 {
	if len(text) == 0 || len(text) > 15 {
		return -1
	}
	n := int64(0)
	for _, b := range text {
		if b < '0' || b > '9' {
			return -1
		}
		n = n*10 + int64(b-'0')
	}
	return n
}

// isoTime reads an ISO 8601 time that names its zone, in epoch ms; 0 for any
// other text, since a time is never guessed.
func isoTime(text []byte) int64 {
	if len(text) < len("2006-01-02T15:04Z") || len(text) > 40 {
		return 0
	}
	s := string(text)
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02T15:04Z07:00",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return plausible(t.UnixMilli())
		}
	}
	return 0
}

// earliest is the epoch ms of 1 January 2000: no consent cookie is older.
const earliest = 946_684_800_000

// plausible gives a time in epoch ms, and 0 where it lies before 2000.
func plausible(ms int64) int64 {
	if ms < earliest {
		return 0
	}
	return ms
}

// eachField calls f with every name=value of a list of fields that any of the
// bytes of seps part, until f gives an error. A field without assign has a nil
// value. Blanks around names and values are cut, empty fields left out.
func eachField(text []byte, seps string, assign string, f func(name, value []byte) error) error {
	for len(text) > 0 {
		field := text
		if i := bytes.IndexAny(text, seps); i >= 0 {
			field, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		field = bytes.TrimSpace(field)
		if len(field) == 0 {
			continue
		}
		name, value := field, []byte(nil)
		if i := bytes.IndexAny(field, assign); i >= 0 {
			name, value = bytes.TrimSpace(field[:i]), bytes.TrimSpace(field[i+1:])
			if value == nil {
				value = []byte{}
			}
		}
		if err := f(name, value); err != nil {
			return err
		}
	}
	return nil
}
