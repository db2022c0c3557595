package spelling

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"plain":                          "plain",
		"two  blanks":                    "two blanks",
		" in front":                      "in front",
		"behind ":                        "behind",
		" ":                              "",
		"~\x7f":                          "~",
		"  two\r\n\tlines \n":            "two lines",
		"a\x1b[31mred\x00\u0085b":        "a [31mred b",
		"zero\u200bwidth\u202eturned":    "zerowidthturned",
		"\u2028paragraph\u2029":          "paragraph",
		"naïve 日本語 \xff":                 "naïve 日本語 \ufffd",
		"no\u00a0break\u3000ideographic": "no break ideographic",
	} {
		assert.Equal(t, want, OneLine(text), "%q", text)
	}
}

func TestOneLineAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := OneLine(rapid.String().Draw(t, "text"))
		assert.Equal(t, once, OneLine(once))
		for _, r := range once {
			assert.False(t, r != ' ' && Invisible(r) && r < 0xa0, "%U", r)
		}
	})
}
