package journal

import (
	"bufio"
	"container/heap"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer/source"
)

// Part is a shard that a joined checkpoint was made of.
type Part struct {
	Shard string `json:"shard"` // such as "3/8"
	ID    string `json:"id"`
	Dir   string `json:"dir"` // absolute, where it lay
	// Bytes and SHA256 (hex) are those of its checkpoint, as far as it had whole lines.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Sent   int64  `json:"sent"` // consents, by that time
	// Unfinished says that it was not complete, or ended before the export grew.
	Unfinished bool `json:"unfinished,omitempty"`
}

const (
	joinSpans = 4096     // of one line at most
	joinEvery = 32 << 10 // outcomes between marks
)

// Join writes the checkpoint of a directory from those of all shards of an import: an
// ordinary one, whose outcomes are theirs in the order of rows. h is its first line. A
// checkpoint that is there already is replaced. The lock of dir is the caller's.
func Join(disk Disk, dir string, h Header, parts []*Snapshot) error {
	h.Version = Version
	for _, s := range parts {
		h.JoinedPasses = max(h.JoinedPasses, len(s.Passes))
	}
	path := filepath.Join(dir, Name)
	if err := forget(disk, path); err != nil {
		return err
	}
	return AtomicWrite(disk, path, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 64<<10)
		j := &joiner{w: b, table: castagnoli(), sum: sha256.New(), parts: parts}
		if err := j.join(h); err != nil {
			return err
		}
		return b.Flush()
	})
}

// joiner writes a file line by line.
type joiner struct {
	w     io.Writer
	table *crc32.Table
	sum   hash.Hash
	check uint32
	bytes int64
	buf   []byte
	parts []*Snapshot

	pass  int
	low   int64    // every shard is done with the rows before it in this pass
	lines [2]spans // of consents sent, and of those known
	prev  Ref      // the last outcome of the pass
	count int      // outcomes since the last mark
}

// spans are consents that are on no line yet.
type spans struct {
	kind  string
	spans []span
	left  int64 // how many there are in the pass, all that are on no line
}

func (j *joiner) line() error {
	j.check = crc32.Update(j.check, j.table, j.buf)
	j.buf = appendCheck(j.buf, j.check)
	if _, err := j.w.Write(j.buf); err != nil {
		return err
	}
	j.sum.Write(j.buf)
	j.bytes += int64(len(j.buf))
	return nil
}

func (j *joiner) record(kind string, v any) (err error) {
	if j.buf, err = appendJSON(j.buf[:0], kind, v); err != nil {
		return err
	}
	return j.line()
}

func (j *joiner) join(h Header) error {
	if err := j.record(kindHeader, h); err != nil {
		return err
	}
	var finished time.Time
	for _, s := range j.parts {
		if s.Finished.After(finished) {
			finished = s.Finished
		}
	}
	for j.pass = 1; j.pass <= h.JoinedPasses; j.pass++ {
		if err := j.onePass(j.pass == h.JoinedPasses, finished); err != nil {
			return err
		}
	}
	if h.JoinedPasses > 0 {
		if err := j.record(kindEnd, j.end(h, finished)); err != nil {
			return err
		}
	}
	return j.record(kindSeal, Seal{At: finished, Bytes: j.bytes, SHA256: fmt.Sprintf("%x", j.sum.Sum(nil))})
}

// onePass writes a pass: how it began, its outcomes, and how far it got.
func (j *joiner) onePass(last bool, finished time.Time) error {
	var pass Pass
	run := Run{N: j.pass, Pass: j.pass, From: 1}
	mark := Mark{}
	j.low, j.prev, j.count = -1, Ref{}, 0
	j.lines = [2]spans{{kind: kindSent}, {kind: kindKnown}}
	for _, s := range j.parts {
		if j.low < 0 || s.Low(j.pass) < j.low {
			j.low = s.Low(j.pass)
		}
		if len(s.Passes) < j.pass {
			continue
		}
		pass = s.Passes[j.pass-1]
		j.lines[0].left += s.ByPass[j.pass-1].Sent
		j.lines[1].left += s.ByPass[j.pass-1].Known
		mark.High = max(mark.High, s.High(j.pass))
		if s.Read != nil && !before(*s.Read, mark.Read) {
			mark.Read = *s.Read
		}
		for _, r := range s.Runs {
			if r.Pass != j.pass {
				continue
			}
			first := run.At.IsZero()
			if first || r.At.Before(run.At) {
				run.At = r.At
			}
			if first {
				run.Tool, run.Approved = r.Tool, r.Approved
			} else if r.Approved != run.Approved {
				run.Approved = ""
			}
		}
	}
	mark.At, mark.Low = run.At, source.Position{Row: j.low}
	if err := errors.Join(j.record(kindPass, pass), j.record(kindRun, run)); err != nil {
		return err
	}
	if err := j.outcomes(mark); err != nil {
		return err
	}
	if last {
		mark.At = finished
		for _, s := range j.parts {
			mark.HTTP = mark.HTTP.Add(s.HTTP)
			if s.Mark != nil && len(s.Passes) == j.pass && s.Mark.Low.Row == j.low {
				mark.Low = s.Mark.Low
			}
		}
	}
	if last {
		for _, d := range j.days() {
			if err := j.record(kindDay, d); err != nil {
				return err
			}
		}
	}
	return j.record(kindMark, mark)
}

