package delivery

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Stats are spread over shards and added up right.
func TestStats(t *testing.T) {
	s := NewStats()
	for i := range 1000 {
		s.Record(i, []int{200, 200, 200, 429, 0}[i%5], time.Duration(i)*time.Millisecond)
	}
	s.Record(0, 500, time.Hour)              // longer than is kept
	for _, status := range []int{-1, 1000} { // no status at all
		NewStats().Record(0, status, 0)
	}
	got := s.Snapshot()
	assert.EqualValues(t, 1001, got.Requests)
	assert.Equal(t, map[string]int64{"200": 600, "429": 200, "0": 200, "500": 1}, got.ByStatus)
	requests, byStatus := s.Counts()
	assert.Equal(t, got.Requests, requests)
	assert.Equal(t, got.ByStatus, byStatus)
	assert.EqualValues(t, 801, got.Latency.TotalCount())
	assert.InDelta(t, 500, got.Quantile(0.5).Milliseconds(), 5)
	assert.InDelta(t, 300_000, got.Max().Milliseconds(), 300)

	text, err := got.Encode()
	require.NoError(t, err)
	again, err := hdrhistogram.Decode([]byte(text))
	require.NoError(t, err)
	assert.True(t, again.Equals(got.Latency))

	var total StatsSnapshot
	total.Add(got)
	total.Add(got)
	assert.EqualValues(t, 2002, total.Requests)
	assert.EqualValues(t, 1200, total.ByStatus["200"])
	assert.EqualValues(t, 1602, total.Latency.TotalCount())
}
