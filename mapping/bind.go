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

	read    map[int]bool // columns of a table that the mapping reads, all blocks together
	optOuts []int        // those that it does not read, though their names say that people opted out

	sought      *nameSet
	seekRow     []lookout // names that no row had so far
	seekElement []lookout // and no element
	soughtShape uint64    // of the row in which they were looked for last
	soughtBelow uint64
	decided     []accessor // what the decision is read from, where a row may lack it
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
	m := &Mapper{spec: s, layout: l, nothing: value{empty: true}, sought: &nameSet{}, doc: new(jsonvalue.Doc), read: map[int]bool{}}
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

// resolve finds a name: false when the export lacks it.
func (b *binder) resolve(n nameAt) (accessor, bool) {
	name := n.name
	switch {
	case name == "$file":
		return accessor{kind: accessFile, name: name}, true
	case name == "$row":
		return accessor{kind: accessRow, name: name}, true
	case name == "$key" && b.m.layout.JSON:
		return accessor{kind: accessRowKey, name: name}, true
	case b.m.spec.each != nil && strings.HasPrefix(name, "each."):
		return b.element(n), true
	}
	if at, rest := b.lookup(name); at >= 0 {
		return b.inLookup(at, n, rest)
	}
	return b.column(n)
}

// column finds a name of the row: false when the export lacks it.
func (b *binder) column(n nameAt) (accessor, bool) {
	name := n.name
	if b.m.layout.JSON && len(b.m.layout.Columns) > 0 {
		return b.position(n)
	}
	if cell, rest := b.textInside(name); b.m.layout.JSON && rest != nil {
		return accessor{kind: accessCellPath, cell: cell, at: jsonvalue.Place{Path: rest}, name: name}, true
	}
	if b.m.layout.JSON {
		p, err := jsonvalue.ParsePath(name)
		if err != nil {
			b.fail(n.at, "", "%v", err)
			return accessor{}, true
		}
		a := accessor{kind: accessDoc, at: jsonvalue.Place{Path: p}, name: name}
		if _, member := p.First(); len(p) > 1 || !member {
			a.at.Exact = name
		}
		return a, true
	}
	if col := b.header(n, name); col >= 0 {
		return accessor{kind: accessCell, col: col, name: name}, true
	}
	p, err := jsonvalue.ParsePath(name)
	if err != nil || len(p) < 2 {
		return accessor{}, false
	}
	first, ok := p.First()
	if !ok {
		return accessor{}, false
	}
	col := b.header(n, first)
	if col < 0 {
		return accessor{}, false
	}
	return accessor{kind: accessCellPath, cell: b.cell(col), at: jsonvalue.Place{Path: p[1:]}, name: name}, true
}

// position finds a value of rows that are arrays, by the name of its column: false
// when the mapping gives none of that name.
func (b *binder) position(n nameAt) (accessor, bool) {
	col, below := b.header(n, n.name), jsonvalue.Path(nil)
	if p, err := jsonvalue.ParsePath(n.name); col < 0 && err == nil && len(p) > 1 {
		if first, ok := p.First(); ok {
			col, below = b.header(n, first), p[1:]
		}
	}
	if col < 0 {
		return accessor{}, false
	}
	p, err := jsonvalue.ParsePath(fmt.Sprintf("[%d]", col))
	if err != nil {
		b.fail(n.at, "", "%v", err) // cannot be
	}
	return accessor{kind: accessDoc, at: jsonvalue.Place{Path: append(p, below...)}, name: n.name}, true
}

// header finds a header cell; a header that has it twice is a fault.
func (b *binder) header(n nameAt, name string) int {
	at := slices.Index(b.m.layout.Columns, name)
	if at >= 0 && slices.Contains(b.m.layout.Columns[at+1:], name) {
		whose := "the export"
		if b.m.inside != nil {
			whose = b.m.inside.file
		}
		b.fail(n.at, "rename one of them in "+whose+", or remove the column from the mapping", "%s has two columns %q, so it is unclear which one is meant", whose, name)
	}
	if at >= 0 && b.m.read != nil { // nil: of the file of a lookup
		b.m.read[at] = true
	}
	return at
}

// textInside finds the value of a JSON row that holds JSON as a text, if the name lies
// inside of one that input.json names: its number, and the way on from there, which
// is empty for the name itself, and nil where there is none.
func (b *binder) textInside(name string) (cell int, rest jsonvalue.Path) {
	longest := 0
	for i, n := range b.m.spec.inJSON {
		below, ok := strings.CutPrefix(name, n.name)
		if !ok || below == "" || below[0] != '.' && below[0] != '[' || len(n.name) < longest {
			continue
		}
		if p, err := jsonvalue.ParsePath(strings.TrimPrefix(below, ".")); err == nil {
			cell, rest, longest = i, p, len(n.name)
		}
	}
	return cell, rest
}

