package intempt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/consentimport/consentimport/importer/delivery"
)

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
		{"301", "", delivery.MaxRetryAfter},
		{"1e400", "", delivery.MaxRetryAfter},
		{"-1e400", "", 0},
		{"NaN", "", 0},
		{"Inf", "", delivery.MaxRetryAfter},
		{"99999999999999999999999999", "", delivery.MaxRetryAfter},
		{"Sun, 06 Nov 1994 08:50:37 GMT", "", time.Minute},
		{"Sunday, 06-Nov-94 08:50:37 GMT", "", time.Minute},
		{"Sun Nov  6 08:50:37 1994", "", time.Minute},
		{"Sun, 06 Nov 2094 08:50:37 GMT", "", delivery.MaxRetryAfter},
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
		want := delivery.Transient
		switch {
		case status >= 200 && status < 300:
			want = delivery.Sent
		case status == 400, status == 413, status == 422:
			want = delivery.Refused
		case status == 408, status == 429:
		case status >= 300 && status < 500:
			want = delivery.Stopped
		}
		assert.Equal(t, want, classify(status), "%d", status)
	}
}
