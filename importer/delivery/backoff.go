package delivery

import (
	"math/rand/v2"
	"time"
)

// Defaults of a Backoff.
const (
	DefaultBackoffBase = 250 * time.Millisecond
	DefaultBackoffMax  = 30 * time.Second
)

// Backoff says how long a consent waits before it is tried again: exponential
// with full jitter, so anything from nothing to the doubled base, evenly. The
// zero value has the defaults.
//
// cenkalti/backoff spreads its delays around an interval (± a factor), keeps
// state for each caller and runs the retries itself; full jitter has no form
// there, and the importer schedules thousands of waiting consents in one heap.
type Backoff struct {
	Base time.Duration // upper end of the first delay; 0: DefaultBackoffBase
	Max  time.Duration // upper end of all delays; 0: DefaultBackoffMax
	// Rand gives a number in [0,1); nil: math/rand/v2.
	Rand func() float64
}

// Delay gives the wait after an attempt, counted from 1, and never less than
// what the target asked for.
func (b Backoff) Delay(attempt int, retryAfter time.Duration) time.Duration {
	base, most, random := b.Base, b.Max, b.Rand
	if base <= 0 {
		base = DefaultBackoffBase
	}
	if most <= 0 {
		most = DefaultBackoffMax
	}
	if random == nil {
		random = rand.Float64
	}
	ceiling := min(base, most)
	for range attempt - 1 {
		if ceiling >= most/2 {
			ceiling = most
			break
		}
		ceiling *= 2
	}
	return max(time.Duration(random()*float64(ceiling)), retryAfter)
}
