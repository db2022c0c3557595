package importer

import (
	"cmp"
	"context"
	"errors"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// feed reads the rows from where the pass stands and puts their consents into
// the lanes. It returns nil when the run was stopped meanwhile.
func (r *run) feed(ctx context.Context) error {
	defer r.lanes.close()
	var err error
	if r.lookup, err = r.im.lookup(r.im.from); err != nil {
		return &rows.ReadError{Err: err}
	}
	defer r.lookup.close()
	defer r.im.fed.End()
	limit := r.out.Limits.Rows
	if limit > 0 {
		r.cut = r.im.from.Row + limit - 1
		if r.im.Repairs() { // its rows carry numbers of their own: which is the last one is seen when it is come to
			r.cut = unknownCut
		}
	}
	if err := r.begun(); errors.Is(err, rows.ErrStop) {
		return nil // stopped, for a reason that is known already
	} else if err != nil {
		return err
	}
	var took, last int64
	sweep := r.lookup.sweep(nil)
	err = r.im.each(ctx, sweep, r.im.from, true, func(b *rows.Batch) func() error {
		return func() error {
			n := b.Len()
			if limit > 0 && took+int64(n) > limit {
				n = int(limit - took)
				r.limited.Store(true)
			}
			took += int64(n)
			if err := r.admit(b, n); err != nil {
				return err
			}
			if n > 0 {
				last = b.Number(n - 1)
			}
			if r.limited.Load() {
				for _, row := range r.rows {
					if row > last {
						r.later.Add(1)
					}
				}
				return rows.ErrStop
			}
			return nil
		}
	})
	if err == nil && ctx.Err() == nil {
		err = r.offerRest()
	}
	if ctx.Err() != nil || errors.Is(err, rows.ErrStop) {
		return nil // stopped, for a reason that is known already
	}
	return err
}

// admit puts the first n rows of a batch into the lanes. What is read is marked
// before anything of it is sent: so the journal never holds an outcome of a row
// whose bytes it cannot check.
func (r *run) admit(b *rows.Batch, n int) error {
	taken := b.Src.Rows[:n]
	if n == 0 {
		return nil
	}
	after := b.Src.Next
	if n < len(b.Src.Rows) {
		after = positionOf(b, n)
	}
	r.mu.Lock()
	if !r.im.Repairs() {
		r.read = further(r.read, b.Src.Mark)
	}
	r.mu.Unlock()
	r.im.follower.Feed(b)
	r.im.fed.Add(b, nil)
	from := r.count.from(b)
	var superseded []journal.Outcome
	for i := range taken {
		if i%r.portion == 0 && r.im.shard.Whole() {
			if err := r.markRead(taken[min(i+r.portion, n)-1].Number); err != nil {
				return err
			}
		}
		r.count.rows.Add(1)
		r.count.bytes.Store(from + (b.Src.Read-from)*int64(i+1)/int64(len(b.Src.Rows)))
		tasks, overtaken, err := r.tasks(b, i)
		if err != nil {
			return err
		}
		superseded = append(superseded, overtaken...)
		if res := b.Result(i, r.im.reading); res != nil {
			switch {
			case !r.im.shard.HasRow(taken[i].Number, res.Consents, &r.im.key):
				r.count.elsewhere.Add(1)
			case res.Status == mapping.Invalid:
				r.count.invalid.Add(1)
				r.count.recent.add(Failure{Row: taken[i].Number, Outcome: "invalid", Reason: cmp.Or(res.Reason, taken[i].Reason)})
			case res.Status == mapping.Skipped:
				r.count.skipped.Add(1)
			}
		}
		if len(tasks) == 0 {
			continue
		}
		// What is held back has its outcome before the low mark can go past its row: a
		// resume would never come to it again. A shard offers nothing before the end.
		if r.im.shard.Whole() {
			if err := r.sender.supersede(superseded); err != nil {
				return err
			}
			superseded = superseded[:0]
		}
		if err := r.offer(positionOf(b, i), tasks); err != nil {
			return err
		}
	}
	if len(superseded) > 0 && !r.im.shard.Whole() {
		if err := r.markRead(taken[n-1].Number); err != nil {
			return err
		}
	}
	if err := r.sender.supersede(superseded); err != nil {
		return err
	}
	if n == b.Len() {
		r.im.follower.Fed()
	}
	return r.passed(after, taken[n-1].Number, b.Src.Read)
}

// begun puts the histories into the lanes that runs before this one have begun.
func (r *run) begun() error {
	p := r.im.order.pulled
	x := told{im: r.im, cut: r.cut}
	defer func() { r.along(&x) }()
	add := func() error {
		if len(x.tasks) == 0 {
			return nil
		}
		if !r.lanes.addRow(r.im.from, x.tasks) {
			return rows.ErrStop
		}
		x.tasks = nil
		return nil
	}
	front := history.Front
	r.lanes.begin(true)
	defer r.lanes.begin(false)
	for {
		m, err := p.peek(front)
		if err != nil {
			return err
		}
		if m == nil && front == history.Front {
			if err := add(); err != nil {
				return err
			}
			r.lanes.begin(false)
			front = history.Begun
			continue
		}
		if m == nil {
			break
		}
		if x.n == 0 {
			if err := r.mark(false); err != nil { // of what was read, before anything leaves
				return err
			}
		}
		if m.group != x.group || x.n == 0 {
			if err := add(); err != nil {
				return err
			}
			x.begin(m.group)
		}
		t := movedTask(m, r.held > 0)
		t.begun = front == history.Front && x.n == 0
		if err := x.add(t); err != nil {
			return err
		}
		r.count.made.Add(1)
		p.advance()
	}
	return add()
}

// markRead sets down that rows up to one are read, before anything of them leaves.
func (r *run) markRead(row int64) error {
	r.mu.Lock()
	r.high = max(r.high, row) // a resume goes over rows once more that a run before it has read
	r.mu.Unlock()
	return r.mark(false)
}

func positionOf(b *rows.Batch, row int) source.Position {
	at := &b.Src.Rows[row]
	return source.Position{Member: b.Src.Member, Offset: at.Offset, Line: at.Line, Row: at.Number}
}

// tasks gives what leaves with a row, and what of the row does not leave because it is
// superseded or known.
func (r *run) tasks(b *rows.Batch, row int) ([]task, []journal.Outcome, error) {
	res := b.Result(row, r.im.reading)
	if res == nil || res.Status != mapping.Mapped {
		return nil, nil, nil
	}
	consents, number := res.Consents, b.Number(row)
	turns, err := r.lookup.at(b, row, consents, &r.turns)
	if err != nil {
		return nil, nil, err
	}
	x := told{im: r.im, tasks: make([]task, 0, len(consents)), cut: r.cut}
	var superseded []journal.Outcome
	for i := range consents {
		if turns[i].kind == settled || turns[i].kind == done {
			continue
		}
		at := history.At(number, i+1)
		step, planned, err := r.im.order.steps.At(at)
		switch {
		case err != nil:
			return nil, nil, err
		case planned && step.Kind == history.Pull: // it has left, or leaves, with its history
			continue
		case planned && step.Kind == history.Skip:
			r.count.made.Add(1)
			superseded = append(superseded, journal.Outcome{Ref: refOf(at), Last: i == len(consents)-1, State: journal.Known})
			continue
		case planned && step.Kind == history.Supersede:
			r.count.made.Add(1)
			superseded = append(superseded, journal.Outcome{
				Ref: refOf(at), Last: i == len(consents)-1, State: journal.Superseded, By: refOf(step.Other), In: int(step.Import),
			})
			continue
		}
		c := &consents[i]
		t := task{ref: refOf(at), last: i == len(consents)-1, key: keyOf(c, &r.turns.scratch), packed: pack(c), held: number <= r.held}
		if err := x.history(&moved{group: t.key.hi, time: c.Timestamp, decision: c.Action, place: at}, t); err != nil {
			return nil, nil, err
		}
	}
	made := int64(len(x.tasks))
	for i := range x.tasks {
		if x.tasks[i].rest != nil {
			made += x.tasks[i].rest.left
		}
	}
	r.count.made.Add(made)
	r.along(&x)
	return x.tasks, superseded, nil
}

// along counts what came along with a row or history.
func (r *run) along(x *told) {
	r.later.Add(x.later)
	r.rows = append(r.rows, x.rows...)
}

func refOf(p history.Place) journal.Ref { return journal.Ref{Row: p.Row(), Consent: p.Number()} }
