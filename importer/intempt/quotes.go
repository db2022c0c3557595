package intempt

import (
	"encoding/base64"
	hexcode "encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/consentimport/consentimport/mapping"
)

// minSkeleton is how many letters and digits of an identifier tell who it is, when
// nothing else of its form is looked at.
const minSkeleton = 6

// quotes reports whether a text that was masked still quotes an identifier of the
// consent in another shape: spaced out, without its accents or with other letters in
// their place, in letters that look like its own, backwards, or in one of its decodings.
// It knows no others; an identifier with fewer than six letters and digits it finds in
// decodings alone.
func quotes(text string, c *mapping.Consent) bool {
	var shapes []string
	add := func(s string) {
		if len(s) >= minSkeleton {
			shapes = append(shapes, s)
		}
	}
	for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
		whole := plain(string(id))
		local, _, _ := strings.Cut(whole, "@")
		for _, id := range [...]string{whole, local} {
			for _, s := range [...]string{skeleton(id), ascii(id)} {
				add(s)
				add(backwards(s))
			}
			if len(id) >= minSkeleton {
				code := base64.RawStdEncoding.EncodeToString([]byte(id))
				add(ascii(code[:len(code)-1])) // the last one depends on what follows
				add(ascii(hexcode.EncodeToString([]byte(id))))
			}
		}
	}
	if hasShape(text, shapes) {
		return true
	}
	for _, text := range decodings(text) {
		folded := string(fold([]rune(text)))
		for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
			if whole := plain(string(id)); utf8.RuneCountInString(whole) > minIdentifier && strings.Contains(folded, string(fold([]rune(whole)))) {
				return true
			}
		}
		if hasShape(text, shapes) {
			return true
		}
	}
	return false
}

// hasShape reports whether a text has one of the shapes in it.
func hasShape(text string, shapes []string) bool {
	folded, bare := skeleton(text), ascii(text)
	alike := lookalikes.Replace(folded)
	return slices.ContainsFunc(shapes, func(s string) bool {
		return strings.Contains(folded, s) || strings.Contains(bare, s) || strings.Contains(alike, s)
	})
}

// skeleton is the letters and digits of a text, in lower case and without accents.
func skeleton(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKD.String(text))
}

// ascii is the letters and digits of ASCII in a text, in lower case: what is left of
// it when the others came back as something else.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}
