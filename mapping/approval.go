package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// ApprovalHash is the hex SHA-256 of what somebody signs: the mapping as it was
// parsed, with its parameters filled in, and every distinct line of category
// and value with accept, reject or nothing, unmasked and uncut. Comments and
// layout of the mapping, counts, row numbers, reasons and what is invalid are
// no part of it. Two mappings or tables that differ in one decision never
// share it.
func (l *Linter) ApprovalHash() (string, error) {
	h := sha256.New()
	var frame []byte
	write := func(texts ...string) {
		frame = frame[:0]
		for _, text := range texts {
			frame = append(binary.AppendUvarint(frame, uint64(len(text))), text...)
		}
		h.Write(frame)
	}
	write("consentimport approval 1", string(l.canonical))
	var before Decision
	err := l.decisions.Each(func(d Decision) error {
		d.Count, d.Reason = 0, ""
		if d.Decision != DecidedInvalid && d != before { // reasons sort last: equal lines are neighbours
			write(d.Decision, d.Category, d.Value)
			before = d
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// Canonical is the mapping as it was parsed, in one form whatever its comments,
// its layout and the order of its keys: parameters are filled in, a plain text
// for a field is {from: text}, a list of one text is that text, and a switch
// that is off is not there. Its tests and the description of its parameters are
// left out: they change nothing.
func (s *Spec) Canonical() []byte {
	r := &reader{file: s.file, set: maps.Clone(s.filled), uses: map[string]bool{}}
	root := r.parseTree(s.base)
	var out []byte
	for _, m := range r.sortedMembers(root) {
		if len(s.empty) == 0 && m.key == "empty" || m.key == "input" && len(r.members(m.value, "", nil)) == 0 {
			continue // as if it were not there
		}
		switch m.key {
		case "parameters", "set", "tests":
			continue
		case "empty": // an empty cell says nothing as it is
			out = strconv.AppendQuote(out, m.key)
			for _, word := range s.empty {
				out = strconv.AppendQuote(out, word.text)
			}
		case "consent":
			out = r.canonicalConsent(strconv.AppendQuote(out, m.key), m.value)
		case "each":
			out = r.canonicalEach(strconv.AppendQuote(out, m.key), m.value)
		default:
			out = r.canonical(strconv.AppendQuote(out, m.key), m.value)
		}
	}
	if r.err != nil { // nothing may be missing from what is signed: layout counts, then
		return append(out, s.Source()...)
	}
	return out
}

// canonicalEach is canonical for each: a block, or a list of them. Names of categories
// and values may be any word, so that it is the place that tells what a key means.
func (r *reader) canonicalEach(out []byte, n ast.Node) []byte {
	if isList(n) {
		out = append(out, '[')
		for _, block := range r.items(n, "") {
			out = append(r.canonicalEach(out, block), ',')
		}
		return append(out, ']')
	}
	out = append(out, '{')
	for _, m := range r.sortedMembers(n) {
		out = strconv.AppendQuote(out, m.key)
		if m.key == "consent" {
			out = r.canonicalConsent(out, m.value)
		} else {
			out = r.canonical(out, m.value)
		}
	}
	return append(out, '}')
}

// canonicalConsent is canonical for the fields of a consent.
func (r *reader) canonicalConsent(out []byte, n ast.Node) []byte {
	out = append(out, '{')
	for _, m := range r.sortedMembers(n) {
		out = strconv.AppendQuote(out, m.key)
		switch {
		case isMap(m.value):
			out = r.canonicalField(out, m.value)
			continue
		case m.value != nil && !isList(m.value):
			if text := r.scalar(m.value); m.key != "validUntil" || text != "unlimited" {
				out = append(strconv.AppendQuote(append(out, `{"from"`...), text), '}')
				continue
			}
		}
		out = r.canonical(out, m.value)
	}
	return append(out, '}')
}

// canonicalField is canonical for what is said of one field, and for a case of it.
func (r *reader) canonicalField(out []byte, n ast.Node) []byte {
	out = append(out, '{')
	for _, m := range r.sortedMembers(n) {
		switch m.key {
		case "trim", "lower", "optional":
			if r.scalar(m.value) == "false" { // as if it were not there
				continue
			}
		case "cases":
			out = append(strconv.AppendQuote(out, m.key), '[')
			for _, i := range r.items(m.value, "") {
				out = append(r.canonicalField(out, i), ',')
			}
			out = append(out, ']')
			continue
		}
		out = r.canonical(strconv.AppendQuote(out, m.key), m.value)
	}
	return append(out, '}')
}

func (r *reader) canonical(out []byte, n ast.Node) []byte {
	switch {
	case n == nil:
		return append(out, '-')
	case isMap(n):
		out = append(out, '{')
		for _, m := range r.sortedMembers(n) {
			out = r.canonical(strconv.AppendQuote(out, m.key), m.value)
		}
		return append(out, '}')
	case isList(n):
		items := r.items(n, "")
		if len(items) == 1 && !isMap(items[0]) && !isList(items[0]) {
			return r.canonical(out, items[0])
		}
		out = append(out, '[')
		for _, i := range items {
			out = append(r.canonical(out, i), ',')
		}
		return append(out, ']')
	}
	if null, ok := inner(n).(*ast.NullNode); ok { // in a list: it may be the word
		return append(append(out, '-'), null.GetToken().Value...)
	}
	return strconv.AppendQuote(out, r.scalar(n))
}

func (r *reader) sortedMembers(n ast.Node) []member {
	members := r.members(n, "", nil)
	slices.SortFunc(members, func(a, b member) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	return members
}

// isList reports whether a node is a list.
func isList(n ast.Node) bool {
	_, list := inner(n).(*ast.SequenceNode)
	return list
}
