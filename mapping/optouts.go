package mapping

import (
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// columnUse is what a mapping does with a column.
type columnUse uint8

const (
	columnRead   columnUse = 1 << iota // it reads it, or leaves it out by its name
	columnPassed                       // a pattern in except leaves it out
)

// unreadColumn is a column of a table that no part of the mapping reads, and in which
// people may have said no. What of its cells says so, depends on its name.
type unreadColumn struct {
	col  int
	said func(vocabulary.Sense) bool
}

// What says no: under a name of opt-outs a yes; under a name of consents what says by
// itself that somebody left, for a plain no holds for everybody who was never asked; in
// a column among those of decisions a plain no as well.
func leftByName(s vocabulary.Sense) bool { return s == vocabulary.Yes || s == vocabulary.Out }
func leftByWord(s vocabulary.Sense) bool { return s == vocabulary.Out || s == vocabulary.Rejected }
func saysNo(s vocabulary.Sense) bool     { return s == vocabulary.No || leftByWord(s) }

// findOptOuts finds the columns that no part of the mapping reads and whose names say
// that people opted out, or what they consented to: a no in one of them would be lost
// without a word. Those whose names stand in except of each are left out on purpose;
// those that only a pattern there leaves out may be more than somebody thought of.
func (m *Mapper) findOptOuts() {
	if m.layout.JSON || m.spec.canonical {
		return
	}
	for i, name := range m.layout.Columns {
		optOut := vocabulary.OptOut([]byte(name))
		switch use := m.read[i]; {
		case name == "_error" || name == "_row" || use&columnRead != 0:
		case use&columnPassed != 0:
			if !optOut {
				m.optOuts = append(m.optOuts, unreadColumn{i, saysNo})
			}
		case optOut:
			m.optOuts = append(m.optOuts, unreadColumn{i, leftByName})
		case vocabulary.OptIn([]byte(name)):
			m.optOuts = append(m.optOuts, unreadColumn{i, leftByWord})
		}
	}
}

// tellOptOuts notes that a column which is not read says that somebody left.
func (m *Mapper) tellOptOuts(out *Result) {
	for _, c := range m.optOuts {
		if c.said(vocabulary.Value(spelling.Trim(m.rec.Cells[c.col]))) {
			out.Missed |= MissedOptOut
			return
		}
	}
}
