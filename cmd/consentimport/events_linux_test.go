package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A file of events whose last line cannot be ended is refused before anything is sent: the
// first event of this run would be lost with it.
func TestEventsThatCannotBeGoneOnWithAreRefused(t *testing.T) {
	t.Parallel()
	fd, err := unix.MemfdCreate("events", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	require.NoError(t, err)
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(`{"v":1,"event":"end"}`))
	require.NoError(t, err)
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW) // as on a disk that is full
	require.NoError(t, err)
	r := rehearse(t, 1, "")
	name := fmt.Sprintf("/proc/self/fd/%d", fd)
	got := r.here(t, nil, r.args("--events", name)...).requireCode(t, exitRefused)
	assert.Equal(t, "error: write --events: write "+name+": operation not permitted\nhint: give a file that can be written, or - for standard output\n", got.stderr)
	assert.Zero(t, r.server.Stats().Requests)
	got = r.here(t, nil, r.args("--events", r.dir)...).requireCode(t, exitRefused)
	assert.Equal(t, "error: open --events: open "+r.dir+": is a directory\nhint: give a file that can be written, or - for standard output\n", got.stderr)
}
