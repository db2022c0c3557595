package mapping

import (
	"bytes"
	"html"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// eval works a field out for the current element.
func (m *Mapper) eval(f *field, v *value) {
	if f.plain {
		m.cell(f, v)
		return
	}
	*v = value{by: f}
	switch {
	case len(f.cases) > 0:
		c, reason := m.caseOf(f)
		switch {
		case reason != "":
			v.reason = reason
			return
		case c != nil:
			m.eval(c, v)
		default:
			v.empty, v.column = true, f.column()
		}
		f.otherwise(v)
		return
	case f.spec.unlimited:
		v.text = unlimitedWord
		return
	case f.spec.constant != nil:
		v.text, v.raw, v.empty = f.constant, f.constant, len(f.constant) == 0
		m.look(f, v)
		return
	case f.template != nil:
		if m.fillTemplate(f, v); v.reason == "" {
			m.look(f, v)
		}
		return
	case f.spec.after != nil:
		return
	}
	if m.candidates(f, f.from, v); v.reason == "" {
		m.look(f, v)
	}
}

// caseOf is the first case whose condition holds, nil when none does. A
// condition that cannot be judged makes the row invalid: passing it over could
// turn a reject into the accept of the next case.
func (m *Mapper) caseOf(f *field) (*field, string) {
	for _, c := range f.cases {
		if c.when == nil {
			return c, ""
		}
		holds, err := m.holds(c.when)
		if err != nil {
			return nil, err.Error()
		}
		if holds {
			return c, ""
		}
	}
	return nil, ""
}

const isNoSingle = "holds a list or an object, not a single value"

// candidates gives the first value that is not empty.
func (m *Mapper) candidates(f *field, from []accessor, last *value) {
	last.empty = true
	unmatched := "" // a column whose text has not the form that match says
	for i := range from {
		a := &from[i]
		text, kind, reason := m.get(a)
		last.column = m.source(a)
		if reason != "" {
			last.reason = columnSays(m.nameOf(a), reason)
			return
		}
		if kind == jsonvalue.Null {
			continue
		}
		if kind == jsonvalue.Object && f.spec.times != nil {
			text, kind = m.mongoDate(text, kind)
		}
		if kind >= jsonvalue.Array {
			last.reason = columnSays(last.column, isNoSingle)
			return
		}
		trimmed := spelling.Trim(text)
		if f.spec.unescape && bytes.IndexByte(trimmed, '&') >= 0 {
			text = m.keep(html.UnescapeString(string(text)))
			trimmed = spelling.Trim(text)
		}
		last.raw = trimmed
		if m.isEmpty(trimmed) || f.spec.person && nobody(trimmed, kind) {
			continue
		}
		if f.spec.match != nil {
			within, ok := f.spec.match.find(trimmed)
			if !ok {
				unmatched = last.column
				continue
			}
			text, trimmed = within, spelling.Trim(within)
			if last.raw = trimmed; len(trimmed) == 0 || f.spec.person && nobody(trimmed, kind) {
				unmatched = last.column
				continue
			}
		}
		if f.spec.person {
			if why := unfit(trimmed); why != "" {
				last.reason = columnSays(last.column, why)
				return
			}
		}
		last.text, last.empty = text, false
		switch {
		case f.spec.times == nil:
		case a.kind == accessValue: // each column has its own unit
			last.unit = m.units[last.column]
		case i < len(f.units):
			last.unit = f.units[i]
		}
		return
	}
	if unmatched != "" && f.spec.needed {
		last.column, last.reason = unmatched, columnSays(unmatched, reasonUnmatched)
	}
}

// reasonUnmatched is why a row is invalid that says something about a field which
// every consent needs, and not in the form that match gives: what is there is no
// silence, and a default would put words in somebody's mouth.
const reasonUnmatched = "does not have the form that match says"

// source is the column that a value came from.
func (m *Mapper) source(a *accessor) string {
	if a.kind == accessValue && m.elem != nil && m.elem.column != "" {
		return m.elem.column
	}
	return a.name
}

func (m *Mapper) nameOf(a *accessor) string {
	if a.kind == accessCellPath {
		return m.cells[a.cell].name
	}
	return a.name
}

// look applies what a field does to a value once it is found.
func (m *Mapper) look(f *field, v *value) {
	if v.empty {
		f.otherwise(v)
		return
	}
	if f.spec.trim {
		v.text = m.trimAll(f, spelling.Trim(v.text))
	}
	if f.spec.lower {
		v.text = m.lower(v.text)
	}
	if f.spec.values != nil {
		m.lookUp(f.spec, v)
	}
}

// otherwise applies a field's default to an empty value.
func (f *field) otherwise(v *value) {
	if v.empty && v.reason == "" && len(f.fallback) > 0 {
		v.text, v.empty = f.fallback, false
	}
}

// lookUp looks a value up: exactly, then without regard to case. One that is not
// listed makes the row invalid; it never becomes a decision.
func (m *Mapper) lookUp(s *fieldSpec, v *value) {
	v.raw = spelling.Trim(v.text)
	at, ok := s.listed(v.raw)
	if !ok {
		for i := range s.values {
			if len(s.values[i].from) == 0 || !equalFold(v.raw, s.values[i].from) {
				continue
			}
			if ok && (s.values[at].to != s.values[i].to || s.values[at].nothing != s.values[i].nothing) {
				ok = false // two spellings that differ in case alone disagree: nobody can tell
				break
			}
			at, ok = i, true
		}
	}
	if !ok {
		v.reason = notListed
		return
	}
	v.text, v.empty = s.values[at].means, s.values[at].nothing
}

// equalFold is bytes.EqualFold without an allocation for the text.
func equalFold(b []byte, s string) bool {
	if len(b) == len(s) {
		plain := true
		for i := range b {
			x, y := b[i], s[i]
			if x >= utf8.RuneSelf || y >= utf8.RuneSelf {
				plain = false
				break
			}
			if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
				return false
			}
		}
		if plain {
			return true
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return bytes.EqualFold(b, []byte(s))
		}
	}
	return false
}