// days sum what the shards have sent on a day.
func (j *joiner) days() []Day {
	var all []Day
	for _, s := range j.parts {
		for _, d := range s.Days {
			if i := slices.IndexFunc(all, d.Same); i >= 0 {
				all[i].Used += d.Used
				all[i].At = latest(all[i].At, d.At)
			} else {
				all = append(all, d)
			}
		}
	}
	slices.SortFunc(all, func(a, b Day) int { return a.At.Compare(b.At) })
	return all
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end says whether all shards are complete.
func (j *joiner) end(h Header, finished time.Time) End {
	e := End{At: finished, State: "complete"}
	for i, s := range j.parts {
		if s.Unanswered.After(e.Unanswered) {
			e.Unanswered = s.Unanswered
		}
		if h.Parts[i].Unfinished && e.Why == "" {
			e.State, e.Why = "incomplete", WhyShard
			e.Detail = fmt.Sprintf("shard %s in %s is not complete", s.Header.Shard, h.Parts[i].Dir)
		}
	}
	return e
}

// WhyShard is the End.Why of a join of which a shard was not complete.
const WhyShard = "shard"

// Complete reports whether the last run came to the end.
func (s *Snapshot) Complete() bool { return s.End != nil && s.End.State == "complete" }

// head is the next outcomes of a shard.
type head struct {
	cursor *cursor
	span   span
	state  State
}

// heads is a heap of them, by row.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, k int) bool { return h[i].span.lo.less(h[k].span.lo) }
func (h heads) Swap(i, k int)      { h[i], h[k] = h[k], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*head)) }
func (h *heads) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// peek finds the next outcomes; false when there are none.
func (h *head) peek() (ok bool, err error) {
	h.span, h.state, ok, err = h.cursor.peek()
	return ok, err
}

// outcomes merges the outcomes of a pass.
func (j *joiner) outcomes(mark Mark) (err error) {
	var all []*cursor
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.close())
		}
	}()
	var next heads
	for _, s := range j.parts {
		if len(s.Passes) < j.pass {
			continue
		}
		c, err := openCursor(s, j.pass, 0)
		if err != nil {
			return err
		}
		all = append(all, c)
		h := &head{cursor: c}
		if ok, err := h.peek(); err != nil {
			return err
		} else if ok {
			next = append(next, h)
		}
	}
	heap.Init(&next)
	for len(next) > 0 {
		h := next[0]
		if !j.prev.less(h.span.lo) {
			return fmt.Errorf("consent %s has outcomes in two shards", h.span.lo)
		}
		if err := j.add(h); err != nil {
			return err
		}
		h.cursor.advance(h.state)
		ok, err := h.peek()
		switch {
		case err != nil:
			return err
		case ok:
			heap.Fix(&next, 0)
		default:
			heap.Pop(&next)
		}
		if j.count >= joinEvery {
			if err := j.flush(false); err != nil {
				return err
			}
			mark.Low = source.Position{Row: min(j.behind(), j.low)}
			if err := j.record(kindMark, mark); err != nil {
				return err
			}
			j.count = 0
		}
	}
	return j.flush(true)
}

// add takes in the next outcomes.
func (j *joiner) add(h *head) error {
	j.count++
	if !h.state.runs() {
		o := &h.cursor.window.rest[h.cursor.rest]
		if o.State == Superseded {
			j.buf = appendHeld(j.buf[:0], o)
		} else {
			j.buf = appendFail(j.buf[:0], o)
		}
		j.prev = o.Ref
		return j.line()
	}
	x := &j.lines[0]
	if h.state == Known {
		x = &j.lines[1]
	}
	if n := len(x.spans); n > 0 && j.follows(h.span.lo, x.spans[n-1].hi) {
		x.spans[n-1].hi = h.span.hi
	} else {
		if n == joinSpans {
			if err := j.write(x, false); err != nil {
				return err
			}
		}
		x.spans = append(x.spans, h.span)
	}
	j.prev = h.span.hi
	return nil
}

// follows reports whether no consent lies between two: none that any shard knows of
// and, across rows, none that a row may still make.
func (j *joiner) follows(next, hi Ref) bool {
	switch {
	case j.prev != hi:
		return false
	case hi.Row == next.Row:
		return hi.Consent+1 == next.Consent
	}
	return j.pass == 1 && hi.Row < j.low && hi.Row+1 == next.Row && next.Consent == 1
}

// behind is a row of which nothing comes before it any more.
func (j *joiner) behind() int64 {
	row := j.prev.Row
	for i := range j.lines {
		if s := j.lines[i].spans; len(s) > 0 {
			row = min(row, s[0].lo.Row)
		}
	}
	return row
}

// flush writes what is on no line, but for the last runs as long as these may grow.
func (j *joiner) flush(last bool) error {
	return errors.Join(j.write(&j.lines[0], last), j.write(&j.lines[1], last))
}

// write writes a line. How many consents a run is that goes over rows is not known
// here; the last line of the pass makes up for it.
func (j *joiner) write(x *spans, last bool) error {
	n := len(x.spans)
	if !last {
		n--
	}
	if n <= 0 {
		return nil
	}
	count := int64(n)
	if last {
		count = max(count, x.left)
	}
	x.left -= count
	j.buf = appendSent(j.buf[:0], x.kind, x.spans[:n], count)
	x.spans = slices.Delete(x.spans, 0, n)
	return j.line()
}
