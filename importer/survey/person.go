package survey

import (
	"bytes"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
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

	unread int64 // rows whose text is not kept, because they are too long
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
	said := false
	if r.Status == mapping.Mapped {
		for k := range r.Consents {
			if c := &r.Consents[k]; p.is(c.Consent) {
				m := mention.of(k, c)
				p.found = append(p.found, m)
				said = true
			}
		}
		if !said {
			p.unnamed(b, r, mention)
		}
		return
	}
	readable := r.Readable()
	for k := range readable {
		if c := &readable[k]; p.is(c) {
			m := mention
			m.Decision, m.Category, m.Timestamp = c.Action.String(), string(c.Category), c.Timestamp
			p.found = append(p.found, m)
			said = true
		}
	}
	if r.Row.Raw == nil && r.Row.Reason != "" {
		p.unread++
	}
	if !said && (p.inRow(b, r) || p.inForms(b, r)) {
		p.found = append(p.found, mention)
	}
}

// of is what is said of a consent of the row.
func (m Mention) of(k int, c *Consent) Mention {
	m.Ref.Consent, m.Pass, m.State = int32(k+1), c.Pass, c.Outcome.State
	m.Decision, m.Category, m.Timestamp = c.Action.String(), string(c.Category), c.Timestamp
	return m
}

// renamed is why a consent is told under an identifier that it was not sent under.
const renamed = "sent under another identifier: the row was repaired"

// unnamed notes what a row says of the person although no consent that it made names that
// one: it did so before it was repaired, or an element of it that made no consent does.
func (p *person) unnamed(b *Batch, r *Row, mention Mention) {
	if len(r.Forms) > 0 && (p.inRow(b, r) || p.inForms(b, r)) {
		for k := range r.Consents {
			m := mention.of(k, &r.Consents[k])
			if m.Reason = renamed; m.State != journal.Sent {
				m.Reason = "the row was repaired, and names another identifier now"
			}
			p.found = append(p.found, m)
		}
		return
	}
	mention.Status = mapping.Skipped
	own, theirs := 0, -1
	for k := range r.Dropped {
		d := &r.Dropped[k]
		p.buf = p.buf[:0]
		if len(d.Subject) > 0 && bytes.Equal(mapping.KeyText(d.Subject, &p.buf), p.key) {
			mention.Reason, mention.Category = d.Why, string(d.Category)
			p.found = append(p.found, mention)
			return
		}
		if d.Own {
			own, theirs = own+1, k
		}
	}
	if own == 0 || !p.inRow(b, r) {
		return
	}
	if mention.Reason = "elements of the row made no consent"; own == 1 {
		mention.Reason, mention.Category = r.Dropped[theirs].Why, string(r.Dropped[theirs].Category)
	}
	p.found = append(p.found, mention)
}

// inRow reports whether the row holds the person as the export has it, inForms whether it
// does as a repaired file has it.
func (p *person) inRow(b *Batch, r *Row) bool {
	return p.in(b.Layout.Nested(), r.Row.Raw) || p.in(true, r.Row.Key)
}

func (p *person) inForms(b *Batch, r *Row) bool {
	return slices.ContainsFunc(r.Forms, func(f rows.Text) bool { return p.in(b.Layout.Nested(), f.Row.Raw) })
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

// in reports whether the text of a row holds the person's identifier as a word of its
// own, in any letter case: whoever asks for user 7 is not shown all rows of 2017.
func (p *person) in(nested bool, raw []byte) bool {
	escapes := bytes.IndexByte(raw, '\\') >= 0
	if escapes && p.holds(folded(unescaped(raw))) {
		return true
	}
	text := folded(raw)
	if !(nested && escapes) && p.holds(text) {
		return true
	}
	if !nested && p.holds(bytes.ReplaceAll(text, []byte(`""`), []byte(`"`))) {
		return true
	}
	if !utf8.Valid(raw) { // in the encoding that is most often not said
		guess, err := charmap.Windows1252.NewDecoder().Bytes(raw)
		return err == nil && p.holds(folded(guess))
	}
	return false
}

// holds reports whether a folded text has the person's key between signs that are no
// letters or digits, as far as the key ends with one.
func (p *person) holds(text []byte) bool {
	for at := 0; ; at++ {
		next := bytes.Index(text[at:], p.fold)
		if next < 0 {
			return false
		}
		at += next
		before, _ := utf8.DecodeLastRune(text[:at])
		first, _ := utf8.DecodeRune(p.fold)
		last, _ := utf8.DecodeLastRune(p.fold)
		after, _ := utf8.DecodeRune(text[at+len(p.fold):])
		if !(isWord(before) && isWord(first)) && !(isWord(last) && isWord(after)) {
			return true
		}
	}
}

// isWord says which signs make up words; those of scripts that put no blanks between
// words do not.
func isWord(r rune) bool {
	return unicode.IsDigit(r) || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Hebrew, unicode.Arabic)
}

// unescaped is a text with the escapes of JSON read, also where the JSON around them is
// damaged.
func unescaped(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		i++
		switch text[i] {
		case 'u':
			r, ok := hex4(text[i+1:])
			if !ok {
				out = append(out, ' ')
				continue
			}
			i += 4
			if low, ok := hex4(bytes.TrimPrefix(text[i+1:], []byte(`\u`))); ok && utf16.IsSurrogate(r) {
				r, i = utf16.DecodeRune(r, low), i+6
			}
			out = utf8.AppendRune(out, r)
		case 'b', 'f', 'n', 'r', 't':
			out = append(out, ' ')
		default:
			out = append(out, text[i])
		}
	}
	return out
}

// hex4 reads the four digits of an escape.
func hex4(text []byte) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[:4]), 16, 16)
	return rune(n), err == nil
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
