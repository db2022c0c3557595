package intempt

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/consentimport/consentimport/importer/delivery"
)

// Of a bucket of which nothing is known nearly all is used, and next to nothing is asked
// in vain, also when its rate changes in the middle.
func TestPacerLearnsTheRateOfABucket(t *testing.T) {
	cases, allReached, allRefused := 0.0, 0.0, 0.0
	for _, rate := range []float64{100, 1000} {
		for _, burst := range []float64{10, 100, 500} {
			for _, change := range []float64{1, 0.5, 2} {
				t.Run(fmt.Sprintf("%g per second, burst %g, then times %g", rate, burst, change), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						span := 5 * time.Minute
						if rate > 100 {
							span = time.Minute
						}
						b := &bucket{rate: rate, burst: burst, tokens: burst, at: time.Now()}
						s := &simulation{pacer: NewPacer(PacerConfig{Max: 64}), workers: 64, rtt: 5 * time.Millisecond, target: b.answer}
						s.run(t, span)
						b.rate *= change
						s.run(t, span)
						all := burst + rate*span.Seconds()*(1+change)
						reached, refused := float64(len(s.sent))/all, float64(s.refused)/float64(len(s.left))
						cases, allReached, allRefused = cases+1, allReached+reached, allRefused+refused
						t.Logf("reached %.2f %%, refused %.2f %%", 100*reached, 100*refused)
						// A first rate that is wrong costs seconds, which are a part of so short a time.
						assert.GreaterOrEqual(t, reached, 0.97)
						assert.LessOrEqual(t, refused, 0.015)
					})
				})
			}
		}
	}
	assert.EqualValues(t, 18, cases)
	assert.GreaterOrEqual(t, allReached/cases, 0.99, "on average")
	assert.LessOrEqual(t, allRefused/cases, 0.01, "on average")
}

// A target that refuses at random, whatever the pace, has no rate to be learnt: an
// import goes on as it would without looking for one.
func TestPacerLearnsNothingFromRandomRefusals(t *testing.T) {
	for _, share := range []int{5, 10, 20} {
		t.Run(fmt.Sprintf("%d %%", share), func(t *testing.T) {
			sent := func(learns bool) (n int) {
				synctest.Test(t, func(t *testing.T) {
					random := rand.New(rand.NewPCG(uint64(share), 3))
					s := &simulation{pacer: NewPacer(PacerConfig{Max: 64, Rand: func() float64 { return 0.5 }}), workers: 64, rtt: 5 * time.Millisecond}
					if !learns {
						s.pacer.throttle.learnt.offUntil = time.Now().Add(time.Hour)
					}
					s.target = func(time.Time) delivery.Answer {
						if random.IntN(100) < share {
							return tooMany
						}
						return ok
					}
					s.run(t, 20*time.Second)
					n = len(s.sent)
				})
				return n
			}
			assert.Greater(t, float64(sent(true)), 0.9*float64(sent(false)))
		})
	}
}

// When a limit that was learnt is gone, the pace is what it was without one soon.
func TestPacerForgetsARateThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{rate: 1000, burst: 100, tokens: 100, at: time.Now()}
		s := &simulation{pacer: NewPacer(PacerConfig{Max: 64}), workers: 64, rtt: 5 * time.Millisecond, target: b.answer}
		s.run(t, 10*time.Second)
		assert.NotNil(t, s.pacer.throttle.learnt.pace)
		assert.InDelta(t, 1000, s.pacer.throttle.learnt.rate, 20)
		s.target = func(time.Time) delivery.Answer { return ok }
		s.run(t, 3*time.Second)
		again := time.Now()
		s.run(t, time.Second)
		assert.InDelta(t, 64*200, since(s.sent, again), 200)
		assert.Nil(t, s.pacer.throttle.learnt.pace)
	})
}
