package extsort

import (
	"errors"
	"slices"
	"sort"
)

// Find gives the records that begin with one of some prefixes of eight bytes, as
// big-endian numbers, in no order: of a few of many, in less time than all are read in
// their order. Records are all of one size.
func (s *Sorted) Find(prefixes []uint64, found func(rec []byte)) error {
	if s.cfg.Size == 0 {
		return errors.ErrUnsupported
	}
	sought := slices.Clone(prefixes)
	slices.Sort(sought)
	sought = slices.Compact(sought)
	if s.memory != nil {
		s.memory.find(sought, found)
	}
	for _, r := range s.store.runs {
		x := &runReader{run: r}
		left := sought
		for x.bytes > 0 && len(left) > 0 {
			if err := x.read(s.cfg.Size); err != nil {
				return damagedRun(err)
			}
			left = s.cfg.findIn(x.block, left, found)
		}
	}
	return nil
}

// findIn gives the records of a sorted block, and the prefixes that may also be in the
// next.
func (c *Config) findIn(block []byte, sought []uint64, found func(rec []byte)) []uint64 {
	n := len(block) / c.Size
	at := func(i int) []byte { return block[i*c.Size : (i+1)*c.Size : (i+1)*c.Size] }
	for i := 0; len(sought) > 0; {
		i += sort.Search(n-i, func(k int) bool { return prefix(at(i+k)) >= sought[0] })
		for ; i < n && prefix(at(i)) == sought[0]; i++ {
			found(at(i))
		}
		if i == n { // it may go on in the next block
			return sought
		}
		sought = sought[1:]
	}
	return nil
}

// find looks through the parts in which records may be.
func (p *pile) find(sought []uint64, found func(rec []byte)) {
	last := -1
	for _, want := range sought {
		k := int(want >> p.shift)
		if k == last {
			continue
		}
		last = k
		x := &p.parts[k]
		for i := range len(x.full) + 1 {
			for c := x.chunk(uint32(i)); len(c) > 0; c = c[p.cfg.Size:] {
				if _, ok := slices.BinarySearch(sought, prefix(c)); ok {
					found(c[:p.cfg.Size:p.cfg.Size])
				}
			}
		}
	}
}
