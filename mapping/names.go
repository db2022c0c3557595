package mapping

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
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
	if end == jsonvalue.Found || doc.Forked() && doc.Open(node, l.at.at.Path) { // of two on the way, either may have it
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

// Seeking reports whether names are left that no row had so far.
func (m *Mapper) Seeking() bool {
	return m.sought.missing.Load() > 0 || slices.ContainsFunc(m.joinedMappers(), (*Mapper).Seeking)
}
