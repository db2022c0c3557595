package wording

import (
	"strconv"
	"strings"
	"unicode"
)

// Visible makes what cannot be seen on paper or on a page visible: control characters,
// turned writing, blanks other than a space.
func Visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}
