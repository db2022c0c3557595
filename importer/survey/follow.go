package survey

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Follower holds the rows of a run that are being sent until all of their consents have
// their outcome, so that they can be shown as they were mapped for that. The run tells it
// of rows and outcomes, Followed shows them. What it holds is bounded: where more waits, the
// rest of the run is not followed, and nobody waits for the Follower. What rows became that
// are not shown while the run goes on is kept on the disk: they are shown when it has ended,
// and not mapped again for that.
//
// Methods of a nil Follower do nothing.
type Follower struct {
	// Room bounds the rows that wait for outcomes, in bytes.
	Room int64
	// Early bounds the outcomes that wait for their rows: those of consents that left with
	// the history that they belong to.
	Early int

	reading *rows.Reading
	shard   shard.Shard // whose consents get outcomes
	kept    *rows.Kept
	key     []byte // memory for Feed

	mu      sync.Mutex
	changed *sync.Cond
	line    []*underWay                     // told of and not shown yet, in row order
	room    int64                           // that they take, in bytes
	early   map[journal.Ref]journal.Outcome // of rows that were not told of yet
	next    source.Position                 // behind the rows that were told of
	behind  source.Position                 // behind those that were shown
	sums    []string                        // of the inputs, as they were read; nil: not to their ends
	full    bool                            // no more rows are taken in
	ended   bool                            // nothing more comes
}

// NewFollower makes a Follower of the first pass of an import, or of a shard of one, from its
// first row on. kept is for what cannot be shown while the run goes on.
func NewFollower(reading *rows.Reading, of shard.Shard, kept *rows.Kept) *Follower {
	start := reading.Export().Start()
	f := &Follower{Room: 24 << 20, Early: 64 << 10, reading: reading, shard: of, kept: kept, early: map[journal.Ref]journal.Outcome{}, next: start, behind: start}
	f.changed = sync.NewCond(&f.mu)
	return f
}

// underWay is a batch some of whose consents have no outcome yet.
type underWay struct {
	batch  *rows.Batch
	room   int64
	begins []int // in states, of each row's consents; and the end of the last
	states []journal.State
	rest   []journal.Outcome // those but sent
	left   int               // consents, and the feeding of the batch itself
}

// elsewhere stands for the outcome of a consent that is another shard's: none comes.
const elsewhere = journal.State(math.MaxUint8)

// Feed tells of rows that are about to be sent. It is called in row order, by what a visit
// of a sweep returned, and Fed when all rows of the batch were fed and nobody reads them any
// more.
func (f *Follower) Feed(b *rows.Batch) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if first := b.Src.Rows[0]; f.full || first.Number != f.next.Row {
		f.giveUp()
		f.kept.Add(b, nil)
		return
	}
	f.next = b.Src.Next
	u := &underWay{batch: b, room: b.Room(), begins: make([]int, 0, b.Len()+1), states: make([]journal.State, 0, b.Len()), left: 1}
	for i := range b.Len() {
		u.begins = append(u.begins, len(u.states))
		r := b.Result(i, f.reading)
		if r == nil || r.Status != mapping.Mapped {
			continue
		}
		for k := range r.Consents {
			if !f.shard.Has(&r.Consents[k], &f.key) {
				u.states = append(u.states, elsewhere)
				continue
			}
			u.states = append(u.states, journal.Pending)
			u.left++
		}
	}
	u.begins = append(u.begins, len(u.states))
	b.Keep()
	f.line = append(f.line, u)
	for i := 0; i < b.Len() && len(f.early) > 0; i++ {
		for k := range u.begins[i+1] - u.begins[i] {
			ref := journal.Ref{Row: b.Number(i), Consent: int32(k + 1)}
			if o, ok := f.early[ref]; ok {
				delete(f.early, ref)
				u.take(o)
			}
		}
	}
	if f.room += u.room; f.room > f.Room {
		f.giveUp()
	}
}

// Fed tells that all of the rows that Feed told of last were fed.
func (f *Follower) Fed() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.line); n > 0 && !f.full {
		f.line[n-1].left--
		f.changed.Signal()
	}
}

