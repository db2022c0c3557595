package importer

import (
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Of several senders that are refused at a time none sends anything more, though ending the
// run takes the first of them a while.
func TestNobodyComesBackFromAStopBeforeItHolds(t *testing.T) {
	const n = 8
	var stopping atomic.Int32
	var holds atomic.Bool
	r := &run{log: slog.New(slog.DiscardHandler)}
	r.onStop = func() {
		for left := 10_000; left > 0; left-- { // the others have all the time to come back
			if runtime.Gosched(); stopping.Load() < n {
				left = 10_000
			}
		}
		holds.Store(true)
	}
	var senders sync.WaitGroup
	for range n {
		senders.Go(func() {
			stopping.Add(1)
			r.stop(Stop{Kind: StopRefused})
			assert.True(t, holds.Load())
		})
	}
	senders.Wait()
	assert.Equal(t, StopRefused, r.stopped.Kind)
}
