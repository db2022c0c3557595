package studio

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a killed studio has left is removed; what one at work has, or somebody else made, is not.
func TestWhatAKilledStudioLeftIsRemoved(t *testing.T) {
	t.Parallel()
	dead := exec.Command("true")
	require.NoError(t, dead.Run())
	in := t.TempDir()
	long := time.Now().Add(-time.Hour)
	dir := func(name string, at time.Time) string {
		path := filepath.Join(in, name)
		require.NoError(t, os.Mkdir(path, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(path, "rejected.csv"), []byte("people"), 0o600))
		require.NoError(t, os.Chtimes(path, at, at))
		return path
	}
	left := dir(fmt.Sprintf("%s%d-1", scratchName, dead.Process.Pid), long)
	kept := []string{
		dir(fmt.Sprintf("%s%d-2", scratchName, dead.Process.Pid), time.Now()),
		dir(fmt.Sprintf("%s%d-3", scratchName, os.Getpid()), long),
		dir(scratchName+"notes", long), dir(scratchName+"x-1", long), dir("other-1-1", long),
	}
	removeLeftScratch(in)
	assert.NoDirExists(t, left)
	for _, path := range kept {
		assert.DirExists(t, path)
	}
}
