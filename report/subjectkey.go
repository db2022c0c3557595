package report

import (
	"hash/maphash"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/mapping"
)

// subjectKey is a 128-bit hash of a subject and a category. Half of it is
// seeded at random in each process, so that collisions cannot be built; it
// never leaves the process.
type subjectKey [2]uint64

// combine mixes the hashes of subject and category; the factor keeps (a, b)
// and (b, a) apart.
func combine(subject, category uint64) uint64 {
	hi, lo := bits.Mul64(category^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return subject ^ hi ^ lo
}

// hasher hashes the subjects and categories of one batch after the other. The
// consents of a row mostly share a subject and those of an export have few
// categories, so the last ones are remembered.
type hasher struct {
	seed     maphash.Seed
	subject  []byte
	s        subjectKey
	category []byte
	c        subjectKey
	// known, keyed and named say which of the above hold: the subject, the
	// seeded half of its hash, the category.
	known, keyed, named bool
}

// reset forgets slices into the memory of a batch that is gone.
func (h *hasher) reset() { *h = hasher{seed: h.seed} }

// person hashes the subject of c, the same in every process, and says whether
// it differs from that of the call before.
func (h *hasher) person(c *mapping.Consent) (hash uint64, fresh bool) {
	s := c.Subject()
	if h.known && sameBytes(s, h.subject) {
		return h.s[0], false
	}
	h.subject, h.s[0], h.known, h.keyed = s, xxhash.Sum64(s), true, false
	return h.s[0], true
}

// key hashes the subject and category of c, whose person was asked for before.
func (h *hasher) key(c *mapping.Consent) subjectKey {
	if !h.keyed {
		h.s[1], h.keyed = maphash.Bytes(h.seed, h.subject), true
	}
	if !h.named || !sameBytes(c.Category, h.category) {
		h.c = subjectKey{xxhash.Sum64(c.Category), maphash.Bytes(h.seed, c.Category)}
		h.category, h.named = c.Category, true
	}
	return subjectKey{combine(h.s[0], h.c[0]), combine(h.s[1], h.c[1])}
}
