package spelling

import (
	"strings"
	"unicode"
)

// OneLine makes a text one that fits on a line of a message and runs nothing in a
// terminal: white space and control characters become one blank, none at the ends,
// and format characters (zero-width blanks, direction marks) are left out.
func OneLine(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	blank := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			blank = true
			continue
		case unicode.Is(unicode.Cf, r):
			continue
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteRune(r)
	}
	return b.String()
}

// plain reports whether a text is one line as it stands, as nearly all are: printable ASCII
// without more blanks than words need.
func plain(text string) bool {
	was := byte(' ')
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == ' ' && was == ' ' {
			return false
		}
		was = c
	}
	return text == "" || was != ' '
}
