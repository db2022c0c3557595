package source

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// GuessEncoding names the encoding that text which is not UTF-8 looks as if it were
// written in; "" when it is UTF-8, mostly UTF-8 with faults in it, or like nothing.
//
// It is a guess, for a person to look at: the bytes of windows-1252 and windows-1250
// differ by what languages make of them alone. Each encoding that the text can be in is
// tried, and how well its characters fit the alphabet of a language, or the usual
// characters of East Asia, tells one from the other. (The detectors for Go that are
// kept up know no windows-1250, or need more text than a header and a row.)
func GuessEncoding(data []byte) string {
	if mostlyUTF8(data) {
		return ""
	}
	data = tellingLines(data)
	best, most := "", 0.5 // what fits less fits nothing
	for _, g := range guesses {
		enc, err := htmlindex.Get(g.name)
		if err != nil {
			continue
		}
		text, err := enc.NewDecoder().Bytes(data)
		if err != nil || strings.ContainsRune(string(text), utf8.RuneError) {
			continue
		}
		if score := g.score(enc, []rune(string(text))); score > most {
			best, most = g.name, score
		}
	}
	return best
}

// tellingLines are the first lines that are not ASCII alone, 16 KiB of them at most. What
// follows the last line end is left out unless it is all there is: it may be cut in the
// middle of a character.
func tellingLines(data []byte) []byte {
	const enough = 16 << 10
	var out []byte
	for len(data) > 0 && len(out) < enough {
		n := bytes.IndexAny(data, "\r\n") + 1
		if n == 0 {
			if len(out) > 0 {
				break
			}
			n = min(len(data), enough)
		}
		if bytes.IndexFunc(data[:n], func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			out = append(out, data[:n]...)
		}
		data = data[n:]
	}
	return out
}

// mostlyUTF8 tells that a text has more characters of UTF-8 beyond ASCII than bytes that
// are none.
func mostlyUTF8(data []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		i += n
	}
	return good >= bad
}

// encodingGuess is an encoding with what speaks for it.
type encodingGuess struct {
	name      string
	alphabets []alphabet
	// usual weighs a character of East Asia by its bytes, from 0 to 1; nil for
	// encodings of one byte a character.
	usual func(b []byte, r rune) float64
}

// alphabet is a language's letters beyond ASCII. Those before the blank are its most
// frequent ones, where that tells encodings apart.
type alphabet struct {
	letters string
	script  *unicode.RangeTable // nil: Latin, whose words have mostly ASCII letters
	weight  float64             // 0: 1; less where another language is likelier by far
}

var (
	russian  = "оеаинтсрвл бгдёжзйкмпуфхцчшщъыьэюя"
	cyrillic = []alphabet{
		{letters: russian, script: unicode.Cyrillic},
		{letters: "оеаинтсрвлі бгґдєжзйїкмпуфхцчшщьюя", script: unicode.Cyrillic, weight: 0.99},
		{letters: "оеаинтсрвл бгдђжзјкљмњпћуфхцчџш", script: unicode.Cyrillic, weight: 0.98},
	}
	central = []alphabet{
		{letters: "ąćęłńóśźż"}, {letters: "áčďéěíňóřšťúůýž"}, {letters: "áäčďéíĺľňóôŕšťúýž"}, {letters: "áéíóöőúüű"},
		{letters: "ăâîşţ"}, {letters: "čćđšž"},
	}
)

