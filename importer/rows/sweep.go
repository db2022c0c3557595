package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/consentimport/consentimport/importer/source"
)

// Sweep goes over the rows of an import: they are read, split and mapped on all
// processors, and handed on in row order.
type Sweep struct {
	Files *Files
	// Reading is what is gone over and how each row of it is mapped; nil: the
	// export, whose rows are mapped as Plan asks for.
	Reading *Reading
	// Plan, where it is set, says of each batch which rows are mapped and how, by
	// Batch.Want; others are not mapped. It is called from one goroutine, in row
	// order, before the batch is mapped.
	Plan func(*Batch) error
	// Kept is what earlier sweeps have kept of what they mapped: it is not mapped again.
	Kept []*Kept
	// UpTo is the last row that is wanted, 0 for all. Nothing is read beyond its
	// batch, unless ToEnd.
	UpTo int64
	// ToEnd has the export read to its end, for the sake of its sums.
	ToEnd   bool
	Workers int // 0: one a processor
}

// Visit looks at a batch whose rows are mapped. It is called from several
// goroutines, one batch each, in any order. What it returns is called from one
// goroutine, in row order, and may be nil. The batch may be kept until then, no
// longer.
type Visit func(*Batch) (fold func() error)

// And is a visit that looks at each batch as both do, one after the other.
func (v Visit) And(other Visit) Visit {
	return func(b *Batch) func() error {
		first, then := v(b), other(b)
		return func() error {
			for _, fold := range []func() error{first, then} {
				if fold == nil {
					continue
				}
				if err := fold(); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// ErrStop ends a sweep early; it is not a failure.
var ErrStop = errors.New("stop the sweep")

// ReadError is an export that cannot be read any further.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return fmt.Sprintf("read the export: %v", e.Err) }
func (e *ReadError) Unwrap() error { return e.Err }

// Run visits the rows that a reader of the sweep's export gives. ErrStop from what
// a visit returned ends it without an error.
func (s *Sweep) Run(ctx context.Context, reader *source.Reader, visit Visit) error {
	workers := s.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	// What is read elsewhere may not come for a while.
	defer context.AfterFunc(ctx, func() { _ = reader.Close() })()
	free := make(chan *Batch, 3*workers+3)
	for range cap(free) {
		free <- &Batch{home: free}
	}
	read := make(chan *Batch)
	g.Go(func() error {
		defer close(read)
		return s.read(ctx, reader, free, read)
	})
	mapped := inOrder(ctx, g, workers, read, func() func(*Batch) { return s.worker(visit) })
	g.Go(func() error {
		for b := range mapped {
			if b.fold != nil {
				if err := b.fold(); err != nil {
					return err
				}
			}
			b.Release()
		}
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, ErrStop) {
		return err
	}
	return nil
}

// worker gives one goroutine its own mappers.
func (s *Sweep) worker(visit Visit) func(*Batch) {
	own := newClones()
	all := s.Reading
	if s.Plan != nil {
		all = nil
	}
	return func(b *Batch) {
		b.mapAll(all, own)
		b.fold = visit(b)
		if err := b.files.lookups.err(); err != nil {
			b.fold = func() error { return &ReadError{err} }
		}
	}
}

// over is the file that the sweep goes over.
func (s *Sweep) over() int {
	if s.Reading == nil {
		return 0
	}
	return s.Reading.over()
}

func (s *Sweep) read(ctx context.Context, reader *source.Reader, free, out chan *Batch) error {
	forms, err := s.Files.forms(s.over())
	if err != nil {
		return &ReadError{err}
	}
	defer forms.close()
	for {
		src, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
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
		b.begin(s.Files, s.over(), src)
		if err := forms.attach(b); err != nil {
			return &ReadError{err}
		}
		for s.UpTo > 0 && b.n > 0 && b.Number(b.n-1) > s.UpTo {
			b.n--
		}
		b.fromKept.begin(b, s.Kept)
		if s.Plan != nil {
			if err := s.Plan(b); err != nil {
				return err
			}
		}
		last := b.n < len(src.Rows) || s.UpTo > 0 && b.Number(b.n-1) == s.UpTo && !s.ToEnd
		select {
		case out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		if last {
			return nil
		}
	}
}
