// Package jsonvalue reads JSON values one after the other without allocating, and
// finds values in them by path. It is as strict as encoding/json (RFC 8259).
package jsonvalue

import (
	"bytes"
	"fmt"
	"slices"
)

// Doc is one parsed JSON value, its nodes numbered from 0, the outermost. It is
// reused from row to row and then allocates nothing. It is as strict as
// encoding/json (RFC 8259), and never turns a number into a float: values stay text.
type Doc struct {
	text  []byte
	nodes []node
	pos   int
	shape shape
	forks []int32 // members whose name stood in their object before, with another value
	names []int32 // of the object that is looked at
}

// node is one value; its members or elements follow it in the slice.
type node struct {
	kind             Kind
	escaped          bool // a string with escapes
	keyEscaped       bool
	start, end       int32 // text of the value; of a string without its quotes
	keyStart, keyEnd int32
	skip             int32 // index of the node behind the value and all below it
}

// Kind is a kind of JSON value.
type Kind uint8

const (
	Null Kind = iota // also of what is not there
	Bool
	Number
	String
	Array
	Object
)

// maxDepth is how deep values may nest.
const maxDepth = 512

// Parse reads one value with nothing behind it. Its reason is empty when the
// text is valid JSON.
func (d *Doc) Parse(text []byte) (reason string) {
	d.text, d.nodes, d.pos = text, d.nodes[:0], 0
	d.forks = d.forks[:0]
	d.shape.begin()
	d.space()
	if !d.value(0, memberName{}) {
		return d.broken()
	}
	d.space()
	if d.pos != len(text) {
		return d.broken()
	}
	d.shape.end(d)
	return ""
}

func (d *Doc) broken() string {
	if d.pos >= len(d.text) {
		return "is not valid JSON: it ends too early"
	}
	return fmt.Sprintf("is not valid JSON at byte %d", d.pos+1)
}

func (d *Doc) space() {
	if d.pos < len(d.text) && d.text[d.pos] <= ' ' {
		d.blanks()
	}
}

func (d *Doc) blanks() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// memberName is the name of a member, none of an element.
type memberName struct {
	start, end int32
	escaped    bool
	expected   bool // it is the one of the shape
}

func (d *Doc) value(depth int, key memberName) bool {
	if d.pos >= len(d.text) || depth > maxDepth {
		return false
	}
	at := len(d.nodes)
	if at == cap(d.nodes) {
		d.nodes = slices.Grow(d.nodes, at+16)
	}
	d.nodes = d.nodes[:at+1]
	n := &d.nodes[at]
	*n = node{start: int32(d.pos), keyStart: key.start, keyEnd: key.end, keyEscaped: key.escaped}
	var ok bool
	switch c := d.text[d.pos]; {
	case c == '"':
		n.kind = String
		n.start, n.end, n.escaped, ok = d.str()
	case c == '{':
		d.nodes[at].kind = Object
		ok = d.elements(depth, '}')
		d.nodes[at].end = int32(d.pos)
	case c == '[':
		d.nodes[at].kind = Array
		ok = d.elements(depth, ']')
		d.nodes[at].end = int32(d.pos)
	case c == '-' || c >= '0' && c <= '9':
		d.nodes[at].kind = Number
		ok = d.number()
		d.nodes[at].end = int32(d.pos)
	case c == 't':
		d.nodes[at].kind, ok = Bool, d.word("true")
		d.nodes[at].end = int32(d.pos)
	case c == 'f':
		d.nodes[at].kind, ok = Bool, d.word("false")
		d.nodes[at].end = int32(d.pos)
	case c == 'n':
		ok = d.word("null")
		d.nodes[at].end = int32(d.pos)
	}
	d.nodes[at].skip = int32(len(d.nodes))
	d.shape.node(d, at, key.expected)
	return ok
}

func (d *Doc) word(w string) bool {
	if len(d.text)-d.pos < len(w) || string(d.text[d.pos:d.pos+len(w)]) != w {
		return false
	}
	d.pos += len(w)
	return true
}

// elements reads an object or an array up to its end.
func (d *Doc) elements(depth int, end byte) bool {
	d.pos++
	d.space()
	if d.pos < len(d.text) && d.text[d.pos] == end {
		d.pos++
		return true
	}
	for {
		var key memberName
		if end == '}' {
			if d.shape.same && depth < maxDepth && d.usual() {
				return true
			}
			var ok bool
			if key, ok = d.name(); !ok {
				return false
			}
			d.space()
		}
		if !d.value(depth+1, key) {
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
		case end:
			d.pos++
			return true
		default:
			return false
		}
	}
}

