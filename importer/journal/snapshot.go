package journal

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
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

// fold builds a Snapshot from the lines of a checkpoint.
type fold struct {
	Snapshot
	base    HTTP // runs before the last one
	run     HTTP // the last run so far
	seen    time.Time
	marked  bool              // the last run has a mark, before which it sends nothing
	ended   bool              // the last run has said how it ended
	every   int               // marks a point in the timeline
	skipped int               // marks since the last point that counts as one of every
	lows    []source.Position // low marks behind Backward
}

// readSnapshot reads the whole file.
func readSnapshot(disk Disk, path string, s *scanner) (*Snapshot, error) {
	f := fold{Snapshot: Snapshot{disk: disk, path: path}, every: 1}
	was, found, check := readKnown(disk, path), false, uint32(0) // before the file, which may grow
	for {
		at := s.place
		err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if what := f.add(&s.rec, at, s.place); what != "" {
			return nil, &DamagedError{Path: path, Line: s.line, Offset: s.began, What: what}
		}
		if was != nil && s.offset == was.Bytes {
			found, check = true, s.check
		}
	}
	if s.line == 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrEmpty)
	}
	f.endRun()
	f.HTTP = f.base
	if n := len(f.segments); n > 0 {
		f.segments[n-1].to = s.offset
	}
	f.Lines, f.Bytes, f.Torn = s.line, s.offset, s.torn
	f.SHA256 = fmt.Sprintf("%x", s.sum.Sum(nil))
	f.Lost = was.lost(path, &f.Snapshot, found, check)
	return &f.Snapshot, nil
}

// add takes a line in that lies between two places. It returns what is wrong
// with the line, "" when nothing is.
func (f *fold) add(r *record, at, next place) (what string) {
	f.Unsealed++
	switch r.kind {
	case kindHeader:
		f.Header = r.header
		f.saw(r.header.Started)
		return ""
	case kindSeal:
		seal := r.seal
		f.Sealed = &seal
		f.Seals++
		f.Unsealed = 0
		if f.Purged == nil { // a purge is no work on the import
			f.saw(seal.At)
		}
		return ""
	case kindPurge:
		purge := r.purge
		f.Purged = &purge
		return ""
	case kindPass:
		if r.pass.N != len(f.Passes)+1 {
			return fmt.Sprintf("begins pass %d where pass %d is due", r.pass.N, len(f.Passes)+1)
		}
		f.endRun()
		f.beginPass(r.pass, at)
		return ""
	case kindRun:
		if r.run.N != len(f.Runs)+1 || r.run.Pass != len(f.Passes) || r.run.Pass == 0 {
			return fmt.Sprintf("begins run %d of pass %d, which does not follow from the lines above it", r.run.N, r.run.Pass)
		}
		f.endRun()
		f.Runs = append(f.Runs, r.run)
		f.move(r.run.Inputs)
		f.End, f.marked, f.ended = nil, false, false
		f.saw(r.run.At)
		f.seen = r.run.At
		return ""
	}
	if len(f.Runs) == 0 || f.Runs[len(f.Runs)-1].Pass != len(f.Passes) {
		return "belongs to a run, and none was begun above it"
	}
	switch r.kind {
	case kindBegun:
		for _, s := range r.spans {
			for at := s.lo; at.Row == s.lo.Row && !s.hi.less(at); at.Consent++ {
				f.Begun[at] = true
			}
		}
	case kindSent, kindKnown:
		f.settle(r.spans)
		f.count(r.spans[0].state(), r.n)
		seg := &f.segments[len(f.segments)-1]
		for i := len(r.spans) - 1; i >= 0 && seg.reach(r.spans[i].hi.Row); i-- {
			seg.early.spans = append(seg.early.spans, r.spans[i])
		}
	case kindFail, kindHeld:
		delete(f.Begun, r.outcome.Ref)
		f.count(r.outcome.State, 1)
		if seg := &f.segments[len(f.segments)-1]; seg.reach(r.outcome.Ref.Row) {
			seg.early.rest = append(seg.early.rest, r.outcome)
		}
	case kindMark:
		f.mark(r.mark)
		f.segments[len(f.segments)-1].stop(next)
	case kindOrder:
		f.saw(r.order.At)
	case kindDay:
		f.saw(r.day.At)
		f.Days = keepDay(f.Days, r.day)
	case kindEnd:
		end := r.end
		f.End, f.ended = &end, true
		f.saw(end.At)
		f.gaveUp(end.Unanswered)
	}
	return ""
}

// keptDays is how many days are kept: as many as can overlap one that follows, by
// whatever calendars, and some more.
const keptDays = 8

// keepDay takes over what is known of a day now, which is the last of those kept.
func keepDay(days []Day, d Day) []Day {
	days = slices.DeleteFunc(days, d.Same)
	if len(days) == keptDays {
		days = slices.Delete(days, 0, 1)
	}
	return append(days, d)
}

// settle notes that consents have their outcome.
func (f *fold) settle(spans []span) {
	if len(f.Begun) == 0 {
		return
	}
	for _, s := range spans {
		if s.lo == s.hi {
			delete(f.Begun, s.lo)
			continue
		}
		for r := range f.Begun {
			if s.has(r) {
				delete(f.Begun, r)
			}
		}
	}
}

