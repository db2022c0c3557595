package importer

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// breaker leaves a target in peace that is down. While it is closed everything may
// leave. After a series of failures with no answer in between it opens: then one
// consent at a time is sent as a probe, with a back-off for all together, however
// many wait. The first answer closes it.
//
// A target that says that it is asked too much (429, 503) is not down; how fast it
// is asked is the pacer's.
type breaker struct {
	clock func() time.Duration
	log   *slog.Logger
	delay func(attempt int) time.Duration // before a probe that follows so many failed ones

	open   atomic.Bool
	failed atomic.Int64 // since the last answer

	mu      sync.Mutex
	probing bool
	probes  int // that failed, since it opened
	due     time.Duration
	changed chan struct{} // closed when a waiter may have reason to look again
}

// breakAfter is how many failures in a row open the breaker: more than a few bad
// records make among good ones, and fewer than a burst.
const breakAfter = 16

func newBreaker(clock func() time.Duration, delay func(attempt int) time.Duration) *breaker {
	return &breaker{clock: clock, delay: delay, log: slog.New(slog.DiscardHandler), changed: make(chan struct{})}
}

// enter waits until something may be sent, and says whether it is a probe. Each
// that returns true is followed by one call of heard, broke or nothing. It is
// false when ctx ends or done is closed first.
func (b *breaker) enter(ctx context.Context, done <-chan struct{}) (probe, ok bool) {
	if !b.open.Load() {
		return false, true
	}
	for {
		b.mu.Lock()
		if !b.open.Load() {
			b.mu.Unlock()
			return false, true
		}
		wait := b.due - b.clock()
		if !b.probing && wait <= 0 {
			b.probing = true
			b.mu.Unlock()
			return true, true
		}
		if b.probing {
			wait = time.Hour // whoever probes tells
		}
		changed := b.changed
		b.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-done:
		case <-ctx.Done():
		}
		timer.Stop()
		select {
		case <-done:
			return false, false
		case <-ctx.Done():
			return false, false
		default:
		}
	}
}

// heard says that an answer came.
func (b *breaker) heard(probe bool) {
	if !b.open.Load() && b.failed.Load() == 0 && !probe {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed.Store(0)
	if b.open.Swap(false) {
		b.log.Info("the target is back")
	}
	b.probes = 0
	b.release(probe)
}

// broke says that no answer came, or one that says that the target is down. The
// next probe leaves within that time.
func (b *breaker) broke(probe bool, within time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.failed.Add(1)
	switch {
	case probe:
		b.probes++
	case b.open.Load() || n < breakAfter:
		return
	default:
		b.open.Store(true)
		b.probes = 1
	}
	wait := min(b.delay(b.probes), within)
	b.due = b.clock() + wait
	b.log.Warn("the target is down: one request probes whether it is back", "after", wait, "probes", b.probes-1)
	b.release(probe)
}

// nothing says that nothing was sent after all.
func (b *breaker) nothing(probe bool) {
	if probe {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.release(true)
	}
}

// release lets waiters look again; mu is held.
func (b *breaker) release(probe bool) {
	if probe {
		b.probing = false
	}
	close(b.changed)
	b.changed = make(chan struct{})
}
