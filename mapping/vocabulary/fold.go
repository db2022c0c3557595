package vocabulary

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The longest word that is looked at, in bytes and in parts; a longer text is a
// sentence, and says nothing by itself.
const (
	longest   = 96
	mostParts = 16
)

// folded is a word without case, accents, blanks and signs, and where its parts
// begin: "Opted-Out" and OptedOut are "optedout" with two parts.
type folded struct {
	buf    [longest]byte
	n      int
	starts [mostParts + 1]uint8
	parts  int
}

func (b *folded) text() []byte { return b.buf[:b.n] }

// part gives the parts from i up to before k, joined.
func (b *folded) part(i, k int) []byte { return b.buf[b.starts[i]:b.starts[k]] }

// fold reads a word; false for what is too long to be one.
func (b *folded) fold(word []byte) bool {
	b.n, b.parts = 0, 0
	if len(word) > 2*longest {
		return false
	}
	gap, small := true, false // the next letter begins a part; the last one was a small letter
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case c >= utf8.RuneSelf:
			return b.foldText(word)
		case 'A' <= c && c <= 'Z':
			gap = gap || small
			if !b.put(c+'a'-'A', gap) {
				return false
			}
			gap, small = false, false
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			if !b.put(c, gap) {
				return false
			}
			gap, small = false, c >= 'a'
		case c != '\'':
			gap, small = true, false
		}
	}
	b.starts[b.parts] = uint8(b.n)
	return true
}

func (b *folded) put(c byte, begins bool) bool {
	if b.n == longest {
		return false
	}
	if begins {
		if b.parts == mostParts {
			return false
		}
		b.starts[b.parts] = uint8(b.n)
		b.parts++
	}
	b.buf[b.n] = c
	b.n++
	return true
}

// plainLetters are letters that have a stroke or a form of their own rather than
// an accent, as people write them without.
var plainLetters = map[rune]string{'ł': "l", 'ø': "o", 'æ': "ae", 'œ': "oe", 'ß': "ss", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i"}

// foldText is fold for what is not ASCII alone.
func (b *folded) foldText(word []byte) bool {
	b.n, b.parts = 0, 0
	gap, small := true, false
	for _, r := range string(norm.NFKD.Bytes(word)) {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r), r == '\'', r == '’':
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.So, r):
			gap, small = true, false
			continue
		}
		gap = gap || small && unicode.IsUpper(r)
		small = unicode.IsLower(r)
		r = unicode.ToLower(r)
		text, ok := plainLetters[r]
		if !ok {
			text = string(r)
		}
		for i := range len(text) {
			if !b.put(text[i], gap) {
				return false
			}
			gap = false
		}
	}
	b.starts[b.parts] = uint8(b.n)
	return true
}
