// Package rows goes over the rows of an export: it reads them, maps them on all
// processors and hands them on in order; it finds one row again by its number, in
// the export or in the repaired files that stand in for it.
package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Row is what one row became.
type Row struct {
	Status         mapping.Status
	Reason, Column string
	first, end     int // its consents within Batch.Consents
}

// Batch is a batch of rows after mapping, in row order.
type Batch struct {
	Src      *source.Batch
	Member   *source.Member
	Layout   *source.Layout
	Rows     []Row
	Consents []mapping.Consent
	Origins  []Text // of a repaired file: the row of the export that each row stands for
	memory   Memory
	Seen     any // what the Observer keeps of the batch
	home     chan *Batch
}

// Memory is reused from batch to batch.
type Memory struct {
	Result  mapping.Result
	cells   [][]byte
	scratch []byte
}

// Release gives a held batch back, so that its memory serves other rows.
func (b *Batch) Release() {
	b.Src.Release()
	b.home <- b
}

// Of gives the consents of a row.
func (b *Batch) Of(row int) []mapping.Consent {
	r := &b.Rows[row]
	return b.Consents[r.first:r.end]
}

// Fed is a batch as a sweep gets it.
type Fed struct {
	*source.Batch
	Origins []Text
}

// Feeder gives batches, io.EOF after the last.
type Feeder func() (Fed, error)

// Plain feeds the rows of a reader as they are.
func Plain(r *source.Reader) Feeder {
	return func() (Fed, error) {
		b, err := r.Next()
		return Fed{Batch: b}, err
	}
}

// Observer sees each row right after it was mapped, while its cells are still
// there. It is called from several goroutines, batch by batch.
type Observer interface {
	// Begin starts a batch and gives what Fold gets later.
	Begin() any
	Observe(batch any, rec *mapping.Record, res *mapping.Result)
}

// Sweep goes over the rows of an export from a position on: they are read, split
// and mapped on all processors, and handed on in row order.
type Sweep struct {
	Export  *source.Export
	Mappers []*mapping.Mapper // one a layout
	Watch   Observer          // may be nil
	Workers int               // 0: one a processor
	Hold    int               // batches that the consumer may keep, until it releases each; 0: none
}

// ErrStop ends a sweep early; it is no failure.
var ErrStop = errors.New("stop the sweep")

// ReadError is an export that cannot be read any further.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return fmt.Sprintf("read the export: %v", e.Err) }
func (e *ReadError) Unwrap() error { return e.Err }

// Run maps what next feeds and calls consume for each batch, in order, from one
// goroutine. A batch is reused after consume returns, or when it is released if
// the sweep holds batches. ErrStop from consume ends it without an error.
func (s *Sweep) Run(ctx context.Context, next Feeder, consume func(*Batch) error) error {
	workers := s.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	free := make(chan *Batch, 2*workers+2+s.Hold)
	for range cap(free) {
		free <- &Batch{home: free}
	}
	read := make(chan *Batch)
	g.Go(func() error {
		defer close(read)
		return s.read(ctx, next, free, read)
	})
	mapped := InOrder(ctx, g, workers, read, s.mapper)
	g.Go(func() error {
		for b := range mapped {
			if err := consume(b); err != nil {
				return err
			}
			if s.Hold == 0 {
				b.Release()
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, ErrStop) {
		return err
	}
	return nil
}

func (s *Sweep) read(ctx context.Context, next Feeder, free, out chan *Batch) error {
	for {
		in, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &ReadError{err}
		}
		var b *Batch
		select {
		case b = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		b.Src, b.Origins = in.Batch, in.Origins
		b.Member = &s.Export.Members[in.Member]
		b.Layout = &s.Export.Layouts[b.Member.Layout]
		select {
		case out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mapper gives one goroutine its own mappers.
func (s *Sweep) mapper() func(*Batch) {
	own := make([]*mapping.Mapper, len(s.Mappers))
	for i, m := range s.Mappers {
		own[i] = m.Clone()
	}
	return func(b *Batch) { s.mapBatch(own[b.Member.Layout], b) }
}

func (s *Sweep) mapBatch(m *mapping.Mapper, b *Batch) {
	mem := &b.memory
	mem.Result.Reset()
	mem.scratch = mem.scratch[:0]
	b.Rows, b.Consents = b.Rows[:0], b.Consents[:0]
	if s.Watch != nil {
		b.Seen = s.Watch.Begin()
	}
	var rec mapping.Record
	for i := range b.Src.Rows {
		file := b.Member.Name
		if b.Origins != nil {
			file = b.Origins[i].File
		}
		first := len(b.Consents)
		mem.Result.Consents = b.Consents[first:] // they are made where they stay
		mapRow(m, b.Layout, file, &b.Src.Rows[i], &rec, mem)
		if made := mem.Result.Consents; cap(made) == cap(b.Consents)-first {
			b.Consents = b.Consents[:first+len(made)]
		} else {
			b.Consents = append(b.Consents, made...)
		}
		b.Rows = append(b.Rows, Row{
			Status: mem.Result.Status, Reason: mem.Result.Reason, Column: mem.Result.Column,
			first: first, end: len(b.Consents),
		})
		if s.Watch != nil {
			s.Watch.Observe(b.Seen, &rec, &mem.Result)
		}
	}
}

// MapOne is mapRow where only the last row counts: the memory of the one before is
// used again.
func (mem *Memory) MapOne(m *mapping.Mapper, l *source.Layout, file string, row *source.Row, rec *mapping.Record) {
	mem.Result.Reset()
	mem.scratch = mem.scratch[:0]
	mapRow(m, l, file, row, rec, mem)
}

// mapRow takes one row apart and maps it; mem.Result holds what it became.
func mapRow(m *mapping.Mapper, l *source.Layout, file string, row *source.Row, rec *mapping.Record, mem *Memory) {
	*rec = mapping.Record{File: file, Row: row.Number}
	res := &mem.Result
	invalid := func(reason string) {
		res.Status, res.Reason, res.Column = mapping.Invalid, reason, ""
		res.Consents, res.Dropped = res.Consents[:0], res.Dropped[:0]
	}
	if row.Reason != "" {
		invalid(row.Reason)
		return
	}
	if l.Format == source.JSONL {
		rec.JSON = row.Raw
	} else {
		var err error
		mem.cells, mem.scratch, err = l.Split(row.Raw, mem.cells[:0], mem.scratch)
		if err != nil {
			invalid(err.Error())
			return
		}
		rec.Cells = mem.cells
	}
	m.Map(rec, res)
}

// InOrder applies a function to what comes in, in several goroutines, and gives
// it back in the order in which it came.
func InOrder[T any](ctx context.Context, g *errgroup.Group, workers int, in <-chan T, worker func() func(T)) <-chan T {
	type job struct {
		item T
		done chan struct{}
	}
	jobs := make(chan job)
	line := make(chan job, workers)
	out := make(chan T)
	for range workers {
		f := worker()
		g.Go(func() error {
			for j := range jobs {
				f(j.item)
				close(j.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(jobs)
		defer close(line)
		for item := range in {
			j := job{item, make(chan struct{})}
			select {
			case line <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		defer close(out)
		for j := range line {
			select {
			case <-j.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case out <- j.item:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return out
}
