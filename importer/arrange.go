package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// order is how the consents of a pass leave, by the rules of package history.
type order struct {
	plan   *history.Plan
	steps  *history.Steps // for the goroutine that feeds the lanes
	pulled *pulled        // what leaves with the history that it belongs to
	found  *history.Result
}

// Arrange finds out in which order the consents of the pass are to leave, from what
// Check has found in its rows; without a Check before it, it goes over them itself.
// Nothing was sent when it fails.
func (im *Import) Arrange(ctx context.Context) error {
	if im.order != nil {
		return nil
	}
	o, err := im.arrange(ctx)
	if err != nil {
		return unarranged(ctx, err)
	}
	im.order = o
	return nil
}

// unarranged is an error for the user that came up before anything was sent.
func unarranged(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return blocked.Interrupted()
	case IsRefused(err):
		return err
	case errors.As(err, new(*rows.ReadError)): // it says itself what to do
		return &RefusedError{Err: err}
	}
	return &RefusedError{Err: fmt.Errorf("find the order of sending: %w", err), Hint: "make room or remove the cause, then run it again"}
}

// Order says in which order the decisions arrive, where somebody should know; else
// nothing.
func (im *Import) Order() string {
	if im.mode != history.Rows || im.order.found.Overtaken == 0 {
		return ""
	}
	return fmt.Sprintf("history rows: decisions arrive in row order, which is not the order of their times: for %d persons and categories the last to arrive is not the last word", im.order.found.Overtaken)
}

// Histories is what Arrange has found in the rows of this pass, and in which order
// their decisions arrive.
func (im *Import) Histories() (*history.Result, history.Mode) { return im.order.found, im.mode }

// temps opens files in the out directory that are gone when they are closed.
func (im *Import) temps(name string) func() (extsort.File, error) {
	return (&journal.Temps{Disk: im.cfg.Disk, Dir: im.cfg.Dir, Name: name}).Open
}

