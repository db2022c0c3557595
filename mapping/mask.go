package mapping

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// notListed is the reason of a value that is not listed in values, until somebody has to
// be told: what is skipped may hold such a one.
const notListed = "is not listed in values"

// why is the reason of a value, in full.
func (m *Mapper) why(v *value) string {
	if v.reason == notListed {
		return m.unlisted(v.column, v.raw)
	}
	return v.reason
}

// unlisted is the reason for a value that values does not list.
func (m *Mapper) unlisted(column string, raw []byte) string {
	if column == "" {
		return "value " + m.shown(raw) + " is not listed in values"
	}
	in := ""
	if e := m.spec.each; e != nil && e.several && e.source.name != "" && strings.HasPrefix(column, "each.") {
		in = fmt.Sprintf(" in %q", e.source.name) // of which block it is
	}
	return fmt.Sprintf("value %s of column %q%s is not listed in values", m.shown(raw), column, in)
}

// maxShownValue is how long a value may be to be shown.
const maxShownValue = 40

// shown gives a value as a message may show it: as it is when it cannot tell who
// somebody is, else its shape. A value that stands in a field that names the
// person, looks like an address or has a long run of digits could.
func (m *Mapper) shown(raw []byte) string {
	if len(raw) <= maxShownValue && utf8.Valid(raw) && bytes.IndexByte(raw, '@') < 0 && !digitRun(raw, 6) && !m.names(raw) {
		return strconv.Quote(string(raw))
	}
	return fmt.Sprintf("(%d characters, not shown: it could identify a person)", utf8.RuneCount(raw))
}

// unnamed gives a value to the decision table, where none may name the person.
func (m *Mapper) unnamed(raw []byte) []byte {
	if m.names(raw) {
		return namesPerson
	}
	return raw
}

var namesPerson = []byte("(identifies the person)")

// stated is what the current element says where its action is read; of one whose
// action cannot be read, its value.
func (m *Mapper) stated() []byte {
	if v := m.value(fieldAction); len(v.raw) > 0 {
		return v.raw
	}
	return spelling.Trim(m.opened(m.elem).value)
}

func digitRun(b []byte, n int) bool {
	run := 0
	for _, c := range b {
		if c >= '0' && c <= '9' {
			if run++; run >= n {
				return true
			}
		} else {
			run = 0
		}
	}
	return false
}

// names reports whether a value and one of the person's identifiers contain one
// another.
func (m *Mapper) names(raw []byte) bool {
	if len(raw) == 0 {
		return false
	}
	for _, i := range [...]int{fieldUserID, fieldProfileID, fieldEmail} {
		f := m.fields[i]
		if f == nil {
			continue
		}
		id := spelling.Trim(m.value(i).text)
		if len(id) == 0 {
			continue
		}
		if bytes.EqualFold(id, raw) || len(id) >= 3 && bytes.Contains(bytes.ToLower(raw), bytes.ToLower(id)) || len(raw) >= 3 && bytes.Contains(bytes.ToLower(id), bytes.ToLower(raw)) {
			return true
		}
	}
	return false
}
