package inspect

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/mapping"
)

// kept says which values stay as they are when a row is to name nobody.
type kept struct {
	words  map[string]bool // categories, sources and what decisions were read from
	people map[string]bool // identifiers
	names  []string        // categories: what one is put together from names nobody that it does not
	text   []byte          // of the mapping
}

// has reports whether a value names nobody: a decision, a time, a word of the mapping.
func (k kept) has(v string) bool {
	if k.words[v] {
		return true
	}
	switch kind, _ := shapeOf([]byte(v)); kind {
	case kindNothing, kindFlag, kindBit, kindWord, kindTime, kindDate, kindEpochS, kindEpochMS:
		return true
	}
	if len(v) < 2 || len(v) > longestWord {
		return false
	}
	if slices.ContainsFunc(k.names, func(name string) bool { return partOf(name, v) }) {
		return true
	}
	for _, q := range []string{`"`, "'"} {
		if bytes.Contains(k.text, []byte(q+v+q)) {
			return true
		}
	}
	return false
}

// partOf reports whether a value is a whole part of a name: email of channel-email, but
// not Ann of Announcements.
func partOf(name, v string) bool {
	for at := 0; ; at++ {
		i := strings.Index(name[at:], v)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(name[:at])
		after, _ := utf8.DecodeRuneInString(name[at+len(v):])
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) && !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return true
		}
	}
}

// hide gives a cell that names nobody; what the decision was read from stays.
func hide(cell string, keep kept) string {
	v := strings.TrimSpace(cell)
	switch {
	case v == "":
		return cell
	case keep.people[v]:
		return standIn(v)
	case keep.has(v):
		return cell
	case v[0] == '{' || v[0] == '[':
		if _, text := hideJSON([]byte(v), keep); text != nil {
			return string(text)
		}
	}
	if _, ok := pairsOf([]byte(v)); ok || mapping.DecoderOf([]byte(v)) != "" {
		return cell // a list of decisions
	}
	if parts := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",;|", r) }); len(parts) > 1 {
		known := 0
		for _, part := range parts {
			if keep.words[strings.TrimSpace(part)] {
				known++
			}
		}
		if known*2 >= len(parts) { // a list that names categories
			return cell
		}
	}
	return standIn(v)
}

// hideJSON gives a JSON value that names nobody, as a node and as its text; nil
// where it is not JSON.
func hideJSON(text []byte, keep kept) (*node, []byte) {
	if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return nil, nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	n := hideNext(d, keep)
	return n, []byte(n.inline())
}

// hideNext reads the next value; its syntax was checked.
func hideNext(d *jsontext.Decoder, keep kept) *node {
	t, err := d.ReadToken()
	if err != nil {
		return nothing()
	}
	switch t.Kind() {
	case '{':
		m := &node{kind: mapNode, flow: true, quotedKeys: true}
		for d.PeekKind() == '"' {
			name, err := d.ReadToken()
			if err != nil {
				break
			}
			key := name.String()
			if maskKey([]byte(key)) == "*" {
				key = standIn(key)
			}
			m.set(key, hideNext(d, keep))
		}
		_, _ = d.ReadToken()
		return m
	case '[':
		m := flowList()
		for d.PeekKind() != ']' && d.PeekKind() != 0 {
			m.items = append(m.items, hideNext(d, keep))
		}
		_, _ = d.ReadToken()
		return m
	case '"':
		return inQuotes(hide(t.String(), keep))
	case '0':
		if text := t.String(); !keep.has(text) {
			return &node{text: standIn(text)}
		}
		return &node{text: t.String()}
	default:
		return &node{text: t.String()}
	}
}
