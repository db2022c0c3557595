package rows

import (
	"context"

	"golang.org/x/sync/errgroup"
)

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
