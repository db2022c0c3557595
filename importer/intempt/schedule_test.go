package intempt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Timers that fire late cost no rate, and no second gets more than its share.
func TestScheduleMakesUpForLateTimers(t *testing.T) {
	const rate, late = 10_000, time.Millisecond
	s := newSchedule(rate)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	var left []time.Time
	for now.Sub(start) < 3*time.Second {
		for !s.due().After(now) {
			s.depart(now)
			left = append(left, now)
		}
		now = s.due().Add(late)
	}
	assert.InDelta(t, 3*rate, len(left), rate*0.01)
	assert.LessOrEqual(t, mostInASecond(left), rate+1)
}

// One who was away for long does not get what was missed.
func TestScheduleSavesNothingUp(t *testing.T) {
	s := newSchedule(1000)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.depart(now)
	now = now.Add(time.Hour)
	n := 0
	for ; !s.due().After(now); n++ {
		s.depart(now)
	}
	assert.LessOrEqual(t, n, int(1+slack/s.interval))
}
