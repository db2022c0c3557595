package importer

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

// mappedRow is what one row became.
type mappedRow struct {
	status         mapping.Status
	reason, column string
	first, end     int // its consents within mappedBatch.consents
}

// mappedBatch is a batch of rows after mapping, in row order.
type mappedBatch struct {
	src      *source.Batch
	member   *source.Member
	layout   *source.Layout
	rows     []mappedRow
	consents []mapping.Consent
	origins  []rowText // of a repaired file: the row of the export that each row stands for
	memory   batchMemory
	seen     any // what the observer keeps of the batch
	home     chan *mappedBatch
}

// batchMemory is reused from batch to batch.
type batchMemory struct {
	result  mapping.Result
	cells   [][]byte
	scratch []byte
}

// release gives a held batch back, so that its memory serves other rows.
func (b *mappedBatch) release() {
	b.src.Release()
	b.home <- b
}

func (b *mappedBatch) of(row int) []mapping.Consent {
	r := &b.rows[row]
	return b.consents[r.first:r.end]
}

// fed is a batch as a sweep gets it.
type fed struct {
	*source.Batch
	origins []rowText
}

// feeder gives batches, io.EOF after the last.
type feeder func() (fed, error)

// plain feeds the rows of a reader as they are.
func plain(r *source.Reader) feeder {
	return func() (fed, error) {
		b, err := r.Next()
		return fed{Batch: b}, err
	}
}

// observer sees each row right after it was mapped, while its cells are still
// there. It is called from several goroutines, batch by batch.
type observer interface {
	// Begin starts a batch and gives what Fold gets later.
	Begin() any
	Observe(batch any, rec *mapping.Record, res *mapping.Result)
}

// sweep goes over the rows of an export from a position on: they are read, split
// and mapped on all processors, and handed on in row order.
type sweep struct {
	export  *source.Export
	mappers []*mapping.Mapper // one a layout
	watch   observer          // may be nil
	workers int               // 0: one a processor
	hold    int               // batches that the consumer may keep, until it releases each; 0: none
}

// bind compiles the mapping against every layout of the export.
func bind(export *source.Export, spec *mapping.Spec, units mapping.Units) ([]*mapping.Mapper, error) {
	mappers := make([]*mapping.Mapper, len(export.Layouts))
	for i := range export.Layouts {
		l := &export.Layouts[i]
		m, err := spec.Bind(mapping.Layout{Columns: l.Columns, JSON: l.Format == source.JSONL})
		if err != nil {
			return nil, err
		}
		if units != nil {
			m.SetUnits(units)
		}
		mappers[i] = m
	}
	return mappers, nil
}

// errStopSweep ends a sweep early; it is no failure.
var errStopSweep = errors.New("stop the sweep")

