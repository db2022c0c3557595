package intempt

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxName is how many bytes of a member's name are kept, maxValue of its value.
	// With every letter in an escape, "errors" has 38.
	maxName  = 64
	maxValue = 4 << 10
)

// errorSeeker looks through a JSON object, piece by piece, for a member error or errors
// that says something. What it keeps of the object has a bound, whatever the object's size,
// which a decoder of tokens does not have: a string is one token.
//
// It goes by quotes and brackets alone. What is not valid JSON it may misread; it then
// looks at more than it needs to, or at nothing of what a decoder would not have reached.
type errorSeeker struct {
	depth   int
	quoted  bool // within a string
	escaped bool // behind a backslash in one
	inValue bool
	closed  bool // the object has ended
	failed  bool // an error was found
	name    []byte
	value   []byte // without blanks
}

// done says that nothing of what follows can matter.
func (s *errorSeeker) done() bool { return s.closed || s.failed }

// look takes the next piece.
func (s *errorSeeker) look(piece []byte) {
	for _, b := range piece {
		if s.done() {
			return
		}
		if s.quoted {
			s.keep(b)
			switch {
			case s.escaped:
				s.escaped = false
			case b == '\\':
				s.escaped = true
			case b == '"':
				s.quoted = false
			}
			continue
		}
		s.mark(b)
	}
}

// mark takes a byte outside of strings.
func (s *errorSeeker) mark(b byte) {
	switch b {
	case ' ', '\t', '\r', '\n':
		return
	case '"':
		s.quoted = true
	case '{', '[':
		if s.depth++; s.depth == 1 {
			return
		}
	case '}', ']':
		if s.depth--; s.depth == 0 {
			s.endMember()
			s.closed = !s.failed
			return
		}
	case ':':
		if s.depth == 1 {
			s.inValue = true
			return
		}
	case ',':
		if s.depth == 1 {
			s.endMember()
			return
		}
	}
	s.keep(b)
}

// keep keeps a byte of the member.
func (s *errorSeeker) keep(b byte) {
	if !s.inValue && len(s.name) < maxName {
		s.name = append(s.name, b)
	} else if s.inValue && len(s.value) < maxValue {
		s.value = append(s.value, b)
	}
}

// endMember judges a member that has ended. The name and value of an error stay.
func (s *errorSeeker) endMember() {
	if s.isNamed() && !isEmpty(s.value) {
		s.failed = true
		return
	}
	s.name, s.value, s.inValue = s.name[:0], s.value[:0], false
}

// isNamed reports whether the member's name is that of an error.
func (s *errorSeeker) isNamed() bool {
	var room [maxName]byte
	name, err := jsontext.AppendUnquote(room[:0], s.name)
	return err == nil && (string(name) == "error" || string(name) == "errors")
}

// found reports whether the object holds an error; of one that breaks off in an error, as
// far as it goes.
func (s *errorSeeker) found() bool {
	if s.failed || s.closed || !s.isNamed() {
		return s.failed
	}
	for _, nothing := range nothings {
		if bytes.HasPrefix([]byte(nothing), s.value) {
			return false // it may become this
		}
	}
	return true
}

// appendFound appends the error that was found as an object, as far as it was kept.
func (s *errorSeeker) appendFound(dst []byte) []byte {
	dst = append(append(append(append(dst, '{'), s.name...), ':'), s.value...)
	if s.failed && len(s.value) < maxValue {
		dst = append(dst, '}')
	}
	return dst
}

// nothings are the JSON values that say nothing.
var nothings = [...]string{"null", "false", `""`, "{}", "[]", "0"}

// isEmpty reports whether a JSON value without blanks says nothing.
func isEmpty(value []byte) bool {
	for _, nothing := range nothings {
		if string(value) == nothing {
			return true
		}
	}
	return len(value) == 0
}
