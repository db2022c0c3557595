package importer

import (
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
)

// A shard reads far more rows than it sends. So it does not mark each portion of rows
// that it has read, as an import on its own does: what it is to send is kept back until
// that is a portion, or until sharedBytes were read, and then marked and sent together.

// sharedBytes is how much of the export a shard reads, in raw bytes, before it marks
// and sends what is its own.
const sharedBytes = 4 << 20

// share is what a shard has read and not offered to the senders yet.
type share struct {
	rows  []sharedRow
	tasks int
	since int64           // raw bytes that were read when it was last empty
	next  source.Position // behind the last row that was read
}

// sharedRow is a row of which something is this shard's.
type sharedRow struct {
	at    source.Position
	tasks []task
}

// offer hands the tasks of a row on: at once or, in a shard, with others.
func (r *run) offer(at source.Position, tasks []task) error {
	if r.im.shard.Whole() {
		if !r.lanes.addRow(at, tasks) {
			return rows.ErrStop
		}
		return nil
	}
	r.share.rows = append(r.share.rows, sharedRow{at, tasks})
	r.share.tasks += len(tasks)
	if r.share.tasks < r.portion {
		return nil
	}
	return r.offerShare(at.Row)
}

// passed is told that all rows before a position were read, of which last is the last.
func (r *run) passed(next source.Position, last, bytes int64) error {
	if r.im.shard.Whole() {
		r.lanes.advance(next)
		return nil
	}
	r.mu.Lock()
	r.high = max(r.high, last)
	r.mu.Unlock()
	r.share.next = next
	if bytes-r.share.since < sharedBytes && len(r.share.rows) > 0 {
		return nil
	}
	r.share.since = bytes
	return r.offerRest()
}

// offerRest offers what a shard has kept back.
func (r *run) offerRest() error {
	if len(r.share.rows) > 0 {
		if err := r.offerShare(r.share.next.Row - 1); err != nil {
			return err
		}
	}
	if r.share.next.Row > 0 {
		r.lanes.advance(r.share.next)
	}
	return nil
}

// offerShare marks what was read up to a row and offers what is kept.
func (r *run) offerShare(row int64) error {
	if err := r.markRead(row); err != nil {
		return err
	}
	for _, kept := range r.share.rows {
		if !r.lanes.addRow(kept.at, kept.tasks) {
			return rows.ErrStop
		}
	}
	clear(r.share.rows) // lets go of the tasks
	r.share.rows, r.share.tasks = r.share.rows[:0], 0
	return nil
}
