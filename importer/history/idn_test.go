package history

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/mapping"
)

func TestAsciiAddress(t *testing.T) {
	for text, want := range map[string]string{
		"x@bücher.example":        "x@xn--bcher-kva.example",
		"x@BÜCHER.example":        "x@xn--bcher-kva.example",
		"jörg@bücher.example":     "jörg@xn--bcher-kva.example",
		"x@bücher.рф":             "x@xn--bcher-kva.xn--p1ai",
		"x@bücher.xn--p1ai":       "x@xn--bcher-kva.xn--p1ai",
		"x@straße.example":        "x@xn--strae-oqa.example", // which is not strasse.example
		"x@example.org":           "",
		"jörg@example.org":        "",
		"x@xn--bcher-kva.example": "",
		"bücher.example":          "",
		"@bücher.example":         "",
		"x@y@bücher.example":      "",
		"x@λόγος.example":         "", // the DNS has two of this letter at the end of a word
	} {
		got, ok := asciiAddress(mapping.KeyText([]byte(text), new([]byte)))
		assert.Equal(t, want, got, text)
		assert.Equal(t, want != "", ok, text)
	}
}

// Two addresses never get one form: it is the one domain, which can be read back.
func TestAsciiAddressesAreTheirOwn(t *testing.T) {
	address := rapid.Custom(func(t *rapid.T) string {
		label := rapid.StringOfN(rapid.RuneFrom([]rune("abxn-üößéжñ例ı\u0301")), 1, 6, -1)
		return "x@" + label.Draw(t, "label") + "." + label.Draw(t, "label")
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := address.Draw(rt, "a"), address.Draw(rt, "b")
		x, y := string(mapping.KeyText([]byte(a), new([]byte))), string(mapping.KeyText([]byte(b), new([]byte)))
		form, ok := asciiAddress([]byte(x))
		other, also := asciiAddress([]byte(y))
		if !ok {
			return
		}
		require.True(rt, ascii([]byte(form)))
		domain, err := idna.Punycode.ToUnicode(form[2:])
		if err == nil {
			require.Equal(rt, x[2:], domain)
		}
		if also && x != y {
			require.NotEqual(rt, form, other)
		}
	})
}
