package importer

import (
	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/mapping"
)

// key identifies a subject and a category: what must arrive in order. Two
// different ones share a key with a chance of about 2^-128 a pair; two that
// share the first half alone only wait for each other needlessly.
type key struct{ hi, lo uint64 }

// keyOf is the key of a consent, by subject and category as they are compared. The
// scratch is overwritten.
func keyOf(c *mapping.Consent, scratch *[]byte) key {
	*scratch = (*scratch)[:0]
	return hashKey(c.SubjectKey(scratch), c.CategoryKey(scratch))
}

// hashKey hashes subject and category. The length of the subject goes in, so that
// no two different pairs have the same text.
func hashKey(subject, category []byte) key {
	var d xxhash.Digest
	d.Reset()
	n := len(subject)
	head := [5]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), 0}
	d.Write(head[:4])
	d.Write(subject)
	d.Write(category)
	hi := d.Sum64()
	d.Write([]byte{1})
	d.Write(subject)
	d.Write(category)
	return key{hi, d.Sum64()}
}