// usual reads members of an object as long as each is the one that the shape has there, a
// string without escapes, and nothing but a comma follows: that is most of most rows
// (BenchmarkMap). It stops before a member that is not, or behind the object.
func (d *Doc) usual() (ended bool) {
	text := d.text
	for at := len(d.nodes); at < len(d.shape.nodes) && at < cap(d.nodes); at++ {
		like := &d.shape.nodes[at]
		name := d.shape.names[like.from:like.to]
		if len(name) == 0 || int(like.skip) != at+1 || !bytes.HasPrefix(text[d.pos:], name) {
			return false
		}
		from := d.pos + len(name)
		if from < len(text) && text[from] == ' ' {
			from++
		}
		if from >= len(text) || text[from] != '"' {
			return false
		}
		from++
		to := plainUntil(text, from)
		if to+1 >= len(text) || text[to] != '"' || text[to+1] != ',' && text[to+1] != '}' {
			return false
		}
		d.nodes = d.nodes[:at+1]
		d.nodes[at] = node{
			kind: String, start: int32(from), end: int32(to), skip: int32(at + 1),
			keyStart: int32(d.pos + 1), keyEnd: int32(d.pos + len(name) - 2),
		}
		if d.pos = to + 2; text[to+1] == '}' {
			return true
		}
		d.space()
	}
	return false
}

// name reads the name of a member and its colon. The one that the shape has at
// this place is valid, as it was the first time.
func (d *Doc) name() (key memberName, ok bool) {
	if likely := d.shape.name(len(d.nodes)); len(likely) > 0 && bytes.HasPrefix(d.text[d.pos:], likely) {
		key = memberName{start: int32(d.pos + 1), end: int32(d.pos + len(likely) - 2), expected: true}
		d.pos += len(likely)
		return key, true
	}
	if d.pos >= len(d.text) || d.text[d.pos] != '"' {
		return key, false
	}
	if key.start, key.end, key.escaped, ok = d.str(); !ok {
		return key, false
	}
	d.space()
	if d.pos >= len(d.text) || d.text[d.pos] != ':' {
		return key, false
	}
	d.pos++
	return key, true
}

func (d *Doc) number() bool {
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

// None is the node of a value that is not there.
const None = -1

// Raw is the text of a value as it stands, of a string without its quotes.
func (d *Doc) Raw(n int) []byte { return d.text[d.nodes[n].start:d.nodes[n].end] }

// Text gives the text of a value: of a string what it says, of others their
// literal; of null and of what is not there nothing. Bytes that do not stand in
// the text are appended to arena.
func (d *Doc) Text(n int, arena *[]byte) []byte {
	if n == None || d.nodes[n].kind == Null {
		return nil
	}
	if d.nodes[n].escaped {
		return unescape(d.Raw(n), arena)
	}
	return d.Raw(n)
}

// Kind is what kind of value a node is.
func (d *Doc) Kind(n int) Kind { return d.nodes[n].kind }

// Next is the number of the node behind a value and all that is below it: the
// children of n are n+1, Next(n+1) and so on, up to Next(n).
func (d *Doc) Next(n int) int { return int(d.nodes[n].skip) }

// Escaped reports whether a value is a string with escapes.
func (d *Doc) Escaped(n int) bool { return n != None && d.nodes[n].escaped }

// Key is the name of a member.
func (d *Doc) Key(n int, arena *[]byte) []byte {
	raw := d.text[d.nodes[n].keyStart:d.nodes[n].keyEnd]
	if d.nodes[n].keyEscaped {
		return unescape(raw, arena)
	}
	return raw
}

// Member is the value of a key in an object, the last of several that differ; none
// when it is not there.
func (d *Doc) Member(n int, key string) int {
	if n == None || d.nodes[n].kind != Object {
		return None
	}
	found := None
	for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
		m := &d.nodes[c]
		is := string(d.text[m.keyStart:m.keyEnd]) == key
		if m.keyEscaped {
			is = string(d.nameOf(c)) == key
		}
		if !is {
			continue
		}
		if found = int(c); len(d.forks) == 0 { // no other of that name differs
			break
		}
	}
	return found
}

// Element is one of an array, counted from 0, or from -1 at its end.
func (d *Doc) Element(n, i int) int {
	if n == None || d.nodes[n].kind != Array {
		return None
	}
	if i < 0 {
		count := 0
		for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
			count++
		}
		if i += count; i < 0 {
			return None
		}
	}
	for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
		if i == 0 {
			return int(c)
		}
		i--
	}
	return None
}
