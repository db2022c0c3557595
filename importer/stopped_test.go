package importer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
)

// A signal that comes while a run begins ends it as any other does.
func TestASignalWhileARunBegins(t *testing.T) {
	t.Parallel()
	for range 20 {
		ctx, signal := context.WithCancel(t.Context())
		cfg := configOf(t)
		beginning := false
		cfg.Now = func() time.Time { // asked for the time of the run's first line
			if beginning {
				signal()
			}
			return time.Now()
		}
		im, err := Open(cfg)
		require.NoError(t, err)
		require.NoError(t, im.Arrange(ctx))
		beginning = true
		target := &answers{}
		target.tries, target.flying, target.arrived, target.noted = map[string]int{}, map[string]int{}, map[string][]int{}, map[int]bool{}
		stop, err := im.Run(ctx, Sending{
			Target: target, Pacer: intempt.NewPacer(intempt.PacerConfig{Max: 8}),
			Limits: Limits{Concurrency: 8, MaxFailures: Budget{Share: 1}, Attempts: 2, RetryFor: DefaultRetryFor},
			HTTP:   func(bool) journal.HTTP { return journal.HTTP{} },
		})
		require.NoError(t, err)
		if stop == nil { // all had left before the signal was heard
			require.EqualValues(t, 2, im.count.sent.Load())
		} else {
			require.Equal(t, StopSignal, stop.Kind)
		}
		require.NoError(t, im.Close())
	}
}
