package journal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// testdata/v1.jsonl was written by the first version of this package. It must be
// readable for ever; and what is written today must look the same, or Version
// must have changed.
func TestFormatOfVersion1Stands(t *testing.T) {
	old, err := os.ReadFile(filepath.Join("testdata", "v1.jsonl"))
	require.NoError(t, err)
	v, err := journal.Verify(journal.OS{}, put(t, old))
	require.NoError(t, err)
	assert.Equal(t, 1, v.Header.Version)
	assert.Equal(t, "c0ffee", v.Header.ID)
	assert.Equal(t, journal.Counts{Sent: 5, Refused: 1, Failed: 1, Superseded: 1}, v.Total)
	assert.Len(t, v.Passes, 2)
	assert.Len(t, v.Runs, 2)
	assert.Equal(t, "complete", v.End.State)
	assert.Zero(t, v.Overlaps)
	assert.Zero(t, v.Unsealed)

	// Seals hold the time of writing, and checks depend on them. How outcomes
	// fall into groups is up to time as well, but not for one goroutine.
	assert.Equal(t, shape(old), shape(sample(t)))
}

func shape(text []byte) string {
	seal := regexp.MustCompile(`(?m)^\{"seal":.*\n`)
	check := regexp.MustCompile(`"crc":"[0-9a-f]{8}"`)
	return strings.TrimSpace(check.ReplaceAllString(seal.ReplaceAllString(string(text), ""), ""))
}
