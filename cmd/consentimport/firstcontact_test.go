package main

import (
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who says for how long to wait means also a target that is not there yet; who says
// nothing is told of a wrong address soon.
func TestRetryForHoldsForATargetNeverReached(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "40s": 40 * time.Second, "15m": 15 * time.Minute} {
		var f runFlags
		c := &cobra.Command{Use: "run"}
		f.register(c)
		var args []string
		if text != "" {
			args = []string{"--retry-for", text}
		}
		require.NoError(t, c.Flags().Parse(args))
		assert.Equal(t, want, f.limits().FirstContact, text)
	}
}
