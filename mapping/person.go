package mapping

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// isPerson reports whether a field identifies the person.
func isPerson(name string) bool { return name == "userId" || name == "profileId" || name == "email" }

// Reasons why a text is not a person's identifier. They never quote it.
const (
	reasonControl = "holds a control character, which no identifier has"
	reasonMark    = "holds a byte order mark, so it was put together from parts of files"
	reasonDamaged = "holds a character that was damaged before (U+FFFD, or half of a surrogate pair)"
)

// nobody reports whether a trimmed text stands for no person at all: the words that
// databases, data frames and programs write where they have nothing. A JSON true or
// false is nobody either: some programs write false for what is not there.
func nobody(trimmed []byte, kind jsonvalue.Kind) bool {
	if kind == jsonvalue.Bool {
		return true
	}
	if len(trimmed) > 0 && trimmed[0] >= utf8.RuneSelf {
		return len(spelling.TrimInvisible(trimmed)) == 0
	}
	switch len(trimmed) {
	case 2:
		return trimmed[0] == '\\' && trimmed[1] == 'N'
	case 3:
		return trimmed[0]|0x20 == 'n' && equalFold(trimmed, "nan")
	case 4:
		return trimmed[0]|0x20 == 'n' && equalFold(trimmed, "null") || trimmed[0] == '#' && equalFold(trimmed, "#n/a")
	case 6:
		return trimmed[0] == '(' && equalFold(trimmed, "(null)")
	case 9:
		return trimmed[0]|0x20 == 'u' && equalFold(trimmed, "undefined")
	}
	return false
}

// longestNobody is the length of the longest word that nobody knows.
const longestNobody = len("undefined")

// isLongPlain reports whether a trimmed text is neither nobody nor unfit, by the two
// looks that tell so of nearly all: it is longer than the words for nobody, and plain.
func isLongPlain(trimmed []byte) bool { return len(trimmed) > longestNobody && plainText(trimmed) }

// unfit says why a trimmed text cannot be a person's identifier, nothing when it can.
func unfit(trimmed []byte) string {
	if plainText(trimmed) {
		return ""
	}
	within := spelling.TrimInvisible(trimmed)
	for len(trimmed) > 0 {
		r, n := utf8.DecodeRune(trimmed)
		switch {
		case unicode.Is(unicode.Cc, r):
			return reasonControl
		case r == utf8.RuneError:
			return reasonDamaged
		}
		trimmed = trimmed[n:]
	}
	for len(within) > 0 {
		r, n := utf8.DecodeRune(within)
		if r == '\ufeff' {
			return reasonMark
		}
		within = within[n:]
	}
	return ""
}

// trimAll cuts what is around a trimmed text and cannot be seen. Of an identifier it is
// set down: other systems may know the person by the text as it was.
func (m *Mapper) trimAll(f *field, trimmed []byte) []byte {
	text := spelling.TrimAll(trimmed)
	if len(text) < len(trimmed) && f.spec.person {
		m.hidden = true
	}
	return text
}

// plainText reports whether text is ASCII without control characters, eight bytes at
// a time; the last eight overlap those before them.
func plainText(text []byte) bool {
	if len(text) >= 8 {
		for rest := text; len(rest) > 8; rest = rest[8:] {
			if !plainWord(binary.LittleEndian.Uint64(rest)) {
				return false
			}
		}
		return plainWord(binary.LittleEndian.Uint64(text[len(text)-8:]))
	}
	for _, c := range text {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

func plainWord(word uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	del := word ^ ones*0x7f
	return (word|(word-ones*' ')&^word|(del-ones)&^del)&highs == 0
}
