package intempt

import (
	"encoding/base32"
	"encoding/base64"
	hexcode "encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// encodings is how often one encoding may be wrapped in another one.
const encodings = 3

// What may stand for other characters in a text.
var (
	escapes     = regexp.MustCompile(`\\+U([0-9a-fA-F]{8})|\\+u\{([0-9a-fA-F]{1,6})\}|\\+u([0-9a-fA-F]{4})|(?:\\+x|%|=|0[xX])([0-9a-fA-F]{2})[ ,:]?|\\+([0-3][0-7]{2})`)
	base64Words = regexp.MustCompile(`[A-Za-z0-9+/_-]{6,}`)
	base32Words = regexp.MustCompile(`[A-Z2-7]{7,}`)
	hexWords    = regexp.MustCompile(`(?:[0-9a-fA-F]{2}[ :,-]?){4,}`)
	byteLists   = regexp.MustCompile(`\d{1,3}(?:[ ,]+\d{1,3}){3,}`)
	spaced      = regexp.MustCompile(`(?:\S[ .]){3,}\S`) // one character after another
	spoken      = regexp.MustCompile(`(?i)[\[({<]?\b(?:at|dot|punkt|point)\b[\])}>]?`)
)

// base64ForURLs gives base64 of the form for URLs in the usual one.
var base64ForURLs = strings.NewReplacer("-", "+", "_", "/")

// decodings are the texts that a text may stand for: with its percent, backslash, HTML and
// quoted-printable escapes resolved, also where one is wrapped in another; what its
// words are in base64, base32 and hex, from wherever they begin; its lists of bytes; in
// plain letters; and with what is spelt out or spaced out put together.
func decodings(text string) []string {
	var all []string
	for range encodings {
		next := html.UnescapeString(resolve(text))
		if next == text {
			break
		}
		text = next
		all = append(all, text)
	}
	words := func(found *regexp.Regexp, decode func(word string) []byte, starts int, without string) {
		for _, word := range found.FindAllString(text, -1) {
			word = strings.Map(func(r rune) rune {
				if strings.ContainsRune(without, r) {
					return -1
				}
				return r
			}, word)
			for i := range min(starts, len(word)) {
				if b := decode(word[i:]); len(b) > 0 {
					all = append(all, strings.ReplaceAll(plain(string(b)), "\x00", ""))
				}
			}
		}
	}
	words(base64Words, func(word string) []byte {
		word = base64ForURLs.Replace(word)
		b, _ := base64.RawStdEncoding.DecodeString(word[:len(word)-len(word)%4])
		rest, _ := base64.RawStdEncoding.DecodeString(word[len(word)-len(word)%4:])
		return append(b, rest...)
	}, 4, "")
	words(base32Words, func(word string) []byte {
		b, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(word)
		return b
	}, 8, "")
	words(hexWords, func(word string) []byte {
		b, _ := hexcode.DecodeString(word[:len(word)&^1])
		return b
	}, 2, " :,-")
	words(byteLists, func(list string) (b []byte) {
		for _, n := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' }) {
			if n, err := strconv.ParseUint(n, 10, 8); err == nil {
				b = append(b, byte(n))
			}
		}
		return b
	}, 1, "")
	all = append(all, spoken.ReplaceAllString(text, ""), unmarked(text))
	for _, run := range spaced.FindAllString(text, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			if r == ' ' {
				return -1
			}
			return r
		}, run), strings.ReplaceAll(run, ".", ""))
	}
	return all
}

// unmarked is a text in plain letters, without accents and what is not seen.
func unmarked(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.M, unicode.Cf) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
}

// resolve puts what escapes stand for in their place.
func resolve(text string) string {
	if !strings.ContainsAny(text, `\%=xX`) { // as each escape has
		return text
	}
	found := escapes.FindAllStringSubmatchIndex(text, -1)
	if found == nil {
		return text
	}
	var b []byte
	from := 0
	for _, m := range found {
		b = append(b, text[from:m[0]]...)
		from = m[1]
		for k := 1; k <= 5; k++ {
			if m[2*k] < 0 {
				continue
			}
			base := map[bool]int{true: 8, false: 16}[k == 5]
			n, _ := strconv.ParseUint(text[m[2*k]:m[2*k+1]], base, 32) // the expression lets nothing else pass
			if k <= 3 {
				b = utf8.AppendRune(b, rune(n))
			} else {
				b = append(b, byte(n))
			}
		}
	}
	return plain(string(append(b, text[from:]...)))
}

// lookalikes are letters of other scripts that are taken for Latin ones, and what they
// are taken for; the most frequent of Unicode's confusables.
var lookalikes = strings.NewReplacer(
	"а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "у", "y", "х", "x", "і", "i", "ј", "j", "ѕ", "s", "ԁ", "d", "һ", "h", "ԛ", "q", "ԝ", "w",
	"в", "b", "к", "k", "м", "m", "н", "h", "т", "t", "α", "a", "ο", "o", "ρ", "p", "ν", "v", "ι", "i", "κ", "k", "τ", "t", "υ", "u", "χ", "x", "ı", "i", "ɡ", "g",
)
