// Package decode reads the consent that sits inside one cell of an export: the
// cookie of a consent banner or an IAB string that a site stored as it was.
//
// One file holds one form of cell; the table below names them all. Decoders
// read what a customer's file holds, so each is bounded in time and memory on
// any input, never panics, and never makes a decision out of junk: a cell that
// is not of its form gives an error, a cell in which nobody decided anything
// gives the reason why.
package decode

// Element is one decision found in a cell: a purpose, service or category and
// what was chosen for it. Decoders of yes-or-no choices give the values "true"
// and "false"; the others are named at the decoder.
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

// reset makes the cell empty and keeps its memory.
func (c *Cell) reset() {
	*c = Cell{Elements: c.Elements[:0], buf: c.buf[:0]}
}

// Decoder reads one cell into out, which it resets first. Its error is a
// reason that quotes nothing of the text, since that may tell who somebody is.
// With an error, and with out.Undecided set, out has no elements.
type Decoder func(text []byte, out *Cell) error

// entry is one line of the table of decoders.
type entry struct {
	name   string
	decode Decoder
}

// table lists every decoder under the name that a mapping's "each" uses, in
// the order of the documentation.
func table() []entry {
	return []entry{}
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
