package intempt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
)

var (
	ok       = delivery.Answer{Class: delivery.Sent, Status: 200}
	tooMany  = delivery.Answer{Class: delivery.Transient, Status: 429}
	noAnswer = delivery.Answer{Class: delivery.Transient}
)

// simulation is workers that send through a pacer to a target that a function
// stands for, in the time of a synctest bubble.
type simulation struct {
	pacer   *Pacer
	workers int
	rtt     time.Duration
	// target answers the request that leaves at a time.
	target func(at time.Time) delivery.Answer

	mu       sync.Mutex
	left     []time.Time // when requests left
	sent     []time.Time // when they were taken
	refused  int
	inFlight int
	most     int
}

// run lets the workers work for a while.
func (s *simulation) run(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var wg sync.WaitGroup
	for range s.workers {
		wg.Go(func() {
			for s.pacer.Acquire(ctx) == nil {
				now := time.Now()
				s.mu.Lock()
				a := s.target(now)
				s.left = append(s.left, now)
				s.inFlight++
				s.most = max(s.most, s.inFlight)
				s.mu.Unlock()
				time.Sleep(s.rtt)
				s.mu.Lock()
				s.inFlight--
				if a.Class == delivery.Sent {
					s.sent = append(s.sent, time.Now())
				}
				if refusal(a) {
					s.refused++
				}
				s.mu.Unlock()
				a.Latency = s.rtt
				s.pacer.Release(a)
			}
		})
	}
	wg.Wait()
}

// since counts the times that are not before another.
func since(times []time.Time, from time.Time) (n int) {
	for _, at := range times {
		if !at.Before(from) {
			n++
		}
	}
	return n
}

// mostInASecond is the largest number of times in any window of a second.
func mostInASecond(times []time.Time) (most int) {
	first := 0
	for i, at := range times {
		for at.Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestPacerFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{pacer: NewPacer(PacerConfig{Max: 8}), workers: 20, rtt: time.Millisecond, target: func(time.Time) delivery.Answer { return ok }}
		s.run(t, time.Second)
		assert.Equal(t, 8, s.most)
		assert.InDelta(t, 8000, len(s.sent), 20)
		throttled, total := s.pacer.Throttled()
		assert.False(t, throttled)
		assert.Zero(t, total)
		assert.Equal(t, 8, s.pacer.Limit())
		assert.Zero(t, s.pacer.state.Load())
	})
}

func TestPacerIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(PacerConfig{Max: 1})
		require.NoError(t, p.Acquire(t.Context()))
		var order []int
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if p.Acquire(t.Context()) == nil {
					order = append(order, i) // one at a time
					time.Sleep(time.Millisecond)
					p.Release(ok)
				}
			})
			synctest.Wait()
		}
		p.Release(ok)
		wg.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
	})
}

func TestPacerCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(PacerConfig{Max: 1})
		require.NoError(t, p.Acquire(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 3)
		for range 2 {
			go func() { got <- p.Acquire(ctx) }()
		}
		synctest.Wait()
		go func() {
			err := p.Acquire(t.Context())
			if err == nil {
				p.Release(ok)
			}
			got <- err
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		assert.ErrorIs(t, <-got, context.Canceled)
		assert.ErrorIs(t, <-got, context.Canceled)
		assert.ErrorIs(t, p.Acquire(ctx), context.Canceled)
		p.Release(ok)
		assert.NoError(t, <-got)
		assert.Zero(t, p.state.Load())
	})
}

func TestPacerRate(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 7, 100, 1000, 5_432.1, 20_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &simulation{pacer: NewPacer(PacerConfig{Max: 500, Rate: rate}), workers: 64, rtt: 100 * time.Microsecond, target: func(time.Time) delivery.Answer { return ok }}
				span := 3 * time.Second
				switch {
				case rate < 10:
					span = time.Minute
				case rate > 10_000:
					span = 1010 * time.Millisecond
				}
				for range 2 {
					before := len(s.left)
					s.run(t, span)
					if rate <= maxWindow {
						assert.LessOrEqual(t, float64(mostInASecond(s.left)), max(rate, 1)+1)
					}
					// No less than it says either, and after idling no more.
					want := rate * span.Seconds()
					assert.InDelta(t, want, len(s.left)-before, max(want*0.01, 2))
					time.Sleep(1500 * time.Millisecond)
				}
				throttled, _ := s.pacer.Throttled()
				assert.False(t, throttled, "a rate that the user set is no throttling")
			})
		})
	}
}

