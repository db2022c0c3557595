// Package decode reads the consent that sits inside one cell of an export: the
// cookie of a consent banner or an IAB string that a site stored as it was.
//
// One file holds one form of cell; the table below names them all. Decoders
// read what a customer's file holds, so each is bounded in time and memory on
// any input, never panics, and never makes a decision out of junk: a cell that
// is not of its form gives an error, a cell in which nobody decided anything
// gives the reason why.
package decode

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Element is one decision found in a cell: a purpose, service or category and
// what was chosen for it. Decoders of yes-or-no choices give the values "true"
// and "false"; the others are named at the decoder. Both are to be read only.
type Element struct{ Key, Value []byte }

// Cell is what a cell says. It is reused: a Decoder overwrites all of it. The
// bytes of its elements point into the text that was decoded or into memory of
// the cell; they live until the next use of the cell or of the text.
type Cell struct {
	Elements []Element
	Created  int64 // when the choice was made, epoch ms; 0: the cell does not say
	Updated  int64 // when it was last changed, epoch ms; 0: the cell does not say
	Days     int   // how long it is good for, in days; 0: the cell does not say
	// Undecided says why nobody made a choice (a default state, a banner that
	// was not answered). There are no elements then, and the row is skipped.
	Undecided string

	buf []byte // memory of elements that do not stand in the text as they are
}

// Decoder reads one cell into out, which it resets first. Its error is a
// reason that quotes nothing of the text, since that may identify a person.
// With an error, and with out.Undecided set, out has no elements; otherwise it
// has at least one, each key once.
type Decoder func(text []byte, out *Cell) error

// entry is one line of the table of decoders. Its read function gets a cell
// that is empty and a text that is not.
type entry struct {
	name string
	read func(text []byte, out *Cell) error
}

// table lists every decoder under the name that a mapping's "each" uses, in
// the order of the documentation.
func table() []entry {
	return []entry{
		{"tcf", readTCF},
		{"gpp", readGPP},
		{"usp", readUSP},
		{"optanon", readOptanon},
		{"cookiebot", readCookiebot},
		{"cookieyes", readCookieYes},
		{"cookieinformation", readCookieInformation},
		{"axeptio", readAxeptio},
		{"trustarc", readTrustArc},
		{"complianz", readComplianz},
		{"klaro", readKlaro},
		{"tarteaucitron", readTarteaucitron},
		{"consentmode", readConsentMode},
	}
}

// Lookup gives the decoder of that name.
func Lookup(name string) (Decoder, bool) {
	for _, e := range table() {
		if e.name == name {
			return e.decode, true
		}
	}
	return nil, false
}

// Names lists the names of all decoders.
func Names() []string {
	var names []string
	for _, e := range table() {
		names = append(names, e.name)
	}
	return names
}

// The bounds of a cell. Real ones stay far below: a TC string with ranges of
// vendors has several kB, a banner some tens of categories.
const (
	maxText     = 256 << 10
	maxElements = 2048
	maxKey      = 256
)

// The reasons that more than one decoder gives.
var (
	errTooLong  = errors.New("is longer than 256 KiB")
	errTooMany  = errors.New("holds more than 2048 choices")
	errKey      = errors.New("contains a choice without a readable name")
	errTwice    = errors.New("contains yes and no for the same name")
	errNoChoice = errors.New("contains no readable choice")
)

// The values of yes-or-no choices.
var (
	valueTrue  = []byte("true")
	valueFalse = []byte("false")
)

// decode is the Decoder of an entry: it holds what every one of them promises.
func (e entry) decode(text []byte, out *Cell) error {
	*out = Cell{Elements: out.Elements[:0], buf: out.buf[:0]}
	text = bytes.TrimSpace(text)
	err := error(nil)
	switch {
	case len(text) == 0:
		out.Undecided = "the cell is empty"
	case len(text) > maxText:
		err = errTooLong
	default:
		err = e.read(text, out)
	}
	if err == nil && out.Undecided == "" {
		err = out.settle()
	}
	if err != nil {
		*out = Cell{Elements: out.Elements[:0], buf: out.buf[:0]}
	}
	if out.Undecided != "" {
		out.Elements = out.Elements[:0]
	}
	return err
}

// add appends one element.
func (c *Cell) add(key, value []byte) error {
	switch {
	case len(key) == 0 || len(key) > maxKey || !utf8.Valid(key):
		return errKey
	case len(c.Elements) == maxElements:
		return errTooMany
	}
	c.Elements = append(c.Elements, Element{key, value})
	return nil
}

// addBool appends one yes-or-no choice.
func (c *Cell) addBool(key []byte, yes bool) error {
	if yes {
		return c.add(key, valueTrue)
	}
	return c.add(key, valueFalse)
}

// settle drops repetitions and refuses contradictions: which of two answers
// was the person's cannot be told.
func (c *Cell) settle() error {
	if len(c.Elements) == 0 {
		return errNoChoice
	}
	var seen map[string]int // only for cells with so many that comparing all would take long
	if len(c.Elements) > 32 {
		seen = make(map[string]int, len(c.Elements))
	}
	kept := c.Elements[:0]
	for _, e := range c.Elements {
		at := -1
		if seen != nil {
			if i, ok := seen[string(e.Key)]; ok {
				at = i
			} else {
				seen[string(e.Key)] = len(kept)
			}
		} else {
			for i := range kept {
				if bytes.Equal(kept[i].Key, e.Key) {
					at = i
					break
				}
			}
		}
		switch {
		case at < 0:
			kept = append(kept, e)
		case !bytes.Equal(kept[at].Value, e.Value):
			return errTwice
		}
	}
	c.Elements = kept
	return nil
}
