package delivery

import (
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept from 1 µs to 5 min with three digits.
const (
	minLatency    = 1
	maxLatency    = int64(5 * time.Minute / time.Microsecond)
	latencyDigits = 3
)

// statsShards is how many sets of counters there are. Each has its own lock, so
// that workers rarely meet at one; each costs about 300 KiB.
const statsShards = 4

// Stats counts requests, by status, and how long answers took.
type Stats struct {
	shards [statsShards]statsShard
}

type statsShard struct {
	mu       sync.Mutex
	byStatus [1000]int64 // a status has three digits; 0: no answer came
	latency  *hdrhistogram.Histogram
	_        [64]byte // the next shard's lock is on another cache line
}

// NewStats makes counters of nothing.
func NewStats() *Stats {
	s := &Stats{}
	for i := range s.shards {
		s.shards[i].latency = hdrhistogram.New(minLatency, maxLatency, latencyDigits)
	}
	return s
}

// Record counts one request: its status, 0 when no answer came. Only answers have a
// latency. Callers with different shards rarely wait for each other.
func (s *Stats) Record(shard, status int, latency time.Duration) {
	sh := &s.shards[shard%statsShards]
	if status < 0 || status >= len(sh.byStatus) {
		status = 0 // no target's mistake ends the run
	}
	us := min(max(latency.Microseconds(), minLatency), maxLatency)
	sh.mu.Lock()
	sh.byStatus[status]++
	if status != 0 {
		_ = sh.latency.RecordValue(us) // it is within the bounds
	}
	sh.mu.Unlock()
}

// StatsSnapshot is the state of a Stats at one moment.
type StatsSnapshot struct {
	Requests int64
	ByStatus map[string]int64 // "200", …; "0" is no answer
	// Latency is of the answers, in microseconds.
	Latency *hdrhistogram.Histogram
}

// Snapshot adds up the counters. Requests that end meanwhile may be in it or not.
func (s *Stats) Snapshot() StatsSnapshot {
	out := StatsSnapshot{ByStatus: map[string]int64{}, Latency: hdrhistogram.New(minLatency, maxLatency, latencyDigits)}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for status, n := range sh.byStatus {
			if n > 0 {
				out.ByStatus[strconv.Itoa(status)] += n
				out.Requests += n
			}
		}
		out.Latency.Merge(sh.latency)
		sh.mu.Unlock()
	}
	return out
}

// Counts adds up the counters without the latencies, which is cheap.
func (s *Stats) Counts() (requests int64, byStatus map[string]int64) {
	byStatus = map[string]int64{}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		counts := sh.byStatus
		sh.mu.Unlock()
		for status, n := range counts {
			if n > 0 {
				byStatus[strconv.Itoa(status)] += n
				requests += n
			}
		}
	}
	return requests, byStatus
}

// Encode gives the latencies as text: HdrHistogram V2, compressed, base64.
func (s StatsSnapshot) Encode() (string, error) {
	text, err := s.Latency.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode latencies: %w", err)
	}
	return string(text), nil
}

// Quantile gives a latency that the share q (0 to 1) of the answers did not exceed.
func (s StatsSnapshot) Quantile(q float64) time.Duration {
	return time.Duration(s.Latency.ValueAtQuantile(q*100)) * time.Microsecond
}

// Max gives the longest latency.
func (s StatsSnapshot) Max() time.Duration {
	return time.Duration(s.Latency.Max()) * time.Microsecond
}

// Add adds the counters and latencies of another snapshot.
func (s *StatsSnapshot) Add(o StatsSnapshot) {
	s.Requests += o.Requests
	if s.ByStatus == nil {
		s.ByStatus = map[string]int64{}
	}
	for status, n := range maps.All(o.ByStatus) {
		s.ByStatus[status] += n
	}
	if o.Latency != nil {
		if s.Latency == nil {
			s.Latency = hdrhistogram.New(minLatency, maxLatency, latencyDigits)
		}
		s.Latency.Merge(o.Latency)
	}
}
