package journal

import (
	"path/filepath"
	"time"

	"github.com/consentimport/consentimport/importer/source"
)

// Snapshot is what a checkpoint said when it was read.
type Snapshot struct {
	Header Header
	Passes []Pass
	Runs   []Run
	// End is the end of the last run; nil when it had no chance to write one.
	End *End
	// Mark is how far the last pass is, over all marks of all its runs: the
	// furthest Low and the highest High, with time and requests of the latest. It
	// is nil when the pass has no mark. A resume begins at the low row again, so
	// its first marks say less than those of the run before it: one mark alone
	// must never be asked how far the pass is.
	Mark *Mark
	// Backward is the furthest low mark of the last pass that lies Near rows or more before
	// that of Mark; the zero value: there is none.
	Backward source.Position
	// Read is the furthest that any pass read of the export itself (not of a
	// repaired file); nil when there is no mark of one.
	Read *source.Mark
	// Total counts the outcomes of all passes: a consent that was refused and
	// then sent by a retry counts in both. Outcomes has the final outcomes.
	Total Counts
	// ByPass counts the outcomes of each pass.
	ByPass []Counts
	// Begun are the consents of the last pass that were about to leave, or had left, and
	// have no outcome: as many as a run has requests in flight at most.
	Begun map[Ref]bool
	// HTTP sums all runs.
	HTTP HTTP
	// Timeline has a point a mark, thinned to timelinePoints at most; the last
	// mark is always in it.
	Timeline []Point
	// Purged is the last purge; nil when what holds people is still there.
	Purged *Purge
	// Sealed is the last seal; nil when there is none yet. In a checkpoint that
	// was closed it is the last line and covers all others.
	Sealed *Seal
	// SHA256 is the hex SHA-256 of all whole lines, that is of the whole file
	// unless Torn.
	SHA256 string
	Seals  int64
	// Unsealed is the number of whole lines below the last seal.
	Unsealed int64
	Lines    int64 // whole lines
	Bytes    int64 // size of them
	Torn     int64 // bytes of a last line that was not written whole
	// Lost says that it was longer once; nil: nothing is known of that. Open refuses it.
	Lost *LostError
	// Beside is what the file is worth that would say so.
	Beside Beside
	// Finished is the latest time in the file.
	Finished time.Time
	// Active is how long runs were working, those included that crashed, up to
	// their last line that has a time.
	Active time.Duration

	// Days are the last days of which requests were counted, keptDays at most.
	Days []Day

	// Unanswered is the last moment, over all runs, at which a request may have
	// left or been given up without its answer coming: it may have been under way
	// in the network after that. Of a run that had no chance to say so it is when
	// its next mark was due. It is zero when no run has left such a trace.
	Unanswered time.Time

	disk     Disk
	path     string
	segments []segment // one a pass
}

// Point is the state of an import at one moment.
type Point struct {
	At  time.Time
	Run int
	Counts
	Requests, Retries int64   // of all runs so far
	Throttled         float64 // seconds, of all runs so far
}

// segment is the part of the file that belongs to a pass.
type segment struct {
	from place
	to   int64 // offset at which it ends
	high int64 // last row read
	low  int64 // every consent of the rows before it has its outcome
	// ahead: many outcomes come far ahead of their rows, or others far behind; far is the
	// last row that has one, early are those that came before their rows were read, in the
	// order of the file, unless they are too many.
	ahead bool
	far   int64
	early window
	// stops are some of the marks, in the order of the file: one of so many (apart), passed
	// is how many have come since.
	stops         []stop
	apart, passed int
}

// farAhead is how many rows what is finished may be ahead of an unfinished row for a
// cursor to hold them in memory, while it waits for that one: 30 MB where all are
// superseded. One consent may be tried again for minutes, while all others go on.
const farAhead = 1 << 18

// mostEarly is how many outcomes may come before their rows are read for a cursor to hold
// them in memory until they are. A decision that leaves with an older one is such an outcome.
const mostEarly = 1 << 16

// timelinePoints bounds Snapshot.Timeline.
const timelinePoints = 512

func (s *Snapshot) dir() string { return filepath.Dir(s.path) }

// High is the last row that a pass has read, 0 for none.
func (s *Snapshot) High(pass int) int64 {
	if pass < 1 || pass > len(s.segments) {
		return 0
	}
	return s.segments[pass-1].high
}

// Near is how many rows Snapshot.Backward lies before the low mark.
const Near = 64

// Low is a row before which a pass has an outcome for every consent that it made,
// 0 where nothing is known of that.
func (s *Snapshot) Low(pass int) int64 {
	if pass < 1 || pass > len(s.segments) {
		return 0
	}
	return s.segments[pass-1].low
}

// Far is the last row of which a pass has read or sent anything: consents may leave
// before the rows that they stand in are come to.
func (s *Snapshot) Far(pass int) int64 {
	if pass < 1 || pass > len(s.segments) {
		return 0
	}
	return max(s.segments[pass-1].high, s.segments[pass-1].far)
}

// Behind reports whether less of the export was read than by another shard.
func (s *Snapshot) Behind(o *Snapshot) bool {
	return s.Read != nil && o.Read != nil && before(*s.Read, *o.Read)
}
