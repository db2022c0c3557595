package mapping

// crowd finds the subjects that stand in a large share of the rows, by the method of
// Misra and Gries: what one of them is counted is never more than there is, and less
// by a part in crowdSlots at most.
//
// In nearly all rows stands a subject that has no slot, and takes one from each: so what
// all have lost is counted once (lost), and a filter tells nearly always that a subject
// has no slot.
type crowd struct {
	rows  int64 // that were looked at
	lost  int64 // that each slot has lost
	next  int   // no slot before it is free
	known uint64
	slots [crowdSlots]crowdSlot
}

type crowdSlot struct {
	subject uint64
	count   int64     // with what is lost; the slot is free when that is all
	seen    sightings // since it has the slot
}

const (
	crowdSlots = 16
	// crowdRows is the least number of rows, crowdShare the part of them, by which a
	// subject is conspicuous.
	crowdRows  = 200
	crowdShare = 5
)

// appearance is a subject in a row.
type appearance struct {
	subject uint64
	row     int64
}

// mark is the bit of a subject in the filter.
func (a *appearance) mark() uint64 { return 1 << (a.subject >> 58) }

func (c *crowd) fold(all []appearance) {
	c.rows += int64(len(all))
	for i := range all {
		c.add(&all[i])
	}
}

func (c *crowd) add(a *appearance) {
	if c.known&a.mark() != 0 {
		for i := range c.slots {
			if s := &c.slots[i]; s.subject == a.subject && s.count > c.lost {
				s.count++
				s.seen.at(a.row)
				return
			}
		}
	}
	for ; c.next < crowdSlots; c.next++ {
		s := &c.slots[c.next]
		if s.count > c.lost {
			continue
		}
		s.subject, s.count = a.subject, c.lost+1
		s.seen.count, s.seen.n = 0, 0
		s.seen.at(a.row)
		c.known |= a.mark()
		c.next++
		return
	}
	c.lost++
	c.next, c.known = 0, 0
	for i := range c.slots {
		if s := &c.slots[i]; s.count > c.lost {
			c.known |= 1 << (s.subject >> 58)
		}
	}
}

// found gives the rows of the subject that has most, if these are a large share and
// not all: an export may be about one person.
func (c *crowd) found() sightings {
	var most crowdSlot
	for _, s := range c.slots {
		if s.count > most.count {
			most = s
		}
	}
	left := most.count - c.lost
	if c.rows < crowdRows || left*crowdShare < c.rows || left == c.rows {
		return sightings{}
	}
	return most.seen
}
