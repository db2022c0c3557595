package mapping

import (
	"github.com/consentimport/consentimport/mapping/spelling"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// cell works out a field that is one cell or one value of a JSON row, which most
// are: the same as candidates and look, by a shorter way.
func (m *Mapper) cell(f *field, v *value) {
	a := &f.from[0]
	text, kind, reason := m.get(a)
	if reason != "" {
		*v = value{by: f, column: a.name, empty: true, reason: columnSays(a.name, reason)}
		return
	}
	if kind == jsonvalue.Object && f.spec.times != nil {
		text, kind = m.mongoDate(text, kind)
	}
	if kind >= jsonvalue.Array {
		*v = value{by: f, column: a.name, empty: true, reason: columnSays(a.name, isNoSingle)}
		return
	}
	trimmed := text
	if !spelling.Bare(text) {
		trimmed = spelling.Trim(text)
	}
	v.by, v.raw, v.column, v.reason, v.unit = f, trimmed, a.name, "", ""
	sure := f.spec.person && isLongPlain(trimmed)
	if m.isEmpty(trimmed) || f.spec.person && !sure && nobody(trimmed, kind) {
		v.text, v.empty = nil, true
		f.otherwise(v)
		return
	}
	if f.spec.person && !sure {
		if why := unfit(trimmed); why != "" {
			v.text, v.empty, v.reason = nil, true, columnSays(a.name, why)
			return
		}
	}
	v.text, v.empty = text, false
	if f.spec.trim {
		v.text = m.trimAll(f, trimmed)
	}
	if f.spec.times != nil {
		v.unit = f.units[0]
	}
	if f.spec.lower {
		v.text = m.lower(v.text)
	}
	if f.spec.values != nil {
		m.lookUp(f.spec, v)
	}
}

// verbatim gives the text of a field that is one, without what cell sets down
// about it; nothing where that must be known, and of a string with escapes, which is
// to be read once a row and not once an element.
func (m *Mapper) verbatim(f *field) []byte {
	text, kind := m.plain(&f.from[0])
	if kind == jsonvalue.Null || kind >= jsonvalue.Array {
		return nil
	}
	trimmed := text
	if !spelling.Bare(text) {
		trimmed = spelling.Trim(text)
	}
	switch {
	case m.isEmpty(trimmed), f.spec.person && !isLongPlain(trimmed) && (nobody(trimmed, kind) || unfit(trimmed) != ""):
		return nil
	case f.spec.trim:
		return m.trimAll(f, trimmed)
	}
	return text
}

// plain is get for a value that has one text, which stands in the row as it is; Null for
// others, too.
func (m *Mapper) plain(a *accessor) (text []byte, kind jsonvalue.Kind) {
	if a.kind != accessDoc {
		text, kind, _ = m.get(a)
		return text, kind
	}
	if n := m.doc.At(&a.at); n != jsonvalue.None && !m.doc.Escaped(n) && !m.doc.Forked() {
		return m.doc.Raw(n), m.doc.Kind(n)
	}
	return nil, jsonvalue.Null
}

// fewValues is up to how many values it is quicker to compare than to hash.
const fewValues = 8

// listed finds a value as it is written.
func (s *fieldSpec) listed(text []byte) (at int, ok bool) {
	if len(s.values) > fewValues {
		at, ok = s.byText[string(text)]
		return at, ok
	}
	for i := range s.values {
		if string(text) == s.values[i].from {
			return i, true
		}
	}
	return 0, false
}
