package timetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// monthWords are the names of the months, whole and as they are cut short, in the languages
// in which exports are seen besides English: German, French, Spanish, Italian, Dutch,
// Portuguese, Swedish, Danish and Norwegian (Unicode CLDR, months, format wide and
// abbreviated). Polish, Czech and Croatian are left out: their listopad, lip and lis are
// not the same month in each.
var monthWords = [...]string{
	"januar jänner jan jän janvier janv enero ene gennaio gen januari janeiro",
	"februar feber feb februari février févr fév fevrier fevr fev febrero febbraio fevereiro",
	"märz mär maerz mrz mars marzo mar maart mrt março marco marts",
	"april apr avril avr abril abr aprile",
	"mai may mayo maggio mag mei maio maj",
	"juni jun juin junio giugno giu junho",
	"juli jul juillet juil julio luglio lug julho",
	"august aug août aout agosto ago augustus augusti",
	"september sept sep septembre septiembre setiembre settembre set setembro",
	"oktober okt octobre oct octubre ottobre ott outubro out",
	"november nov novembre noviembre novembro",
	"dezember dez décembre decembre déc dec diciembre dicembre dic december dezembro desember des",
}

// months says for each of these names which month it is, from 0.
var months = func() map[string]int {
	of := map[string]int{}
	for i, names := range monthWords {
		for _, name := range strings.Fields(names) {
			of[name] = i
		}
	}
	return of
}()

// longestMonth is the length of the longest name, in bytes.
const longestMonth = len("septiembre")

// month finds a month by its name in English, or in another language.
func month(b []byte) (int, []byte) {
	if n, rest := name(b, monthNames[:]); n >= 0 {
		if r, _ := utf8.DecodeRune(rest); !unicode.IsLetter(r) { // março begins as March does
			return n, rest
		}
	}
	var buf [longestMonth + utf8.UTFMax]byte
	word, end := buf[:0], 0
	for end < len(b) {
		r, n := utf8.DecodeRune(b[end:])
		if !unicode.IsLetter(r) {
			break
		}
		if len(word) > longestMonth {
			return -1, b
		}
		word = utf8.AppendRune(word, unicode.ToLower(r))
		end += n
	}
	n, known := months[string(word)]
	if !known {
		return -1, b
	}
	rest := b[end:]
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
	}
	return n, rest
}
