package main

import (
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unnamedFile gives the size of an open file of a process that has no name any more.
func unnamedFile(pid int, name string) (size int64, found bool) {
	opened, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, path := range opened {
		if to, err := os.Readlink(path); err != nil || !strings.HasSuffix(to, name+" (deleted)") {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			return info.Size(), true
		}
	}
	return 0, false
}

// What rows became is kept for when they are come to again where nobody finds it, neither
// while a run has it open nor when that was killed; and the import goes on without it.
func TestNothingIsLeftOfKeptRowsByAKill(t *testing.T) {
	t.Parallel()
	const people = 26_000
	r := newRehearsal(t, "latency=20ms")
	var text strings.Builder
	text.WriteString(exportHeader)
	who := func(n int) string { // that does not pack well
		sum := sha512.Sum512([]byte(fmt.Sprint(n)))
		return "person-" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for n := 1; n <= people; n++ {
		text.WriteString(exportRow(people+n, who(n), "mail", "no"))
	}
	for n := people; n > 0; n-- { // each leaves with the row before
		text.WriteString(exportRow(people-n+1, who(n), "mail", "yes"))
	}
	r.write(t, "export.csv", text.String())
	child := r.start(t, r.args("--concurrency", "4", "--progress", "none")...)
	awaitRequests(t, r, 40)
	size, found := unnamedFile(child.cmd.Process.Pid, "/.pulled-rows-1.tmp")
	require.True(t, found, "no row is kept on the disk")
	assert.Greater(t, size, int64(100_000))
	nobody := func(when string) {
		entries, err := os.ReadDir(r.out())
		require.NoError(t, err)
		for _, e := range entries {
			assert.NotContains(t, e.Name(), "rows", when)
			if e.Type().IsRegular() { // the control socket is none
				text, err := os.ReadFile(filepath.Join(r.out(), e.Name()))
				require.NoError(t, err)
				assert.NotContains(t, string(text), "person-", "%s %s", e.Name(), when)
			}
		}
	}
	nobody("while it runs")
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGKILL))
	child.wait(t)
	nobody("when it was killed")
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--limit", "50", "--progress", "none")...).requireCode(t, exitIncomplete)
	nobody("after a resume")
}
