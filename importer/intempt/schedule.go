package intempt

import (
	"math"
	"time"
)

const (
	// slack is how far a departure may make up for an earlier one that was
	// late: timers fire up to a millisecond late, or more when all processors
	// are busy.
	slack = 5 * time.Millisecond
	// maxWindow is the highest rate whose departures of the last second are
	// remembered, which costs 8 bytes for each.
	maxWindow = 100_000
)

// schedule spaces departures evenly, by an exact rate: over any second at most
// rate + 1 leave, and rate is reached if there is enough to do.
//
// golang.org/x/time/rate could do one or the other. With a burst of 1 every
// late timer is lost for good (at 10,000 a second that is most of them), with a
// larger one so many more can leave in a second.
type schedule struct {
	interval time.Duration
	next     time.Time   // when the next departure is due
	window   []time.Time // the last departures, floor(rate)+1 of them; a ring
	oldest   int
}

// newSchedule makes a schedule for a rate in departures per second, above 0.
func newSchedule(rate float64) *schedule {
	s := &schedule{interval: time.Duration(min(math.Ceil(float64(time.Second)/rate), float64(time.Hour)))}
	if rate >= 1 && rate <= maxWindow {
		s.window = make([]time.Time, int(rate)+1)
	}
	return s
}

// due is when the next departure may be.
func (s *schedule) due() time.Time {
	if len(s.window) == 0 {
		return s.next
	}
	return later(s.next, s.window[s.oldest].Add(time.Second))
}

// depart records a departure.
func (s *schedule) depart(now time.Time) {
	s.next = later(s.next, now.Add(-slack)).Add(s.interval)
	if len(s.window) > 0 {
		s.window[s.oldest] = now
		s.oldest = (s.oldest + 1) % len(s.window)
	}
}
