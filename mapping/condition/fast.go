package condition

import (
	"bytes"
	"regexp"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// fastNode is a node of the evaluator for the usual conditions. It works on the
// bytes of the row and, apart from errors, allocates nothing.
type fastNode struct {
	op          fastOp
	at          int     // character in the condition
	ref         int     // of fastRef
	value       Operand // of fastConst
	left, right *fastNode
	list        []Operand           // of fastIn
	texts       []string            // list, when all of it is text
	set         map[string]struct{} // texts, when there are many
	pattern     *regexp.Regexp      // of fastMatches
	words       []string            // of fastMatches: a pattern that is only word|word
	members     []member            // of fastElement
	trimmed     bool                // of fastLower, fastUpper: what trim(left) says
}

type fastOp uint8

const (
	fastConst fastOp = iota
	fastRef
	fastLower
	fastUpper
	fastTrim
	fastText
	fastCoalesce
	fastNot
	fastAnd
	fastOr
	fastEqual
	fastNotEqual
	fastLess
	fastLessOrEqual
	fastGreater
	fastGreaterOrEqual
	fastIn
	fastMatches
	fastContains
	fastStartsWith
	fastEndsWith
	fastAny
	fastElement
	fastLength
)

// manyTexts is the length from which a list is looked up in a set.
const manyTexts = 12

// fastRun is the state of one evaluation.
type fastRun struct {
	get      func(ref int) Operand
	parsed   func(ref int) (*jsonvalue.Doc, int) // as in ListsIn
	scratch  []byte                              // text that stands nowhere in the row
	err      error                               // the first one
	elements elements
}

func (r *fastRun) fail(n *fastNode, reason string) {
	if r.err == nil {
		r.err = &Error{at: n.at, reason: reason}
	}
}

func (r *fastRun) truth(n *fastNode) bool {
	switch n.op {
	case fastNot:
		return !r.truth(n.left)
	case fastAnd:
		return r.truth(n.left) && r.truth(n.right)
	case fastOr:
		return r.truth(n.left) || r.truth(n.right)
	case fastEqual:
		return r.equal(n)
	case fastNotEqual:
		return !r.equal(n)
	case fastLess, fastLessOrEqual, fastGreater, fastGreaterOrEqual:
		order, reason := compareOperands(r.value(n.left), r.value(n.right))
		if reason != "" {
			r.fail(n, reason)
			return false
		}
		return n.op.holdsFor(order)
	case fastAny:
		return r.any(n)
	case fastIn:
		return n.in(r.value(n.left))
	case fastMatches:
		v := r.value(n.left)
		if v.Kind == jsonvalue.Null {
			return false
		}
		if n.words == nil {
			return n.pattern.Match(v.Text)
		}
		for _, w := range n.words {
			if containsText(v.Text, w) {
				return true
			}
		}
		return false
	case fastContains, fastStartsWith, fastEndsWith:
		text, part := r.value(n.left), r.value(n.right)
		if text.Kind == jsonvalue.Null || part.Kind == jsonvalue.Null {
			return false
		}
		switch n.op {
		case fastContains:
			return bytes.Contains(text.Text, part.Text)
		case fastStartsWith:
			return bytes.HasPrefix(text.Text, part.Text)
		default:
			return bytes.HasSuffix(text.Text, part.Text)
		}
	}
	holds, reason := r.value(n).truth()
	if reason != "" {
		r.fail(n, reason)
	}
	return holds
}

// equal is short for the usual case, text with a text from the expression.
func (r *fastRun) equal(n *fastNode) bool {
	v := r.value(n.left)
	if n.right.op != fastConst {
		return equalOperands(v, r.value(n.right))
	}
	if v.Kind == jsonvalue.String && n.right.value.Kind == jsonvalue.String {
		return string(v.Text) == string(n.right.value.Text)
	}
	return equalOperands(v, n.right.value)
}

func (op fastOp) holdsFor(order int) bool {
	switch op {
	case fastLess:
		return order < 0
	case fastLessOrEqual:
		return order <= 0
	case fastGreater:
		return order > 0
	default:
		return order >= 0
	}
}

var (
	trueText  = []byte("true")
	falseText = []byte("false")
)

func (r *fastRun) value(n *fastNode) Operand {
	switch n.op {
	case fastConst:
		return n.value
	case fastRef:
		return r.get(n.ref)
	case fastElement:
		return r.elements.text(n.members)
	case fastLength:
		v := r.length(n.left)
		if v.Kind == jsonvalue.Null { // which has no length
			r.elements.beyond = true
		}
		return v
	case fastCoalesce:
		if v := r.value(n.left); v.Kind != jsonvalue.Null {
			return v
		}
		return r.value(n.right)
	case fastText:
		return Operand{jsonvalue.String, r.text(n.left)}
	case fastTrim:
		return Operand{jsonvalue.String, bytes.TrimSpace(r.text(n.left))}
	case fastLower, fastUpper:
		text := r.text(n.left)
		if n.trimmed {
			text = bytes.TrimSpace(text)
		}
		if n.op == fastLower {
			return Operand{jsonvalue.String, r.lower(text)}
		}
		return Operand{jsonvalue.String, r.upper(text)}
	}
	if r.truth(n) {
		return Operand{jsonvalue.Bool, trueText}
	}
	return Operand{jsonvalue.Bool, falseText}
}

// text is nothing for what is not there.
func (r *fastRun) text(n *fastNode) []byte {
	v := r.value(n)
	if v.Kind == jsonvalue.Null {
		return nil
	}
	return v.Text
}

// lower gives the text as it is when it needs no change.
func (r *fastRun) lower(text []byte) []byte {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return r.mapped(text, unicode.ToLower)
		}
		if c >= 'A' && c <= 'Z' {
			for _, c := range text[i:] {
				if c >= utf8.RuneSelf {
					return r.mapped(text, unicode.ToLower)
				}
			}
			from := len(r.scratch)
			r.scratch = append(r.scratch, text...)
			out := r.scratch[from:]
			for j := i; j < len(out); j++ {
				if c := out[j]; c >= 'A' && c <= 'Z' {
					out[j] = c + 'a' - 'A'
				}
			}
			return out[:len(out):len(out)]
		}
	}
	return text
}

