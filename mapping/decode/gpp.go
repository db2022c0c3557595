package decode

import (
	"bytes"
	"errors"
)

// The IAB's Global Privacy Platform string (InteractiveAdvertisingBureau/
// Global-Privacy-Platform, Core/Consent String Specification.md): a header and
// sections, separated by tildes. The header is base64url: Int(6) type 3, Int(6)
// version 1, and the ids of the sections that follow as Range(Fibonacci):
// Int(12) items, each a bit (0: one id, 1: a run of ids) and Fibonacci-coded
// distances to the id before.
//
// The US sections (same repository, Sections/US-National and US-States) have
// fields of fixed width; where each keeps its opt-outs stands in the table.

// The bounds of a header. Twenty-seven ids are given out so far.
const (
	maxSection  = 64
	maxSections = 32
)

var (
	errGPPHeader   = errors.New("is not a GPP string of version 1")
	errGPPSections = errors.New("is a GPP string whose header does not match its sections")
	errGPPVersion  = errors.New("holds a GPP section of an unknown version")
	errGPPField    = errors.New("holds a GPP section with an opt-out that is neither 0, 1 nor 2")
	errGPPNone     = errors.New("is a GPP string without a supported section")
)

// optOut is a field Int(2): 0 not applicable, 1 opted out, 2 did not opt out.
type optOut struct {
	name string
	at   int // in bits
}

// usSection is the core segment of a US section.
type usSection struct {
	id       int
	name     string
	versions int64 // the highest version whose opt-outs stand here
	bits     int   // length of its shortest version
	optOuts  []optOut
}

const (
	sale     = "SaleOptOut"
	sharing  = "SharingOptOut"
	targeted = "TargetedAdvertisingOptOut"
)

// usSections lists the US sections, with the offsets that the specifications
// of the single states give. usnat grew in version 2, behind its opt-outs.
func usSections() []usSection {
	early := []optOut{{sale, 12}, {targeted, 14}}
	utah := []optOut{{sale, 14}, {targeted, 16}}
	late := []optOut{{sale, 16}, {targeted, 18}}
	return []usSection{
		{7, "usnat", 2, 60, []optOut{{sale, 18}, {sharing, 20}, {targeted, 22}}},
		{8, "usca", 1, 46, []optOut{{sale, 12}, {sharing, 14}}},
		{9, "usva", 1, 40, early},
		{10, "usco", 1, 38, early},
		{11, "usut", 1, 42, utah},
		{12, "usct", 1, 44, early},
		{13, "usfl", 1, 46, early},
		{14, "usmt", 1, 46, early},
		{15, "usor", 1, 52, early},
		{16, "ustx", 1, 42, early},
		{17, "usde", 1, 52, early},
		{18, "usia", 1, 42, utah},
		{19, "usne", 1, 42, early},
		{20, "usnh", 1, 46, early},
		{21, "usnj", 1, 54, early},
		{22, "ustn", 1, 42, early},
		{23, "usmn", 1, 42, early},
		{24, "usmd", 1, 22, late},
		{25, "usin", 1, 24, late},
		{26, "usky", 1, 24, late},
		{27, "usri", 1, 24, late},
	}
}

// readGPP gives the choices of the sections that it knows, each under the name
// of its section: "tcfeuv2.1" to "tcfeuv2.24" with "true" or "false" as the
// decoder tcf gives them, "uspv1.OptOutSale" and fields such as
// "usnat.SaleOptOut" with "opted-out" or "not-opted-out". An opt-out that does
// not apply is left out, as are sections of other ids.
func readGPP(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "gpp", "IABGPP_HDR_GppString")
	header, rest, more := bytes.Cut(text, []byte{'~'})
	var ids [maxSections]int
	n, err := gppHeader(header, &ids)
	if err != nil {
		return err
	}
	known := 0
	for _, id := range ids[:n] {
		if !more {
			return errGPPSections
		}
		var section []byte
		section, rest, more = bytes.Cut(rest, []byte{'~'})
		read, err := out.gppSection(id, section)
		if err != nil {
			return err
		}
		if read {
			known++
		}
	}
	switch {
	case more:
		return errGPPSections
	case known == 0:
		return errGPPNone
	case len(out.Elements) == 0:
		out.Undecided = "GPP: no opt-out applies"
	default:
		out.Undecided = "" // one section that does not apply says nothing about the others
	}
	return nil
}

// gppHeader reads the ids of the sections and says how many there are.
func gppHeader(text []byte, ids *[maxSections]int) (int, error) {
	b, err := newBits(text)
	if err != nil {
		return 0, err
	}
	if b.read(6) != 3 || b.read(6) != 1 {
		return 0, errGPPHeader
	}
	n, last := 0, 0
	for items := b.read(12); items > 0; items-- {
		run := b.read(1) == 1
		first := last + b.fibonacci()
		last = first
		if run {
			last = first + b.fibonacci()
		}
		if b.short || last > maxSection {
			return 0, errGPPHeader
		}
		for id := first; id <= last; id++ {
			if n == maxSections {
				return 0, errGPPHeader
			}
			ids[n] = id
			n++
		}
	}
	if n == 0 || b.short {
		return 0, errGPPHeader
	}
	return n, nil
}

// fibonacci reads a Fibonacci-coded number, which ends with two ones. A number
// that no section can have sets short.
func (b *bits) fibonacci() int {
	n, before, place, weight := 0, int64(0), 1, 2
	for place <= 2*maxSection && !b.short {
		bit := b.read(1)
		if bit == 1 && before == 1 {
			return n
		}
		if bit == 1 {
			n += place
		}
		before = bit
		place, weight = weight, place+weight
	}
	b.short = true
	return maxSection + 1
}

// gppSection reads one section and reports whether it is one of those known.
func (c *Cell) gppSection(id int, text []byte) (bool, error) {
	switch id {
	case 2:
		return true, c.tcf(text, "tcfeuv2.")
	case 6:
		return true, c.usp(text, "uspv1.OptOutSale")
	}
	for _, s := range usSections() {
		if s.id == id {
			return true, c.usSection(s, text)
		}
	}
	return false, nil
}

// usSection reads the opt-outs in the core segment of a US section.
func (c *Cell) usSection(s usSection, text []byte) error {
	core, _, _ := bytes.Cut(text, []byte{'.'})
	b, err := newBits(core)
	if err != nil {
		return err
	}
	version := b.read(6)
	switch {
	case 6*len(core) < s.bits:
		return errTruncated
	case version < 1 || version > s.versions:
		return errGPPVersion
	}
	for _, o := range s.optOuts {
		b.pos = o.at
		value := valueOptedOut
		switch b.read(2) {
		case 0:
			continue
		case 1:
		case 2:
			value = valueNotOptedOut
		default:
			return errGPPField
		}
		if err := c.add(c.keep(s.name, ".", o.name), value); err != nil {
			return err
		}
	}
	return nil
}
