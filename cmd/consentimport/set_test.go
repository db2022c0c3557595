package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAParameterHasOneValue: two values for one parameter of a preset are a slip, of which
// the last would have decided what becomes of people.
func TestAParameterHasOneValue(t *testing.T) {
	t.Parallel()
	f := &mappingFlags{preset: "braze-users", set: []string{"undated=ignore", "undated=2026-05-01T00:00:00Z"}}
	_, err := f.load()
	require.ErrorContains(t, err, `--set undated is given twice, as "ignore" and as "2026-05-01T00:00:00Z"`)
	f.set = []string{"undated=2026-05-01T00:00:00Z", "undated=2026-05-01T00:00:00Z"}
	_, err = f.load()
	assert.NoError(t, err)
}