func (r *fastRun) upper(text []byte) []byte {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return r.mapped(text, unicode.ToUpper)
		}
		if c >= 'a' && c <= 'z' {
			for _, c := range text[i:] {
				if c >= utf8.RuneSelf {
					return r.mapped(text, unicode.ToUpper)
				}
			}
			from := len(r.scratch)
			r.scratch = append(r.scratch, text...)
			out := r.scratch[from:]
			for j := i; j < len(out); j++ {
				if c := out[j]; c >= 'a' && c <= 'z' {
					out[j] = c - ('a' - 'A')
				}
			}
			return out[:len(out):len(out)]
		}
	}
	return text
}

func (r *fastRun) mapped(text []byte, by func(rune) rune) []byte {
	from := len(r.scratch)
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		r.scratch = utf8.AppendRune(r.scratch, by(c))
		i += size
	}
	return r.scratch[from:len(r.scratch):len(r.scratch)]
}

func (n *fastNode) in(v Operand) bool {
	if v.Kind == jsonvalue.String && n.texts != nil {
		if n.set != nil {
			_, is := n.set[string(v.Text)]
			return is
		}
		for _, t := range n.texts {
			if string(v.Text) == t {
				return true
			}
		}
		return false
	}
	for i := range n.list {
		if equalOperands(n.list[i], v) {
			return true
		}
	}
	return false
}

func containsText(text []byte, part string) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		j := bytes.IndexByte(text[i:len(text)-len(part)+1], part[0])
		if j < 0 {
			return false
		}
		if i += j; string(text[i:i+len(part)]) == part {
			return true
		}
	}
	return false
}
