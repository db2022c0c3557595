package jsonvalue

import (
	"bytes"
	"slices"
)

// RFC 8259, section 4: names within an object should be unique, and what is read of one
// that is not differs from program to program. Most take the last, but an export in
// which a decision stands twice, yes and no, does not say which one the person made.

// checkNames looks for names that stand twice in one object: forks become the members
// whose values differ from an earlier one of their name. Several reports whether any
// name is there twice, be the values equal or not.
func (d *Doc) checkNames() (several bool) {
	for n := range d.nodes {
		if d.nodes[n].kind == Object && d.checkObject(n) {
			several = true
		}
	}
	return several
}

// fewNames is up to how many members of an object are compared with each other; those
// of others are sorted.
const fewNames = 48

func (d *Doc) checkObject(n int) (several bool) {
	names := d.names[:0]
	var met uint64 // a bit for each name so far, by its length and some letters
	for c := n + 1; c < d.Next(n); c = d.Next(c) {
		m := &d.nodes[c]
		bit := uint64(1) // of the empty name
		if m.keyEscaped {
			bit = ^bit // may be any
		} else if key := d.text[m.keyStart:m.keyEnd]; len(key) > 0 {
			bit = 1 << ((uint(len(key)) + 5*uint(key[0]) + 11*uint(key[len(key)-1]) + 17*uint(key[len(key)/2])) & 63)
		}
		if met&bit != 0 && len(names) < fewNames {
			for _, before := range names {
				several = d.compare(int(before), c) || several
			}
		}
		met |= bit
		names = append(names, int32(c))
	}
	d.names = names
	if len(names) <= fewNames {
		return several
	}
	slices.SortStableFunc(names, func(a, b int32) int { return bytes.Compare(d.nameOf(a), d.nameOf(b)) })
	// Members of one name stand in the order of the document now; once two of them
	// differ, none that comes later is sure.
	for from := 0; from < len(names); {
		to, differ := from+1, false
		for ; to < len(names) && bytes.Equal(d.nameOf(names[from]), d.nameOf(names[to])); to++ {
			several = true
			if differ = differ || !d.alike(int(names[from]), int(names[to])); differ {
				d.forks = append(d.forks, names[to])
			}
		}
		from = to
	}
	return several
}

func (d *Doc) nameOf(n int32) []byte {
	var arena []byte
	return d.Key(int(n), &arena)
}

// compare reports whether two members of an object have one name. Where they say
// different things, the later one is a fork.
func (d *Doc) compare(before, c int) bool {
	a, b := &d.nodes[before], &d.nodes[c]
	if a.keyEscaped || b.keyEscaped {
		if !bytes.Equal(d.nameOf(int32(before)), d.nameOf(int32(c))) {
			return false
		}
	} else if a.keyEnd-a.keyStart != b.keyEnd-b.keyStart || !bytes.Equal(d.text[a.keyStart:a.keyEnd], d.text[b.keyStart:b.keyEnd]) {
		return false
	}
	if !d.alike(before, c) {
		d.forks = append(d.forks, int32(c))
	}
	return true
}

// alike reports whether two values are written alike.
func (d *Doc) alike(a, b int) bool {
	return d.nodes[a].kind == d.nodes[b].kind && bytes.Equal(d.Raw(a), d.Raw(b))
}

// Forked reports whether some name of the document stands twice in one object, with
// different values.
func (d *Doc) Forked() bool { return len(d.forks) > 0 }

// Ambiguous reports whether it is open which value a path leads to from a node, or what
// that value holds: a name on the way, or in what lies at its end, stands twice in one
// object with different values.
func (d *Doc) Ambiguous(n int, p Path) bool {
	n, open := d.way(n, p)
	return open || n != None && d.ForkedBelow(n)
}

// AmbiguousAt is Ambiguous for a place.
func (d *Doc) AmbiguousAt(p *Place) bool {
	n, open := d.wayTo(p)
	return open || n != None && d.ForkedBelow(n)
}

// Open reports whether a name on a way is ambiguous, whatever lies at its end.
func (d *Doc) Open(n int, p Path) bool {
	_, open := d.way(n, p)
	return open
}

// OpenAt is Open for a place.
func (d *Doc) OpenAt(p *Place) bool {
	_, open := d.wayTo(p)
	return open
}

func (d *Doc) wayTo(p *Place) (n int, open bool) {
	if p.Exact != "" {
		if n = d.Member(0, p.Exact); n != None {
			return n, slices.Contains(d.forks, int32(n))
		}
	}
	return d.way(0, p.Path)
}

func (d *Doc) way(n int, p Path) (end int, open bool) {
	for i := 0; i < len(p) && n != None; i++ {
		if n = d.Find(n, p[i:i+1]); n != None && slices.Contains(d.forks, int32(n)) {
			return n, true
		}
	}
	return n, false
}

// ForkedBelow reports whether a value, or one inside of it, stands under a name that is
// there twice.
func (d *Doc) ForkedBelow(n int) bool {
	return slices.ContainsFunc(d.forks, func(f int32) bool { return int(f) >= n && int(f) < d.Next(n) })
}
