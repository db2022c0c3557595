package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/timetext"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// times reads timestamp and validUntil.
func (m *Mapper) times(c *Consent, fault func(i int, reason, column string)) {
	v := m.value(fieldTimestamp)
	ok := false
	switch {
	case v.reason != "":
		fault(fieldTimestamp, m.why(v), v.column)
	case v.empty:
		column := v.by.column() // of the case that holds, not of the first one
		fault(fieldTimestamp, columnSays(column, "is empty: a consent needs its time"+v.by.emptyToo()), column)
	default:
		ms, reason := v.by.spec.times.Read(v.text, v.unit)
		if ok = reason == ""; !ok {
			fault(fieldTimestamp, columnSays(v.column, reason), v.column)
		}
		c.Timestamp = ms
	}
	m.validUntil(c, ok, fault)
}

// emptyToo names the other columns of a field that has nothing in any.
func (f *field) emptyToo() string {
	if f == nil || len(f.from) < 2 {
		return ""
	}
	var names []string
	for i := range f.from {
		if name := fmt.Sprintf("%q", f.from[i].name); f.from[i].name != f.from[0].name && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ", and " + names[0] + " is empty, too"
	}
	return ", and " + strings.Join(names, ", ") + " are empty, too"
}

// acceptUndated is why an accept makes no consent where the mapping lets its time be empty.
const acceptUndated = "accepted at no known time"

// undated reports whether the time is empty and the mapping says that it may be
// (required: false). This is asked of accepts alone: a reject without its time is a fault,
// for it must not be passed over.
func (m *Mapper) undated() bool {
	f := m.fields[fieldTimestamp]
	if f == nil || !f.spec.relaxed {
		return false
	}
	v := m.value(fieldTimestamp)
	return v.empty && v.reason == ""
}

// acceptLapsed is why an accept makes no consent whose word says that it has ended.
const acceptLapsed = "the consent has ended, and the row does not state when"

// lapsed reports whether the word of an accept says that it has ended (EXPIRED, lapsed) while
// the row states no end: sent without one, it would be in force again. The same lifetime
// for all is nothing that a row states.
func (m *Mapper) lapsed(c *Consent) bool {
	return m.mayLapse && c.Action == Accept && (c.ValidUntil == Unlimited || m.sameLife) && vocabulary.Value(c.Raw) == vocabulary.Ended
}

// acceptsEnded reports whether a field, or one of its cases, accepts a word that says that a
// consent has ended.
func (f *fieldSpec) acceptsEnded() bool {
	return slices.ContainsFunc(f.values, func(v valuePair) bool {
		return v.to == "accept" && vocabulary.Value([]byte(v.from)) == vocabulary.Ended
	}) || slices.ContainsFunc(f.cases, (*fieldSpec).acceptsEnded)
}

// mongoDate gives the time in a date of MongoDB's extended JSON: {"$date": …} with a
// text, a number of milliseconds or {"$numberLong": "…"}. Other objects stay what
// they are.
func (m *Mapper) mongoDate(text []byte, kind jsonvalue.Kind) ([]byte, jsonvalue.Kind) {
	if m.date.Parse(text) != "" {
		return text, kind
	}
	n := m.date.Member(0, "$date")
	if n != jsonvalue.None && m.date.Kind(n) == jsonvalue.Object {
		n = m.date.Member(n, "$numberLong")
	}
	if n == jsonvalue.None || m.date.Kind(n) >= jsonvalue.Array {
		return text, kind
	}
	return m.date.Text(n, m.arena), m.date.Kind(n)
}

var unlimitedWord = []byte("unlimited")

func (m *Mapper) validUntil(c *Consent, dated bool, fault func(i int, reason, column string)) {
	f, found := m.fields[fieldValidUntil], (*value)(nil)
	m.sameLife = false
	if len(f.cases) > 0 || !f.spec.unlimited && f.spec.after == nil { // else there is nothing to find
		found = m.value(fieldValidUntil)
		f = found.by
	}
	if f.spec.unlimited {
		c.ValidUntil = Unlimited
		return
	}
	if a := f.spec.after; a != nil {
		life := a.fixed
		m.sameLife = len(a.from) == 0
		if len(a.from) > 0 {
			var v value
			m.candidates(f, f.after, &v)
			if v.reason != "" {
				fault(fieldValidUntil, m.why(&v), v.column)
				return
			}
			if v.empty {
				f.otherwise(&v)
				m.until(c, f, &v, fault)
				return
			}
			var err error
			if life, err = timetext.ParseLifetime(string(spelling.Trim(v.text)) + a.unit); err != nil {
				fault(fieldValidUntil, columnSays(v.column, "is not a lifetime: it must be a whole number above 0"), v.column)
				return
			}
		}
		if dated {
			if c.ValidUntil = life.After(c.Timestamp); c.ValidUntil > timetext.MaxMillis {
				fault(fieldValidUntil, timetext.Late, "")
			}
		}
		return
	}
	m.until(c, f, found, fault)
}

func (m *Mapper) until(c *Consent, f *field, v *value, fault func(i int, reason, column string)) {
	switch {
	case v.reason != "":
		fault(fieldValidUntil, m.why(v), v.column)
	case v.empty:
		fault(fieldValidUntil, columnSays(f.column(), "is empty"), f.column())
	case equalFold(spelling.Trim(v.text), "unlimited"):
		c.ValidUntil = Unlimited
	default:
		ms, reason := f.spec.times.Read(v.text, v.unit)
		if reason != "" {
			fault(fieldValidUntil, columnSays(v.column, reason), v.column)
		}
		c.ValidUntil = ms
	}
}
