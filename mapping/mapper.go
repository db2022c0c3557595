package mapping

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/timetext"
)

// value is what a field of a consent came to.
type value struct {
	by     *field // the field it came to, or the case of it that counts
	text   []byte
	raw    []byte // trimmed, before values were looked up
	unit   string
	reason string // why the row is invalid; empty when it is not
	column string // the column or path at fault
	empty  bool
}

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

// category is the current element's category, for what makes no consent.
func (m *Mapper) category() []byte {
	if v := m.value(fieldCategory); v.reason == "" {
		return v.text
	}
	return nil
}

// subject is the current element's subject, for what makes no consent.
func (m *Mapper) subject() []byte {
	for _, i := range [...]int{fieldUserID, fieldProfileID, fieldEmail} {
		f := m.fields[i]
		if f == nil {
			continue
		}
		if f.verbatim {
			if text := m.verbatim(f); len(text) > 0 {
				return text
			}
		}
		if v := m.value(i); v.reason == "" && len(v.text) > 0 {
			return v.text
		}
	}
	return nil
}

// elementSubject is that of an element which a rule skips, where elements name people.
func (m *Mapper) elementSubject() []byte {
	if !m.manyNamed {
		return nil
	}
	return m.subject()
}

// value is a field of the current element. What is the same for all elements of
// a row is worked out once.
func (m *Mapper) value(i int) *value {
	f := m.fields[i]
	if f == nil {
		return &m.nothing
	}
	stamp := m.generation
	if f.perElement {
		stamp = m.round
	}
	v := &m.values[i]
	if m.stamps[i] != stamp {
		m.stamps[i] = stamp
		m.eval(f, v)
	}
	return v
}

// consent makes the consent of the row, or of its current element. Why says why a rule
// of the mapping lets it make none.
func (m *Mapper) consent(out *Result) (why string) {
	var c Consent
	action := m.value(fieldAction)
	if (action.empty || m.eager) && m.hasNone() {
		if m.part && m.elem != nil && m.elem.doc == nil { // a row instead of elements
			m.lacking(m.decided)
			return ""
		}
		out.invalid(fieldNames[fieldAction]+": "+lacks(m.decided), m.decided[0].name)
		out.Dropped = append(out.Dropped, Dropped{Category: m.category(), Why: Unlisted, Own: m.manyNamed})
		return ""
	}
	if action.empty && action.reason == "" {
		out.Dropped = append(out.Dropped, Dropped{Category: m.category(), Subject: m.subject(), Raw: action.raw, Why: NoStatement, Own: m.manyNamed})
		return ""
	}
	sound := true
	fault := func(i int, reason, column string) {
		sound = false
		out.invalid(fieldNames[i]+": "+reason, column)
	}
	c.Raw = action.raw
	c.Assumed = action.by != nil && action.by.spec.assumes()
	reason := m.why(action)
	if reason == "" {
		switch word := spelling.Trim(action.text); {
		case equalFold(word, "accept"):
			c.Action = Accept
		case equalFold(word, "reject"):
			c.Action = Reject
		default:
			reason = m.unlisted(action.column, action.raw) + " (an action is accept or reject; list what means which under values)"
		}
	}
	if reason != "" {
		fault(fieldAction, reason, action.column)
		out.Dropped = append(out.Dropped, Dropped{Category: m.category(), Subject: m.subject(), Raw: m.unnamed(action.raw), Why: Unlisted, Own: m.manyNamed})
	}
	if c.Action == Accept && m.undated() {
		out.Dropped = append(out.Dropped, Dropped{Category: m.category(), Subject: m.elementSubject(), Raw: action.raw, Why: acceptUndated, Own: m.manyNamed})
		return acceptUndated
	}
	text := func(i int, into *[]byte) {
		if f := m.fields[i]; f == nil {
			return
		} else if f.verbatim {
			if *into = m.verbatim(f); len(*into) > 0 {
				return
			}
		}
		v := m.value(i)
		if v.reason != "" {
			fault(i, m.why(v), v.column)
			return
		}
		*into = v.text
		if v.empty {
			if f := m.fields[i]; f != nil && f.spec.required {
				fault(i, "is required and empty", f.column())
			}
		}
	}
	text(fieldUserID, &c.UserID)
	text(fieldProfileID, &c.ProfileID)
	text(fieldEmail, &c.Email)
	before := sound
	sound = true
	text(fieldCategory, &c.Category)
	if len(c.Category) > 0 && (c.Category[0] >= utf8.RuneSelf || c.Category[0] <= ' ') && len(spelling.TrimInvisible(c.Category)) == 0 && !m.fields[fieldCategory].spec.relaxed {
		fault(fieldCategory, "has nothing in it that can be seen", m.fields[fieldCategory].column())
	}
	about := sound // it is known what the decision is about
	sound = sound && before
	c.Hidden = m.hidden
	named := len(c.Subject()) > 0
	if !named {
		fault(fieldUserID, nobodyNamed, m.subjectColumn())
	}
	if len(c.UserID) == 0 && len(c.ProfileID) == 0 {
		c.UserID = c.Email // an address by itself is not an identifier for the target
	}
	text(fieldSource, &c.Source)
	if len(c.Source) == 0 {
		if v := m.value(fieldSource); v.empty && v.reason == "" {
			fault(fieldSource, "is empty", m.fields[fieldSource].column())
		}
	}
	text(fieldMessage, &c.Message)
	if m.fields[fieldReason] != nil || m.fields[fieldMethod] != nil || m.fields[fieldDeviceInfo] != nil {
		c.More = &More{}
		said := false
		for i, f := range c.More.Fields() {
			text(fieldReason+i, f.Value)
			said = said || len(*f.Value) > 0
		}
		if !said {
			c.More = nil
		}
	}
	m.sourceID(&c, fault)
	m.times(&c, fault)
	switch {
	case sound, about && named && c.Action != Undecided: // it can be read, if not sent
		out.Consents = append(out.Consents, c)
	case !about && c.Action != Undecided: // about an unknown category
		out.Dropped = append(out.Dropped, Dropped{Raw: m.unnamed(c.Raw), Why: Unlisted})
	}
	return ""
}

