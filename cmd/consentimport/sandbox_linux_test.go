package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a sandbox keeps lies on the disk under no name, also that of run --sandbox, and
// a kill -9 leaves nothing of it.
func TestASandboxThatIsKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	p := program{dir: t.TempDir(), env: []string{"TMPDIR=" + temp}}
	child := p.start(t, "sandbox", "--addr", "127.0.0.1:0")
	var base string
	require.Eventually(t, func() bool {
		_, after, ok := strings.Cut(child.stdout.String(), "base URL ")
		base, _, _ = strings.Cut(after, "\n")
		return ok && base != ""
	}, waitFor, tick)
	body := fmt.Sprintf(`{"action":"accept","timestamp":1767225600000,"validUntil":"unlimited","source":"web","userId":"u1","message":%q}`, strings.Repeat("x", 1<<19))
	for range 10 {
		resp, err := http.Post(base+"/o/projects/p/consents/data?apiKey=a.b", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	open := openIn(t, child.cmd.Process.Pid, temp)
	require.Len(t, open, 1)
	assert.Contains(t, open[0], "(deleted)")
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGKILL))
	child.wait(t)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// openIn are the files of a directory that a process has open, as the system names them.
func openIn(t *testing.T, pid int, dir string) (names []string) {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	for _, fd := range all {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	return names
}

// watchPeak gives what a program has taken of memory at most, in KiB, when it has ended.
func (p *program) watchPeak(t *testing.T) func() int64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "status")
	p.env = append([]string{peakFile + "=" + path}, p.env...)
	return func() int64 {
		t.Helper()
		status, err := os.ReadFile(path)
		require.NoError(t, err)
		_, after, ok := strings.Cut(string(status), "VmHWM:")
		require.True(t, ok)
		var kib int64
		_, err = fmt.Sscan(after, &kib)
		require.NoError(t, err)
		return kib
	}
}

// The sandbox inside a run keeps what it gets in the out directory, and memory stays
// the same however much that is.
func TestTheSandboxOfARunKeepsOnTheDisk(t *testing.T) {
	t.Parallel()
	rows := 12_000
	if soak {
		rows = 1_000_000
	}
	var text bytes.Buffer
	text.WriteString(exportHeader)
	for n := 1; n <= rows; n++ {
		text.WriteString(exportRow(n, fmt.Sprintf("%s%08d", strings.Repeat("u", 300), n), "mail", "yes"))
	}
	dir := t.TempDir()
	p := program{dir: dir}
	peak := p.watchPeak(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "export.csv"), text.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plain.yaml"), []byte(plainMapping), 0o600))
	out := filepath.Join(dir, "out")
	child := p.start(t, "run", "--sandbox", "--mapping", "plain.yaml", "--out", out, "export.csv")
	seen := false
	require.Eventually(t, func() bool {
		for _, name := range openIn(t, child.cmd.Process.Pid, out) {
			seen = seen || strings.Contains(name, ".sandbox-") && strings.Contains(name, "(deleted)")
		}
		_, err := os.Stat(filepath.Join(out, "report.json"))
		return seen || err == nil
	}, waitFor, tick)
	child.wait(t).requireCode(t, exitComplete)
	assert.True(t, seen)
	most := peak()
	assert.Less(t, most, int64(256<<10), "KiB")
	t.Logf("%d rows, %d KiB", rows, most)
}
