package mapping

// cell works out a field that is one cell or one value of a JSON row, which most
// are: the same as candidates and look, by a shorter way.
func (m *Mapper) cell(f *field, v *value) {
	a := &f.from[0]
	var text []byte
	if a.kind == accessCell {
		text = m.rec.Cells[a.col]
	} else {
		var kind jsonKind
		if text, kind, _ = m.node(&m.doc, m.doc.at(a)); kind >= jsonArray {
			*v = value{by: f, column: a.name, empty: true, reason: columnSays(a.name, isNoSingle)}
			return
		}
	}
	trimmed := trimSpace(text)
	v.by, v.raw, v.column, v.reason, v.unit = f, trimmed, a.name, "", ""
	if m.isEmpty(trimmed) {
		v.text, v.empty = nil, true
		f.otherwise(v)
		return
	}
	v.text, v.empty = text, false
	if f.spec.trim {
		v.text = trimmed
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
	a := &f.from[0]
	var text []byte
	if a.kind == accessCell {
		text = m.rec.Cells[a.col]
	} else {
		n := m.doc.at(a)
		if n == none || m.doc.nodes[n].kind >= jsonArray || m.doc.nodes[n].escaped {
			return nil
		}
		text = m.doc.string(n, m.arena)
	}
	trimmed := trimSpace(text)
	switch {
	case m.isEmpty(trimmed):
		return nil
	case f.spec.trim:
		return trimmed
	}
	return text
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

// fillCells is fillTemplate where all values stand in the row. It gives up where
// one has escapes: that needs the memory into which the template is filled.
func (m *Mapper) fillCells(f *field, v *value) bool {
	from := len(*m.arena)
	text, named, said := *m.arena, false, false
	for i := range f.template {
		p := &f.template[i]
		if !p.named {
			text = append(text, p.literal...)
			continue
		}
		if !named {
			named, v.column = true, p.from.name
		}
		var part []byte
		if p.from.kind == accessCell {
			part = m.rec.Cells[p.from.col]
		} else if n := m.doc.at(&p.from); n != none && m.doc.nodes[n].escaped {
			return false
		} else {
			part = m.doc.string(n, m.arena)
		}
		part = trimSpace(part)
		said = said || !m.isEmpty(part)
		text = append(text, part...)
	}
	if named && !said { // words of the mapping alone are no value of the row
		v.empty = true
		return true
	}
	*m.arena = text
	v.text = text[from:len(text):len(text)]
	v.raw, v.empty = v.text, len(v.text) == 0
	return true
}
