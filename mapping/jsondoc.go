package mapping

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonDoc is one parsed JSON value. It is reused from row to row and then
// allocates nothing. It is as strict as encoding/json (RFC 8259), and never
// turns a number into a float: values stay text.
type jsonDoc struct {
	text  []byte
	nodes []jsonNode
	pos   int
}

// jsonNode is one value; its members or elements follow it in the slice.
type jsonNode struct {
	kind             jsonKind
	escaped          bool // a string with escapes
	keyEscaped       bool
	start, end       int32 // text of the value; of a string without its quotes
	keyStart, keyEnd int32
	skip             int32 // index of the node behind the value and all below it
}

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// maxDepth is how deep values may nest.
const maxDepth = 512

// parse reads one value with nothing behind it. Its reason is empty when the
// text is valid JSON.
func (d *jsonDoc) parse(text []byte) (reason string) {
	d.text, d.nodes, d.pos = text, d.nodes[:0], 0
	d.space()
	if !d.value(0, 0, 0, false) {
		return d.broken()
	}
	d.space()
	if d.pos != len(text) {
		return d.broken()
	}
	return ""
}

func (d *jsonDoc) broken() string {
	if d.pos >= len(d.text) {
		return "is no valid JSON: it ends too early"
	}
	return fmt.Sprintf("is no valid JSON at byte %d", d.pos+1)
}

func (d *jsonDoc) space() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *jsonDoc) value(depth int, keyStart, keyEnd int32, keyEscaped bool) bool {
	if d.pos >= len(d.text) || depth > maxDepth {
		return false
	}
	at := len(d.nodes)
	d.nodes = append(d.nodes, jsonNode{start: int32(d.pos), keyStart: keyStart, keyEnd: keyEnd, keyEscaped: keyEscaped})
	var ok bool
	switch c := d.text[d.pos]; {
	case c == '"':
		start, end, escaped, good := d.str()
		n := &d.nodes[at]
		n.kind, n.start, n.end, n.escaped, ok = jsonString, start, end, escaped, good
	case c == '{':
		d.nodes[at].kind = jsonObject
		ok = d.object(depth)
		d.nodes[at].end = int32(d.pos)
	case c == '[':
		d.nodes[at].kind = jsonArray
		ok = d.array(depth)
		d.nodes[at].end = int32(d.pos)
	case c == '-' || c >= '0' && c <= '9':
		d.nodes[at].kind = jsonNumber
		ok = d.number()
		d.nodes[at].end = int32(d.pos)
	case c == 't':
		d.nodes[at].kind, ok = jsonBool, d.word("true")
		d.nodes[at].end = int32(d.pos)
	case c == 'f':
		d.nodes[at].kind, ok = jsonBool, d.word("false")
		d.nodes[at].end = int32(d.pos)
	case c == 'n':
		ok = d.word("null")
		d.nodes[at].end = int32(d.pos)
	}
	d.nodes[at].skip = int32(len(d.nodes))
	return ok
}

func (d *jsonDoc) word(w string) bool {
	if len(d.text)-d.pos < len(w) || string(d.text[d.pos:d.pos+len(w)]) != w {
		return false
	}
	d.pos += len(w)
	return true
}

func (d *jsonDoc) object(depth int) bool {
	d.pos++
	d.space()
	if d.pos < len(d.text) && d.text[d.pos] == '}' {
		d.pos++
		return true
	}
	for {
		if d.pos >= len(d.text) || d.text[d.pos] != '"' {
			return false
		}
		start, end, escaped, ok := d.str()
		if !ok {
			return false
		}
		d.space()
		if d.pos >= len(d.text) || d.text[d.pos] != ':' {
			return false
		}
		d.pos++
		d.space()
		if !d.value(depth+1, start, end, escaped) {
			return false
		}
		d.space()
		if d.pos >= len(d.text) {
			return false
		}
		switch d.text[d.pos] {
		case ',':
			d.pos++
			d.space()
		case '}':
			d.pos++
			return true
		default:
			return false
		}
	}
}

func (d *jsonDoc) array(depth int) bool {
	d.pos++
	d.space()
	if d.pos < len(d.text) && d.text[d.pos] == ']' {
		d.pos++
		return true
	}
	for {
		if !d.value(depth+1, 0, 0, false) {
			return false
		}
		d.space()
		if d.pos >= len(d.text) {
			return false
		}
		switch d.text[d.pos] {
		case ',':
			d.pos++
			d.space()
		case ']':
			d.pos++
			return true
		default:
			return false
		}
	}
}