// reach notes that a row has an outcome, and reports whether that came early and is to be kept.
func (g *segment) reach(row int64) (early bool) {
	g.far = max(g.far, row)
	if row <= g.high || g.ahead {
		return false
	}
	if len(g.early.spans)+len(g.early.rest) == mostEarly {
		g.sort()
		return false
	}
	return true
}

// sort has the outcomes sorted before they are gone through, from the first on.
func (g *segment) sort() { g.ahead, g.early, g.stops = true, window{}, nil }

func (f *fold) count(s State, n int64) {
	f.Total.add(s, n)
	f.ByPass[len(f.ByPass)-1].add(s, n)
}

func (f *fold) beginPass(p Pass, at place) {
	if n := len(f.segments); n > 0 {
		f.segments[n-1].to = at.offset
	}
	f.segments = append(f.segments, segment{from: at, to: math.MaxInt64})
	f.Passes = append(f.Passes, p)
	f.ByPass = append(f.ByPass, Counts{})
	f.Begun = map[Ref]bool{}
	f.Mark, f.End, f.Backward, f.lows = nil, nil, source.Position{}, nil
}

// low takes in where a pass is.
func (f *fold) low(at source.Position) {
	if n := len(f.lows); n == 0 || f.lows[n-1].Row < at.Row {
		f.lows = append(f.lows, at)
	}
	for len(f.lows) > 0 && f.lows[0].Row+Near <= at.Row {
		f.Backward, f.lows = f.lows[0], f.lows[1:]
	}
}

func (f *fold) mark(m Mark) {
	if was := f.Mark; was != nil {
		m.High = max(m.High, was.High)
		if m.Low.Row < was.Low.Row {
			m.Low = was.Low
		}
	}
	f.Mark, f.marked = &m, true
	f.low(m.Low)
	f.saw(m.At)
	if m.HTTP.Latency == "" {
		m.HTTP.Latency = f.run.Latency // written now and then only
	}
	f.run = m.HTTP
	if f.Passes[len(f.Passes)-1].Kind != Repair && (f.Read == nil || !before(m.Read, *f.Read)) {
		f.Read = &m.Read
	}
	seg := &f.segments[len(f.segments)-1]
	seg.high = max(seg.high, m.High)
	seg.low = max(seg.low, m.Low.Row)
	if m.High-m.Low.Row > farAhead {
		seg.sort()
	}
	f.point(Point{
		At:        m.At,
		Run:       len(f.Runs),
		Counts:    f.Total,
		Requests:  f.base.Requests + f.run.Requests,
		Retries:   f.base.Retries + f.run.Retries,
		Throttled: f.base.Throttled + f.run.Throttled,
	})
}

// before reports whether mark a covers less of the export than b.
func before(a, b source.Mark) bool {
	return a.Input < b.Input || a.Input == b.Input && a.Bytes < b.Bytes
}

// Behind reports whether less of the export was read than by another shard.
func (s *Snapshot) Behind(o *Snapshot) bool {
	return s.Read != nil && o.Read != nil && before(*s.Read, *o.Read)
}

// point adds to the timeline. Its last point is always the latest; the others
// are every so many marks apart, twice as many each time it is full.
func (f *fold) point(p Point) {
	if n := len(f.Timeline); n > 0 && f.Timeline[n-1].Run == p.Run && len(f.Passes) <= f.Header.JoinedPasses {
		f.Timeline[n-1] = p // the marks of a join have no times of their own
		return
	}
	if n := len(f.Timeline); n > 0 && f.skipped+1 < f.every {
		f.Timeline[n-1] = p
		f.skipped++
		return
	}
	f.skipped = 0
	if len(f.Timeline) == timelinePoints {
		kept := f.Timeline[:0]
		for i := 1; i < timelinePoints; i += 2 {
			kept = append(kept, f.Timeline[i])
		}
		f.Timeline = kept
		f.every *= 2
	}
	f.Timeline = append(f.Timeline, p)
}

// mostPlaces bounds how many places of a file are remembered.
const mostPlaces = 8

// move notes that a run found the export elsewhere.
func (f *fold) move(to []Place) {
	if len(to) != len(f.Header.Inputs) {
		return
	}
	f.Header.Inputs = slices.Clone(f.Header.Inputs)
	for i := range to {
		in := &f.Header.Inputs[i]
		if was := (Place{in.Path, in.Abs}); was != to[i] {
			in.Before = append([]Place{was}, in.Before[:min(len(in.Before), mostPlaces-1)]...)
			in.Path, in.Abs = to[i].Path, to[i].Abs
		}
	}
}

// saw notes a time in the last run.
func (f *fold) saw(t time.Time) {
	if t.After(f.Finished) {
		f.Finished = t
	}
	if t.After(f.seen) {
		f.seen = t
	}
}

// gaveUp notes that requests were without an answer at a time.
func (f *fold) gaveUp(at time.Time) {
	if at.After(f.Unanswered) {
		f.Unanswered = at
	}
}

// endRun closes the sums of the last run, if there is one.
func (f *fold) endRun() {
	f.base = f.base.Add(f.run)
	f.run = HTTP{}
	if f.marked && !f.ended {
		f.gaveUp(f.seen.Add(MarkEvery))
		f.ended = true
	}
	if n := len(f.Runs); n > 0 {
		f.Active += max(f.seen.Sub(f.Runs[n-1].At), 0)
		f.seen = f.Runs[n-1].At // counted; a run that follows sets its own
	}
}
