package importer

import (
	"sync/atomic"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
)

// counters are what a run has done so far. Workers add, one ticker reads.
type counters struct {
	base                              journal.Counts // what earlier runs did
	rows, bytes                       atomic.Int64
	began                             atomic.Int64 // raw bytes before the first row of this run, and one: 0 is unknown
	made                              atomic.Int64
	sent, refused, failed, superseded atomic.Int64
	known                             atomic.Int64
	skipped, invalid, elsewhere       atomic.Int64
	requests, retries, flying         atomic.Int64
	recent                            recent
}

func (c *counters) request(again bool) {
	c.requests.Add(1)
	if again {
		c.retries.Add(1)
	}
}

// outcome counts one and gives the failures and all outcomes of the run so far.
func (c *counters) outcome(s journal.State) (failures, all int64) {
	switch s {
	case journal.Sent:
		c.sent.Add(1)
	case journal.Refused:
		c.refused.Add(1)
	case journal.Failed:
		c.failed.Add(1)
	case journal.Superseded:
		c.superseded.Add(1)
	case journal.Known: // which says nothing of the mapping
		c.known.Add(1)
	}
	failures = c.refused.Load() + c.failed.Load()
	return failures, failures + c.sent.Load() + c.superseded.Load()
}

// Progress is a picture of a run for the display. The counts include what
// earlier runs of the same import did.
type Progress struct {
	Bytes, Size      int64 // raw bytes read, of all
	Began            int64 // of them before this run
	Made             int64 // consents that this run has found to send
	Rows             int64
	journal.Counts   // outcomes so far
	Invalid, Skipped int64
	Elsewhere        int64 // rows that are other shards'
	Retrying         int   // consents that wait for their next attempt
	Held             int   // consents that wait for what an earlier run had under way
	InFlight         int64
	Throttled        bool
	Waiting          Waiting // for its hours, or the next day
	Settled          int64   // outcomes of this run alone
}

// from is how many raw bytes were read before a batch. Of the first one of a run
// that goes on in the middle it is known to within that batch.
func (c *counters) from(b *rows.Batch) int64 {
	if c.began.Load() > 0 {
		return c.bytes.Load()
	}
	first, last := &b.Src.Rows[0], &b.Src.Rows[len(b.Src.Rows)-1]
	from := max(0, b.Src.Read-(last.Offset+int64(len(last.Raw))-first.Offset))
	c.began.Store(from + 1)
	return from
}

// watch is where a running import is looked at from.
type watch struct {
	lanes *lanes
	pacer Pacer
	helm  *helm
	times *timetable
}

// seed makes the counters go on from what earlier runs did. What an earlier pass left
// refused or failed is this pass's to try again, and counts with what becomes of it now.
func (c *counters) seed(s *journal.Snapshot, pass int) {
	c.base = s.Total
	c.base.Refused, c.base.Failed = 0, 0
	if pass <= len(s.ByPass) {
		c.base.Refused, c.base.Failed = s.ByPass[pass-1].Refused, s.ByPass[pass-1].Failed
	}
	if s.Mark != nil {
		c.rows.Store(s.Mark.Low.Row - 1)
	}
}

// Progress is where the import stands. It may be called at any time, from any
// goroutine.
func (im *Import) Progress() Progress {
	c := &im.count
	p := Progress{
		Bytes: c.bytes.Load(), Size: im.reading.Export().Size(), Rows: c.rows.Load(), Made: c.made.Load(),
		Counts: journal.Counts{
			Sent: c.base.Sent + c.sent.Load(), Refused: c.base.Refused + c.refused.Load(),
			Failed: c.base.Failed + c.failed.Load(), Superseded: c.base.Superseded + c.superseded.Load(), Known: c.base.Known + c.known.Load(),
		},
		Invalid: c.invalid.Load(), Skipped: c.skipped.Load(), Elsewhere: c.elsewhere.Load(), InFlight: c.flying.Load(),
	}
	p.Began = max(0, c.began.Load()-1)
	p.Settled = c.sent.Load() + c.refused.Load() + c.failed.Load() + c.superseded.Load() + c.known.Load()
	if w := im.watch.Load(); w != nil {
		p.Retrying, p.Held = w.lanes.waiting()
		p.Throttled, _ = w.pacer.Throttled()
		p.Waiting = w.times.waiting()
	}
	return p
}
