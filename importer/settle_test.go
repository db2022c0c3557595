package importer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/consentimport/consentimport/importer/journal"
)

// A run that follows one that died waits until two seconds after its last sign,
// one that follows an end does not, and a signal ends the wait.
func TestARunWaitsForWhatADeadOneSent(t *testing.T) {
	for name, c := range map[string]struct {
		ago   time.Duration // since the last mark
		end   *journal.End
		marks int
		waits time.Duration
	}{
		"just died":                  {ago: 500 * time.Millisecond, marks: 3, waits: 1500 * time.Millisecond},
		"died a while ago":           {ago: time.Minute, marks: 3},
		"died before it sent":        {},
		"came to its end":            {ago: time.Millisecond, marks: 3, end: &journal.End{State: "incomplete"}},
		"a clock that was set back":  {ago: -time.Hour, marks: 1, waits: 2 * time.Second},
		"died as its mark was noted": {marks: 1, waits: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				state := &journal.Snapshot{End: c.end}
				for i := range c.marks {
					state.Timeline = append(state.Timeline, journal.Point{At: began.Add(-c.ago - time.Duration(c.marks-1-i)*time.Second)})
				}
				im := &Import{cfg: Config{Now: time.Now, Settle: 2 * time.Second}, state: state}
				im.settle(t.Context())
				assert.Equal(t, c.waits, time.Since(began))
				stopped, stop := context.WithCancel(t.Context())
				stop()
				began = time.Now()
				im.settle(stopped)
				assert.Zero(t, time.Since(began))
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		(&Import{cfg: Config{Now: time.Now, Settle: time.Hour}}).settle(t.Context())
		assert.Zero(t, time.Since(began), "a new import has nothing to wait for")
	})
}
