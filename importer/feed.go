package importer

import (
	"context"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// feed reads the rows from where the pass stands and puts their consents into
// the lanes. It returns nil when the run was stopped meanwhile.
func (r *run) feed(ctx context.Context) error {
	defer r.lanes.close()
	reader, err := r.im.reader()
	if err != nil {
		return &rows.ReadError{Err: err}
	}
	defer reader.Close()
	sweep := r.im.sweep()
	limit := r.out.Limits.Rows
	var took int64
	err = sweep.Run(ctx, reader, func(b *rows.Batch) func() error {
		return func() error {
			n := b.Len()
			if limit > 0 && took+int64(n) > limit {
				n = int(limit - took)
				r.limited.Store(true)
			}
			took += int64(n)
			if err := r.take(b, n); err != nil {
				return err
			}
			if r.limited.Load() {
				return rows.ErrStop
			}
			return nil
		}
	})
	if ctx.Err() != nil {
		return nil // stopped, for a reason that is known already
	}
	return err
}

// take puts the first n rows of a batch into the lanes. What is read is marked
// before anything of it is sent: so the journal never holds an outcome of a row
// whose bytes it cannot check.
func (r *run) take(b *rows.Batch, n int) error {
	taken := b.Src.Rows[:n]
	if n == 0 {
		return nil
	}
	after := b.Src.Next
	if n < len(b.Src.Rows) {
		after = positionOf(b, n)
	}
	r.mu.Lock()
	if m := b.Src.Mark; r.im.pass.Kind != journal.Repair && (m.Input > r.read.Input || m.Input == r.read.Input && m.Bytes >= r.read.Bytes) {
		r.read = m
	}
	r.mu.Unlock()
	from := r.count.from(b)
	for i := range taken {
		if i%r.portion == 0 {
			if err := r.markRead(taken[min(i+r.portion, n)-1].Number); err != nil {
				return err
			}
		}
		r.count.rows.Add(1)
		r.count.bytes.Store(from + (b.Src.Read-from)*int64(i+1)/int64(len(b.Src.Rows)))
		tasks, err := r.im.tasks(b, i)
		if err != nil {
			return err
		}
		if res, ok := b.Result(i, r.im.reading); ok {
			switch res.Status {
			case mapping.Invalid:
				r.count.invalid.Add(1)
			case mapping.Skipped:
				r.count.skipped.Add(1)
			}
		}
		if len(tasks) == 0 {
			continue
		}
		r.count.made.Add(int64(len(tasks)))
		for k := range tasks {
			tasks[k].held = tasks[k].ref.Row <= r.held
		}
		if !r.lanes.addRow(positionOf(b, i), tasks) {
			return rows.ErrStop
		}
	}
	r.lanes.advance(after)
	return nil
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

// tasks gives what of a row is still to be sent.
func (im *Import) tasks(b *rows.Batch, row int) ([]task, error) {
	res, ok := b.Result(row, im.reading)
	if !ok || res.Status != mapping.Mapped {
		return nil, nil
	}
	consents, number := res.Consents, b.Number(row)
	turns, err := im.due(b, row, consents)
	if err != nil {
		return nil, err
	}
	tasks := make([]task, 0, len(consents))
	for i := range consents {
		if turns[i] == settled {
			continue
		}
		c := &consents[i]
		tasks = append(tasks, task{
			ref:    journal.Ref{Row: number, Consent: int32(i + 1)},
			last:   i == len(consents)-1,
			redo:   turns[i] == again,
			key:    keyOf(c.Subject(), c.Category),
			packed: pack(c),
		})
	}
	return tasks, nil
}

// turn says whether a consent is to be sent.
type turn uint8

const (
	first   turn = iota // it has no outcome yet, and comes in its place
	again               // it comes later than in its place: a newer decision may have overtaken it
	settled             // it has its outcome
)
