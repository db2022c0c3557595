package intempt

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/consentimport/consentimport/importer/delivery"
)

// PacerConfig says how fast consents may leave at most.
type PacerConfig struct {
	Max  int     // requests in flight at most; 0: DefaultConcurrency
	Rate float64 // requests per second at most; 0: no fixed limit
	// Rand gives a number in [0,1) for the jitter; nil: math/rand/v2.
	Rand func() float64
}

// Pacer decides when a request may leave: not more than Max at a time, not
// faster than Rate, and slower while the target says that it is too much (see
// throttle). Waiting requests are let go in the order of arrival.
type Pacer struct {
	// state is the number of requests in flight, plus gate while not every request
	// who comes may go at once. So in the common case, no limit reached, an
	// Acquire and a Release are one addition each.
	state atomic.Int64
	max   atomic.Int64

	mu       sync.Mutex
	gated    bool // state holds gate
	paused   bool // nobody may go
	queue    queue
	fixed    *schedule // the configured rate; nil: none
	throttle throttle
	timer    *time.Timer // lets waiters go later; nil: never needed yet
	alarm    time.Time   // when the timer fires; zero: it does not
}

// gate is what state holds above any number of requests in flight.
const gate = int64(1) << 40

// NewPacer makes a pacer. It has no goroutine of its own and needs no closing.
func NewPacer(cfg PacerConfig) *Pacer {
	if cfg.Max <= 0 {
		cfg.Max = DefaultConcurrency
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	p := &Pacer{throttle: newThrottle(cfg.Max, cfg.Rand)}
	p.max.Store(int64(cfg.Max))
	if cfg.Rate > 0 {
		p.fixed = newSchedule(cfg.Rate)
	}
	p.settle(time.Time{})
	return p
}

// Acquire waits until a request may leave. Every Acquire without an error needs
// one Release. The error is ctx's.
func (p *Pacer) Acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.state.Add(1) <= p.max.Load() {
		return nil
	}
	p.state.Add(-1)

	p.mu.Lock()
	w := p.queue.push()
	now := time.Now()
	p.settle(now) // closes the gate, so that no Release from here on misses w
	p.dispatch(now)
	if w.granted {
		p.queue.recycle(w)
		p.mu.Unlock()
		return nil
	}
	p.mu.Unlock()

	select {
	case <-w.ready:
		p.mu.Lock()
		p.queue.recycle(w)
		p.mu.Unlock()
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now = time.Now()
	if w.granted { // just now: another request may go instead
		p.state.Add(-1)
	} else {
		p.queue.remove(w)
	}
	p.dispatch(now)
	return ctx.Err()
}

// Release tells what came of the request that an Acquire let go.
func (p *Pacer) Release(a delivery.Answer) {
	if p.state.Add(-1) < gate && !refusal(a) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.throttle.learn(a, now)
	p.settle(now)
	p.dispatch(now)
}

// Pause keeps every request back that has not left, until it is called with false.
func (p *Pacer) Pause(paused bool) {
	p.change(func() { p.paused = paused })
}

// SetRate changes the requests per second at most; 0 takes the limit away.
func (p *Pacer) SetRate(rate float64) {
	p.change(func() {
		p.fixed = nil
		if rate > 0 {
			p.fixed = newSchedule(rate)
		}
	})
}

// SetMax changes the number of requests in flight at most. More than that may be in
// flight until their answers have come.
func (p *Pacer) SetMax(n int) {
	p.change(func() {
		p.max.Store(int64(n))
		p.throttle.setMax(n)
	})
}

// change changes what limits the pace, from the next request on.
func (p *Pacer) change(what func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
	now := time.Now()
	p.settle(now)
	p.dispatch(now)
}

// Limit is the number of requests that may be in flight now.
func (p *Pacer) Limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.throttle.limit)
}

// Throttled says whether the target slows the import down now, and for how long
// it did in total.
func (p *Pacer) Throttled() (now bool, total time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.throttle.state(time.Now())
}

// dispatch lets go who may go, in order, and sets the timer for the next.
func (p *Pacer) dispatch(now time.Time) {
	for !p.paused && p.queue.head != nil && p.state.Load()&(gate-1) < int64(p.throttle.limit) {
		due := p.throttle.due(now)
		if p.fixed != nil {
			due = later(due, p.fixed.due())
		}
		if due.After(now) {
			p.wake(due, now)
			break
		}
		p.state.Add(1)
		if p.fixed != nil {
			p.fixed.depart(now)
		}
		p.throttle.depart(now)
		p.queue.grant()
	}
	p.settle(now)
}

// settle closes the gate while there is anything to obey or a request to let go
// first, and opens it else.
func (p *Pacer) settle(now time.Time) {
	want := p.paused || p.queue.head != nil || p.fixed != nil || p.throttle.listening(now)
	if want == p.gated {
		return
	}
	p.gated = want
	if want {
		p.state.Add(gate)
	} else {
		p.state.Add(-gate)
	}
}

// wake runs dispatch at a time, unless it runs earlier anyway.
func (p *Pacer) wake(at, now time.Time) {
	if !p.alarm.IsZero() && !at.Before(p.alarm) {
		return
	}
	p.alarm = at
	if p.timer != nil {
		p.timer.Reset(at.Sub(now))
		return
	}
	p.timer = time.AfterFunc(at.Sub(now), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.alarm = time.Time{}
		p.dispatch(time.Now())
	})
}

// waiter is a goroutine in Acquire.
type waiter struct {
	ready      chan struct{} // holds one
	granted    bool
	prev, next *waiter
}

// queue holds waiters in the order of arrival, and used ones for the next.
type queue struct {
	head, tail *waiter
	spare      *waiter
}

func (q *queue) push() *waiter {
	w := q.spare
	if w != nil {
		q.spare = w.next
		w.granted = false
	} else {
		w = &waiter{ready: make(chan struct{}, 1)}
	}
	w.prev, w.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = w
	} else {
		q.head = w
	}
	q.tail = w
	return w
}

func (q *queue) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.tail = w.prev
	}
}

// grant lets the first one go.
func (q *queue) grant() {
	w := q.head
	q.remove(w)
	w.granted = true
	w.ready <- struct{}{}
}

// recycle keeps a waiter that was let go for another.
func (q *queue) recycle(w *waiter) {
	select {
	case <-w.ready:
	default:
	}
	w.next = q.spare
	q.spare = w
}

// later is the later one of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
