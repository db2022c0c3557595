package intempt

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

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, tt := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{" 120 ", "", 2 * time.Minute},
		{"1.5", "", 1500 * time.Millisecond},
		{"-1", "", 0},
		{"301", "", MaxRetryAfter},
		{"1e400", "", MaxRetryAfter},
		{"-1e400", "", 0},
		{"NaN", "", 0},
		{"Inf", "", MaxRetryAfter},
		{"99999999999999999999999999", "", MaxRetryAfter},
		{"Sun, 06 Nov 1994 08:50:37 GMT", "", time.Minute},
		{"Sunday, 06-Nov-94 08:50:37 GMT", "", time.Minute},
		{"Sun Nov  6 08:50:37 1994", "", time.Minute},
		{"Sun, 06 Nov 2094 08:50:37 GMT", "", MaxRetryAfter},
		{"Sun, 06 Nov 1994 08:00:00 GMT", "", 0},
		{"Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:50:27 GMT", 10 * time.Second},
		{"Sun, 06 Nov 1994 08:50:37 GMT", "yesterday", time.Minute},
		{"tomorrow", "", 0},
		{"12 seconds", "", 0},
	} {
		assert.Equal(t, tt.want, parseRetryAfter(tt.value, tt.date, now), "%q", tt.value)
	}
}

func TestParseRate(t *testing.T) {
	for _, tt := range []struct {
		replenish, burst, requested string
		rate, bucket                float64
	}{
		{"10", "20", "1", 10, 20},
		{"10", "20", "", 10, 20},
		{"1", "60", "60", 1.0 / 60, 1},
		{"10", "", "", 10, 0},
		{"", "20", "1", 0, 0},
		{"0", "20", "1", 0, 0},
		{"-1", "20", "1", 0, 0},
		{"Inf", "20", "1", 0, 0},
		{"NaN", "NaN", "NaN", 0, 0},
		{"10", "20", "-1", 10, 20},
	} {
		rate, bucket := parseRate(tt.replenish, tt.burst, tt.requested)
		assert.Equal(t, tt.rate, rate, "%+v", tt)
		assert.Equal(t, tt.bucket, bucket, "%+v", tt)
	}
}

// The table of API.md, every status there is.
func TestClassify(t *testing.T) {
	for status := range 1000 {
		want := Transient
		switch {
		case status >= 200 && status < 300:
			want = Sent
		case status == 400, status == 413, status == 422:
			want = Refused
		case status == 408, status == 429:
		case status >= 300 && status < 500:
			want = Stopped
		}
		assert.Equal(t, want, classify(status), "%d", status)
	}
}
