package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// nameSet remembers which of the names that a mapping reads inside JSON any row has.
// A header lists the columns of CSV; what JSON has, only all of its rows say. The
// clones of a Mapper share one.
type nameSet struct {
	readings []*reading
	missing  atomic.Int32 // readings of which no name was found

	mu      sync.Mutex
	samples [][]byte // rows without a name that was looked for
}

// reading is one thing that a mapping reads: it is there when one of its names is.
type reading struct {
	what  string // where in the mapping, for messages
	names []nameAt
	found atomic.Bool
	// led says for each name how far the rows led towards it: twice the steps, and
	// one more where what lies there lacks the next; -1 before any was looked at.
	led []atomic.Int64
}

// lookout is one name of a reading, as a Mapper looks for it.
type lookout struct {
	reading *reading
	n       int
	at      accessor
	led     int64
}

// sampled bounds what is kept of rows that lack a name: they are read again for the
// message alone.
const (
	maxSamples    = 4
	maxSampleSize = 64 << 10
)

// expect notes that a mapping reads one of these names. A name that every row has, as
// a cell of the header does, makes it true from the beginning.
func (b *binder) expect(what string, names []nameAt, from []accessor) {
	var inside []lookout
	if len(from) > 0 && from[0].kind == accessLookup {
		b.expectLookup(what, names, from)
		return
	}
	r := &reading{what: what}
	for i := range from {
		if !from[i].sought() {
			return
		}
		inside = append(inside, lookout{reading: r, n: i, at: from[i], led: -1})
		n := nameAt{name: from[i].name}
		for _, m := range names {
			if m.name == n.name {
				n.at = m.at
			}
		}
		r.names = append(r.names, n)
	}
	if len(inside) == 0 {
		return
	}
	r.led = make([]atomic.Int64, len(inside))
	for i := range r.led {
		r.led[i].Store(-1)
	}
	set := b.m.sought
	set.readings = append(set.readings, r)
	set.missing.Add(1)
	for _, l := range inside {
		if l.at.ofElement() {
			b.m.seekElement = append(b.m.seekElement, l)
		} else {
			b.m.seekRow = append(b.m.seekRow, l)
		}
	}
}

// sought reports whether a row may lack the value: it lies inside JSON.
func (a *accessor) sought() bool {
	switch a.kind {
	case accessDoc, accessElement:
		return true
	case accessCellPath:
		return len(a.at.Path) > 0
	case accessValue: // of an array; there is a path
		return len(a.at.Path) > 0
	}
	return false
}

// share makes the clone of a Mapper look for what it has not found yet.
func (m *Mapper) share(from *Mapper) {
	own := m.sought
	for i, block := range append([]*Mapper{m}, m.more...) {
		block.shareOne(own, from.sought)
		with := from
		if i > 0 {
			with = from.more[i-1]
		}
		for k, j := range block.joins {
			j.in.share(with.joins[k].in)
		}
	}
}

func (m *Mapper) shareOne(own, with *nameSet) {
	m.sought = with
	for i, r := range own.readings {
		for _, list := range [...][]lookout{m.seekRow, m.seekElement} {
			for k := range list {
				if list[k].reading == r {
					list[k].reading = m.sought.readings[i]
				}
			}
		}
	}
}

// ShareNames makes mappers of one mapping, bound to JSON of several forms, look for
// its names together: one that the rows of any form have is there.
func ShareNames(mappers []*Mapper) {
	var first *Mapper
	for _, m := range mappers {
		switch {
		case !m.layout.JSON:
		case first == nil:
			first = m
		default:
			m.share(first)
		}
	}
}

// seek looks for the names that no row had so far in the row that is open. Rows of
// one shape have the same names, and one of them is enough.
func (m *Mapper) seek() {
	id, known := m.doc.Shape()
	seen := m.layout.JSON && known && id == m.soughtShape
	m.soughtShape = id
	m.seekRow = slices.DeleteFunc(m.seekRow, func(l lookout) bool {
		if seen && l.at.kind != accessCellPath && !l.at.at.Path.ByValue() {
			return false
		}
		doc := m.doc
		if l.at.kind == accessCellPath {
			var there bool
			if doc, there, _ = m.document(l.at.cell); !there {
				return false
			}
		} else if doc.At(&l.at.at) != jsonvalue.None {
			return m.found(&l)
		}
		return m.followed(&l, doc, 0)
	})
}