// textsInside makes a cell of each value that input.json names, in their order. One
// that the export lacks is a fault.
func (b *binder) textsInside() {
	for _, n := range b.m.spec.inJSON {
		a, ok := b.column(n)
		switch {
		case !ok:
			b.lacks(n, "input.json")
		case a.kind == accessCellPath && a.cell >= len(b.m.cells):
			b.fail(n.at, "", "input.json: %q lies in a text that the list names behind it", n.name)
		case b.m.layout.JSON:
			b.m.cells = append(b.m.cells, jsonCell{inside: &a, name: n.name})
			b.expect("input.json", []nameAt{n}, []accessor{a})
		}
	}
}

// cell registers a CSV column that holds JSON.
func (b *binder) cell(col int) int {
	for i := range b.m.cells {
		if b.m.cells[i].col == col {
			return i
		}
	}
	b.m.cells = append(b.m.cells, jsonCell{col: col, name: b.m.layout.Columns[col]})
	return len(b.m.cells) - 1
}

func (b *binder) element(n nameAt) accessor {
	kind, path, up, message := b.m.spec.each.elementName(strings.TrimPrefix(n.name, "each."))
	if message != "" {
		b.fail(n.at, "", "%s", message)
	}
	a := accessor{kind: kind, at: jsonvalue.Place{Path: path}, up: up, name: n.name}
	if kind == accessElement {
		a.cell = slices.Index(b.elementNames, n.name)
		if a.cell < 0 {
			a.cell = len(b.elementNames)
			b.elementNames = append(b.elementNames, n.name)
			b.m.elementValues = append(b.m.elementValues, elementValue{})
		}
	}
	return a
}

func (b *binder) lacks(n nameAt, what string) {
	if b.lacksLookup(n, what) {
		return
	}
	columns := b.m.layout.Columns
	if l := b.m.inside; l != nil {
		b.fail(n.at, "its columns: "+quoteAll(columns, 40), "%s: %s has no column %q%s", what, l.file, n.name, spelling.DidYouMean(n.name, columns))
		return
	}
	if slices.ContainsFunc(columns, isDatum) {
		b.fail(n.at, "where the export has no header, name its columns in the mapping: input: {columns: [...]}",
			"%s: the export has no column %q: its first line looks like a row, not like a header", what, n.name)
		return
	}
	hint := "the export's columns: " + quoteAll(columns, 40)
	if len(columns) == 1 {
		hint = "the export has one column, " + quoteAll(columns, 1) + "; if the header stands further below, say how many lines are above it: input: {skipLines: …}; if these are several columns, what stands between them: input: {delimiter: …}"
	}
	meant := spelling.DidYouMean(n.name, withUnlimited(what, columns))
	if meant == "" {
		hint += theText(what, n.name)
	}
	b.fail(n.at, hint, "%s: the export has no column %q%s", what, n.name, meant)
}

// withUnlimited adds to names what a validUntil may be beside them.
func withUnlimited(what string, names []string) []string {
	if what == "validUntil" {
		return append(slices.Clone(names), "unlimited")
	}
	return names
}

// theText says how a field that takes any text gets one: source: web reads a column.
func theText(what, name string) string {
	switch what {
	case "source", "category", "message", "reason", "method":
		return fmt.Sprintf("; for the text itself say %s: {const: %q}", what, name)
	}
	return ""
}

// isDatum tells that a cell of a header is what a row says of a person: an address, a
// time, a long number. It is not repeated in a message.
func isDatum(column string) bool {
	digits := 0
	for _, r := range column {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return strings.Contains(column, "@") || digits >= 8
}

// anyOf resolves candidates of which at least one must exist, unless optional.
func (b *binder) anyOf(names []nameAt, what string, optional bool) []accessor {
	var out []accessor
	for _, n := range names {
		if n.name == "" { // a parameter that was left empty
			continue
		}
		a, ok := b.resolve(n)
		if !ok {
			b.m.missing = append(b.m.missing, n.name)
			continue
		}
		out = append(out, a)
	}
	switch {
	case optional || b.err != nil:
	case len(out) > 0:
		b.expect(what, names, out)
	case len(names) > 0 && names[0].name != "":
		b.lacks(names[0], what)
	}
	return out
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
