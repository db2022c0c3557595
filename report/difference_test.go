package report

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// Two tables that do not fit into memory are compared as two that do.
func TestTablesLargerThanMemoryAreCompared(t *testing.T) {
	merged := func(most int) (lines []string, spilled bool) {
		x := &table{disk: journal.OS{}, lines: map[string]int64{}, most: most}
		for i := range 500 {
			d := summary.Decision{Category: fmt.Sprint("c", i%7), Value: fmt.Sprint("v", i%90), Decision: []string{"accept", "reject"}[i%2]}
			require.NoError(t, x.add(lineKey("AB"[i%2:i%2+1], &d), int64(i)))
		}
		require.NoError(t, x.merge(func(key string, n int64) error { lines = append(lines, fmt.Sprintf("%q %d", key, n)); return nil }))
		spilled = x.overflow != nil
		x.close()
		if spilled {
			assert.NoDirExists(t, x.dir)
		}
		return lines, spilled
	}
	t.Setenv("TMPDIR", t.TempDir())
	whole, no := merged(maxTable)
	parts, yes := merged(40)
	assert.Equal(t, []bool{false, true}, []bool{no, yes})
	assert.Equal(t, whole, parts)
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	assert.Empty(t, left)
}