// guesses are the encodings that are tried; of two that fit alike the first counts.
var guesses = []encodingGuess{
	{name: "windows-1252", alphabets: []alphabet{
		{letters: "äöüß"}, {letters: "àâæçèéêëîïôœùûüÿ"}, {letters: "áéíñóúü¿¡ªº"}, {letters: "àáâãçéêíóôõú"}, {letters: "àèéìíòóù"},
		{letters: "åæøé"}, {letters: "åäöé"}, {letters: "àçèéíïòóúü·"}, {letters: "äëéèïöü"}, {letters: "áðéíóúýþæö", weight: 0.9},
	}},
	{name: "windows-1250", alphabets: central},
	{name: "windows-1251", alphabets: cyrillic},
	{name: "windows-1253", alphabets: []alphabet{{letters: "αεηιοτνσςυκρ βγδζθλμξπφχψωάέήίόύώϊϋΐΰ", script: unicode.Greek}}},
	{name: "windows-1254", alphabets: []alphabet{{letters: "çğıöşüâîİ"}}},
	{name: "windows-1255", alphabets: []alphabet{{letters: "אבהוילמנרשת גדזחטךכםןסעףפץצק", script: unicode.Hebrew, weight: 0.96}}},
	{name: "windows-1256", alphabets: []alphabet{{letters: "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءآأؤإئپچژگ", script: unicode.Arabic}}},
	{name: "windows-1257", alphabets: []alphabet{{letters: "ąčęėįšųūž"}, {letters: "āčēģīķļņšūž"}, {letters: "äõöüšž"}}},
	{name: "windows-874", alphabets: []alphabet{{letters: "กขคงจฉชซญดตถทธนบปผฝพฟภมยรลวศสหอฮะัาำิีึืุูเแโใไ็่้์", script: unicode.Thai}}},
	{name: "iso-8859-2", alphabets: central},
	{name: "koi8-r", alphabets: []alphabet{{letters: russian, script: unicode.Cyrillic, weight: 0.94}}},
	{name: "ibm866", alphabets: cyrillic[:1]},
	{name: "macintosh", alphabets: []alphabet{
		{letters: "äöüß", weight: 0.75}, {letters: "àâæçèéêëîïôœùûüÿ", weight: 0.75}, {letters: "áéíñóúü¿¡", weight: 0.75}, {letters: "àáâãçéêíóôõú", weight: 0.75}, {letters: "åæøé", weight: 0.75},
	}},
	{name: "shift_jis", usual: func(b []byte, r rune) float64 {
		switch {
		case len(b) == 1:
			return 0.2 // half-width katakana: any byte from 0xA1 to 0xDF
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			return 1
		case b[0] >= 0x88 && b[0] <= 0x97:
			return 0.95
		}
		return 0.4
	}},
	{name: "gb18030", usual: func(b []byte, _ rune) float64 {
		switch {
		case len(b) != 2 || b[1] < 0xA1:
			return 0.1
		case b[0] >= 0xB0 && b[0] <= 0xD7:
			return 0.95
		case b[0] >= 0xA1 && b[0] <= 0xA3, b[0] > 0xD7:
			return 0.5
		}
		return 0.1
	}},
	{name: "big5", usual: func(b []byte, _ rune) float64 {
		switch {
		case len(b) == 2 && b[0] >= 0xA4 && b[0] <= 0xC6:
			return 0.96
		case len(b) == 2 && b[0] > 0xA0:
			return 0.4
		}
		return 0.1
	}},
	{name: "euc-kr", usual: func(b []byte, r rune) float64 {
		switch {
		case len(b) == 2 && unicode.Is(unicode.Hangul, r) && b[0] >= 0xB0 && b[1] >= 0xA1:
			return 0.97
		case len(b) == 2 && b[0] >= 0xA1 && b[0] <= 0xA3:
			return 0.5
		}
		return 0.1
	}},
	{name: "euc-jp", usual: func(b []byte, r rune) float64 {
		switch {
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			return 1.25 // Japanese has them everywhere
		case len(b) == 2 && b[0] >= 0xB0 && b[0] <= 0xCF:
			return 0.85
		}
		return 0.3
	}},
}

// score tells how well a text fits, 1 being well: the mean over its characters beyond
// ASCII.
func (g *encodingGuess) score(enc encoding.Encoding, text []rune) float64 {
	if g.usual != nil {
		sum, n := 0.0, 0
		encoder := enc.NewEncoder()
		for i, r := range text {
			if r < utf8.RuneSelf {
				continue
			}
			n++
			if b, err := encoder.Bytes([]byte(string(r))); err == nil {
				fit := g.usual(b, r)
				if i > 0 && isASCIILetter(text[i-1]) || i+1 < len(text) && isASCIILetter(text[i+1]) {
					fit *= 0.6
				}
				sum += fit
			}
		}
		return sum / float64(max(1, n))
	}
	best := 0.0
	for i := range g.alphabets {
		best = max(best, g.alphabets[i].score(text))
	}
	return best
}

func isASCIILetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

// quotation is what stands between words in every language.
const quotation = "’‘‚“”„–—…€«»°§№•™®©²³½ \u00a0\u00ad"

// score is the mean fit of the characters beyond ASCII.
func (a *alphabet) score(text []rune) float64 {
	frequent, _, ranked := strings.Cut(a.letters, " ")
	sum, n := 0.0, 0
	at := func(i int) rune {
		if i < 0 || i >= len(text) {
			return ' '
		}
		return text[i]
	}
	for i, r := range text {
		if r < utf8.RuneSelf {
			continue
		}
		n++
		before, after := at(i-1), at(i+1)
		switch lower := unicode.ToLower(r); {
		case lower != ' ' && strings.ContainsRune(a.letters, lower) || strings.ContainsRune(a.letters, r):
			fit := 1.0
			if ranked && !strings.ContainsRune(frequent, lower) {
				fit = 0.75
			}
			if unicode.IsUpper(r) && unicode.IsLower(before) {
				fit -= 1 // no word has a capital after a small letter
			}
			if !unicode.IsLetter(before) && !unicode.IsLetter(after) {
				fit -= 0.3 // few words are one letter
			}
			for _, beside := range [...]rune{before, after} {
				switch {
				case a.script == nil && beside >= utf8.RuneSelf && unicode.IsLetter(beside):
					fit -= 0.1 // in Latin they rarely stand side by side
				case a.script != nil && beside < utf8.RuneSelf && unicode.IsLetter(beside):
					fit -= 0.5 // no word is of two scripts
				}
			}
			sum += fit
		case strings.ContainsRune(quotation, r):
			if unicode.IsLetter(before) && unicode.IsLetter(after) && r != '’' && r != '\u00ad' {
				sum -= 0.5
			} else {
				sum += 0.8
			}
		case unicode.IsLetter(r):
			sum -= 0.5
		default:
			sum--
		}
	}
	weight := a.weight
	if weight == 0 {
		weight = 1
	}
	return weight * sum / float64(max(1, n))
}
