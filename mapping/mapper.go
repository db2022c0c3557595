package mapping

import (
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// noDecision is the reason of a row that makes no consents and breaks no rule.
const noDecision = "states no decision"

// Map maps one row. Every outcome is in out; it never panics.
func (m *Mapper) Map(rec *Record, out *Result) {
	out.Status, out.Reason, out.Column = Mapped, "", ""
	out.Consents, out.Dropped, out.Missed = out.Consents[:0], out.Dropped[:0], 0
	if len(m.joins) > 0 {
		defer m.tellMissed(out)
	}
	m.begin(rec, out)
	if reason := m.open(rec); reason != "" {
		out.invalid(reason, "")
		return
	}
	if len(m.optOuts) > 0 {
		m.tellOptOuts(out)
	}
	if len(m.seekRow) > 0 {
		m.seek()
	}
	if m.ruledOut(m.skip, Skipped, out) || m.ruledOut(m.refuse, Invalid, out) {
		return
	}
	why := m.block(out)
	if m.part {
		why = m.others(rec, out, why)
	}
	switch {
	case out.Status == Invalid:
	case len(out.Consents) == 0:
		out.Status, out.Reason = Skipped, why
		if why == "" {
			out.Reason = noDecision
			if m.unsaid {
				out.Reason = m.listEmpty
			}
		}
	}
}

func (m *Mapper) begin(rec *Record, out *Result) {
	m.rec, m.arena = rec, &out.arena
	m.generation++
	m.round++
	m.elem, m.elems, m.hidden = nil, m.elems[:0], false
}

// block makes the consents of one block of each, or of the row. Why says why there are
// none.
func (m *Mapper) block(out *Result) (why string) {
	m.lack, m.void = "", ""
	if m.spec.each == nil {
		return m.consent(out)
	}
	if reason, column := m.elements(); reason != "" {
		out.invalid(reason, column)
		return ""
	}
	return m.eachElement(out)
}

// others makes the consents of the other blocks. A row may lack what a block is made
// of, but not what all of them are.
func (m *Mapper) others(rec *Record, out *Result, why string) string {
	lacks := m.lack != ""
	for _, b := range m.more {
		b.begin(rec, out)
		if len(b.seekRow) > 0 {
			b.seek()
		}
		if reason := b.block(out); why == "" {
			why = reason
		}
		lacks = lacks && b.lack != ""
		m.unsaid = m.unsaid && b.unsaid
	}
	if lacks {
		out.invalid(m.lack, m.void)
	}
	return why
}

// lacking says that the row has nothing of what this block is made of: that makes it
// invalid, unless another block has something.
func (m *Mapper) lacking(from []accessor) (reason, column string) {
	reason, column = lacks(from), from[0].name
	if m.part {
		m.lack, m.void = reason, column
		return "", ""
	}
	return reason, column
}

func (out *Result) invalid(reason, column string) {
	if out.Status != Invalid { // the first fault counts
		out.Status, out.Reason, out.Column = Invalid, reason, column
	}
}

// open makes the row's values readable.
func (m *Mapper) open(rec *Record) string {
	if m.layout.JSON {
		if reason := m.doc.Parse(rec.JSON); reason != "" {
			return reason
		}
		if n := len(m.layout.Columns); n > 0 {
			return m.openList(rec, n)
		}
		if m.doc.Kind(0) != jsonvalue.Object {
			return "is not a JSON object"
		}
		return ""
	}
	if len(rec.Cells) < len(m.layout.Columns) {
		return fmt.Sprintf("has %d cells, the header has %d", len(rec.Cells), len(m.layout.Columns))
	}
	if m.record != nil {
		return m.record.read(rec)
	}
	return ""
}

// openList makes the values of a row readable that is a list, or where there is one
// column a single value.
func (m *Mapper) openList(rec *Record, columns int) string {
	if columns == 1 && m.doc.Kind(0) != jsonvalue.Null && m.doc.Kind(0) < jsonvalue.Array {
		from := len(*m.arena) // where what is read of it lives as long as the consents
		*m.arena = append(append(append(*m.arena, '['), rec.JSON...), ']')
		if reason := m.doc.Parse((*m.arena)[from:]); reason != "" {
			return reason // cannot be
		}
	}
	if m.doc.Kind(0) != jsonvalue.Array {
		return "is not a JSON list, as input.columns says"
	}
	n := 0
	for c := 1; c < m.doc.Next(0); c = m.doc.Next(c) {
		n++
	}
	if n != columns {
		return fmt.Sprintf("has %d values, input.columns has %d", n, columns)
	}
	return ""
}

// ruledOut applies rules about the whole row: one that is met makes no consents.
func (m *Mapper) ruledOut(rules []boundRule, as Status, out *Result) bool {
	reason, met, err := m.met(rules)
	switch {
	case err != nil:
		out.invalid("skip: "+err.Error(), "")
	case met:
		out.Status, out.Reason = as, reason
	}
	return met || err != nil
}

// holds judges a condition. It fails where a value could not be seen: neither true
// nor false would be an answer.
func (m *Mapper) holds(c *boundCondition) (bool, error) {
	holds, err := c.c.Holds(c.look)
	if m.unseen != "" {
		err = errors.New(m.unseen)
		m.unseen = ""
	}
	return holds, err
}

// met finds the first rule that the row, or its current element, meets.
func (m *Mapper) met(rules []boundRule) (string, bool, error) {
	for i := range rules {
		holds, err := m.holds(rules[i].when)
		if err != nil {
			return "", false, err
		}
		if holds {
			return rules[i].reason, true, nil
		}
	}
	return "", false, nil
}

// eachElement makes the consents of all elements. Why says why there are none.
func (m *Mapper) eachElement(out *Result) (why string) {
	if m.decoded.Undecided != "" && m.spec.each.form == eachDecoder {
		return m.decoded.Undecided
	}
	for i := range m.elems {
		m.elem = &m.elems[i]
		m.round++
		reason, met, err := m.met(m.eskip)
		if err != nil {
			out.invalid("each.skip: "+err.Error(), "")
			continue
		}
		if met {
			out.Dropped = append(out.Dropped, Dropped{Category: m.category(), Subject: m.elementSubject(), Raw: m.stated(), Why: reason, Own: m.manyNamed})
			if why == "" {
				why = reason
			}
			continue
		}
		if reason := m.consent(out); why == "" {
			why = reason
		}
	}
	return why
}
