package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/decode"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// Mapper is a mapping bound to the columns of an export. It is used by one
// goroutine at a time; Clone gives another one.
type Mapper struct {
	spec    *Spec
	layout  Layout
	units   Units
	missing []string

	fields  [fieldCount]*field
	skip    []boundRule
	refuse  []boundRule
	columns []boundColumn // of each: columns
	list    accessor      // of the other forms
	// listEmpty is the reason of rows whose list is an empty cell.
	listEmpty string
	unsaid    bool // this row's is
	// unseen is why a condition did not see one of its values.
	unseen    string
	manyNamed bool // elements name the person
	hidden    bool // invisible characters were cut off an identifier of this row
	eskip     []boundRule
	record    *canonicalReader

	joins  []*joined // rows of other files that belong to the row
	inside *Lookup   // it reads the rows of this one
	missed Missed    // keys of the row that were not found

	more []*Mapper // of the other blocks of each
	part bool      // it is one of several blocks, of which a row may lack all but one
	lack string    // why the row has nothing of this block
	void string    // the column of that

	read    map[int]columnUse // what the mapping does with the columns of a table, all blocks together
	optOuts []unreadColumn    // those that it does not read, in which people may have said no

	sought      *nameSet
	seekRow     []lookout // names that no row had so far
	seekElement []lookout // and no element
	soughtShape uint64    // of the row in which they were looked for last
	soughtBelow uint64
	decided     []accessor // what the decision is read from, where a row may lack it
	mayLapse    bool       // an accept may have a word that says that it has ended
	sameLife    bool       // the end of this consent is a lifetime that all have
	eager       bool       // there may be an action all the same: a default, or a constant

	// of the row being mapped
	rec           *Record
	arena         *[]byte
	filled        []byte // a template's text, on its way into the arena
	generation    uint64
	doc           *jsonvalue.Doc // of a JSON row; all blocks share it
	date          jsonvalue.Doc  // of a time that is an object
	cells         []jsonCell
	elems         []element
	elementValues []elementValue // of the current element, by name
	elem          *element
	decoded       decode.Cell
	listed        [][]byte
	values        [fieldCount]value // what the fields came to, each worked out when first asked for
	stamps        [fieldCount]uint64
	round         uint64 // counts rows and elements
	nothing       value
}

// Units are the units of the columns of epoch times: "s" or "ms" by column.
type Units map[string]string

// field is a fieldSpec bound to columns.
type field struct {
	spec       *fieldSpec
	from       []accessor
	template   []boundPart
	constant   []byte // of const
	fallback   []byte // of default
	after      []accessor
	cases      []*field
	when       *boundCondition
	units      []string // of the candidates of from, by position
	perElement bool
	plain      bool // one cell, or one value of a JSON row, as it is
	verbatim   bool // and nothing but blanks is changed of it
}

type boundPart struct {
	literal []byte
	from    accessor
	named   bool
}

type boundColumn struct {
	category []byte
	from     []accessor
}

type boundRule struct {
	when   *boundCondition
	reason string
}

// boundCondition is a condition with its names resolved.
type boundCondition struct {
	c          *condition.Condition
	refs       []accessor
	look       func(int) condition.Operand
	perElement bool
}

// Bind compiles the mapping against the columns of an export. A column that the
// export lacks, or has twice, is an *Error.
func (s *Spec) Bind(l Layout) (*Mapper, error) {
	m, err := s.bind(l, nil)
	if err != nil {
		return nil, err
	}
	for _, block := range s.more {
		b, err := block.bind(l, m)
		if err != nil {
			return nil, err
		}
		m.more = append(m.more, b)
		m.missing = append(m.missing, b.missing...)
	}
	m.part = len(m.more) > 0
	m.findOptOuts()
	return m, nil
}

// bind binds one block of each; those behind the first share what the first has.
func (s *Spec) bind(l Layout, first *Mapper) (*Mapper, error) {
	m := &Mapper{spec: s, layout: l, nothing: value{empty: true}, sought: &nameSet{}, doc: new(jsonvalue.Doc), read: map[int]columnUse{}}
	if l.JSON && len(l.Columns) == 0 {
		m.layout.Columns = s.input.Columns
	}
	if first != nil {
		m.doc, m.sought, m.read, m.part = first.doc, first.sought, first.read, true
	}
	b := &binder{m: m}
	b.textsInside()
	b.lookups()
	for i, f := range s.fields {
		if f != nil {
			m.fields[i] = b.field(f)
		}
	}
	for _, i := range [...]int{fieldUserID, fieldProfileID, fieldEmail} {
		m.manyNamed = m.manyNamed || m.fields[i] != nil && m.fields[i].perElement
	}
	m.mayLapse = m.fields[fieldAction] != nil && m.fields[fieldAction].spec.acceptsEnded()
	m.skip, m.refuse = b.rules(s.skip), b.rules(s.refuse)
	if s.each != nil {
		b.bindEach(s.each)
	}
	if b.err == nil {
		b.decisions()
	}
	if s.canonical && b.err == nil {
		m.record, b.err = newCanonicalReader(s.file, l.Columns)
	}
	if b.err != nil {
		return nil, b.err
	}
	return m, nil
}

