package journal

import (
	"fmt"
	"math"
)

// RowOutcome is what a pass has about some consents of one row.
type RowOutcome struct {
	Pass int
	// First and Last are the numbers of the consents. Last is WholeRow where all
	// that the pass made of the row, from First on, was sent, or is known.
	First, Last int32
	Outcome     Outcome // Ref is that of the first
}

// WholeRow is the Last of a RowOutcome that goes on to the end of its row.
const WholeRow = math.MaxInt32

// Row appends to dst all that the passes have about row n, in the order of passes.
// It is called with ascending n; rows may be left out.
//
// A row within a run of consents that were sent is sent whole. So is the last row of
// a run, if the pass was done with it and has nothing else about it. Of a row that
// the pass was not done with, nobody knows whether it made more consents; nor of one
// that other shards may have a part of.
func (l *Outcomes) Row(n int64, dst []RowOutcome) ([]RowOutcome, error) {
	if n < l.row {
		return dst, fmt.Errorf("look up row %d: rows are looked up in ascending order, and row %d was reached", n, l.row)
	}
	l.row = n
	for _, c := range l.cursors {
		if err := c.seek(n); err != nil {
			return dst, err
		}
		dst = c.row(n, n < l.snap.Low(c.pass), dst)
	}
	return dst, nil
}

// row appends what the pass has about row n; done says that nothing more comes.
func (c *cursor) row(n int64, done bool, dst []RowOutcome) []RowOutcome {
	from := len(dst)
	for i := c.span; i < len(c.spans) && c.spans[i].lo.Row <= n; i++ {
		s := &c.spans[i]
		first, last := int32(1), int32(WholeRow)
		if s.lo.Row == n {
			first = s.lo.Consent
		}
		if s.hi.Row == n {
			last = s.hi.Consent
		}
		dst = append(dst, RowOutcome{Pass: c.pass, First: first, Last: last, Outcome: Outcome{Ref: Ref{n, first}, State: s.state()}})
	}
	if c.rest >= len(c.window.rest) || c.window.rest[c.rest].Ref.Row != n {
		if done && c.whole && len(dst) == from+1 {
			dst[from].Last = WholeRow
		}
		return dst
	}
	for i := c.rest; i < len(c.window.rest) && c.window.rest[i].Ref.Row == n; i++ {
		o := c.window.rest[i]
		dst = append(dst, RowOutcome{Pass: c.pass, First: o.Ref.Consent, Last: o.Ref.Consent, Outcome: o})
	}
	return dst
}

// Resolve appends to dst the outcomes of the k consents that row n made, in order,
// from what Outcomes.Row gave about it.
//
// Of several passes the last that has an outcome counts, but one that was sent or
// superseded stays so. The journal does not know how many consents a row makes: k
// is what the mapping of the pass that covers the row makes of it.
//
// An outcome does not tell whether it is the Last of its row.
func Resolve(row []RowOutcome, n int64, k int, dst []PassOutcome) []PassOutcome {
	for i := range int32(k) {
		o := PassOutcome{Outcome: Outcome{Ref: Ref{n, i + 1}}}
		for j := range row {
			r := &row[j]
			if o.State.Final() {
				break
			}
			if r.First <= i+1 && i+1 <= r.Last {
				o.Outcome, o.Pass = r.Outcome, r.Pass
				o.Ref = Ref{n, i + 1}
			}
		}
		dst = append(dst, o)
	}
	return dst
}