// run maps what next feeds and calls consume for each batch, in order, from one
// goroutine. A batch is reused after consume returns, or when it is released if
// the sweep holds batches. errStopSweep from consume ends it without an error.
func (s *sweep) run(ctx context.Context, next feeder, consume func(*mappedBatch) error) error {
	workers := s.workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	free := make(chan *mappedBatch, 2*workers+2+s.hold)
	for range cap(free) {
		free <- &mappedBatch{home: free}
	}
	read := make(chan *mappedBatch)
	g.Go(func() error {
		defer close(read)
		return s.read(ctx, next, free, read)
	})
	mapped := inOrder(ctx, g, workers, read, s.mapper)
	g.Go(func() error {
		for b := range mapped {
			if err := consume(b); err != nil {
				return err
			}
			if s.hold == 0 {
				b.release()
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, errStopSweep) {
		return err
	}
	return nil
}

func (s *sweep) read(ctx context.Context, next feeder, free, out chan *mappedBatch) error {
	for {
		in, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &readError{err}
		}
		var b *mappedBatch
		select {
		case b = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		b.src, b.origins = in.Batch, in.origins
		b.member = &s.export.Members[in.Member]
		b.layout = &s.export.Layouts[b.member.Layout]
		select {
		case out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mapper gives one goroutine its own mappers.
func (s *sweep) mapper() func(*mappedBatch) {
	own := make([]*mapping.Mapper, len(s.mappers))
	for i, m := range s.mappers {
		own[i] = m.Clone()
	}
	return func(b *mappedBatch) { s.mapBatch(own[b.member.Layout], b) }
}

func (s *sweep) mapBatch(m *mapping.Mapper, b *mappedBatch) {
	mem := &b.memory
	mem.result.Reset()
	mem.scratch = mem.scratch[:0]
	b.rows, b.consents = b.rows[:0], b.consents[:0]
	if s.watch != nil {
		b.seen = s.watch.Begin()
	}
	var rec mapping.Record
	for i := range b.src.Rows {
		file := b.member.Name
		if b.origins != nil {
			file = b.origins[i].file
		}
		first := len(b.consents)
		mem.result.Consents = b.consents[first:] // they are made where they stay
		mapRow(m, b.layout, file, &b.src.Rows[i], &rec, mem)
		if made := mem.result.Consents; cap(made) == cap(b.consents)-first {
			b.consents = b.consents[:first+len(made)]
		} else {
			b.consents = append(b.consents, made...)
		}
		b.rows = append(b.rows, mappedRow{
			status: mem.result.Status, reason: mem.result.Reason, column: mem.result.Column,
			first: first, end: len(b.consents),
		})
		if s.watch != nil {
			s.watch.Observe(b.seen, &rec, &mem.result)
		}
	}
}

// mapOne is mapRow where only the last row counts: the memory of the one before is
// used again.
func (mem *batchMemory) mapOne(m *mapping.Mapper, l *source.Layout, file string, row *source.Row, rec *mapping.Record) {
	mem.result.Reset()
	mem.scratch = mem.scratch[:0]
	mapRow(m, l, file, row, rec, mem)
}

// mapRow takes one row apart and maps it; mem.result holds what it became.
func mapRow(m *mapping.Mapper, l *source.Layout, file string, row *source.Row, rec *mapping.Record, mem *batchMemory) {
	*rec = mapping.Record{File: file, Row: row.Number}
	res := &mem.result
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

// inOrder applies a function to what comes in, in several goroutines, and gives
// it back in the order in which it came.
func inOrder[T any](ctx context.Context, g *errgroup.Group, workers int, in <-chan T, worker func() func(T)) <-chan T {
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

// learnRows is how many of the first rows a mapping may learn from.
const learnRows = 1000

// learn finds out what the mapping must know of the data beforehand: the unit of
// each column of epoch times. It looks at the first rows alone, so that an
// export that grows gives the same.
func learn(export *source.Export, spec *mapping.Spec) (mapping.Units, error) {
	mappers, err := bind(export, spec, nil)
	if err != nil {
		return nil, err
	}
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, &RefusedError{Err: err}
	}
	defer reader.Close()
	records := make([][]mapping.Record, len(export.Layouts))
	for left := learnRows; left > 0; {
		b, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, &RefusedError{Err: fmt.Errorf("read the export: %w", err)}
		}
		m := &export.Members[b.Member]
		l := &export.Layouts[m.Layout]
		for i := range b.Rows {
			if left--; left < 0 {
				break
			}
			row := &b.Rows[i]
			rec := mapping.Record{File: m.Name, Row: row.Number}
			if row.Reason != "" {
				continue
			}
			if l.Format == source.JSONL {
				rec.JSON = row.Raw
			} else if rec.Cells, _, err = l.Split(row.Raw, nil, nil); err != nil {
				continue
			}
			records[m.Layout] = append(records[m.Layout], rec)
		}
	}
	units := mapping.Units{}
	for i, recs := range records {
		for column, unit := range mappers[i].Learn(recs) {
			if _, known := units[column]; !known {
				units[column] = unit
			}
		}
	}
	return units, nil
}
