package importer

import (
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// task is one consent between its row and its outcome. Tasks that wait behind
// their lane can be many, so the consent is kept packed.
type task struct {
	ref    journal.Ref
	last   bool // last consent of its row
	key    key
	packed []byte
	rest   *remainder // of its history, behind it; nil: nothing
	row    *openRow
	begins openRow // of the first task of a row: the row of all its tasks

	begun  bool             // first of a history of which an earlier run has left the target so, or may have
	risks  bool             // the target will stand so when it has left, which the checkpoint is to say before
	told   bool             // it says so
	must   bool             // the target does so now: a stop lets it be finished
	held   bool             // a request of an earlier run may be under way still
	failed *journal.Outcome // what it comes to when its last request cannot be under way any more

	reserved int64 // requests of the day that are kept for what takes it back

	attempts int           // those that count against the limit
	tries    int           // requests made
	broke    time.Duration // on the run's stopwatch: when an attempt last came to nothing; 0: none has

	entered int64 // rows that were added before it

	next *task         // behind it in the lane
	due  time.Duration // on the run's stopwatch, while delayed
	turn int64         // among those that are due at one time
}

// taskOverhead is about what a task costs beside its packed consent, in bytes.
const taskOverhead = 200

func (t *task) size() int64 { return int64(len(t.packed)) + taskOverhead }

// pack copies a consent into one piece of memory of its own.
func pack(c *mapping.Consent) []byte { return c.Pack(make([]byte, 0, c.PackedSize())) }

// unpack gives the consent back; its slices point into b. Raw is not kept.
func unpack(b []byte) (c mapping.Consent) {
	_, _ = c.Unpack(b) // nothing else is ever packed there
	return c
}