// plainByte marks the bytes of a string that need no thought.
var plainByte = func() (t [256]bool) {
	for i := 0x20; i < 256; i++ {
		t[i] = i != '"' && i != '\\'
	}
	return t
}()

func (d *jsonDoc) str() (start, end int32, escaped, ok bool) {
	text, i := d.text, d.pos+1
	start = int32(i)
	for {
		for i < len(text) && plainByte[text[i]] {
			i++
		}
		if i >= len(text) {
			d.pos = i
			return start, 0, escaped, false
		}
		switch text[i] {
		case '"':
			d.pos = i + 1
			return start, int32(i), escaped, true
		case '\\':
			escaped = true
			n := escapeLen(text[i:])
			if n == 0 {
				d.pos = i
				return start, 0, escaped, false
			}
			i += n
		default: // a control character
			d.pos = i
			return start, 0, escaped, false
		}
	}
}

// escapeLen is the length of the escape that b begins with, 0 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(b[2:]); ok {
			return 6
		}
	}
	return 0
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (d *jsonDoc) number() bool {
	digits := func() bool {
		from := d.pos
		for d.pos < len(d.text) && d.text[d.pos] >= '0' && d.text[d.pos] <= '9' {
			d.pos++
		}
		return d.pos > from
	}
	if d.text[d.pos] == '-' {
		d.pos++
	}
	if d.pos < len(d.text) && d.text[d.pos] == '0' {
		d.pos++
	} else if !digits() {
		return false
	}
	if d.pos < len(d.text) && d.text[d.pos] == '.' {
		d.pos++
		if !digits() {
			return false
		}
	}
	if d.pos < len(d.text) && (d.text[d.pos] == 'e' || d.text[d.pos] == 'E') {
		d.pos++
		if d.pos < len(d.text) && (d.text[d.pos] == '+' || d.text[d.pos] == '-') {
			d.pos++
		}
		return digits()
	}
	return true
}

// none is the node of a value that is not there.
const none = -1

// raw is the text of a value as it stands, of a string without its quotes.
func (d *jsonDoc) raw(n int) []byte { return d.text[d.nodes[n].start:d.nodes[n].end] }

// str gives the text of a value: of a string what it says, of others their
// literal; of null and of what is not there nothing. Bytes that do not stand in
// the text are appended to arena.
func (d *jsonDoc) string(n int, arena *[]byte) []byte {
	if n == none || d.nodes[n].kind == jsonNull {
		return nil
	}
	if d.nodes[n].escaped {
		return unescape(d.raw(n), arena)
	}
	return d.raw(n)
}

// key is the name of a member.
func (d *jsonDoc) key(n int, arena *[]byte) []byte {
	raw := d.text[d.nodes[n].keyStart:d.nodes[n].keyEnd]
	if d.nodes[n].keyEscaped {
		return unescape(raw, arena)
	}
	return raw
}

func unescape(raw []byte, arena *[]byte) []byte {
	from := len(*arena)
	out := *arena
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(raw[i+2:])
			i += 6
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low, ok = hex4(raw[i+2:])
				}
				if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
					r, i = pair, i+6
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			out = append(out, c)
		}
		i += 2
	}
	*arena = out
	return out[from:len(out):len(out)]
}

// member is the value of a key in an object, the last of several; none when it
// is not there.
func (d *jsonDoc) member(n int, key string) int {
	if n == none || d.nodes[n].kind != jsonObject {
		return none
	}
	found := none
	for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
		m := &d.nodes[c]
		if m.keyEscaped {
			var arena []byte
			if string(unescape(d.text[m.keyStart:m.keyEnd], &arena)) == key {
				found = int(c)
			}
		} else if string(d.text[m.keyStart:m.keyEnd]) == key {
			found = int(c)
		}
	}
	return found
}

// element is one of an array, counted from 0, or from -1 at its end.
func (d *jsonDoc) element(n, i int) int {
	if n == none || d.nodes[n].kind != jsonArray {
		return none
	}
	if i < 0 {
		count := 0
		for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
			count++
		}
		if i += count; i < 0 {
			return none
		}
	}
	for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
		if i == 0 {
			return int(c)
		}
		i--
	}
	return none
}
