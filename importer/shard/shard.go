// Package shard divides the consents of an export among processes that share nothing
// but the export: each reads all of it and sends what is its own.
//
// # Whose a consent is
//
// A consent belongs to shard
//
//	1 + XXH64(subject) mod n
//
// where subject is the person as compared with others (mapping.KeyText, in UTF-8) and
// XXH64 the 64-bit hash of https://xxhash.com with seed 0. So all that one person
// decided is in one shard, and in order there. The rule stays as it is for ever: its
// vectors stand in the README of package importer and in a test.
//
// A row that makes no consent belongs to the shard of the first person whose decision
// can be read in it, so that a decision that could not be sent is held against those
// that were; one without is dealt out by its number, 1 + (row - 1) mod n.
package shard

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/mapping"
)

// Shard is one of N parts of an import, I from 1. The zero value is the whole.
type Shard struct{ I, N int }

// Max is how many shards there can be: an array of any scheduler has fewer tasks.
const Max = 100_000

// Parse reads "i/n"; "" is the whole.
func Parse(s string) (Shard, error) {
	if s == "" {
		return Shard{1, 1}, nil
	}
	before, after, ok := strings.Cut(s, "/")
	i, err := strconv.Atoi(before)
	n, err2 := strconv.Atoi(after)
	if !ok || err != nil || err2 != nil || i < 1 || n < 1 || i > n || n > Max || s != (Shard{i, n}).String() {
		return Shard{}, fmt.Errorf("%q is not a shard: give its number and how many there are, such as 3/8, or auto under a scheduler", s)
	}
	return Shard{i, n}, nil
}

// String gives the form that Parse reads.
func (s Shard) String() string {
	if s.N == 0 {
		return "1/1"
	}
	return strconv.Itoa(s.I) + "/" + strconv.Itoa(s.N)
}

// Whole reports whether there is no other shard.
func (s Shard) Whole() bool { return s.N <= 1 }

// Of is the shard, from 1, of a subject as it is compared with others.
func Of(subject []byte, n int) int { return 1 + int(xxhash.Sum64(subject)%uint64(n)) }

// Has reports whether a consent is this shard's. buf is memory for the call.
func (s Shard) Has(c *mapping.Consent, buf *[]byte) bool {
	if s.Whole() {
		return true
	}
	*buf = (*buf)[:0]
	return Of(c.SubjectKey(buf), s.N) == s.I
}

// HasRow reports whether a row counts in this shard, by the consents that it made or,
// of an invalid one, by the decisions that can be read in it all the same.
func (s Shard) HasRow(row int64, consents []mapping.Consent, buf *[]byte) bool {
	if s.Whole() {
		return true
	}
	for i := range consents {
		if len(consents[i].Subject()) > 0 {
			return s.Has(&consents[i], buf)
		}
	}
	return 1+int((row-1)%int64(s.N)) == s.I
}
