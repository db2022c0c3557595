package mapping

import (
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// findOptOuts finds the columns of a table whose names say that people opted out, and that
// no part of the mapping reads: a yes in one of them would be lost without a word. Those
// that each leaves out by except are left out on purpose.
func (m *Mapper) findOptOuts() {
	if m.layout.JSON || m.spec.canonical {
		return
	}
	for i, name := range m.layout.Columns {
		if !m.read[i] && name != "_error" && vocabulary.OptOut([]byte(name)) {
			m.optOuts = append(m.optOuts, i)
		}
	}
}

// tellOptOuts notes that a column of opt-outs which is not read says yes in the row.
func (m *Mapper) tellOptOuts(out *Result) {
	for _, i := range m.optOuts {
		switch vocabulary.Value(spelling.Trim(m.rec.Cells[i])) {
		case vocabulary.Yes, vocabulary.Out:
			out.Missed |= MissedOptOut
		}
	}
}
