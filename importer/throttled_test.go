package importer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

// In the middle of an import everybody gets 429, for minutes, with a sensible
// Retry-After, an absurd one or none: nothing fails, the target is asked little
// meanwhile, and the import goes on soon after.
func TestThrottledForMinutesNothingFails(t *testing.T) {
	const from, to = 2 * time.Second, 6 * time.Minute
	for _, concurrency := range []int{8, 64} {
		for _, wait := range []time.Duration{0, time.Second, 30 * time.Second, delivery.MaxRetryAfter} {
			t.Run(fmt.Sprintf("%d, %s", concurrency, wait), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var subjects []string
					for i := range 2000 {
						subjects = append(subjects, fmt.Sprint("s", i%400))
					}
					began := time.Now()
					refused := 0
					target := &answers{answer: func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
						if at := time.Since(began); at >= from && at < to {
							refused++ // under the target's lock
							return delivery.Answer{Class: delivery.Transient, Status: 429, RetryAfter: wait}, 10 * time.Millisecond
						}
						return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
					}}
					count, stop := sending(target, subjects, limitsOf(concurrency, DefaultAttempts))
					require.Nil(t, stop)
					assert.Empty(t, target.wrong)
					assert.EqualValues(t, 2000, count.sent.Load())
					assert.Zero(t, count.failed.Load())
					assert.NotZero(t, refused)
					assert.Less(t, refused, 2*concurrency+400)
					assert.Less(t, time.Since(began), to+delivery.MaxRetryAfter+time.Minute)
				})
			})
		}
	}
}
