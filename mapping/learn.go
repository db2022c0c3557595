package mapping

import (
	"github.com/consentimport/consentimport/mapping/timetext"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// Learn finds the unit of each column of epoch times that has no format: seconds
// or milliseconds, by the size of what the sample has in it. The unit of the
// first value counts; a later value of the other size is not a time.
func (m *Mapper) Learn(sample []Record) Units {
	units := Units{}
	var out Result
	for i := range sample {
		out.Reset()
		m.Map(&sample[i], &out) // opens the row; what it becomes does not matter
		if m.unreadable(&sample[i]) {
			continue
		}
		m.learnRow(&out, units)
		for _, block := range m.more {
			block.rec = m.rec
			block.learnRow(&out, units)
		}
	}
	return units
}

func (m *Mapper) learnRow(out *Result, units Units) {
	m.arena = &out.arena
	for e := range max(1, len(m.elems)) {
		if e < len(m.elems) {
			m.elem = &m.elems[e]
			m.round++
		} else if m.spec.each != nil {
			break
		}
		for _, f := range [...]*field{m.fields[fieldTimestamp], m.fields[fieldValidUntil]} {
			m.learn(f, units)
		}
	}
}

// unreadable reports whether the row could not be opened, so that nothing of it
// can be asked for.
func (m *Mapper) unreadable(rec *Record) bool {
	return m.open(rec) != ""
}

func (m *Mapper) learn(f *field, units Units) {
	if f == nil {
		return
	}
	for _, c := range f.cases {
		m.learn(c, units)
	}
	if f.spec.times == nil || !f.spec.times.Automatic() {
		return
	}
	for i := range f.from {
		a := &f.from[i]
		if a.ofElement() && m.elem == nil {
			continue
		}
		name := m.source(a)
		if _, known := units[name]; known {
			continue
		}
		text, _, reason := m.get(a)
		if reason != "" {
			continue
		}
		if unit := timetext.EpochUnit(spelling.Trim(text)); unit == "s" || unit == "ms" {
			units[name] = unit
		}
	}
}

// SetUnits makes the mapper read epoch times in the units that were learnt.
func (m *Mapper) SetUnits(units Units) {
	m.units = units
	for _, block := range m.more {
		block.SetUnits(units)
	}
	for _, f := range m.fields {
		f.setUnits(units)
	}
}

func (f *field) setUnits(units Units) {
	if f == nil {
		return
	}
	for _, c := range f.cases {
		c.setUnits(units)
	}
	for i := range f.from {
		if i < len(f.units) {
			f.units[i] = units[f.from[i].name]
		}
	}
}
