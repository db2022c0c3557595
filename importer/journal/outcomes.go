package journal

import (
	"errors"
	"io"
	"iter"
)

// Outcomes gives the final outcomes of an import, row by row in the order of the
// export: one stream over each pass, merged. It holds as much of each pass in
// memory as its importer had rows under way, whatever the number of failures.
//
// It is used by one goroutine.
type Outcomes struct {
	snap    *Snapshot
	cursors []*cursor // of passes 1, 2, …
	row     int64
}

// PassOutcome is the outcome of a consent, and the pass that it comes from; a
// consent without one is Pending, with Pass 0.
type PassOutcome struct {
	Outcome
	Pass int
}

// Outcomes opens the outcomes of the passes up to upToPass, 0 for all, as far as
// they went when the Snapshot was taken. A Writer may go on meanwhile.
func (s *Snapshot) Outcomes(upToPass int) (*Outcomes, error) { return s.OutcomesFrom(upToPass, 0) }

// OutcomesFrom is Outcomes for whoever asks for no row before row from, and does not read
// what stands of these alone.
func (s *Snapshot) OutcomesFrom(upToPass int, from int64) (*Outcomes, error) {
	if upToPass <= 0 || upToPass > len(s.segments) {
		upToPass = len(s.segments)
	}
	l := &Outcomes{snap: s, row: from}
	for pass := 1; pass <= upToPass; pass++ {
		c, err := openCursor(s, pass, from)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.cursors = append(l.cursors, c)
	}
	return l, nil
}

// Failures goes through the refused and failed consents of one pass, almost in
// the order of rows. It ends after the first error.
func (l *Outcomes) Failures(pass int) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		if pass < 1 || pass > len(l.snap.segments) {
			return
		}
		c, err := openFileCursor(l.snap, pass, 0)
		if err != nil {
			yield(Outcome{}, err)
			return
		}
		defer c.close()
		for c.scan.offset < c.to {
			if err := c.scan.next(); err == io.EOF {
				return
			} else if err != nil {
				yield(Outcome{}, err)
				return
			}
			if c.scan.rec.kind == kindFail && !yield(c.scan.rec.outcome, nil) {
				return
			}
		}
	}
}

// Close closes the files.
func (l *Outcomes) Close() error {
	var errs []error
	for _, c := range l.cursors {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
