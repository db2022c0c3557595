package delivery

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestBackoff(t *testing.T) {
	const nearlyOne = 1 - 1e-12
	top := Backoff{Rand: func() float64 { return nearlyOne }}
	for attempt, want := range map[int]time.Duration{
		0: 250 * time.Millisecond, 1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 3: time.Second, 7: 16 * time.Second,
		8: 30 * time.Second, 9: 30 * time.Second, 1000: 30 * time.Second, math.MaxInt: 30 * time.Second,
	} {
		assert.InDelta(t, want, top.Delay(attempt, 0), float64(time.Microsecond), "attempt %d", attempt)
	}
	half := Backoff{Base: time.Second, Max: 10 * time.Second, Rand: func() float64 { return 0.5 }}
	assert.Equal(t, 500*time.Millisecond, half.Delay(1, 0))
	assert.Equal(t, 5*time.Second, half.Delay(5, 0))
	assert.Equal(t, 2*time.Second, half.Delay(1, 2*time.Second), "what the target asks for is the least")
	assert.Equal(t, 5*time.Second, half.Delay(5, 2*time.Second))
	bottom := Backoff{Rand: func() float64 { return 0 }}
	assert.Zero(t, bottom.Delay(8, 0))
	assert.Equal(t, time.Second, Backoff{Base: time.Minute, Max: time.Second, Rand: func() float64 { return nearlyOne }}.Delay(1, 0).Round(time.Millisecond))

	rapid.Check(t, func(t *rapid.T) {
		attempt := rapid.Int().Draw(t, "attempt")
		after := time.Duration(rapid.Int64Range(0, int64(MaxRetryAfter)).Draw(t, "retryAfter"))
		d := Backoff{}.Delay(attempt, after)
		if d < after || d > max(after, DefaultBackoffMax) {
			t.Fatalf("%s", d)
		}
	})
}
