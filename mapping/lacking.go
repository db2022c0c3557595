package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// decisions finds the names that the decision of a row, or of its elements, is read
// from. None are where some row may do without: where the mapping says so, or reads
// what every row has.
func (b *binder) decisions() {
	f := b.m.fields[fieldAction]
	var names []accessor
	needed := false // one of them is not spared
	var collect func(f *field)
	collect = func(f *field) {
		b.m.eager = b.m.eager || f.spec.constant != nil || len(f.fallback) > 0
		names = append(names, f.from...)
		needed = needed || len(f.from) > 0 && !f.spec.optional
		for _, p := range f.template {
			if p.named {
				names, needed = append(names, p.from), true
			}
		}
		if f.when != nil {
			names = append(names, f.when.refs...)
			for _, ref := range f.when.c.Refs() {
				needed = needed || !spared(ref)
			}
		}
		for _, c := range f.cases {
			collect(c)
		}
	}
	collect(f)
	if !needed || f.spec.optional {
		return
	}
	for i := range names {
		if names[i].kind != accessNothing && !names[i].sought() {
			return
		}
	}
	b.m.decided = names
}

// spared reports whether a condition has an answer for rows without the name. Below
// each. a name must be spared in so many words: elements have no header.
func spared(ref condition.Ref) bool { return ref.Spared || ref.Optional && !ref.Each }

// hasNone reports whether the row, or its current element, has none of the names that
// its decision is read from. That a value is null is something it says.
func (m *Mapper) hasNone() bool {
	if len(m.decided) == 0 {
		return false
	}
	for i := range m.decided {
		if m.has(&m.decided[i]) {
			return false
		}
	}
	return true
}

// has reports whether there is a value, be it null.
func (m *Mapper) has(a *accessor) bool {
	switch a.kind {
	case accessNothing:
		return false
	case accessDoc:
		return m.doc.At(&a.at) != jsonvalue.None || m.doc.Forked() && m.doc.OpenAt(&a.at)
	case accessLookup:
		j := m.joins[a.cell]
		return m.join(j) == "" && j.there && j.in.has(a.inner)
	case accessCellPath:
		if inside := m.cells[a.cell].inside; inside != nil && !m.has(inside) {
			return false
		}
		doc, there, _ := m.document(a.cell)
		return !there || len(a.at.Path) == 0 || doc.Find(0, a.at.Path) != jsonvalue.None
	case accessValue:
		if len(a.at.Path) == 0 || m.elem == nil || m.elem.doc == nil || m.elem.doc.Kind(m.elem.node) < jsonvalue.Array {
			return true
		}
		return m.elem.doc.Find(m.elem.node, a.at.Path) != jsonvalue.None
	case accessElement:
		return m.elem != nil && m.elem.doc != nil && m.elem.doc.Find(m.elem.above(a.up), a.at.Path) != jsonvalue.None
	}
	return true
}

// lacks is the reason of a row, or of an element, that has none of these names.
func lacks(from []accessor) string {
	var names []string
	for i := range from {
		if name := fmt.Sprintf("%q", from[i].name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return "has none of " + strings.Join(names[:min(len(names), 12)], ", ") + ", from which the decision is read"
}
