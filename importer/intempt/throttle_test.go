package intempt

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
)

func TestPacerHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(PacerConfig{Max: 64, Rand: func() float64 { return 0.5 }})
		all := func(n int) {
			for range n {
				require.NoError(t, p.Acquire(t.Context()))
			}
		}
		answer := func(n int, a delivery.Answer) {
			for range n {
				a.Latency = 10 * time.Millisecond
				p.Release(a)
			}
		}
		all(64)
		time.Sleep(10 * time.Millisecond)
		answer(20, delivery.Answer{Status: 429})
		assert.Equal(t, 32, p.Limit(), "once for those that left together")
		answer(44, noAnswer)
		assert.Equal(t, 32, p.Limit(), "trouble of other kinds is none of its business")
		throttled, _ := p.Throttled()
		assert.True(t, throttled)

		all(32)
		time.Sleep(10 * time.Millisecond)
		answer(30, delivery.Answer{Status: 503})
		assert.Equal(t, 16, p.Limit())
		answer(2, ok)
		assert.Equal(t, 16, p.Limit())

		time.Sleep(time.Second)
		for range 20 { // round trips; each adds one
			all(p.Limit())
			time.Sleep(10 * time.Millisecond)
			answer(int(p.state.Load()&(gate-1)), ok)
		}
		assert.InDelta(t, 36, p.Limit(), 1)
	})
}

// Everybody waits for as long as the target asks, those who come later too.
func TestPacerRetryAfter(t *testing.T) {
	for _, status := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			asked := false
			s := &simulation{pacer: NewPacer(PacerConfig{Max: 8}), workers: 8, rtt: 10 * time.Millisecond}
			s.target = func(at time.Time) delivery.Answer {
				if !asked && at.Sub(start) > time.Second {
					asked = true
					return delivery.Answer{Class: delivery.Transient, Status: status, RetryAfter: 7 * time.Second}
				}
				return ok
			}
			s.run(t, 20*time.Second)
			longest := time.Duration(0)
			for i, at := range s.left[1:] {
				longest = max(longest, at.Sub(s.left[i]))
			}
			assert.InDelta(t, 7, longest.Seconds(), 0.03)
			assert.Greater(t, since(s.sent, start.Add(9*time.Second)), 8*1000, "back at full speed after")
			throttled, total := s.pacer.Throttled()
			assert.False(t, throttled)
			assert.InDelta(t, 7, total.Seconds(), 1)
		})
	}
}

// After minutes in which everything is refused the import is back at full speed
// soon, and has not asked much meanwhile.
func TestPacerRecovers(t *testing.T) {
	for _, limit := range []int{1, 16, 300} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				s := &simulation{pacer: NewPacer(PacerConfig{Max: limit}), workers: limit, rtt: 100 * time.Millisecond}
				from, to := start.Add(time.Second), start.Add(5*time.Minute)
				s.target = func(at time.Time) delivery.Answer {
					if at.After(from) && at.Before(to) {
						return tooMany
					}
					return ok
				}
				s.run(t, 5*time.Minute)
				assert.Less(t, s.refused, 2*limit+100, "asked in five minutes")
				throttled, _ := s.pacer.Throttled()
				assert.True(t, throttled)
				s.run(t, 20*time.Second) // the longest pause, the way up, and quiet
				assert.Equal(t, limit, s.pacer.Limit())
				throttled, total := s.pacer.Throttled()
				assert.False(t, throttled)
				assert.InDelta(t, 305, total.Seconds(), 15)

				again := time.Now()
				s.run(t, time.Second)
				assert.InDelta(t, limit*10, since(s.sent, again), float64(2*limit)+1)
				assert.Zero(t, s.pacer.state.Load(), "the fast way again")
			})
		})
	}
}

// A target that refuses one in twenty at random, whatever the load, costs
// little more than those.
func TestPacerRandomRefusals(t *testing.T) {
	for seed, rate := range []float64{0, 1} { // what the refusals tell, which would be a lie
		t.Run(fmt.Sprintf("%d/%g", seed, rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(uint64(seed), 3))
				s := &simulation{pacer: NewPacer(PacerConfig{Max: 64}), workers: 64, rtt: 5 * time.Millisecond}
				s.target = func(time.Time) delivery.Answer {
					if random.IntN(20) == 0 {
						return delivery.Answer{Class: delivery.Transient, Status: 429, Rate: rate, Burst: 2 * rate}
					}
					return ok
				}
				s.run(t, 2*time.Second)
				free := 64.0 * 200 * 2 * 0.95
				assert.Greater(t, float64(len(s.sent)), free*0.8)
			})
		})
	}
}

// bucket is a target with a token bucket, as the gateways of the API have.
type bucket struct {
	rate, burst, tokens float64
	at                  time.Time
	tells               bool
}

func (b *bucket) answer(at time.Time) delivery.Answer {
	b.tokens = min(b.burst, b.tokens+at.Sub(b.at).Seconds()*b.rate)
	b.at = at
	if b.tokens >= 1 {
		b.tokens--
		return ok
	}
	if b.tells {
		return delivery.Answer{Class: delivery.Transient, Status: 429, Rate: b.rate, Burst: b.burst}
	}
	return tooMany
}

func TestPacerTokenBucket(t *testing.T) {
	for _, tells := range []bool{true, false} {
		for _, workers := range []int{1, 64} {
			t.Run(fmt.Sprintf("tells=%t/%d", tells, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := &bucket{rate: 100, burst: 200, tokens: 200, at: time.Now(), tells: tells}
					s := &simulation{pacer: NewPacer(PacerConfig{Max: workers}), workers: workers, rtt: 5 * time.Millisecond, target: b.answer}
					s.run(t, 20*time.Second)
					all := b.rate*20 + b.burst
					assert.Greater(t, float64(len(s.sent)), all*0.9, "nearly all that it gives is used")
					if tells {
						assert.Less(t, float64(s.refused), float64(len(s.sent))*0.1, "and little is asked in vain")
					}
				})
			})
		}
	}
}