func (im *Import) arrange(ctx context.Context) (_ *order, err error) {
	index := im.index
	if im.index = nil; index == nil {
		if index, err = im.makeIndex(ctx, nil); err != nil {
			return nil, err
		}
	}
	temporary, decisions := index.Disk(), index.Len() // as many come again with the reports
	if known := im.narrowed; known != nil {
		temporary, decisions = history.Room(known.Decisions), known.Decisions
	}
	im.decisions = decisions
	found, err := index.Walk(ctx, history.Options{Mode: im.mode, Pass: im.pass.N, Near: near, Plan: true})
	err = errors.Join(err, index.Close())
	if err != nil {
		return nil, err
	}
	o := &order{plan: found.Plan, found: found}
	found.Plan = nil
	if err := found.Close(); err != nil {
		return nil, errors.Join(err, o.close())
	}
	if o.pulled, err = im.pull(ctx, o.plan); err != nil {
		return nil, errors.Join(err, o.close())
	}
	if err := im.room(temporary, decisions); err != nil {
		return nil, errors.Join(err, o.close())
	}
	if o.steps, err = o.plan.Steps(); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func (o *order) close() error {
	var errs []error
	if o.steps != nil {
		o.steps.Close()
	}
	if o.plan != nil {
		errs = append(errs, o.plan.Close())
	}
	if o.pulled != nil {
		errs = append(errs, o.pulled.close())
	}
	return errors.Join(errs...)
}

// makeIndex sorts what the rows of this pass say, and what passes before it have sent.
// On the way, visits see all rows of this pass as it will map them.
func (im *Import) makeIndex(ctx context.Context, visits []rows.Visit) (_ *history.Index, err error) {
	x := &indexing{im: im, builder: history.NewBuilder(history.Config{Temp: im.temps("history"), Now: im.cfg.Now(), Earlier: im.earlier, Names: true})}
	x.pool.New = func() any { return &indexed{batch: x.builder.NewBatch()} }
	if len(visits) == 0 {
		im.narrowed = im.stillArranged()
	}
	err = x.pass(ctx, visits)
	if err == nil && im.Repairs() {
		err = x.others(ctx)
	}
	decisions := x.builder.Len()
	if err != nil {
		return nil, im.fullDisk(errors.Join(err, x.builder.Close()), decisions)
	}
	index, err := x.builder.Sort()
	return index, im.fullDisk(err, decisions)
}

// indexing is the making of an index. Batches are looked at side by side.
type indexing struct {
	im      *Import
	builder *history.Builder
	lookup  *lookup
	pool    sync.Pool  // of *indexed
	ahead   room.Ahead // when to see whether there is room for the index
	kept    *rows.Kept // rows that passes before have partly sent under another mapping
}

// indexed is the memory for one batch.
type indexed struct {
	batch    *history.Batch
	turns    turns
	consents []survey.Consent
}

// visit makes a rows.Visit of what is to be done with each row.
func (x *indexing) visit(row func(m *indexed, b *rows.Batch, i int) error) rows.Visit {
	return func(b *rows.Batch) func() error {
		m := x.pool.Get().(*indexed)
		for i := range b.Len() {
			if err := row(m, b, i); err != nil {
				return func() error { return err }
			}
		}
		return func() error {
			defer x.pool.Put(m)
			x.kept.Add(b, func(i int) bool { return x.lookup.before != nil && x.lookup.before.Left(b, i) == survey.LeftSome })
			if !x.im.Repairs() && x.im.narrowed == nil {
				x.im.whole = b.Src.Mark
			}
			if err := x.builder.Add(m.batch); err != nil {
				return err
			}
			return x.roomAhead(b)
		}
	}
}

// pass takes in the rows of this pass. Where others look at them too, all are mapped.
func (x *indexing) pass(ctx context.Context, others []rows.Visit) (err error) {
	from := x.im.reading.Export().Start()
	if x.im.narrowed != nil && x.im.state.Backward != (source.Position{}) {
		from = x.im.state.Backward
	}
	if x.lookup, err = x.im.lookup(from); err != nil {
		return err
	}
	defer x.lookup.close()
	x.kept = x.im.keepPartlySent()
	defer func() {
		x.kept.End()
		x.kept = nil
	}()
	sweep := x.lookup.sweep(func(b *rows.Batch, i int) {
		if finalBefore(b, i, x.im.pass.N) {
			x.lookup.before.Want(b, i)
		}
		if len(others) > 0 {
			b.Want(i, x.im.reading)
		}
	})
	visit := x.visit(x.row)
	for _, other := range others {
		visit = visit.And(other)
	}
	if x.im.narrowed != nil && !x.im.narrowed.Pulled {
		sweep.UpTo = x.im.high + near
	}
	return x.im.each(ctx, sweep, from, true, visit)
}

// finalBefore reports whether a pass before pass n has sent something of a row, or
// held it back for good.
func finalBefore(b *rows.Batch, i, n int) bool {
	for _, o := range b.Outcomes(i) {
		if o.Pass < n && o.Outcome.State.Final() {
			return true
		}
	}
	return false
}

// row takes in one row of this pass: what was settled before as it was read then, what
// is open as it is read now.
func (x *indexing) row(m *indexed, b *rows.Batch, i int) error {
	number := b.Number(i)
	before := x.lookup.before != nil && finalBefore(b, i, x.im.pass.N)
	if before {
		if err := x.settled(m, b, i, false); err != nil {
			return err
		}
	}
	res := b.Result(i, x.im.reading)
	if res == nil {
		return nil
	}
	if res.Status != mapping.Mapped {
		for k := range res.Consents {
			if !before && x.im.shard.Has(&res.Consents[k], &m.turns.scratch) {
				m.batch.Consent(history.At(number, k+1), &res.Consents[k], history.Fate{State: history.Unsendable})
			}
		}
		return nil
	}
	turns, err := x.lookup.at(b, i, res.Consents, &m.turns)
	if err != nil {
		return err
	}
	for k, t := range turns {
		f := history.Fate{Again: t.kind == again}
		if x.im.state != nil && len(x.im.state.Begun) > 0 {
			f.Begun = x.im.state.Begun[journal.Ref{Row: number, Consent: int32(k + 1)}]
		}
		switch t.kind {
		case settled:
			continue
		case done:
			f.State, f.Pass = survey.StateOf(t.state), x.im.pass.N
		}
		m.batch.Consent(history.At(number, k+1), &res.Consents[k], f)
	}
	return nil
}

// settled takes in what passes before this one have settled of a row; with all, also
// what they have tried.
func (x *indexing) settled(m *indexed, b *rows.Batch, i int, all bool) error {
	v, err := x.lookup.before.Look(b, i, m.turns.outcomes[:0])
	if err != nil {
		return err
	}
	m.turns.outcomes = v.Outcomes
	m.consents = x.lookup.before.Consents(b, i, &v, m.consents[:0])
	for k := range m.consents {
		if c := &m.consents[k]; all || c.Outcome.State.Final() {
			m.batch.Consent(history.At(b.Number(i), k+1), c.Consent, history.Fate{State: survey.StateOf(c.Outcome.State), Pass: c.Pass})
		}
	}
	if all && v.Pass > 0 && v.Result.Status != mapping.Mapped {
		for k := range v.Result.Consents {
			m.batch.Consent(history.At(b.Number(i), k+1), &v.Result.Consents[k], history.Fate{State: history.Unsendable})
		}
	}
	return nil
}

// others takes in the rows that a repair does not bring. What of them was sent counts;
// with latest, one of those that were not may be the last word.
func (x *indexing) others(ctx context.Context) (err error) {
	if x.lookup, err = x.im.lookup(source.Position{}); err != nil {
		return err
	}
	defer x.lookup.close()
	n := x.im.pass.N
	sweep := &rows.Sweep{Files: x.im.files, UpTo: x.lookup.before.High(), Plan: func(b *rows.Batch) error {
		if err := x.lookup.all.LookUp(b); err != nil {
			return err
		}
		for i := range b.Len() {
			if !b.Repaired(i, n) {
				x.lookup.before.Want(b, i)
			}
		}
		return nil
	}}
	if sweep.UpTo == 0 {
		return nil
	}
	reader, err := x.im.export.Read(source.Position{}, source.ReadOptions{NoMarks: true})
	if err != nil {
		return &rows.ReadError{Err: err}
	}
	defer reader.Close()
	return sweep.Run(ctx, reader, x.visit(func(m *indexed, b *rows.Batch, i int) error {
		if b.Repaired(i, n) {
			return nil
		}
		return x.settled(m, b, i, true)
	}))
}
