package inspect

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// Cell is one value of a row: a cell of a CSV record, or a value inside JSON with
// the path to it.
type Cell struct {
	Name  string
	Value []byte // empty: nothing is there
}

// Leaves gives the single values inside a JSON text, the outermost first, with their
// paths as a mapping writes them; at most n of them. It gives none of what is not JSON.
func Leaves(text []byte, n int) []Cell {
	var out []Cell
	var walk func(path []byte, v jsontext.Value)
	walk = func(path []byte, v jsontext.Value) {
		if len(out) == n {
			return
		}
		switch v.Kind() {
		case '{', '[':
			d := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
			if _, err := d.ReadToken(); err != nil {
				return
			}
			for i := 0; d.PeekKind() != '}' && d.PeekKind() != ']' && d.PeekKind() != 0; i++ {
				next := path
				if v.Kind() == '{' {
					name, err := d.ReadToken()
					if err != nil {
						return
					}
					next = appendKey(bytes.Clone(path), []byte(name.String()))
				} else {
					next = append(bytes.Clone(path), "["+strconv.Itoa(i)+"]"...)
				}
				member, err := d.ReadValue()
				if err != nil {
					return
				}
				walk(next, bytes.Clone(member))
			}
		case '"':
			s, _ := jsontext.AppendUnquote(nil, v)
			out = append(out, Cell{string(path), s})
		case 'n':
			out = append(out, Cell{string(path), nil})
		default:
			out = append(out, Cell{string(path), v})
		}
	}
	if jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		walk(nil, bytes.TrimSpace(text))
	}
	return out
}

// Shown gives a value as it may be printed beside its row: words of decision, times
// and short numbers as they are, of anything else its form alone.
func Shown(value []byte) string {
	v := bytes.TrimSpace(value)
	if len(v) == 0 {
		return ""
	}
	if isSafe(v) {
		return spelling.OneLine(string(v))
	}
	return maskValue(v)
}

// Masked gives the form of a value alone.
func Masked(value []byte) string { return MaskedWhole(bytes.TrimSpace(value)) }

// MaskedWhole gives the form of a value with what is around it, for comparing spellings.
func MaskedWhole(value []byte) string { return maskValue(value) }

// isSafe reports whether a value names nobody: a word of decision, a time, a short
// number.
func isSafe(v []byte) bool {
	switch k, _ := shapeOf(v); k {
	case kindNothing, kindFlag, kindBit, kindWord, kindTime, kindDate, kindEpochS, kindEpochMS:
		return true
	case kindInteger, kindDecimal:
		return len(v) <= 4
	}
	return false
}

// standIn gives a text of the form of another, which names nobody.
func standIn(v string) string {
	if isEmail([]byte(v)) {
		return "somebody@mail.example"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '9'
		case r >= 'A' && r <= 'Z':
			return 'A'
		case r >= 'a' && r <= 'z', r >= 0x80:
			return 'a'
		}
		return r
	}, v)
}
