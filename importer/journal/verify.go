package journal

import "fmt"

// Verification is what can be said of a checkpoint by itself, once every line
// and every seal of it was proved.
type Verification struct {
	*Snapshot
	// Overlaps counts consents that have an outcome where they may not have one:
	// two in one pass, another after a final one, or one for a row that was
	// final as a whole already. A run of consents in one line counts once.
	Overlaps int64
	// Examples are the first of them.
	Examples []Overlap
}

// Overlap is a consent that has an outcome which it may not have.
type Overlap struct {
	Ref  Ref
	Pass int // the pass of the one
	Also int // the pass of the other; the same for two in one pass
}

func (o Overlap) String() string {
	if o.Pass == o.Also {
		return fmt.Sprintf("consent %s has two outcomes in pass %d", o.Ref, o.Pass)
	}
	return fmt.Sprintf("consent %s was final in pass %d and has an outcome in pass %d", o.Ref, min(o.Pass, o.Also), max(o.Pass, o.Also))
}

// maxExamples bounds Verification.Examples.
const maxExamples = 20

// Verify reads the checkpoint in dir twice: it proves lines and seals, and that
// no consent has an outcome too many. Errors are as of Read.
func Verify(disk Disk, dir string) (*Verification, error) {
	s, err := Read(disk, dir)
	if err != nil {
		return nil, err
	}
	v := &Verification{Snapshot: s}
	l, err := s.Outcomes(0)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	for _, c := range l.cursors {
		within := func(r Ref) { v.overlap(Overlap{Ref: r, Pass: c.pass, Also: c.pass}) }
		c.twice, c.late = within, within
	}
	if err := v.merge(l.cursors); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Verification) overlap(o Overlap) {
	v.Overlaps++
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, o)
	}
}

// merge goes through all passes at once in the order of consents.
func (v *Verification) merge(cursors []*cursor) error {
	finals := make([]Ref, len(cursors)) // the last consent with a final outcome so far, by pass
	for {
		first := -1
		var at span
		var state State
		for i, c := range cursors {
			s, st, ok, err := c.peek()
			if err != nil {
				return err
			}
			if ok && (first < 0 || s.lo.less(at.lo)) {
				first, at, state = i, s, st
			}
		}
		if first < 0 {
			return nil
		}
		cursors[first].advance(state)
		for i, hi := range finals {
			// In a later pass a consent may become final that was not; never the
			// other way round.
			if !hi.less(at.lo) && (i <= first || state.Final()) {
				v.overlap(Overlap{Ref: at.lo, Pass: first + 1, Also: i + 1})
				break
			}
		}
		if state.Final() && finals[first].less(at.hi) {
			finals[first] = at.hi
		}
	}
}
