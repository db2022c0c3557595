package source

import "bytes"

// maxDepth is how deep a JSON value may be nested. Exports have a handful of
// levels; the bound keeps malformed ones from costing time without end.
const maxDepth = 512

// nesting follows brackets and strings through JSON text, piece by piece. It
// finds where a value ends; whether the value is valid is not its concern.
type nesting struct {
	kinds   [maxDepth / 64]uint64 // one bit a level: 1 for an object
	depth   int
	text    bool // inside a string
	escaped bool // after a backslash in it
}

// progress is what nesting finds in a piece of text.
type progress uint8

const (
	unfinished progress = iota // the piece ends before the value
	finished
	crossed     // a bracket closes another kind of bracket
	cutString   // a line ends inside a string
	tooDeep     // more than maxDepth levels
	overlong    // more than MaxRow bytes
	neverClosed // the text ends before the value
)

// reason is the format of a Row.Reason with the line of the fault.
func (p progress) reason() string {
	switch p {
	case crossed:
		return "the JSON value is malformed: a bracket on line %d does not match"
	case cutString:
		return "the JSON value is malformed: a string on line %d has no closing quote"
	case tooDeep:
		return "the JSON value is nested deeper than 512 levels on line %d"
	case overlong:
		return "the row is longer than 1 MiB on line %d"
	default:
		return "the JSON value is not closed before the text ends on line %d"
	}
}

// What each byte means outside and inside of strings; 0 is of no interest.
const (
	opensObject = 1 + iota
	opensArray
	closesObject
	closesArray
	quotes
	escapes
	endsLine
)

var (
	outsideString = [256]uint8{'{': opensObject, '[': opensArray, '}': closesObject, ']': closesArray, '"': quotes}
	insideString  = [256]uint8{'"': quotes, '\\': escapes, '\n': endsLine}
)

// feed goes on with a piece of text and tells how much of it belongs to the
// value, or where the fault lies. The first byte of all begins the value: an
// opening bracket or a quote.
func (n *nesting) feed(text []byte) (int, progress) {
	i := 0
	for i < len(text) {
		if n.text {
			if n.escaped {
				n.escaped = false
				i++
				continue
			}
			for i < len(text) && insideString[text[i]] == 0 {
				i++
			}
			if i == len(text) {
				break
			}
			switch insideString[text[i]] {
			case quotes:
				n.text = false
				if n.depth == 0 {
					return i + 1, finished
				}
			case escapes:
				n.escaped = true
			default:
				return i, cutString
			}
			i++
			continue
		}
		for i < len(text) && outsideString[text[i]] == 0 {
			i++
		}
		if i == len(text) {
			break
		}
		switch kind := outsideString[text[i]]; kind {
		case quotes:
			n.text = true
		case opensObject, opensArray:
			if n.depth == maxDepth {
				return i, tooDeep
			}
			bit := uint64(1) << (n.depth % 64)
			if kind == opensObject {
				n.kinds[n.depth/64] |= bit
			} else {
				n.kinds[n.depth/64] &^= bit
			}
			n.depth++
		default:
			if n.depth == 0 {
				return i, crossed
			}
			n.depth--
			object := n.kinds[n.depth/64]>>(n.depth%64)&1 == 1
			if object != (kind == closesObject) {
				return i, crossed
			}
			if n.depth == 0 {
				return i + 1, finished
			}
		}
		i++
	}
	return i, unfinished
}

// scalarEnd is the length of the number or word that a text begins with.
func scalarEnd(text []byte) int {
	for i, b := range text {
		switch b {
		case ' ', '\t', '\r', '\n', ',', ':', '{', '}', '[', ']', '"':
			return i
		}
	}
	return len(text)
}

// endsJSON tells that a line holds one JSON value and nothing after it.
func endsJSON(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	var n nesting
	end, how := n.feed(line)
	return how == finished && isBlank(trimCR(line[end:], '\n'), 0)
}
