package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxReason is how long, in bytes, the reason of a failure group may be.
const maxReason = 160

// maskVariable turns a server's text into the text that all failures alike
// share: numbers become "#", quoted values `"…"`, and identifiers (uuids, hex,
// words with digits in them) "[id]". What was masked before, such as [email],
// stays. Blanks are folded, and a long text is cut.
func maskVariable(text string) string {
	var out strings.Builder
	out.Grow(min(len(text), maxReason+8))
	blank := false
	for i := 0; i < len(text) && out.Len() < maxReason; {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			blank = out.Len() > 0
			i++
			continue
		case blank:
			out.WriteByte(' ')
			blank = false
		}
		if end := quoted(text, i); end > 0 {
			out.WriteString(`"…"`)
			i = end
			continue
		}
		if isWordByte(c) {
			end := i + 1
			for end < len(text) && (isWordByte(text[end]) || isJoint(text, end)) {
				end++
			}
			writeWord(&out, text[i:end])
			i = end
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		out.WriteString(text[i : i+size])
		i += size
	}
	s := strings.ToValidUTF8(out.String(), "\uFFFD")
	if len(s) >= maxReason {
		s = cut(s, maxReason) + "…"
	}
	return s
}

// quoted gives the end of a quoted value that begins at i, or 0. An apostrophe
// within a word quotes nothing.
func quoted(text string, i int) int {
	var closing string
	switch text[i] {
	case '"', '`':
		closing = text[i : i+1]
	case '\'':
		if i > 0 && isWordByte(text[i-1]) {
			return 0
		}
		closing = "'"
	default:
		return 0
	}
	n := strings.Index(text[i+1:], closing)
	if n < 0 {
		return 0
	}
	return i + 1 + n + 1
}

// isJoint says whether the byte at i joins two halves of one token: 2024-01-08,
// 12:30, 1.5, a-b of a uuid, a@b.
func isJoint(text string, i int) bool {
	switch text[i] {
	case '-', '.', ':', '@', '+':
		return i+1 < len(text) && isWordByte(text[i+1])
	}
	return false
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// writeWord writes a token with its variable part masked.
func writeWord(out *strings.Builder, word string) {
	digits, letters := 0, 0
	hex := true
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			letters++
		case c == '-':
		default:
			hex = false
			if isWordByte(c) {
				letters++
			}
		}
	}
	switch {
	case strings.Contains(word, "@"):
		out.WriteString("[email]")
	case digits == 0 || letters > 0 && digits+letters < 6:
		// Plain words, and names such as v2, sha256, C0001.
		out.WriteString(word)
	case letters == 0 || isTime(word):
		out.WriteByte('#')
	case hex && digits+letters >= 6, digits >= 3:
		out.WriteString("[id]")
	default:
		out.WriteString(word)
	}
}

// isTime says whether a token is a time with a T or Z in it.
func isTime(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool {
		return unicode.IsLetter(r) && r != 'T' && r != 'Z'
	}) < 0
}

// cut shortens a text to at most n bytes, at the end of a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
