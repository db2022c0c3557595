package journal

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// cursorBatch is how many outcomes a cursor reads ahead at least, so that
// sorting them is worth it.
const cursorBatch = 8192

// cursor goes through the outcomes of one pass in the order of rows. Since they
// stand in the file almost in that order, it reads ahead only up to the mark
// that says of a row that nothing more comes before it.
type cursor struct {
	pass int
	// whole: there are no other shards, so a row is done with when all that is here of
	// it is.
	whole bool
	high  int64 // last row that the pass has read
	to    int64 // offset at which the pass ends
	file  File
	scan  *scanner
	rows  *inRows // of a pass whose outcomes come far ahead of rows; nil: they come nearly in order
	low   int64   // what rows below it have is in the window
	read  int64   // last row that was read, where the cursor is in the file
	early window  // of rows behind that
	window
	span, rest int // first of window.spans, window.rest that matters still

	// twice and late are told of outcomes that should not be: two for one
	// consent, and one for a row that was below a mark already. Either may be nil.
	twice, late func(Ref)
}

// openCursor opens a pass to be gone through in the order of rows, from row from on.
func openCursor(s *Snapshot, pass int, from int64) (*cursor, error) {
	c, err := openFileCursor(s, pass, from)
	if err != nil || !s.segments[pass-1].ahead {
		return c, err
	}
	if c.rows, err = sortRows(s, pass, c.scan, c.to); err != nil {
		return nil, errors.Join(err, c.file.Close())
	}
	return c, nil
}

// openFileCursor opens a file of its own, at a place of a pass above which nothing stands of
// row from, nor of those behind it, but for what came early: that, the cursor has.
func openFileCursor(s *Snapshot, pass int, from int64) (*cursor, error) {
	f, err := s.disk.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	seg := s.segments[pass-1]
	at, early := seg.before(from)
	scan, err := scanFrom(s.path, f, at.place)
	if err != nil {
		_ = f.Close() // the first error is the one to report
		return nil, err
	}
	return &cursor{pass: pass, whole: s.Header.Shard == WholeShard && (pass == 1 || pass > s.Header.JoinedPasses), high: seg.high, to: seg.to, read: at.high, early: early, file: f, scan: scan}, nil
}

func (c *cursor) close() error {
	err := c.file.Close()
	if c.rows != nil {
		err = errors.Join(err, c.rows.close())
	}
	return err
}

// seek makes row the first that the window has, and has everything of it.
func (c *cursor) seek(row int64) error {
	if row >= c.low && c.low < math.MaxInt64 {
		if err := c.fill(row, row); err != nil {
			return err
		}
	}
	for c.span < len(c.spans) && c.spans[c.span].hi.Row < row {
		c.span++
	}
	for c.rest < len(c.window.rest) && c.window.rest[c.rest].Ref.Row < row {
		c.rest++
	}
	return nil
}

// fill reads on until nothing of row can come any more, and leaves out what
// lies before row from.
func (c *cursor) fill(row, from int64) error {
	c.spans = slices.Delete(c.spans, 0, c.span)
	c.window.rest = slices.Delete(c.window.rest, 0, c.rest)
	c.span, c.rest = 0, 0
	if c.rows != nil && c.late != nil {
		for _, r := range c.rows.late {
			c.late(r)
		}
		c.rows.late = nil
	}
	for read := 0; c.low <= row || read < cursorBatch; {
		if c.rows != nil {
			low, added, err := c.rows.next(&c.window, from)
			if err != nil {
				return fmt.Errorf("sort the outcomes of pass %d: %w", c.pass, err)
			}
			c.low = low
			if low == math.MaxInt64 {
				break
			}
			if added {
				read++
			}
			continue
		}
		if c.scan.offset >= c.to {
			c.low = math.MaxInt64
			break
		}
		if err := c.scan.next(); err == io.EOF {
			return c.scan.damaged("is missing: the file is shorter than it was a moment ago")
		} else if err != nil {
			return err
		}
		switch r := &c.scan.rec; r.kind {
		case kindSent, kindKnown:
			for _, s := range r.spans {
				if s.hi.Row >= from && !c.isLate(s.lo) {
					w := c.windowOf(s.hi.Row)
					w.spans = append(w.spans, s)
					read++
				}
			}
		case kindFail, kindHeld:
			if r.outcome.Ref.Row >= from && !c.isLate(r.outcome.Ref) {
				w := c.windowOf(r.outcome.Ref.Row)
				w.rest = append(w.rest, r.outcome)
				read++
			}
		case kindMark:
			c.low, c.read = max(c.low, r.mark.Low.Row), max(c.read, r.mark.High)
		}
	}
	c.ripen()
	c.sort(c.twice)
	return nil
}

// windowOf is where an outcome goes that stands where the cursor is.
func (c *cursor) windowOf(row int64) *window {
	if row > c.read {
		return &c.early
	}
	return &c.window
}

// ripen moves what came early into the window, as far as rows below the low one have it.
// Of two outcomes of one consent the later is to stay the later.
func (c *cursor) ripen() {
	c.early.spans = slices.DeleteFunc(c.early.spans, func(s span) bool {
		if s.lo.Row >= c.low && c.low < math.MaxInt64 {
			return false
		}
		c.spans = append(c.spans, s)
		return true
	})
	var ripe []Outcome
	c.early.rest = slices.DeleteFunc(c.early.rest, func(o Outcome) bool {
		if o.Ref.Row >= c.low && c.low < math.MaxInt64 {
			return false
		}
		ripe = append(ripe, o)
		return true
	})
	c.window.rest = slices.Insert(c.window.rest, 0, ripe...)
}

// isLate tells of an outcome that came after its turn.
func (c *cursor) isLate(first Ref) bool {
	if c.late == nil || first.Row >= c.low {
		return false
	}
	c.late(first)
	return true
}

// peek gives the next in order of Ref.Compare of all spans and other outcomes:
// of a span, its consents and Sent or Known; else one consent and its state. It is
// used instead of seek, with take.
func (c *cursor) peek() (s span, state State, ok bool, err error) {
	for {
		if c.span < len(c.spans) {
			s, ok = c.spans[c.span], true
			state = s.state()
		}
		if c.rest < len(c.window.rest) {
			if o := &c.window.rest[c.rest]; !ok || o.Ref.less(s.lo) {
				s, state, ok = span{lo: o.Ref, hi: o.Ref}, o.State, true
			}
		}
		switch {
		case ok && s.lo.Row < c.low, c.low == math.MaxInt64:
			return s, state, ok, nil
		case !ok:
			s.lo.Row = c.low
		}
		if err := c.fill(s.lo.Row, 0); err != nil {
			return s, state, false, err
		}
		s, state, ok = span{}, Pending, false
	}
}

// advance goes on behind what peek gave.
func (c *cursor) advance(state State) {
	if state.runs() {
		c.span++
	} else {
		c.rest++
	}
}
