package extsort

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// entry is a record of a part: what it begins with, and where it is.
type entry struct {
	prefix uint64
	chunk  uint32
	at     uint32
}

const entrySize = 16

// sorting puts the records of a part in order. Its memory serves one part after the
// other.
type sorting struct {
	entries, moved []entry
	counts         [2][1 << digitBits]uint32
}

// Spread records are put in order by two digits behind the bits that say which part
// they are of. Few of a part agree in all of these, other than those that are of one
// person; only they are compared.
const digitBits = 10

// sort gives the records of a part in order. They are good until the next call.
func (s *sorting) sort(cfg *Config, x *part) []entry {
	s.list(cfg, x)
	if !cfg.Spread || x.n < 64 {
		compare(cfg, x, s.entries)
		return s.entries
	}
	out := s.spread()
	for i := 0; i < len(out); {
		j := i + 1
		for j < len(out) && digits(out[j].prefix) == digits(out[i].prefix) {
			j++
		}
		if j-i > 1 {
			compare(cfg, x, out[i:j])
		}
		i = j
	}
	return out
}

// list lists the records of a part as they stand.
func (s *sorting) list(cfg *Config, x *part) {
	s.entries = slices.Grow(s.entries[:0], x.n)
	for i := range len(x.full) + 1 {
		c := x.chunk(uint32(i))
		for at := 0; at < len(c); {
			from, n := at, cfg.Size
			if n == 0 {
				from, n = at+4, int(binary.LittleEndian.Uint32(c[at:]))
			}
			s.entries = append(s.entries, entry{prefix: prefix(c[from : from+n]), chunk: uint32(i), at: uint32(at)})
			at = from + n
		}
	}
}

// digits are both digits of a prefix.
func digits(prefix uint64) uint64 { return prefix << spreadBits >> (64 - 2*digitBits) }

// spread puts the entries in the order of their digits.
func (s *sorting) spread() []entry {
	const mask = 1<<digitBits - 1
	clear(s.counts[0][:])
	clear(s.counts[1][:])
	for i := range s.entries {
		d := digits(s.entries[i].prefix)
		s.counts[0][d&mask]++
		s.counts[1][d>>digitBits]++
	}
	s.moved = slices.Grow(s.moved[:0], len(s.entries))[:len(s.entries)]
	from, to := s.entries, s.moved
	for digit := range s.counts {
		counts, at := &s.counts[digit], uint32(0)
		for i, n := range counts {
			counts[i], at = at, at+n
		}
		for i := range from {
			d := digits(from[i].prefix) >> (digit * digitBits) & mask
			to[counts[d]] = from[i]
			counts[d]++
		}
		from, to = to, from
	}
	return from
}

// compare puts entries in order by comparing.
func compare(cfg *Config, x *part, some []entry) {
	slices.SortFunc(some, func(a, b entry) int {
		if a.prefix != b.prefix || cfg.Key <= 8 && cfg.Size >= 8 {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return bytes.Compare(x.record(cfg, &a)[:cfg.Key], x.record(cfg, &b)[:cfg.Key])
	})
}