// Clone gives a mapper of the same mapping for another goroutine.
func (m *Mapper) Clone() *Mapper {
	c, err := m.spec.Bind(m.layout)
	if err != nil {
		return m // cannot be: the same layout was bound before
	}
	c.SetUnits(m.units)
	c.share(m)
	return c
}

// Missing are columns that the mapping names among others and the export lacks.
func (m *Mapper) Missing() []string { return m.missing }

// binder resolves names; the first fault ends it.
type binder struct {
	m            *Mapper
	elementNames []string // below each, of Mapper.elementValues
	err          error
}

func (b *binder) fail(at place, hint, format string, args ...any) {
	if b.err == nil {
		b.err = &Error{File: b.m.spec.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
}

func (b *binder) field(spec *fieldSpec) *field {
	f := &field{spec: spec, fallback: []byte(or(spec.fallback)), constant: []byte(or(spec.constant))}
	if spec.when != nil {
		f.when = b.condition(spec.when, spec.at)
		f.perElement = f.when != nil && f.when.perElement
	}
	if spec.unlimited {
		return f
	}
	f.from = b.anyOf(spec.from, spec.name, spec.optional)
	for _, p := range spec.template {
		part := boundPart{literal: []byte(p.literal), named: p.name.name != ""}
		if part.named {
			if a := b.anyOf([]nameAt{p.name}, spec.name, spec.optional); len(a) > 0 {
				part.from = a[0]
			}
		}
		f.template = append(f.template, part)
	}
	if spec.after != nil {
		f.after = b.anyOf(spec.after.from, spec.name, spec.optional)
	}
	for _, c := range spec.cases {
		f.cases = append(f.cases, b.field(c))
	}
	f.units = make([]string, len(f.from))
	f.perElement = f.perElement || slices.ContainsFunc(f.from, accessor.ofElement) || slices.ContainsFunc(f.after, accessor.ofElement) ||
		slices.ContainsFunc(f.template, func(p boundPart) bool { return p.named && p.from.ofElement() }) ||
		slices.ContainsFunc(f.cases, func(c *field) bool { return c.perElement })
	f.plain = len(f.from) == 1 && f.from[0].ofRow() && len(f.cases) == 0 && len(f.template) == 0 &&
		spec.constant == nil && spec.after == nil && spec.match == nil && !spec.unescape
	f.verbatim = f.plain && spec.times == nil && spec.values == nil && !spec.lower
	return f
}

// ofRow reports whether the value stands in the row, which need not be taken
// apart further.
func (a accessor) ofRow() bool { return a.kind == accessCell || a.kind == accessDoc }

// ofElement reports whether the value may differ between the elements of a row.
func (a accessor) ofElement() bool {
	return a.kind >= accessKey && a.kind <= accessDays || a.kind == accessLookup && a.each
}

func (b *binder) rules(specs []ruleSpec) []boundRule {
	var out []boundRule
	for _, r := range specs {
		if c := b.condition(r.when, r.at); c != nil {
			out = append(out, boundRule{c, r.reason})
		}
	}
	return out
}

func (b *binder) condition(c *condition.Condition, at place) *boundCondition {
	c = c.Clone()
	bound := &boundCondition{c: c}
	for _, ref := range c.Refs() {
		n := nameAt{ref.Name, at}
		var a accessor
		ok := true
		switch {
		case ref.Each:
			a = b.element(nameAt{"each." + ref.Name, at})
		case strings.HasPrefix(ref.Name, "each."): // written row["each.…"]: a column
			a, ok = b.column(n)
		default:
			a, ok = b.resolve(n)
		}
		if !ok && !ref.Optional {
			b.lacks(n, "condition")
			return nil
		}
		if !spared(ref) {
			b.expect("condition", []nameAt{{a.name, at}}, []accessor{a})
		}
		bound.perElement = bound.perElement || a.ofElement()
		bound.refs = append(bound.refs, a)
	}
	bound.look = func(i int) condition.Operand {
		text, kind, reason := b.m.get(&bound.refs[i])
		if reason != "" {
			if b.m.unseen == "" {
				b.m.unseen = columnSays(b.m.nameOf(&bound.refs[i]), reason)
			}
			return condition.Operand{}
		}
		if bound.refs[i].kind == accessCell {
			text = spelling.Trim(text)
		}
		return condition.Operand{Kind: kind, Text: text}
	}
	c.ListsIn(func(i int) (*jsonvalue.Doc, int) { return b.m.listOf(&bound.refs[i]) })
	return bound
}

// or is a text, empty when there is none.
func or(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
