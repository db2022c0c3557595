package mapping

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// joined is a lookup as a Mapper uses it: the row of its file that belongs to the
// row being mapped, looked up when first asked for.
type joined struct {
	of    *Lookup
	on    accessor
	table Table
	in    *Mapper // reads the rows of the file
	rec   Record
	each  bool // on may differ between the elements of a row

	stamp  uint64
	there  bool
	reason string
	missed Missed
}

// lookups makes the names of each lookup's columns known, in the order in which the
// mapping has them: one may find its key in the row of another before it.
func (b *binder) lookups() {
	for _, l := range b.m.spec.lookups {
		t := b.m.layout.Tables[l.name]
		if t == nil {
			b.fail(l.at, "", "lookup %s: %s was not read", l.name, l.file)
			return
		}
		for _, c := range b.m.layout.Columns {
			if c == l.name || strings.HasPrefix(c, l.name+".") {
				b.fail(l.at, "give the lookup another name", "lookup %s: the export has a column %q itself, so it is unclear which is meant", l.name, c)
				return
			}
		}
		j := &joined{of: l, table: t}
		if strings.HasPrefix(l.on.name, "each.") && b.m.spec.each == nil { // it is another block's
			j.on = accessor{kind: accessNothing, name: l.on.name}
		} else {
			var ok bool
			if j.on, ok = b.resolve(l.on); !ok {
				b.lacks(l.on, "lookup "+l.name+": on")
			}
			b.expect("lookup "+l.name+": on", []nameAt{l.on}, []accessor{j.on})
		}
		if b.err != nil {
			return
		}
		var rows *binder
		j.in, rows = l.bind(t.Layout())
		if b.err = rows.err; b.err != nil {
			return
		}
		j.each = j.on.ofElement()
		b.m.joins = append(b.m.joins, j)
	}
}

// lookup finds the lookup that a name is read from, and what it is there.
func (b *binder) lookup(name string) (at int, rest string) {
	for i, j := range b.m.joins {
		if rest, ok := strings.CutPrefix(name, j.of.name+"."); ok && rest != "" {
			return i, rest
		}
	}
	return -1, ""
}

// inLookup resolves a column of a lookup's file: false when the file lacks it.
func (b *binder) inLookup(at int, n nameAt, rest string) (accessor, bool) {
	j := b.m.joins[at]
	rows := &binder{m: j.in}
	a, ok := rows.column(nameAt{rest, n.at})
	if rows.err != nil && b.err == nil {
		b.err = rows.err
	}
	return accessor{kind: accessLookup, cell: at, inner: &a, each: j.each, name: n.name}, ok
}

// wholeLookup makes a column of a lookup's file, which is a list or an object as a
// whole, one that is taken apart.
func (b *binder) wholeLookup(a accessor) accessor {
	in := b.m.joins[a.cell].in
	rows := &binder{m: in}
	inner := *a.inner
	switch {
	case inner.kind == accessCell:
		inner = accessor{kind: accessCellPath, cell: rows.cell(inner.col), name: inner.name}
	default:
		for i, n := range in.spec.inJSON {
			if in.layout.JSON && n.name == inner.name {
				inner = accessor{kind: accessCellPath, cell: i, name: n.name}
			}
		}
	}
	a.inner = &inner
	return a
}

// expectLookup notes that the mapping reads a name inside of the JSON of a lookup's file.
func (b *binder) expectLookup(what string, names []nameAt, from []accessor) {
	if len(from) != 1 || !from[0].inner.sought() {
		return
	}
	n := nameAt{name: from[0].inner.name}
	if len(names) > 0 {
		n.at = names[0].at
	}
	rows := &binder{m: b.m.joins[from[0].cell].in}
	rows.expect(what, []nameAt{n}, []accessor{*from[0].inner})
}

// lacksLookup says that the file of a lookup has no such column: false when the name is
// of no lookup.
func (b *binder) lacksLookup(n nameAt, what string) bool {
	at, rest := b.lookup(n.name)
	if at < 0 {
		return false
	}
	j := b.m.joins[at]
	columns := j.in.layout.Columns
	b.fail(n.at, "its columns: "+quoteAll(columns, 40), "%s: %s has no column %q%s", what, j.of.file, rest, spelling.DidYouMean(rest, columns))
	return true
}

