package sandbox

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/time/rate"
)

// weather is one setting of the faults while it is in force. It is drawn from
// by the number of the request, not from a shared stream: the n-th request gets
// the same draw whatever runs beside it, without waiting for a lock.
type weather struct {
	Faults
	seed      uint64
	n         atomic.Int64 // requests since it was set
	began     atomic.Int64 // nanoseconds of the first request, 0 before
	downSince atomic.Int64 // nanoseconds of the first request of the time down
	limiter   *rate.Limiter
}

func newWeather(f Faults, seed uint64) *weather {
	w := &weather{Faults: f, seed: seed}
	if f.rate > 0 {
		w.limiter = rate.NewLimiter(rate.Limit(f.rate), f.rate)
	}
	return w
}

// early gives what befalls the n-th request whatever it holds: an answer with a
// status, or a closed connection.
func (w *weather) early(n int64, now time.Time) (code int, gone bool) {
	if w.down.after+w.down.requests > 0 || w.down.span > 0 {
		if w.isDown(n, now) {
			return 0, true
		}
	}
	for _, a := range w.after {
		if n >= a.n {
			return a.code, false
		}
	}
	if len(w.during) > 0 {
		w.began.CompareAndSwap(0, now.UnixNano())
		for _, d := range w.during {
			if now.UnixNano()-w.began.Load() < int64(d.d) {
				return d.code, false
			}
		}
	}
	if w.limiter != nil && !w.limiter.AllowN(now, 1) {
		return 429, false
	}
	return 0, false
}

func (w *weather) isDown(n int64, now time.Time) bool {
	if n <= w.down.after {
		return false
	}
	if w.down.span == 0 {
		return n <= w.down.after+w.down.requests
	}
	w.downSince.CompareAndSwap(0, now.UnixNano())
	return now.UnixNano()-w.downSince.Load() < int64(w.down.span)
}

// fixed gives what a subject or a consent suffers every time. The choice
// depends on the seed and on nothing else of this process.
func (w *weather) fixed(subject []byte, hash uint64) (share, bool) {
	for _, s := range w.subjects {
		if s.id == string(subject) {
			return share{kind: poisoned, code: s.code}, true
		}
	}
	if w.poison > 0 && uniform(w.seed, xxhash.Sum64(subject), 1) < w.poison {
		return share{kind: poisoned, code: 500}, true
	}
	if w.refuse > 0 && uniform(w.seed, hash, 2) < w.refuse {
		return share{kind: refused, code: 400}, true
	}
	return share{}, false
}

// draw gives the share that the n-th request falls to.
func (w *weather) draw(n int64) (share, bool) {
	if len(w.shares) == 0 {
		return share{}, false
	}
	u := uniform(w.seed, uint64(n), 3)
	for _, s := range w.shares {
		if u < s.p {
			return s, true
		}
		u -= s.p
	}
	return share{}, false
}

// delay gives the time that the n-th request's answer is held back.
func (w *weather) delay(n int64) time.Duration {
	low, high := w.latency[0], w.latency[1]
	if low == high {
		return low
	}
	return low + time.Duration(uniform(w.seed, uint64(n), 4)*float64(high-low))
}

// uniform gives a number in [0, 1) that depends on its arguments alone
// (SplitMix64's finalizer, twice).
func uniform(seed, n, stream uint64) float64 {
	z := mix(mix(seed+stream*0x9e3779b97f4a7c15) + n)
	return float64(z>>11) / math.Exp2(53)
}

func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
