package journal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// Ledger gives the final outcomes of an import, row by row in the order of the
// export: one stream over each pass, merged. It holds as much of each pass in
// memory as its importer had rows under way, whatever the number of failures.
//
// A Ledger is used by one goroutine.
type Ledger struct {
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

// OpenLedger reads the checkpoint in dir, and opens a Ledger over its passes up
// to upToPass; 0 means all.
func OpenLedger(disk Disk, dir string, upToPass int) (*Ledger, error) {
	s, err := Read(disk, dir)
	if err != nil {
		return nil, err
	}
	return s.Ledger(upToPass)
}

// Ledger opens a Ledger over the passes up to upToPass, 0 for all, as far as
// they went when the Snapshot was taken. A Writer may go on meanwhile.
func (s *Snapshot) Ledger(upToPass int) (*Ledger, error) {
	if upToPass <= 0 || upToPass > len(s.segments) {
		upToPass = len(s.segments)
	}
	l := &Ledger{snap: s}
	for pass := 1; pass <= upToPass; pass++ {
		c, err := openCursor(s, pass)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.cursors = append(l.cursors, c)
	}
	return l, nil
}

// Outcomes appends to dst the outcomes of the k consents that row n made, in
// order. It is called with ascending n; rows may be left out, and the same row
// may be asked for again.
//
// Of several passes the last that has an outcome counts, but one that was sent
// or superseded stays so. The journal does not know how many consents a row
// makes: k is what the mapping of the pass that covers the row makes of it.
// Of a row within a run of rows that were sent whole, any k consents are sent.
//
// An outcome does not tell whether it is the Last of its row.
func (l *Ledger) Outcomes(n int64, k int, dst []PassOutcome) ([]PassOutcome, error) {
	if n < l.row {
		return dst, fmt.Errorf("look up row %d: rows are looked up in ascending order, and row %d was reached", n, l.row)
	}
	l.row = n
	for _, c := range l.cursors {
		if err := c.seek(n); err != nil {
			return dst, err
		}
	}
	at := len(dst)
	dst = slices.Grow(dst, k)[:at+k]
	row := dst[at:]
	// Most rows were sent whole in the first pass.
	whole := PassOutcome{}
	if len(l.cursors) > 0 && l.cursors[0].sent(n, k) {
		whole.State, whole.Pass = Sent, l.cursors[0].pass
	}
	whole.Ref.Row = n
	for i := range row {
		whole.Ref.Consent = int32(i + 1)
		row[i] = whole
	}
	if whole.Pass > 0 {
		return dst, nil
	}
	for _, c := range l.cursors {
		if !c.idle(n) {
			c.resolve(row)
		}
	}
	return dst, nil
}

// sent reports whether the first k consents of row lie in one span.
func (c *cursor) sent(row int64, k int) bool {
	if c.span >= len(c.spans) {
		return false
	}
	s := &c.spans[c.span]
	return !(Ref{row, 1}).less(s.lo) && !s.hi.less(Ref{row, int32(k)})
}

// Covered is the last pass whose sweep has read row n, 0 for none. Passes that
// read a repaired file are left out: which rows these had is for that file to
// say, up to Snapshot.High.
func (l *Ledger) Covered(n int64) (pass int) {
	for _, c := range slices.Backward(l.cursors) {
		if c.high >= n && l.snap.Passes[c.pass-1].Kind != Repair {
			return c.pass
		}
	}
	return 0
}

// Failures goes through the refused and failed consents of one pass, almost in
// the order of rows. It ends after the first error.
func (l *Ledger) Failures(pass int) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		if pass < 1 || pass > len(l.snap.segments) {
			return
		}
		c, err := openCursor(l.snap, pass)
		if err != nil {
			yield(Outcome{}, err)
			return
		}
		defer c.file.Close()
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
func (l *Ledger) Close() error {
	var errs []error
	for _, c := range l.cursors {
		errs = append(errs, c.file.Close())
	}
	return errors.Join(errs...)
}