// A target whose answers are slow lets the rate be what it can be.
func TestPacerRateAndLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{pacer: NewPacer(PacerConfig{Max: 2, Rate: 100}), workers: 10, rtt: 100 * time.Millisecond, target: func(time.Time) delivery.Answer { return ok }}
		s.run(t, 10*time.Second)
		assert.InDelta(t, 200, len(s.sent), 4)
		assert.Equal(t, 2, s.most)
	})
}

// Under everything at once nobody is forgotten and the limit holds.
func TestPacerUnderPressure(t *testing.T) {
	const limit = 8
	p := NewPacer(PacerConfig{Max: limit})
	var in, most, done atomic.Int64
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 7))
			for i := range 200 {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if i%3 == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(random.IntN(100))*time.Microsecond)
				}
				if p.Acquire(ctx) == nil {
					n := in.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					in.Add(-1)
					a := ok
					if random.IntN(50) == 0 {
						a = delivery.Answer{Class: delivery.Transient, Status: 503, Latency: time.Microsecond}
					}
					p.Release(a)
				}
				cancel()
			}
			done.Add(1)
		})
	}
	wg.Wait()
	assert.EqualValues(t, 64, done.Load())
	assert.LessOrEqual(t, most.Load(), int64(limit))
	assert.Zero(t, p.state.Load()&(gate-1))
}

// One who comes in the very moment in which the other goes is not forgotten:
// two meet in every round, and a round ends when both have gone.
func TestPacerHandsOver(t *testing.T) {
	const rounds = 20_000
	p := NewPacer(PacerConfig{Max: 1})
	var gone, spun atomic.Int64
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for round := range int64(rounds) {
				for gone.Load() < 2*round {
					runtime.Gosched()
				}
				for range int64(g) * (round % 64) { // a little later each time
					spun.Add(1)
				}
				if p.Acquire(t.Context()) == nil {
					for range 64 {
						spun.Add(1)
					}
					p.Release(ok)
				}
				gone.Add(1)
			}
		})
	}
	wg.Wait()
	assert.Zero(t, p.state.Load())
}

// Who queues up in the very moment in which the last one leaves is not forgotten:
// the gate is closed before anybody looks whether there is room. The moment is a
// few nanoseconds long, so each round lets the other leave a little later.
func TestPacerForgetsNobodyAtTheGate(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("nobody meets on one processor")
	}
	const rounds, latest, enough = 200_000, 600, 1500 * time.Millisecond
	p := NewPacer(PacerConfig{Max: 1})
	ctx, cancel := context.WithCancel(t.Context())
	var called, gone atomic.Int64
	spin := func(n *atomic.Int64, round int64) bool {
		for i := 1; n.Load() < round; i++ {
			if i%256 == 0 {
				if ctx.Err() != nil {
					return false
				}
				runtime.Gosched()
			}
		}
		return true
	}
	var wg sync.WaitGroup
	wg.Go(func() { // comes
		for round := int64(1); round <= rounds && spin(&called, round); round++ {
			if p.Acquire(ctx) != nil {
				return
			}
			p.Release(ok)
			gone.Store(round)
		}
	})
	waste := 1
	forgotten := time.AfterFunc(time.Minute, cancel)
	began := time.Now()
	for round := int64(1); round <= rounds && time.Since(began) < enough; round++ { // leaves
		require.NoError(t, p.Acquire(ctx))
		forgotten.Reset(3 * time.Second)
		called.Store(round)
		for range round % latest {
			waste = waste*3 + 1
		}
		p.Release(ok)
		if !spin(&gone, round) {
			assert.Fail(t, "forgotten", "who came in round %d still waits, with %d in flight", round, p.state.Load()&(gate-1))
			break
		}
	}
	forgotten.Stop()
	cancel()
	wg.Wait()
	assert.NotZero(t, waste)
	assert.Zero(t, p.state.Load())
}
