package mapping

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Decision is one line of the decision table: what the export said about a
// category, and what the mapping made of it. It is what somebody who answers
// for consent signs before an import.
//
// Action is "accept" or "reject" for consents that are sent. Values that made
// none stand with "invalid" (not listed, or in a row that is invalid for
// another reason), "no statement" (empty) or "skipped: " and the reason of the
// rule. Rows of which no value was read have an empty category and value.
// Values and categories that could tell who somebody is are masked.
type Decision struct {
	Category string `json:"category"`
	Value    string `json:"value"`
	Action   string `json:"action"`
	Count    int64  `json:"count"`
}

// maxDecisions is how many lines the table has at most; what comes after them
// is summed by action under Others.
const maxDecisions = 1000

// Others stands for the categories and values beyond the table's bound.
const Others = "(others)"

// Decisions is the decision table of an export under a mapping. The same
// export and mapping give the same table, however the rows were spread over
// processors.
type Decisions struct {
	lines []Decision
	index map[string]int32 // of lines, by their key
	key   []byte
}

// add counts n of what one line says.
func (d *Decisions) add(category, value []byte, action string, n int64) {
	d.key = d.key[:0]
	if isUUID(category) { // a purpose; the ids of people are values, if anything
		d.key = append(d.key, category...)
	} else {
		d.key = appendMasked(d.key, category)
	}
	atValue := len(d.key) + 1
	d.key = appendMasked(append(d.key, 0), value)
	atAction := len(d.key) + 1
	d.key = append(append(d.key, 0), action...)
	i, ok := d.index[string(d.key)]
	switch {
	case ok:
	case len(d.lines) >= maxDecisions && string(category) != Others:
		d.add([]byte(Others), []byte(Others), strings.SplitN(action, ":", 2)[0], n)
		return
	default:
		if d.index == nil {
			d.index = map[string]int32{}
		}
		i = int32(len(d.lines))
		d.index[string(d.key)] = i
		d.lines = append(d.lines, Decision{Category: string(d.key[:atValue-1]), Value: string(d.key[atValue : atAction-1]), Action: action})
	}
	d.lines[i].Count += n
}

// Table gives the lines sorted by category, value and action.
func (d *Decisions) Table() []Decision {
	table := slices.Clone(d.lines)
	slices.SortFunc(table, func(a, b Decision) int {
		return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.Value, b.Value), strings.Compare(a.Action, b.Action))
	})
	return table
}

// Hash is the hex SHA-256 of the table as it is printed, counts included: the
// same for the same export and mapping, another as soon as one value becomes
// another decision, or one row more says the same.
func (d *Decisions) Hash() string {
	h := sha256.New()
	for _, line := range d.Table() {
		fmt.Fprintf(h, "%q %q %q %d\n", line.Category, line.Value, line.Action, line.Count)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The bounds of what is shown of a value.
const (
	maxShown  = 64 // bytes
	maxDigits = 4  // digits in a row: a year, but no phone or customer number
	maxToken  = 24 // letters and digits in a row, with both among them: an id
)

// appendMasked appends what may be shown of a value: nothing that could be an
// address, a number or an id of somebody. Values of one masked form become one.
func appendMasked(out, value []byte) []byte {
	if bytes.IndexByte(value, '@') >= 0 {
		return append(out, "(e-mail address)"...)
	}
	switch {
	case len(value) > 0 && value[0] == '{':
		return append(out, "(object)"...)
	case len(value) > 0 && value[0] == '[':
		return append(out, "(list)"...)
	case isUUID(value):
		return append(out, "(id)"...)
	}
	start := len(out)
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRune(value[i:])
		switch {
		case '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
			end, digits := i, 0
			for end < len(value) && isAlnum(value[end]) {
				if value[end] <= '9' {
					digits++
				}
				end++
			}
			if digits > 0 && end-i > maxToken {
				out = append(out, "(id)"...)
			} else {
				out = appendMaskedDigits(out, value[i:end])
			}
			size = end - i
		case r == utf8.RuneError && size == 1 || r < ' ' || r == 0x7f:
			out = append(out, ' ')
		default:
			out = append(out, value[i:i+size]...)
		}
		i += size
		if len(out)-start > maxShown {
			cut := start + maxShown
			for cut > start && !utf8.RuneStart(out[cut]) {
				cut--
			}
			return append(out[:cut], "…"...)
		}
	}
	return out
}

// appendMaskedDigits appends a word with its long runs of digits replaced.
func appendMaskedDigits(out, word []byte) []byte {
	for i := 0; i < len(word); {
		end := i
		for end < len(word) && word[end] <= '9' {
			end++
		}
		switch {
		case end-i > maxDigits:
			out = append(out, "(number)"...)
		case end > i:
			out = append(out, word[i:end]...)
		default:
			end++
			out = append(out, word[i])
		}
		i = end
	}
	return out
}

// isUUID reports whether text is 8-4-4-4-12 hex digits.
func isUUID(text []byte) bool {
	if len(text) != 36 {
		return false
	}
	for i, b := range text {
		switch i {
		case 8, 13, 18, 23:
			if b != '-' {
				return false
			}
		default:
			if !(isAlnum(b) && b|0x20 <= 'f') {
				return false
			}
		}
	}
	return true
}

// isAlnum reports whether b is an ASCII letter or digit.
func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
