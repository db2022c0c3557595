package inspect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maskLength is how many characters of a sample are shown.
const maskLength = 24

// maskValue shows the form of a value and nothing that it says: letters become
// a or A, digits 9. Words of decision identify nobody and are
// shown as they are.
func maskValue(v []byte) string {
	if len(v) <= longestWord {
		if _, ok := wordKind(v); ok {
			return string(v)
		}
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(v); n++ {
		if n == maskLength {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRune(v[i:])
		i += size
		switch {
		case unicode.IsDigit(r):
			b.WriteByte('9')
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			b.WriteByte('A')
		case unicode.IsLetter(r) || unicode.IsMark(r) || r == utf8.RuneError:
			b.WriteByte('a')
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case r < 0x80 && unicode.IsPrint(r), unicode.IsPunct(r):
			b.WriteRune(r)
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}

// maskKey gives the name of a JSON member as it may be shown, and "*" where the
// name itself identifies a person: documents that are keyed by person.
func maskKey(key []byte) string {
	digits := 0
	for _, c := range key {
		if c >= '0' && c <= '9' {
			digits++
		}
		if c < ' ' || c == '@' || c == '"' {
			return "*"
		}
	}
	if _, hex := hexKind(key); hex || digits >= 6 || len(key) > 64 || len(key) == 0 || !utf8.Valid(key) {
		return "*"
	}
	return string(key)
}