// assumes reports whether a case accepts whatever the cases before it leave, with no word
// of the row.
func (f *fieldSpec) assumes() bool {
	return f.remains && f.constant != nil && *f.constant == "accept"
}

const nobodyNamed = "no userId, profileId or email: it is unclear whose decision this is"

func (m *Mapper) subjectColumn() string {
	for _, i := range [...]int{fieldUserID, fieldProfileID, fieldEmail} {
		if f := m.fields[i]; f != nil && f.column() != "" {
			return f.column()
		}
	}
	return ""
}

// column is the first column of a field, for messages.
func (f *field) column() string {
	if len(f.from) > 0 {
		return f.from[0].name
	}
	for _, c := range f.cases {
		if name := c.column(); name != "" {
			return name
		}
	}
	return ""
}

// sourceID reads the target's source: digits alone, never through a float.
func (m *Mapper) sourceID(c *Consent, fault func(i int, reason, column string)) {
	v := m.value(fieldSourceID)
	switch {
	case v.reason != "":
		fault(fieldSourceID, m.why(v), v.column)
		return
	case v.empty:
		return
	}
	text := spelling.Trim(v.text)
	if timetext.IsScientific(text) {
		fault(fieldSourceID, columnSays(v.column, timetext.Mangled), v.column)
		return
	}
	n, ok := wholeNumber(text)
	if !ok {
		fault(fieldSourceID, columnSays(v.column, "is not a whole number of at most 19 digits"), v.column)
		return
	}
	c.SourceID, c.HasSourceID = n, true
}

// wholeNumber reads an int64.
func wholeNumber(b []byte) (int64, bool) {
	negative := len(b) > 1 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 || !timetext.AllDigits(b) {
		return 0, false
	}
	var n uint64
	for _, d := range b {
		n = n*10 + uint64(d-'0')
	}
	if n > 1<<63-1 {
		return 0, false
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

func columnSays(column, what string) string {
	if column == "" {
		return what
	}
	return fmt.Sprintf("column %q %s", column, what)
}