// seekElements is seek for names below each.
func (m *Mapper) seekElements() {
	id, known := m.doc.Shape()
	seen := m.layout.JSON && known && id == m.soughtBelow && m.list.kind != accessLookup
	m.soughtBelow = id
	for i := range m.elems {
		el := &m.elems[i]
		if el.doc == nil {
			continue
		}
		m.seekElement = slices.DeleteFunc(m.seekElement, func(l lookout) bool {
			switch {
			case seen && !l.at.at.Path.ByValue():
				return false
			case l.at.kind == accessValue && el.doc.Kind(el.node) < jsonvalue.Array:
				return m.found(&l)
			}
			return m.followed(&l, el.doc, el.above(l.at.up))
		})
	}
}

// found sets down that a name is there. It gives true, for what need not be looked
// for any longer.
func (m *Mapper) found(l *lookout) bool {
	if !l.reading.found.Swap(true) {
		m.sought.missing.Add(-1)
	}
	return true
}

// followed goes after one name. True means that its reading is found.
func (m *Mapper) followed(l *lookout, doc *jsonvalue.Doc, node int) bool {
	if l.reading.found.Load() {
		return true
	}
	steps, end := doc.Trace(node, l.at.at.Path)
	if end == jsonvalue.Found {
		return m.found(l)
	}
	led := 2 * int64(steps)
	if end == jsonvalue.Lacking {
		led++
	}
	state := &l.reading.led[l.n]
	for old := state.Load(); led > old; old = state.Load() {
		if state.CompareAndSwap(old, led) {
			m.sample()
			break
		}
	}
	return false
}

// sample keeps the row for the message about names that no row has.
func (m *Mapper) sample() {
	text := m.rec.JSON
	if len(text) == 0 || len(text) > maxSampleSize {
		return
	}
	m.sought.mu.Lock()
	defer m.sought.mu.Unlock()
	if len(m.sought.samples) < maxSamples {
		m.sought.samples = append(m.sought.samples, bytes.Clone(text))
	}
}

// Unread says which name the mapping reads and no row has, as an *Error; nil when
// there is none. It is to be asked when the Mapper and its clones have seen all rows.
func (m *Mapper) Unread() error {
	for _, in := range m.joinedMappers() {
		if err := in.Unread(); err != nil {
			return err
		}
	}
	if m.sought.missing.Load() == 0 {
		return nil
	}
	nothing := int(m.sought.missing.Load()) == len(m.sought.readings)
	for _, r := range m.sought.readings {
		if r.unread() {
			return m.unread(r, nothing)
		}
	}
	return nil
}

// Seeking reports whether names are left that no row had so far.
func (m *Mapper) Seeking() bool {
	return m.sought.missing.Load() > 0 || slices.ContainsFunc(m.joinedMappers(), (*Mapper).Seeking)
}

// joinedMappers read the rows of the files that are looked up in, over all blocks.
func (m *Mapper) joinedMappers() []*Mapper {
	var all []*Mapper
	for _, block := range append([]*Mapper{m}, m.more...) {
		for _, j := range block.joins {
			all = append(all, j.in)
		}
	}
	return all
}

// unread reports whether no row has any of the names. Where the rows led no further
// than to something empty, nobody can tell what it would have held.
func (r *reading) unread() bool {
	if r.found.Load() {
		return false
	}
	for i := range r.led {
		if r.led[i].Load()%2 != 1 { // -1, or an even number: nothing says that it is missing
			return false
		}
	}
	return true
}

// unread makes the message about a reading; all says that nothing was found of what
// the mapping reads.
func (m *Mapper) unread(r *reading, all bool) error {
	n := r.names[0]
	e := &Error{File: m.spec.file, Line: n.at.line, Column: n.at.column}
	var quoted []string
	for _, name := range r.names {
		quoted = append(quoted, fmt.Sprintf("%q", name.name))
	}
	who := "no row of the export has"
	if m.inside != nil {
		who, all = "no row of "+m.inside.file+" that was looked up has", false
	}
	e.Message = fmt.Sprintf("%s: %s %s", r.what, who, strings.Join(quoted, " or "))
	there, deeper := m.around(r)
	if all {
		e.Message += ", nor any other name that the mapping reads"
	} else {
		_, last := cutLast(n.name)
		e.Message += spelling.DidYouMean(last, there)
	}
	const way = "a name that may be missing from all rows is one with optional: true, or before ?? in a condition"
	switch {
	case deeper != "":
		e.Hint = fmt.Sprintf("the rows seem to lie deeper: say input: {rows: %s}", deeper)
	case all:
		e.Hint = "consentimport inspect EXPORT says what the file is, and which preset fits"
	case len(there) > 0:
		whose := "the export has"
		if m.inside != nil {
			whose = m.inside.file + " has"
		}
		e.Hint = whose + " there: " + quoteAll(there, 40) + "; " + way
	default:
		e.Hint = way
	}
	return e
}

