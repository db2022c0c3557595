package survey

import (
	"bytes"
	"encoding/json"
	"slices"

	"golang.org/x/text/unicode/norm"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// Mention is one consent of a person, or a row that made none and holds the
// person's identifier.
type Mention struct {
	Ref       journal.Ref // Consent is 0 for a row that made none
	Pass      int
	State     journal.State  // of a consent
	Status    mapping.Status // of the row
	Reason    string         // why a row made no consent, without any person in it
	Decision  string         // accept or reject, also of an invalid row as far as it could be read
	Category  string
	Timestamp int64 // epoch milliseconds, 0 where none was read
	File      string
	Line      int64
}

// Outcome is what became of it, in a word.
func (m *Mention) Outcome() string {
	switch {
	case m.Status == mapping.Mapped:
		return m.State.String()
	case m.Status == mapping.Skipped:
		return "skipped"
	default:
		return "invalid"
	}
}

// person finds one person in a survey: by the form in which subjects are compared,
// and in rows that were not mapped by their text.
type person struct {
	key   []byte
	fold  []byte // key in lower case, to be looked for in texts
	buf   []byte
	found []Mention
}

func newPerson(subject string) *person {
	p := &person{}
	var buf []byte
	p.key = bytes.Clone(mapping.KeyText([]byte(subject), &buf))
	p.fold = folded(p.key)
	return p
}

// folded is a text in the form in which rows are searched.
func folded(text []byte) []byte { return bytes.ToLower(norm.NFC.Bytes(text)) }

// look notes what a row says of the person.
func (p *person) look(b *Batch, r *Row) {
	mention := Mention{Status: r.Status, Reason: r.Reason, File: b.File, Line: r.Row.Line, Ref: journal.Ref{Row: r.Row.Number}}
	if r.Status == mapping.Mapped {
		for k := range r.Consents {
			if c := &r.Consents[k]; p.is(c.Consent) {
				m := mention
				m.Ref.Consent, m.Pass, m.State = int32(k+1), c.Pass, c.Outcome.State
				m.Decision, m.Category, m.Timestamp = c.Action.String(), string(c.Category), c.Timestamp
				p.found = append(p.found, m)
			}
		}
		return
	}
	said := false
	for k := range r.Readable {
		if c := &r.Readable[k]; p.is(c) {
			m := mention
			m.Decision, m.Category, m.Timestamp = c.Action.String(), string(c.Category), c.Timestamp
			p.found = append(p.found, m)
			said = true
		}
	}
	if !said && p.in(b.Layout.Nested(), r.Row.Raw) {
		p.found = append(p.found, mention)
	}
}

// is reports whether a consent names the person in any identifier.
func (p *person) is(c *mapping.Consent) bool {
	for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
		p.buf = p.buf[:0]
		if len(id) > 0 && bytes.Equal(mapping.KeyText(id, &p.buf), p.key) {
			return true
		}
	}
	return false
}

// in reports whether the text of a row holds the person's identifier, in any
// letter case.
func (p *person) in(nested bool, raw []byte) bool {
	text := folded(raw)
	if bytes.Contains(text, p.fold) {
		return true
	}
	if !nested {
		return bytes.Contains(bytes.ReplaceAll(text, []byte(`""`), []byte(`"`)), p.fold)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return false
	}
	var value any
	return json.Unmarshal(raw, &value) == nil && p.within(value)
}

// within looks through the texts of a JSON value, whose escapes are read.
func (p *person) within(value any) bool {
	switch v := value.(type) {
	case string:
		return bytes.Contains(folded([]byte(v)), p.fold)
	case []any:
		return slices.ContainsFunc(v, p.within)
	case map[string]any:
		for key, member := range v {
			if p.within(key) || p.within(member) {
				return true
			}
		}
	}
	return false
}

// mentions gives what was found: what arrived in the order of its arrival, then
// the rest in the order of rows.
func (p *person) mentions() []Mention {
	arrived := func(m *Mention) bool { return m.Status == mapping.Mapped && m.State == journal.Sent }
	slices.SortStableFunc(p.found, func(a, b Mention) int {
		switch x, y := arrived(&a), arrived(&b); {
		case x && y:
			return a.Pass - b.Pass
		case x:
			return -1
		case y:
			return 1
		}
		return 0
	})
	return p.found
}
