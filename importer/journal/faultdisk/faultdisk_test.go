package faultdisk_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]faultdisk.Plan{
		"":             {},
		"kill@17":      {Step: 17, Do: faultdisk.Kill},
		"short@3":      {Step: 3, Do: faultdisk.Short},
		"fail@5:EIO":   {Step: 5, Do: faultdisk.Fail, Err: syscall.EIO},
		"tear@1":       {Step: 1, Do: faultdisk.Tear},
		"fail@2:EROFS": {Step: 2, Do: faultdisk.Fail, Err: syscall.EROFS},
	} {
		got, err := faultdisk.Parse(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"kill", "kill@", "kill@0", "kill@x", "burn@1", "fail@1:EWHAT"} {
		_, err := faultdisk.Parse(s)
		assert.Error(t, err, s)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestFailAndShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: 2, Do: faultdisk.Short})
	f, err := disk.Create(path)
	require.NoError(t, err)
	n, err := io.WriteString(f, "abcd")
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, 2, n)
	n, err = io.WriteString(f, "ef")
	assert.ErrorIs(t, err, syscall.ENOSPC, "it stays full")
	assert.Zero(t, n)
	assert.ErrorIs(t, f.Sync(), syscall.ENOSPC)
	require.NoError(t, f.Close())
	assert.Equal(t, "ab", text(t, path))
	assert.EqualValues(t, 4, disk.Steps())
}

func TestPowerLossKeepsWhatWasSynced(t *testing.T) {
	dir := t.TempDir()
	old, named, unnamed := filepath.Join(dir, "old"), filepath.Join(dir, "named"), filepath.Join(dir, "unnamed")
	require.NoError(t, os.WriteFile(old, []byte("old"), 0o600))
	disk := faultdisk.New(journal.OS{}, faultdisk.Plan{})

	f, err := disk.Create(named)
	require.NoError(t, err)
	_, err = io.WriteString(f, "synced")
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	_, err = io.WriteString(f, ", not synced")
	require.NoError(t, err)
	require.NoError(t, disk.SyncDir(dir))

	g, err := disk.Create(unnamed)
	require.NoError(t, err)
	require.NoError(t, g.Sync())
	require.NoError(t, disk.Rename(unnamed, old))

	require.NoError(t, disk.PowerLoss())
	assert.Equal(t, "synced", text(t, named))
	assert.Equal(t, "old", text(t, old), "the directory was not synced after the rename")
	assert.NoFileExists(t, unnamed)
}
