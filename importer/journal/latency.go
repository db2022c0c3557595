package journal

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// NewLatency returns an empty histogram of request times in µs, in the range
// and precision of HTTP.Latency: 1 µs to 10 minutes, three digits.
func NewLatency() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, (10 * time.Minute).Microseconds(), 3)
}

// EncodeLatency gives a histogram the form of HTTP.Latency.
func EncodeLatency(h *hdrhistogram.Histogram) (string, error) {
	b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode latencies: %w", err)
	}
	return string(b), nil
}

// DecodeLatency reads HTTP.Latency; the empty string is an empty histogram.
func DecodeLatency(s string) (*hdrhistogram.Histogram, error) {
	if s == "" {
		return NewLatency(), nil
	}
	h, err := hdrhistogram.Decode([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("decode latencies: %w", err)
	}
	return h, nil
}

// Add sums the requests of two runs. A histogram that cannot be read is left
// out: it is a picture of speed, and no reason to refuse an import.
func (a HTTP) Add(b HTTP) HTTP {
	sum := HTTP{
		Requests:  a.Requests + b.Requests,
		Retries:   a.Retries + b.Retries,
		Throttled: a.Throttled + b.Throttled,
		Latency:   a.Latency,
	}
	for _, m := range []map[string]int64{a.ByStatus, b.ByStatus} {
		for status, n := range m {
			if sum.ByStatus == nil {
				sum.ByStatus = map[string]int64{}
			}
			sum.ByStatus[status] += n
		}
	}
	switch {
	case b.Latency == "":
	case a.Latency == "":
		sum.Latency = b.Latency
	default:
		sum.Latency = mergeLatency(a.Latency, b.Latency)
	}
	return sum
}

func mergeLatency(a, b string) string {
	ha, errA := DecodeLatency(a)
	hb, errB := DecodeLatency(b)
	if errA != nil {
		return b
	}
	if errB != nil {
		return a
	}
	all := NewLatency()
	all.Merge(ha)
	all.Merge(hb)
	s, err := EncodeLatency(all)
	if err != nil {
		return a
	}
	return s
}
