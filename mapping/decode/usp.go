package decode

import "errors"

var errUSP = errors.New("is not a US privacy string of four characters such as 1YNN")

// The values of an opt-out. Not having opted out is not an opt-in: a mapping that
// made an accept of it would make consent out of silence.
var (
	valueOptedOut    = []byte("opted-out")
	valueNotOptedOut = []byte("not-opted-out")
)

// readUSP reads the US privacy string (IAB Tech Lab, "U.S. Privacy String"):
// the version 1, then Y, N or - for: notice was given, the person opted out of
// the sale of their data, the transaction is covered by the LSPA. It gives the
// key "sale" and the value "opted-out" or "not-opted-out".
func readUSP(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "usprivacy", "us_privacy", "IABUSPrivacy_String")
	return out.usp(text, "sale")
}

// usp reads a US privacy string and gives its opt-out under that key.
func (c *Cell) usp(text []byte, key string) error {
	if len(text) != 4 || text[0] != '1' {
		return errUSP
	}
	for _, b := range text[1:] {
		switch b {
		case 'Y', 'N', '-', 'y', 'n':
		default:
			return errUSP
		}
	}
	switch text[2] {
	case 'Y', 'y':
		return c.add(c.keep(key), valueOptedOut)
	case 'N', 'n':
		return c.add(c.keep(key), valueNotOptedOut)
	}
	c.Undecided = "US privacy: the opt-out does not apply"
	return nil
}
