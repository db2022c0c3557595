package decode

import (
	"bytes"
	"errors"
	"strconv"
)

// The TC string of the IAB's Transparency and Consent Framework, version 2:
// segments of base64url separated by dots, of which the first, the core, has its
// fields at fixed offsets in bits (IAB Tech Lab, "Consent string and vendor
// list formats v2", The Core String):
//
//	  0   6 Version           132   6 TcfPolicyVersion
//	  6  36 Created           138   1 IsServiceSpecific
//	 42  36 LastUpdated       139   1 UseNonStandardTexts
//	 78  12 CmpId             140  12 SpecialFeatureOptIns
//	 90  12 CmpVersion        152  24 PurposesConsent
//	102   6 ConsentScreen     176  24 PurposesLITransparency
//	108  12 ConsentLanguage   200   1 PurposeOneTreatment
//	120  12 VendorListVersion 201  12 PublisherCC
//
// From 213 on follow the vendors, of which only the extent is read, so that a
// string that was cut off is noticed. Times count tenths of a second.
const (
	tcfPurposes = 152
	tcfVendors  = 213
)

var (
	errTCFVersion1 = errors.New("is a TC string of version 1, which is not supported")
	errTCFVersion  = errors.New("is not a TC string of version 2")
	errTCFTime     = errors.New("is a TC string that was created before 2000")
)

// readTCF gives the purposes 1 to 24 that were consented to, or not. Purposes
// held on legitimate interest are no consent and are never read.
func readTCF(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "euconsent-v2", "eupubconsent-v2", "IABTCF_TCString", "tcString")
	return out.tcf(text, "")
}

// tcf reads a TC string; prefix is set before the number of each purpose.
func (c *Cell) tcf(text []byte, prefix string) error {
	core, rest, _ := bytes.Cut(text, []byte{'.'})
	for _, b := range rest {
		if b != '.' && b != '=' && sixBits(b) < 0 {
			return errBase64
		}
	}
	b, err := newBits(core)
	if err != nil {
		return err
	}
	switch b.read(6) {
	case 2:
	case 1:
		return errTCFVersion1
	default:
		return errTCFVersion
	}
	created, updated := b.read(36)*100, b.read(36)*100
	b.skip(tcfPurposes - b.pos)
	purposes := b.read(24)
	b.skip(tcfVendors - b.pos)
	b.skipVendors()
	b.skipVendors()
	b.skip(12) // the number of publisher restrictions
	switch {
	case b.short:
		return errTruncated
	case created < earliest:
		return errTCFTime
	}
	c.Created, c.Updated = created, plausible(updated)
	for purpose := 1; purpose <= 24; purpose++ {
		key := c.keep(prefix, strconv.Itoa(purpose))
		if err := c.addBool(key, purposes>>(24-purpose)&1 == 1); err != nil {
			return err
		}
	}
	return nil
}

// skipVendors passes over one section of vendors: a bit field as long as the
// highest id, or ranges of ids.
func (b *bits) skipVendors() {
	highest := b.read(16)
	if b.read(1) == 0 {
		b.skip(int(highest))
		return
	}
	for entries := b.read(12); entries > 0 && !b.short; entries-- {
		if b.read(1) == 1 {
			b.skip(32)
		} else {
			b.skip(16)
		}
	}
}