// fillTemplate joins the parts of a template; what is not there is left out. It
// is joined outside of the arena, which finding the parts may use.
func (m *Mapper) fillTemplate(f *field, v *value) {
	text, named, said, whole := m.filled[:0], false, false, true
	for i := range f.template {
		p := &f.template[i]
		if !p.named {
			text = append(text, p.literal...)
			continue
		}
		part, kind, reason := m.get(&p.from)
		if reason != "" {
			v.reason, v.column = columnSays(m.nameOf(&p.from), reason), p.from.name
			return
		}
		if kind >= jsonvalue.Array && !f.spec.wordy {
			v.reason, v.column = columnSays(p.from.name, isNoSingle), p.from.name
			return
		}
		if !named {
			named, v.column = true, p.from.name
		}
		if !spelling.Bare(part) {
			part = spelling.Trim(part)
		}
		if m.isEmpty(part) || f.spec.person && nobody(part, kind) {
			if whole {
				whole, v.column = false, p.from.name
			}
			continue
		}
		said = true
		text = append(text, part...)
	}
	m.filled = text
	// Words of the mapping alone are no value of the row, and where a part is missing
	// the rest names another person, category or time, or all of them at once.
	if named && !said || !whole && !f.spec.wordy {
		v.empty = true
		return
	}
	if f.spec.person {
		if why := unfit(spelling.Trim(text)); why != "" {
			v.reason = columnSays(v.column, why)
			return
		}
	}
	v.text = m.own(text)
	v.raw, v.empty = v.text, len(v.text) == 0
}

// keep copies a text into the result's memory.
func (m *Mapper) keep(s string) []byte {
	from := len(*m.arena)
	*m.arena = append(*m.arena, s...)
	return (*m.arena)[from:len(*m.arena):len(*m.arena)]
}

// lower gives a text in small letters, in memory of its own.
func (m *Mapper) lower(b []byte) []byte {
	upper := false
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return append([]byte(nil), bytes.ToLower(b)...)
		}
		upper = upper || c >= 'A' && c <= 'Z'
	}
	if !upper {
		return b
	}
	from := len(*m.arena)
	*m.arena = lowerASCII(*m.arena, b)
	return (*m.arena)[from:len(*m.arena):len(*m.arena)]
}
