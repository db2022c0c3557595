package mapping

import "bytes"

// The looks of this file tell of nearly all identifiers, in one pass over their bytes,
// that lint finds nothing about them. Whatever they do not pass is looked at in full: a
// test holds that these find nothing where full looks would (BenchmarkLint).

// letter is what a byte is to an identifier.
type letter uint8

const (
	isDigit letter = 1 << iota
	isLetter
	isJoint // - and _
	isDot
	isAt
	isOdd // anything else: not in what most identifiers are made of
)

// letterOf says what each byte is.
var letterOf = func() (of [256]letter) {
	for c := range of {
		switch {
		case '0' <= c && c <= '9':
			of[c] = isDigit
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			of[c] = isLetter
		case c == '-', c == '_':
			of[c] = isJoint
		case c == '.':
			of[c] = isDot
		case c == '@':
			of[c] = isAt
		default:
			of[c] = isOdd
		}
	}
	return of
}()

// usualPerson reports whether all identifiers of a consent are usual ones.
func (d *domain) usualPerson(c *Consent) bool {
	if len(c.Email) > 0 && !d.usualAddress(c.Email) {
		return false
	}
	return (len(c.UserID) == 0 || sameBytes(c.UserID, c.Email) || usualID(c.UserID)) && (len(c.ProfileID) == 0 || usualID(c.ProfileID))
}

// usualID reports whether an id is neither a stand-in, nor mangled, nor invisible: letters,
// digits, - and _ alone, and either a digit at its end or longer than any stand-in of
// words.
func usualID(id []byte) bool {
	n := len(id)
	if n <= 3 || id[0] == '0' && id[n-1] == '0' || n <= longestPlain && letterOf[id[n-1]] != isDigit || mayBeNothing(id) {
		return false
	}
	var seen letter
	for _, c := range id {
		seen |= letterOf[c]
	}
	return seen&(isDot|isAt|isOdd) == 0
}

// mayBeNothing reports whether an id has the length and the first letters of a hash of
// nothing, or of the UUID of ones alone.
func mayBeNothing(id []byte) bool {
	first, second := id[0]|0x20, id[1]|0x20
	switch len(id) {
	case 32, 40, 64:
		return first == 'd' && (second == '4' || second == 'a') || first == 'e' && second == '3'
	case nilUUID:
		return first == 'f' && second == 'f'
	}
	return false
}

// nilUUID is the length of the UUID of zeros alone, which is a stand-in.
const nilUUID = 36

// usualAddress reports whether a text is an address that lint finds nothing about, of
// letters, digits, - _ . and one @ alone.
func (d *domain) usualAddress(text []byte) bool {
	var seen, twin, last letter
	at := 0
	for at < len(text) {
		is := letterOf[text[at]]
		if is == isAt {
			break
		}
		twin |= last & is
		seen |= is
		last = is
		at++
	}
	if at == len(text) || at == 0 || seen&isOdd != 0 || twin&isDot != 0 || letterOf[text[0]]&(isDigit|isLetter) == 0 || mayBeNowhere(text[:at]) {
		return false
	}
	if !bytes.Equal(text[at+1:], d.name) {
		d.look(text, at)
	}
	return d.usual
}

// domain is what stands behind the @ of the address seen last: many addresses have the
// same.
type domain struct {
	name        []byte
	usual, test bool // test: usual, and see hasTestDomain
}

// look takes in the domain of an address, which begins behind its @.
func (d *domain) look(address []byte, at int) {
	name := address[at+1:]
	d.name = append(d.name[:0], name...)
	seen, twin := lettersOf(name)
	d.usual = len(name) > 0 && seen&(isOdd|isAt) == 0 && twin&isDot == 0 && letterOf[name[0]]&(isDigit|isLetter) != 0 && letterOf[name[len(name)-1]]&isLetter != 0 &&
		bytes.IndexByte(name, '.') > 0
	d.test = d.usual && hasTestDomain(address)
}

// lettersOf gives what the bytes of a text are, and which of them stand twice side by side.
func lettersOf(text []byte) (seen, twin letter) {
	var last letter
	for _, c := range text {
		is := letterOf[c]
		twin |= last & is
		seen |= is
		last = is
	}
	return seen, twin
}

// mayBeNowhere reports whether a word before an @ has the length, and the first and last
// letter, of words that no person has.
func mayBeNowhere(word []byte) bool {
	if len(word) >= len(nowhereLetters) {
		return false
	}
	of := &nowhereLetters[len(word)]
	return of.first>>(word[0]&31)&1 == 1 && of.last>>(word[len(word)-1]&31)&1 == 1
}

// alphabets have a bit for each place in the alphabet.
type alphabets struct{ first, last uint32 }

// nowhereLetters are the first and last letters of the words of nowhere, by their lengths.
var nowhereLetters = func() (of [13]alphabets) {
	for word := range nowhere {
		n := len(word)
		of[n].first |= 1 << (word[0] & 31)
		of[n].last |= 1 << (word[n-1] & 31)
	}
	return of
}()
