package spelling

import (
	"strings"
	"unicode"
)

// OneLine makes a text one that fits on a line of a message and runs nothing in a
// terminal: white space and control characters become one blank, none at the ends,
// and format characters (zero-width blanks, direction marks) are left out.
func OneLine(text string) string {
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