// cutLast parts a path before its last member.
func cutLast(path string) (before, last string) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// around looks at the sampled rows for the names that are there instead of one that
// is not, and for the place where the rows lie, should it be deeper in them.
func (m *Mapper) around(r *reading) (there []string, deeper string) {
	path, err := jsonvalue.ParsePath(strings.TrimPrefix(r.names[0].name, "each."))
	if err != nil {
		return nil, ""
	}
	element := strings.HasPrefix(r.names[0].name, "each.")
	m.sought.mu.Lock()
	defer m.sought.mu.Unlock()
	for _, text := range m.sought.samples {
		var d jsonvalue.Doc
		if d.Parse(text) != "" {
			continue
		}
		nodes := []int{0}
		if element {
			nodes = m.firstElements(&d)
		}
		for _, n := range nodes {
			steps, _ := d.Trace(n, path)
			if at := d.Find(n, path[:steps]); at != jsonvalue.None {
				there = append(there, memberNames(&d, at)...)
			}
		}
		if deeper == "" && !element {
			deeper = rowsBelow(&d, 0, m.spec.input.Rows, path, 3)
		}
	}
	slices.Sort(there)
	return slices.Compact(there), deeper
}

// firstElements are the first elements of the list in a sampled row.
func (m *Mapper) firstElements(d *jsonvalue.Doc) []int {
	var nodes []int
	if list := d.Find(0, m.list.at.Path); list != jsonvalue.None && d.Kind(list) >= jsonvalue.Array {
		for c := list + 1; c < d.Next(list) && len(nodes) < 8; c = d.Next(c) {
			nodes = append(nodes, c)
		}
	}
	return nodes
}

// memberNames lists the names of an object as far as they look like names, and not
// like people, who may be names too.
func memberNames(d *jsonvalue.Doc, n int) []string {
	var names []string
	if d.Kind(n) != jsonvalue.Object {
		return nil
	}
	var arena []byte
	for c := n + 1; c < d.Next(n) && len(names) < 100; c = d.Next(c) {
		if name := string(d.Key(c, &arena)); isName(name) {
			names = append(names, name)
		}
	}
	return names
}

// isName reports whether a text looks like the name of a thing.
func isName(s string) bool {
	digits, letters := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if digits++; digits > maxDigits {
				return false
			}
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == '-', r == '$', r == '.', r == ' ', r == ':', r == '/':
			digits = 0
			letters++
		default:
			return false
		}
	}
	return letters > 0 && len(s) <= 40
}

// rowsBelow finds the list in whose objects a path leads somewhere, or the object that
// has such objects under keys of their own; "" when there is none. At is the way to n.
func rowsBelow(d *jsonvalue.Doc, n int, at string, path jsonvalue.Path, depth int) string {
	if depth == 0 || d.Kind(n) != jsonvalue.Object {
		return ""
	}
	join := func(key string) string { return strings.TrimPrefix(at+"."+key, ".") }
	leads := func(n int) bool {
		if d.Kind(n) != jsonvalue.Object {
			return false
		}
		_, end := d.Trace(n, path)
		return end == jsonvalue.Found
	}
	var arena []byte
	for c := n + 1; c < d.Next(n); c = d.Next(c) {
		key := string(d.Key(c, &arena))
		named := isName(key) && !strings.ContainsAny(key, ".[")
		switch {
		case leads(c) && !named:
			return join("*")
		case !named:
		case d.Kind(c) == jsonvalue.Array:
			if first := d.Element(c, 0); first != jsonvalue.None && leads(first) {
				return join(key)
			}
		default:
			if found := rowsBelow(d, c, join(key), path, depth-1); found != "" {
				return found
			}
		}
	}
	return ""
}

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
