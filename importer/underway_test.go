package importer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// What an earlier run had under way is waited for from when it was given up, never
// longer than one request may take, and not at all once that is over.
func TestHowLongEarlierRequestsAreWaitedFor(t *testing.T) {
	now := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		unanswered time.Time
		waits      time.Duration
	}{
		"all were answered":         {},
		"given up just now":         {now, 30 * time.Second},
		"given up a while ago":      {now.Add(-20 * time.Second), 10 * time.Second},
		"given up long ago":         {now.Add(-31 * time.Second), 0},
		"a clock that was set back": {now.Add(time.Hour), 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			im := &Import{cfg: Config{Now: func() time.Time { return now }}, state: &journal.Snapshot{Unanswered: c.unanswered}}
			assert.Equal(t, c.waits, im.heldFor(30*time.Second))
		})
	}
	assert.Zero(t, (&Import{}).heldFor(time.Hour), "a new import has nothing to wait for")
}

// Held tasks leave when the wait is over, in their order, with what is behind them;
// others leave at once.
func TestHeldTasksWaitAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(10, window{Bytes: 1 << 20, Tasks: 100}, stopwatch())
		l.holdFor(20 * time.Second)
		done := make(chan struct{})
		go func() { l.requeueDue(); close(done) }()
		for row, k := range []byte{1, 1, 2, 3, 1} {
			one := taskOf(int64(row+1), k)
			one.held = row < 1 || row == 3
			require.True(t, l.addRow(source.Position{Row: int64(row + 1)}, []task{one}))
		}
		l.close()
		began := time.Now()
		next := func() (*task, time.Duration) {
			got, ok := l.next(t.Context())
			require.True(t, ok)
			return got, time.Since(began)
		}
		free, at := next()
		assert.EqualValues(t, 3, free.ref.Row)
		assert.Zero(t, at)
		retrying, held := l.waiting()
		assert.Equal(t, [2]int{0, 2}, [2]int{retrying, held}, "those that are held wait for no retry")
		l.done(free)
		var rows []int64
		for range 4 {
			got, at := next()
			assert.Equal(t, 20*time.Second, at)
			rows = append(rows, got.ref.Row)
			l.done(got)
		}
		assert.ElementsMatch(t, []int64{1, 2, 4, 5}, rows)
		_, held = l.waiting()
		assert.Zero(t, held)
		<-done
	})
}

// A request past its time may still arrive. So nothing of its key leaves before as
// much time again is over, neither its own next attempt nor, when it has failed for
// good, what is behind it; and others do not wait.
func TestARequestPastItsTimeIsNotOvertaken(t *testing.T) {
	const timeout = 30 * time.Second
	synctest.Test(t, func(t *testing.T) {
		left := map[int][]time.Duration{} // when the requests of a row left
		began := time.Now()
		target := &answers{answer: func(c *mapping.Consent, _ int) (delivery.Answer, time.Duration) {
			left[int(c.Timestamp)] = append(left[int(c.Timestamp)], time.Since(began))
			if c.Timestamp == 1 {
				return delivery.Answer{Class: delivery.Transient, Timeout: true}, timeout
			}
			return delivery.Answer{Class: delivery.Sent, Status: 200}, time.Millisecond
		}}
		subjects := []string{"ann", "ann"}
		for i := range 300 {
			subjects = append(subjects, fmt.Sprint("s", i))
		}
		limits := limitsOf(4, 2)
		limits.Timeout = timeout
		count, stop := sending(target, subjects, limits)
		require.Nil(t, stop)
		assert.Empty(t, target.wrong)
		assert.EqualValues(t, 301, count.sent.Load())
		assert.EqualValues(t, 1, count.failed.Load())
		require.Len(t, left[1], 2)
		assert.GreaterOrEqual(t, left[1][1]-left[1][0], 2*timeout, "from its beginning to the next attempt")
		assert.GreaterOrEqual(t, left[2][0]-left[1][1], 2*timeout, "from the last attempt to what is behind it")
		for row := 3; row <= 302; row++ {
			assert.Less(t, left[row][0], timeout, "row %d", row)
		}
	})
}
