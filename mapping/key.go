package mapping

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// KeyText gives the form in which subjects and categories are compared. Two
// spellings have one form where they differ only in their Unicode form (NFC), in
// blanks and invisible characters around them or, in an e-mail address, in letter
// case. What is sent stays as it was mapped.
//
// The form is a part of text where that will do, as it does for plain ASCII
// without capital letters in an address; otherwise it is appended to buf, and is
// good until buf is used again. It depends on nothing but text, today and with
// any later version: shards go by a hash of it.
func KeyText(text []byte, buf *[]byte) []byte {
	key, _ := KeyForm(text, buf)
	return key
}

// KeyForm is KeyText, which says of nearly all texts that their form is ASCII alone.
func KeyForm(text []byte, buf *[]byte) (key []byte, ascii bool) {
	plain, capitals, at := scanKey(text)
	if plain {
		if !capitals || at < 0 || !isAddress(text) {
			return text, true
		}
		from := len(*buf)
		*buf = lowerASCII(*buf, text)
		return (*buf)[from:len(*buf):len(*buf)], true
	}
	return otherForm(text, buf), false
}

// otherForm is the form of a text that is not plain ASCII.
func otherForm(text []byte, buf *[]byte) []byte {
	text = composed(spelling.TrimInvisible(text), buf)
	if !isAddress(text) {
		return text
	}
	from := len(*buf)
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			*buf = append(*buf, text[i])
		} else {
			*buf = utf8.AppendRune(*buf, foldRune(r))
		}
		i += n
	}
	return composed((*buf)[from:len(*buf):len(*buf)], buf)
}

// composed gives the normal form C of text.
func composed(text []byte, buf *[]byte) []byte {
	if norm.NFC.IsNormal(text) {
		return text
	}
	from := len(*buf)
	*buf = norm.NFC.Append(*buf, text...)
	return (*buf)[from:len(*buf):len(*buf)]
}

// SubjectKey is the subject of c as it is compared with others: see KeyText.
func (c *Consent) SubjectKey(buf *[]byte) []byte { return KeyText(c.Subject(), buf) }

// CategoryKey is the category of c as it is compared with others: see KeyText.
func (c *Consent) CategoryKey(buf *[]byte) []byte { return KeyText(c.Category, buf) }

// scanKey reports whether text is ASCII with nothing to trim, whether it has capital
// letters, and where its first @ stands, -1 when nowhere.
func scanKey(text []byte) (plain, capitals bool, at int) {
	at = -1
	n := len(text)
	if n == 0 {
		return true, false, at
	}
	if text[0] <= ' ' || text[n-1] <= ' ' || text[n-1] == 0x7f || text[0] == 0x7f {
		return false, false, at
	}
	if n < 8 {
		for i, c := range text {
			switch {
			case c >= utf8.RuneSelf:
				return false, false, at
			case c == '@' && at < 0:
				at = i
			case 'A' <= c && c <= 'Z':
				capitals = true
			}
		}
		return true, capitals, at
	}
	const each, high = 0x0101010101010101, 0x8080808080808080
	for i := 0; i < n; i += 8 { // identifiers are read for every row: eight bytes at a time
		i = min(i, n-8) // the last ones, some of them once more
		word := binary.LittleEndian.Uint64(text[i:])
		if word&high != 0 {
			return false, false, at
		}
		// In ASCII bytes, the highest bit says whether a sum reaches 0x80.
		if (word+(0x80-'A')*each)&^(word+(0x80-'Z'-1)*each)&high != 0 {
			capitals = true
		}
		if isAt := ^((word ^ '@'*each) + 0x7f*each) & high; isAt != 0 && at < 0 {
			at = i + bits.TrailingZeros64(isAt)/8
		}
	}
	return true, capitals, at
}

// lowerASCII appends a text in small letters, as far as it is ASCII.
func lowerASCII(dst, text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// isAddress reports whether text has the form of an e-mail address: one @ with
// something on both sides, and no blank.
func isAddress(text []byte) bool {
	at := bytes.IndexByte(text, '@')
	return at > 0 && at < len(text)-1 && bytes.LastIndexByte(text, '@') == at && !bytes.ContainsAny(text, " \t\r\n")
}

const iotaBelow = '\u0345'

// foldRune gives the one letter that stands for all that differ in case alone:
// that of the Unicode character database's simple folding which comes first, in
// lower case. The iota below a letter stands for itself alone: as any iota, it would
// become one with the letter before, and και would be κᾳ.
func foldRune(r rune) rune {
	if r == iotaBelow {
		return r
	}
	first := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		if next != iotaBelow {
			first = min(first, next)
		}
	}
	if unicode.SimpleFold(r) == r { // such as the capital I with a dot, whose small letter is another's
		return r
	}
	return unicode.ToLower(first)
}