// Outcome tells of an outcome that is in the journal.
func (f *Follower) Outcome(o journal.Outcome) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.Ref.Row >= f.next.Row {
		if f.full {
			return
		}
		if f.early[o.Ref] = o; len(f.early) > f.Early {
			f.giveUp()
		}
		return
	}
	n := sort.Search(len(f.line), func(n int) bool { return f.line[n].batch.Number(0) > o.Ref.Row }) - 1
	if n < 0 {
		return // of rows that were given up
	}
	if f.line[n].take(o); n == 0 && f.line[n].left == 0 {
		f.changed.Signal()
	}
}

// Sums tells the digests (SHA-256, hex) of the inputs whose rows were told of, as they
// were read.
func (f *Follower) Sums(sums []string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sums = sums
}

// End tells that nothing more comes.
func (f *Follower) End() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full, f.early, f.ended = true, nil, true
	f.changed.Signal()
}

// giveUp takes in no more rows, and lets go of those that would hold up the ones behind
// them. mu is held.
func (f *Follower) giveUp() {
	if f.full {
		return
	}
	f.full, f.early = true, nil
	n := slices.IndexFunc(f.line, func(u *underWay) bool { return u.left > 0 })
	if n < 0 {
		return
	}
	f.setAside(n)
}

// setAside keeps the rows from the n-th batch on outside of memory. mu is held.
func (f *Follower) setAside(n int) {
	for _, u := range f.line[n:] {
		f.room -= u.room
		f.kept.Add(u.batch, nil)
		u.batch.Release()
	}
	f.line = slices.Delete(f.line, n, len(f.line))
}

// show shows rows to a visit until the run has ended and the next of them do not have all
// of their outcomes.
func (f *Follower) show(ctx context.Context, visit rows.Visit) error {
	defer context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changed.Signal()
	})()
	for {
		u := f.await(ctx)
		if u == nil {
			return ctx.Err()
		}
		slices.SortFunc(u.rest, func(a, b journal.Outcome) int {
			return cmp.Or(cmp.Compare(a.Ref.Row, b.Ref.Row), cmp.Compare(a.Ref.Consent, b.Ref.Consent))
		})
		err := u.batch.LookUp(u)
		if err == nil {
			err = visit(u.batch)()
		}
		f.behind = u.batch.Src.Next
		u.batch.Release()
		if err != nil {
			return err
		}
	}
}

// rest keeps the rows that are not shown when the run has ended with those that were kept.
func (f *Follower) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setAside(0)
	f.kept.End()
}

// await waits for the rows that are to be shown next; nil: there are none.
func (f *Follower) await(ctx context.Context) *underWay {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ctx.Err() == nil {
		if len(f.line) > 0 && f.line[0].left == 0 {
			u := f.line[0]
			f.line = slices.Delete(f.line, 0, 1)
			f.room -= u.room
			return u
		}
		if f.ended {
			return nil
		}
		f.changed.Wait()
	}
	return nil
}

// close lets go of all that is held.
func (f *Follower) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full, f.early = true, nil
	for _, u := range f.line {
		u.batch.Release()
	}
	f.line = nil
	_ = f.kept.Close() // nothing of it is needed any more
}

// take sets down the outcome of a consent.
func (u *underWay) take(o journal.Outcome) {
	i := int(o.Ref.Row - u.batch.Number(0))
	at := u.begins[i] + int(o.Ref.Consent) - 1
	if at >= u.begins[i+1] || u.states[at] != journal.Pending {
		return
	}
	if u.states[at] = o.State; o.State != journal.Sent {
		u.rest = append(u.rest, o)
	}
	u.left--
}

// Row implements rows.Outcomes: all of it is of the first pass. Rest is in order.
func (u *underWay) Row(n int64, dst []journal.RowOutcome) ([]journal.RowOutcome, error) {
	i := int(n - u.batch.Number(0))
	states := u.states[u.begins[i]:u.begins[i+1]]
	for k := 0; k < len(states); k++ {
		if states[k] == elsewhere {
			continue
		}
		o := journal.RowOutcome{Pass: 1, First: int32(k + 1), Outcome: journal.Outcome{Ref: journal.Ref{Row: n, Consent: int32(k + 1)}, State: states[k]}}
		if states[k] == journal.Sent {
			for k+1 < len(states) && states[k+1] == journal.Sent {
				k++
			}
		} else {
			o.Outcome, u.rest = u.rest[0], u.rest[1:]
			o.Outcome.Last = false // as the journal has it
		}
		o.Last = int32(k + 1)
		dst = append(dst, o)
	}
	return dst, nil
}
