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
func (m *masker) quotes(text string, c *mapping.Consent) bool {
	var wholes, shapes []string
	for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
		whole := plain(string(id))
		if slices.Contains(wholes, whole) {
			continue
		}
		wholes = append(wholes, whole)
		shapes = addShapes(shapes, whole)
		if local, _, ok := strings.Cut(whole, "@"); ok {
			shapes = addShapes(shapes, local)
		}
	}
	for i := range wholes {
		if utf8.RuneCountInString(wholes[i]) <= minIdentifier {
			wholes[i] = ""
		}
		wholes[i] = foldText(wholes[i])
	}
	for i, r := range m.readings(text) {
		if r.hasAny(shapes) {
			return true
		}
		if i > 0 && slices.ContainsFunc(wholes, func(id string) bool { return id != "" && strings.Contains(r.folded, id) }) {
			return true // in the text itself they are masked
		}
	}
	return false
}

// addShapes adds the shapes in which a text would still tell an identifier.
func addShapes(shapes []string, id string) []string {
	forms := []string{skeleton(id)}
	if bare := ascii(id); bare != forms[0] {
		forms = append(forms, bare)
	}
	for _, s := range forms {
		forms = append(forms, backwards(s))
	}
	if len(id) >= minSkeleton {
		code := base64.RawStdEncoding.EncodeToString([]byte(id))
		forms = append(forms, ascii(code[:len(code)-1]), // the last one depends on what follows
			ascii(hexcode.EncodeToString([]byte(id))))
	}
	for _, s := range forms {
		if len(s) >= minSkeleton {
			shapes = append(shapes, s)
		}
	}
	return shapes
}

// reading is what quotes looks at of a text, or of one of its decodings.
type reading struct {
	folded string
	shapes []string // its letters and digits
}

func readingOf(text string) reading {
	bare := ascii(text)
	if isASCII(text) {
		return reading{foldText(text), []string{bare}}
	}
	letters := skeleton(text)
	return reading{foldText(text), []string{letters, bare, lookalikes.Replace(letters)}}
}

func (r *reading) hasAny(shapes []string) bool {
	return slices.ContainsFunc(shapes, func(s string) bool {
		return slices.ContainsFunc(r.shapes, func(in string) bool { return strings.Contains(in, s) })
	})
}

// readings are those of a text, the first one, and of its decodings.
type readings struct {
	text string
	all  []reading
}

// readings gives them. What a target says of one consent it says of the next ones too, so
// those of the last text are kept: without that, reading takes three quarters of the time
// that masking a short text takes (BenchmarkMask).
func (m *masker) readings(text string) []reading {
	if last := m.last.Load(); last != nil && last.text == text {
		return last.all
	}
	r := &readings{text, []reading{readingOf(text)}}
	for _, decoded := range decodings(text) {
		r.all = append(r.all, readingOf(decoded))
	}
	m.last.Store(r)
	return r.all
}

// skeleton is the letters and digits of a text, in lower case and without accents.
func skeleton(text string) string {
	if isASCII(text) {
		return ascii(text)
	}
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

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldText is fold of a text.
func foldText(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	return string(fold([]rune(text)))
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}