// join looks the row of a lookup up; a reason is one for which the row is invalid.
func (m *Mapper) join(j *joined) string {
	stamp := m.generation
	if j.each {
		stamp = m.round
	}
	if j.stamp == stamp {
		return j.reason
	}
	j.stamp, j.there, j.reason, j.missed = stamp, false, "", 0
	text, kind, reason := m.get(&j.on)
	key := spelling.Trim(text)
	found := Missing
	switch {
	case reason != "":
		j.reason = "cannot be told: " + columnSays(m.nameOf(&j.on), reason)
		return j.reason
	case kind >= jsonvalue.Array:
		j.reason = "cannot be told: " + columnSays(j.on.name, isNoSingle)
		return j.reason
	case kind == jsonvalue.Null || m.isEmpty(key):
		if j.of.required {
			j.reason = fmt.Sprintf("cannot be told: %s, the key in %s, is empty", j.on.name, j.of.base())
		}
		return j.reason
	}
	switch found, reason = j.table.Find(key, m.arena, &j.rec); found {
	case There:
	case Doubtful:
		j.reason = "cannot be told: " + reason
		return j.reason
	default:
		if j.missed = MissedKey; found == Near {
			j.missed = MissedNear
		}
		m.missed |= j.missed
		if j.of.required {
			j.reason = fmt.Sprintf("cannot be told: %s has no row with that %s", j.of.base(), j.of.key.name)
		}
		return j.reason
	}
	in := j.in
	in.rec, in.arena, in.elem = &j.rec, m.arena, nil
	in.generation++
	if reason := in.open(&j.rec); reason != "" { // cannot be: rows that cannot be read are none of the table's
		j.reason = "cannot be told: the row of " + j.of.base() + " " + reason
		return j.reason
	}
	if j.there = true; len(in.seekRow) > 0 {
		in.seek()
	}
	return ""
}

// inLookup gives a value of the row that was looked up.
func (m *Mapper) inLookup(a *accessor) ([]byte, jsonvalue.Kind, string) {
	j := m.joins[a.cell]
	if reason := m.join(j); reason != "" || !j.there {
		return nil, jsonvalue.Null, reason
	}
	return j.in.get(a.inner)
}

// base is the name of the file without its directories, for reasons of rows.
func (l *Lookup) base() string { return path.Base(strings.ReplaceAll(l.file, `\`, "/")) }

// lookedUp are the columns that are read of a lookup's file by this Mapper and its
// blocks: whatever the mapping reads, once.
func (m *Mapper) lookedUp() []*accessor {
	var out []*accessor
	add := func(list ...accessor) {
		for i := range list {
			if list[i].kind == accessLookup && !slices.ContainsFunc(out, func(a *accessor) bool { return a.name == list[i].name }) {
				out = append(out, &list[i])
			}
		}
	}
	var fields func(f *field)
	fields = func(f *field) {
		if f == nil {
			return
		}
		add(f.from...)
		add(f.after...)
		for _, p := range f.template {
			add(p.from)
		}
		if f.when != nil {
			add(f.when.refs...)
		}
		for _, c := range f.cases {
			fields(c)
		}
	}
	for _, rules := range [...][]boundRule{m.skip, m.refuse, m.eskip} {
		for _, r := range rules {
			add(r.when.refs...)
		}
	}
	for _, f := range m.fields {
		fields(f)
	}
	for _, c := range m.columns {
		add(c.from...)
	}
	add(m.list)
	for _, j := range m.joins {
		add(j.on)
	}
	return out
}

// LookedUp is a column of a lookup's file, as a row has it.
type LookedUp struct {
	Name  string // with the lookup's: profiles.email
	Value []byte
}

// LookedUp are the columns of the files of lookups that the mapping reads, as the row
// that was mapped last has them, as far as the lookup goes by the row and not by its
// elements. They are good as long as the result of the row.
func (m *Mapper) LookedUp() []LookedUp {
	var out []LookedUp
	for _, block := range append([]*Mapper{m}, m.more...) {
		for _, a := range block.lookedUp() {
			if a.each || slices.ContainsFunc(out, func(l LookedUp) bool { return l.Name == a.name }) {
				continue
			}
			if text, _, reason := block.get(a); reason == "" && len(text) > 0 {
				out = append(out, LookedUp{a.name, text})
			}
		}
	}
	return out
}

// tellMissed notes which keys of the row were not found.
func (m *Mapper) tellMissed(out *Result) {
	for _, block := range append([]*Mapper{m}, m.more...) {
		out.Missed |= block.missed
		block.missed = 0
	}
}
