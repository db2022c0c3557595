package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A file system that is really full: the run stops, says so, and goes on when
// there is room.
func TestAFullDiskStopsTheRun(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 3000, "refuse=30%")
	small := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.Mkdir(small, 0o700))
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=96k"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	// A process that another test is just starting may still hold a file open.
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(small, syscall.MNT_DETACH)) })
	out := filepath.Join(small, "import")
	got := r.here(t, nil, r.args("--out", out)...).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "no space left on device")
	assert.Contains(t, got.stderr, "--resume")
	stored := r.server.Stats().Stored
	require.Less(t, stored, int64(3000))

	require.NoError(t, syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=16m"))
	again := r.here(t, nil, r.args("--out", out, "--resume")...)
	require.Contains(t, []int{exitFailures, exitPermissive}, again.code, again.stderr)
	s := summaryIn(t, out)
	assert.Equal(t, r.server.Stats().Distinct, s.Consents.Sent)
	assert.LessOrEqual(t, r.server.Stats().Duplicates, int64(64))
	assert.EqualValues(t, 3000, s.Rows.Read)
}

// A purge for which there is no room removes nothing, leaves nothing behind, and is done
// when there is some; so are reports and evidence.
func TestWhatFindsNoRoomIsDoneLater(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "hm"))
	small := smallDisk(t, "1m")
	out := filepath.Join(small, "import")
	r.here(t, nil, r.args("--out", out)...).requireCode(t, exitFailures)
	ballast, err := os.Create(filepath.Join(small, "ballast"))
	require.NoError(t, err)
	block := make([]byte, 4096)
	for err == nil {
		_, err = ballast.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, ballast.Close())
	before := filesIn(t, out)
	for _, command := range []string{"purge", "evidence", "report"} {
		got := r.here(t, nil, command, out).requireCode(t, exitIncomplete)
		assert.Contains(t, got.stderr, "make room, then run it again", command)
		assert.Equal(t, before, filesIn(t, out), command)
	}

	require.NoError(t, os.Remove(ballast.Name()))
	require.NoError(t, syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m"))
	for _, command := range []string{"evidence", "report"} {
		got := r.here(t, nil, command, out).requireCode(t, exitIncomplete)
		assert.Contains(t, got.stderr, "read-only file system\nhint: remove the cause, then run it again", command)
	}
	r.here(t, nil, "verify", out).requireConsistent(t)
	r.here(t, nil, r.args("--out", filepath.Join(r.dir, "delta"), "--since", out)...).requireCode(t, exitFailures) // it cannot say there that it follows
	require.NoError(t, syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=1m"))

	r.here(t, nil, "purge", out).requireCode(t, exitComplete)
	assert.NoFileExists(t, filepath.Join(out, "rejected.csv"))
	r.here(t, nil, "verify", out).requireCode(t, exitComplete)
}
