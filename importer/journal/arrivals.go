package journal

import (
	"errors"
	"io"
	"slices"
)

// Arrival is an outcome as it stands in the checkpoint.
type Arrival struct {
	Outcome
	Pass int
	// Line says when the answer was written down, in lines of the file. Of one subject and
	// category the next decision leaves when the answer to the one before was written
	// down: no two of them have one line, and they arrived in the order of lines. What had
	// arrived without an answer, and was sent again, stands where the answer does.
	Line int64
}

// Arrivals gives the outcomes of some consents in the order in which they were written
// down. ordered is false when that says nothing: shards were joined, by rows.
func (s *Snapshot) Arrivals(refs []Ref) (all []Arrival, ordered bool, err error) {
	sought := slices.Clone(refs)
	slices.SortFunc(sought, Ref.Compare)
	sought = slices.Compact(sought)
	if len(sought) == 0 {
		return nil, true, nil
	}
	for pass := 1; pass <= len(s.segments); pass++ {
		c, err := openFileCursor(s, pass, 0)
		if err != nil {
			return nil, false, err
		}
		all, err = c.arrivals(sought, all)
		if err := errors.Join(err, c.close()); err != nil {
			return nil, false, err
		}
	}
	return all, s.Header.JoinedPasses == 0, nil
}

// arrivals appends the outcomes of some consents, in their order, that the pass has.
func (c *cursor) arrivals(sought []Ref, all []Arrival) ([]Arrival, error) {
	add := func(o Outcome) { all = append(all, Arrival{Outcome: o, Pass: c.pass, Line: c.scan.line}) }
	for c.scan.offset < c.to {
		if err := c.scan.next(); err == io.EOF {
			return nil, c.scan.damaged("is missing: the file is shorter than it was a moment ago")
		} else if err != nil {
			return nil, err
		}
		switch r := &c.scan.rec; r.kind {
		case kindSent, kindKnown:
			for _, s := range r.spans {
				i, _ := slices.BinarySearchFunc(sought, s.lo, Ref.Compare)
				for ; i < len(sought) && !s.hi.less(sought[i]); i++ {
					add(Outcome{Ref: sought[i], State: s.state()})
				}
			}
		case kindFail, kindHeld:
			if _, ok := slices.BinarySearchFunc(sought, r.outcome.Ref, Ref.Compare); ok {
				add(r.outcome)
			}
		}
	}
	return all, nil
}
