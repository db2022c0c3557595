package mapping

import (
	"fmt"
	"unicode/utf8"

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
	if sound && m.lapsed(&c) {
		out.Dropped = append(out.Dropped, Dropped{Category: c.Category, Subject: m.elementSubject(), Raw: action.raw, Why: acceptLapsed, Own: m.manyNamed})
		return acceptLapsed
	}
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
