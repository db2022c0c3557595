package spelling

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// TrimInvisible cuts what is invisible off both ends: blanks of any kind, control
// and format characters (zero-width blanks, direction marks, byte order marks) and
// the others that Unicode's Default_Ignorable_Code_Point names.
func TrimInvisible(text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if !Invisible(r) {
			break
		}
		text = text[n:]
	}
	for len(text) > 0 {
		r, n := utf8.DecodeLastRune(text)
		if !Invisible(r) {
			break
		}
		text = text[:len(text)-n]
	}
	return text
}

// Invisible reports whether a character leaves no mark: see TrimInvisible.
func Invisible(r rune) bool {
	if r > ' ' && r < 0x7f {
		return false
	}
	return unicode.IsSpace(r) || r == '\u2800' || // the braille pattern without a dot
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// TrimAll is Trim, and cuts the invisible characters off that are put around words
// as blanks are: zero-width blanks and joiners, direction marks, byte order marks and
// control characters.
func TrimAll(b []byte) []byte {
	if n := len(b); n > 0 && b[0] > ' ' && b[0] < 0x7f && b[n-1] > ' ' && b[n-1] < 0x7f {
		return b
	}
	return bytes.TrimFunc(b, func(r rune) bool {
		switch {
		case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2069, r == 0xfeff, r == 0xad, r == 0x061c, r == 0x180e:
			return true
		}
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
}
