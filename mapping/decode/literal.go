package decode

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// A literal is a JavaScript object as cookies hold it: JSON, and also the
// looser form with bare names and single quotes that JSON does not allow.

var errLiteral = errors.New("is not a complete JSON or JavaScript object")

// maxDepth is how deep objects and arrays may be nested. What is nested is
// passed over, and cookies nest two or three deep.
const maxDepth = 64

// kind is the type of a value in a literal.
type kind byte

const (
	kindString kind = iota
	kindNumber
	kindBool
	kindNull
	kindObject
	kindArray
)

// value is one value of a literal. The text of a string is without its quotes
// and escapes, that of an object or array is whole.
type value struct {
	kind kind
	text []byte
	yes  bool // of a bool
}

// eachMember calls f with each member of the object that text is, in order,
// until f gives an error. Nothing may stand after the object.
func (c *Cell) eachMember(text []byte, f func(key []byte, v value) error) error {
	p := scanner{text: bytes.TrimSpace(text), cell: c}
	if err := p.list('{', '}', f); err != nil {
		return err
	}
	return p.end()
}

// eachItem calls f with each item of the array that text is, in order.
func (c *Cell) eachItem(text []byte, f func(v value) error) error {
	p := scanner{text: bytes.TrimSpace(text), cell: c}
	if err := p.list('[', ']', func(_ []byte, v value) error { return f(v) }); err != nil {
		return err
	}
	return p.end()
}

// scanner walks over a literal.
type scanner struct {
	text []byte
	pos  int
	cell *Cell
}

// peek gives the next byte that is not a blank, 0 at the end.
func (p *scanner) peek() byte {
	for p.pos < len(p.text) {
		switch b := p.text[p.pos]; b {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return b
		}
	}
	return 0
}

func (p *scanner) end() error {
	if p.peek() == ';' {
		p.pos++
	}
	if p.peek(); p.pos != len(p.text) {
		return errLiteral
	}
	return nil
}

// list reads an object or an array, whose values have no keys.
func (p *scanner) list(begin, end byte, f func(key []byte, v value) error) error {
	if p.peek() != begin {
		return errLiteral
	}
	p.pos++
	if p.peek() == end {
		p.pos++
		return nil
	}
	for {
		var key []byte
		if begin == '{' {
			var err error
			if key, err = p.key(); err != nil {
				return err
			}
			if p.peek() != ':' {
				return errLiteral
			}
			p.pos++
		}
		v, err := p.value()
		if err != nil {
			return err
		}
		if err := f(key, v); err != nil {
			return err
		}
		switch p.peek() {
		case ',':
			p.pos++
		case end:
			p.pos++
			return nil
		default:
			return errLiteral
		}
		if p.peek() == end { // a trailing comma, as JavaScript allows it
			p.pos++
			return nil
		}
	}
}

// key reads a quoted or a bare name.
func (p *scanner) key() ([]byte, error) {
	if b := p.peek(); b == '"' || b == '\'' {
		return p.str(b)
	}
	if w := p.word(); len(w) > 0 {
		return w, nil
	}
	return nil, errLiteral
}

// word reads a bare name, number or constant.
func (p *scanner) word() []byte {
	start := p.pos
	for p.pos < len(p.text) {
		b := p.text[p.pos]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '$' || b == '-' || b == '+' || b == '.') {
			break
		}
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *scanner) value() (value, error) {
	switch b := p.peek(); b {
	case '"', '\'':
		s, err := p.str(b)
		return value{kind: kindString, text: s}, err
	case '{':
		text, err := p.nested()
		return value{kind: kindObject, text: text}, err
	case '[':
		text, err := p.nested()
		return value{kind: kindArray, text: text}, err
	}
	w := p.word()
	switch string(w) {
	case "":
		return value{}, errLiteral
	case "true":
		return value{kind: kindBool, yes: true, text: w}, nil
	case "false":
		return value{kind: kindBool, text: w}, nil
	case "null", "undefined":
		return value{kind: kindNull, text: w}, nil
	}
	if b := w[0]; b != '-' && (b < '0' || b > '9') {
		return value{}, errLiteral
	}
	return value{kind: kindNumber, text: w}, nil
}

// str reads a string in the quotes q and gives it without them.
func (p *scanner) str(q byte) ([]byte, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case q:
			raw := p.text[start:p.pos]
			p.pos++
			if s, ok := p.cell.unquote(raw, q); ok {
				return s, nil
			}
			return nil, errLiteral
		case '\\':
			p.pos++
		}
		p.pos++
	}
	return nil, errLiteral
}

// nested passes over an object or array and gives its whole text. Its inside
// is read no further than where strings and brackets end.
func (p *scanner) nested() ([]byte, error) {
	var open [maxDepth]byte
	depth, start := 0, p.pos
	for p.pos < len(p.text) {
		b := p.text[p.pos]
		p.pos++
		switch b {
		case '{', '[':
			if depth == maxDepth {
				return nil, errLiteral
			}
			open[depth] = b + 2 // '{' and '}' are two apart, '[' and ']' too
			depth++
		case '}', ']':
			if depth--; open[depth] != b {
				return nil, errLiteral
			}
			if depth == 0 {
				return p.text[start:p.pos], nil
			}
		case '"', '\'':
			for p.pos < len(p.text) && p.text[p.pos] != b {
				if p.text[p.pos] == '\\' {
					p.pos++
				}
				p.pos++
			}
			p.pos++
		}
	}
	return nil, errLiteral
}

// unquote undoes the escapes in the inside of a string. It reports false where
// an escape is broken or the quote q stands unescaped inside.
func (c *Cell) unquote(raw []byte, q byte) ([]byte, bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, bytes.IndexByte(raw, q) < 0
	}
	start := len(c.buf)
	for i := 0; i < len(raw); i++ {
		if raw[i] == q {
			return nil, false
		}
		if raw[i] != '\\' {
			c.buf = append(c.buf, raw[i])
			continue
		}
		if i++; i == len(raw) {
			return nil, false
		}
		switch raw[i] {
		case '"', '\'', '\\', '/':
			c.buf = append(c.buf, raw[i])
		case 'b', 'f', 'n', 'r', 't':
			c.buf = append(c.buf, ' ')
		case 'u':
			r, ok := hex4(raw[i+1:])
			if !ok {
				return nil, false
			}
			i += 4
			if utf16.IsSurrogate(r) && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if low, ok := hex4(raw[i+3:]); ok {
					r = utf16.DecodeRune(r, low)
					i += 6
				}
			}
			c.buf = utf8.AppendRune(c.buf, r)
		default:
			return nil, false
		}
	}
	return c.buf[start:len(c.buf):len(c.buf)], true
}

// hex4 reads the four hex digits of a \u escape.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	r := rune(0)
	for _, d := range b[:4] {
		v := unhex(d)
		if v < 0 {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}
