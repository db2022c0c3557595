//go:build !windows

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// With few files to open, fewer requests are in flight, and the user is told before
// anything is sent; with too few, nothing begins.
func TestFewOpenFilesDo(t *testing.T) {
	t.Parallel()
	under := func(t *testing.T, r *rehearsal, limit string, args ...string) finished {
		exe, err := os.Executable()
		require.NoError(t, err)
		c := exec.Command("sh", append([]string{"-c", `ulimit -n "$0" && exec "$@"`, limit, exe}, args...)...)
		c.Dir, c.Env = r.dir, r.surroundings()
		var stdout, stderr strings.Builder
		c.Stdout, c.Stderr = &stdout, &stderr
		_ = c.Run()
		return finished{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
	r := rehearse(t, 500, "latency=5ms")
	got := under(t, r, "32", r.args()...).requireCode(t, exitComplete)
	assert.Contains(t, got.stderr, "12 requests in flight instead of 64")
	assert.Zero(t, r.account(t))
	s := summaryIn(t, r.out())
	assert.Zero(t, s.HTTP.Retries, "nothing failed for want of a file")
	assert.LessOrEqual(t, r.server.Stats().InFlightMax, int64(12))
	under(t, r, "32", "verify", r.out()).requireConsistent(t)

	inside := rehearse(t, 500, "")
	got = under(t, inside, "32", "run", "--sandbox", "--mapping", "plain.yaml", inside.export).requireCode(t, exitComplete)
	assert.Contains(t, got.stderr, "3 requests in flight instead of 64")
	assert.Zero(t, summaryIn(t, inside.out()).HTTP.Retries, "both ends of each connection have their file")

	none := rehearse(t, 10, "")
	got = under(t, none, "16", none.args()...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "ulimit -n")
	assert.Zero(t, none.server.Stats().Requests)
}

// What was signed may come out of a program, as --approved <(…) has it: it is read once.
func TestWhatWasSignedMayComeFromAPipe(t *testing.T) {
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
	pipe := filepath.Join(r.dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	go func() {
		if w, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil { // waits for who reads
			_, _ = w.WriteString("category,value,decision\nmail,yes,accept\n")
			_ = w.Close()
		}
	}()
	r.here(t, nil, r.args("--approved", pipe)...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"1 ann accept"}, r.arrivals())
}

// What came out of a pipe is gone: the next command names what it held, and runs.
func TestTheNextCommandNamesNoPipe(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no")+exportRow(3, "cat", "mail", "yes"))
	pipes := map[string]string{
		"signed": "category,value,decision\nmail,yes,accept\nmail,no,reject\n", "mapping": plainMapping, "opted-out": "zoe\n",
	}
	args := append([]string{"run"}, r.target()...)
	for flag, name := range map[string]string{"--approved": "signed", "--mapping": "mapping", "--suppress": "opted-out"} {
		pipe := filepath.Join(r.dir, name)
		require.NoError(t, syscall.Mkfifo(pipe, 0o600))
		args = append(args, flag, pipe)
		go func() {
			if w, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil { // waits for who reads
				_, _ = w.WriteString(pipes[name])
				_ = w.Close()
			}
		}()
	}
	got := r.here(t, nil, append(args, "--limit", "1", r.export)...).requireCode(t, exitIncomplete)
	line := printed(t, got.stdout)
	for name := range pipes {
		require.NotContains(t, line, filepath.Join(r.dir, name))
	}
	require.Regexp(t, `--approved [0-9a-f]{64}`, line)
	code, out := r.typed(t, line)
	assert.Equal(t, exitComplete, code, out)
	assert.ElementsMatch(t, []string{"1 ann accept", "2 bob reject", "3 cat accept"}, r.arrivals())
}

// Whatever a file is called, the command that is printed about it runs.
func TestACommandAboutAnOddPathRuns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"two\nlines.csv", "two  blanks.csv", "it's 100%s\t\\n.csv", "\u200bhidden\u202e.csv", "\xff\n.csv"} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.export = r.write(t, name, exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no"))
			got := r.here(t, nil, r.args("--limit", "1", "--out", filepath.Join(r.dir, "out\nside"))...).requireCode(t, exitIncomplete)
			code, out := r.typed(t, printed(t, got.stdout))
			assert.Equal(t, exitComplete, code, out)
			assert.ElementsMatch(t, []string{"1 ann accept", "2 bob reject"}, r.arrivals())
		})
	}
}
