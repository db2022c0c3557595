package journal

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer/source"
)

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
	was, beside := readKnown(disk, path) // before the file, which may grow
	found, check := false, uint32(0)
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
	f.Beside = f.beside(was, beside)
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
