//go:build !windows

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report"
)

// slowRehearsal is an import that takes some seconds, with requests in flight all
// the time.
func slowRehearsal(t *testing.T) *rehearsal {
	t.Helper()
	return rehearse(t, 400, "latency=200ms")
}

// sent waits until the target has some.
func (r *rehearsal) sent(t *testing.T, n int64) {
	t.Helper()
	require.Eventually(t, func() bool { return r.server.Stats().Stored >= n }, waitFor, tick)
}

// What a signal leads to is told as it is: before anything was sent nothing is waited for.
func TestASignalBeforeAnythingWasSent(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	var text strings.Builder
	text.WriteString(exportHeader)
	for i := range 300_000 { // that it goes over before it sends
		text.WriteString(exportRow(i+1, "ann", "mail", "yes"))
	}
	r.write(t, "export.csv", text.String())
	child := r.start(t, r.args()...)
	require.Eventually(t, func() bool {
		_, err := os.Lstat(filepath.Join(r.out(), ".lock"))
		return err == nil
	}, waitFor, tick)
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
	got := child.wait(t)
	require.Zero(t, r.server.Stats().Requests)
	assert.Contains(t, got.stderr, "stopping; nothing was sent by this run yet")
	assert.NotContains(t, got.stderr, "requests in flight")
}

// Whatever asks for a stop, once or twice within a second as wrappers do, gets a
// stop with reports in which nothing in flight is cut off.
func TestAStopIsAskedForInManyWays(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]os.Signal{
		"Ctrl-C":             {syscall.SIGINT},
		"TERM":               {syscall.SIGTERM},
		"a closed terminal":  {syscall.SIGHUP},
		"TERM twice":         {syscall.SIGTERM, syscall.SIGTERM},
		"HUP, then TERM":     {syscall.SIGHUP, syscall.SIGTERM},
		"Ctrl-C three times": {syscall.SIGINT, syscall.SIGINT, syscall.SIGINT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := slowRehearsal(t)
			child := r.start(t, r.args("--concurrency", "8")...)
			r.sent(t, 8)
			r.faults(t, "latency=1s") // it cannot come to its end before it is told to stop
			for _, s := range signals {
				require.NoError(t, child.cmd.Process.Signal(s))
				time.Sleep(20 * time.Millisecond) // so that the kernel does not merge them
			}
			child.wait(t).requireCode(t, exitIncomplete)
			s := summaryIn(t, r.out())
			assert.Equal(t, "signal", s.Why)
			assert.Equal(t, r.server.Stats().Stored, s.Consents.Sent, "what was in flight has its answer")
			r.faults(t, "")
			r.exec(t, r.args("--resume")...).requireCode(t, exitComplete)
			assert.Zero(t, r.account(t), "repeats")
		})
	}
}

// Under nohup a closed terminal stops nothing, as it means; a SIGTERM does.
func TestNohupOutlivesItsTerminal(t *testing.T) {
	t.Parallel()
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip("skipped: nohup is not installed")
	}
	r := slowRehearsal(t)
	child := r.command(t, r.args("--concurrency", "8", "--progress", "none")...)
	child.Path, child.Args = nohup, append([]string{nohup, child.Path}, child.Args[1:]...)
	require.NoError(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill() })
	r.sent(t, 8)
	require.NoError(t, child.Process.Signal(syscall.SIGHUP))
	r.sent(t, 40)
	require.NoError(t, child.Process.Signal(syscall.SIGTERM))
	_ = child.Wait()
	assert.Equal(t, exitIncomplete, child.ProcessState.ExitCode())
	s := summaryIn(t, r.out())
	assert.Equal(t, "signal", s.Why)
	assert.GreaterOrEqual(t, s.Consents.Sent, int64(40))
}

// A second signal, a second later, means it: the process ends at once. The
// checkpoint holds all the same.
func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 50, "hang=100%")
	child := r.start(t, r.args("--concurrency", "4")...)
	require.Eventually(t, func() bool { return r.server.Stats().InFlight == 4 }, waitFor, tick)
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
	time.Sleep(onceMore + 50*time.Millisecond)
	began := time.Now()
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
	child.wait(t).requireCode(t, exitIncomplete)
	assert.Less(t, time.Since(began), 3*time.Second, "not the 10 s that requests in flight get")
	r.faults(t, "")
	r.exec(t, r.args("--resume")...).requireCode(t, exitComplete)
	r.account(t)
}

// What sends nothing says nothing of requests and reports.
func TestASignalToTheSandboxSaysWhatFollows(t *testing.T) {
	t.Parallel()
	child := program{dir: t.TempDir()}.start(t, "sandbox", "--addr", "127.0.0.1:0")
	require.Eventually(t, func() bool { return strings.Contains(child.stdout.String(), "base URL ") }, waitFor, tick)
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
	got := child.wait(t)
	assert.Contains(t, got.stderr, "stopping; a second signal stops at once")
	assert.NotContains(t, got.stderr, "report")
}

// Outputs that nobody reads, whose reader is gone, or that are closed neither end
// nor block an import, and a signal ends it as always.
func TestOutputsThatNobodyReads(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T) *os.File { // a pipe with no room left, and somebody who does not read it
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { r.Close(); w.Close() })
		fill, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", w.Fd()), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Skip("no /proc to fill a pipe with")
		}
		defer fill.Close()
		for {
			if n, err := syscall.Write(int(fill.Fd()), make([]byte, 4096)); err != nil || n < 4096 {
				return w
			}
		}
	}
	broken := func(t *testing.T) *os.File {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		r.Close()
		t.Cleanup(func() { w.Close() })
		return w
	}
	for name, c := range map[string]struct {
		stdout, stderr func(*testing.T) *os.File
	}{
		"messages nobody reads":         {nil, full},
		"messages whose reader is gone": {nil, broken},
		"a result whose reader is gone": {broken, nil},
		"both of them":                  {broken, full},
	} {
		for _, stopped := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", and a signal"}[stopped], func(t *testing.T) {
				t.Parallel()
				r := rehearse(t, 60, "latency=20ms")
				child := r.command(t, r.args("--concurrency", "8", "--progress", "log")...)
				if c.stdout != nil {
					child.Stdout = c.stdout(t)
				}
				if c.stderr != nil {
					child.Stderr = c.stderr(t)
				}
				require.NoError(t, child.Start())
				want := exitComplete
				if stopped {
					r.sent(t, 8)
					require.NoError(t, child.Process.Signal(syscall.SIGTERM))
					want = exitIncomplete
				}
				late := time.AfterFunc(waitFor, func() { _ = child.Process.Kill() })
				_ = child.Wait()
				require.True(t, late.Stop(), "it hangs")
				assert.Equal(t, want, child.ProcessState.ExitCode())
				if !stopped {
					assert.Zero(t, r.account(t))
				}
			})
		}
	}
}

// A pipe that nobody reads does not hold a run up when its events are to go there, and one
// that nobody writes does not when a list is to come from there: a signal ends the process.
func TestNamedPipesHoldNothingUp(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 5, "")
	pipe := filepath.Join(r.dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	unread := r.exec(t, r.args("--events", pipe)...).requireCode(t, exitRefused)
	assert.Contains(t, unread.stderr, "open --events")

	for _, flag := range []string{"--suppress", "--approved"} {
		child := r.start(t, r.args(flag, pipe)...)
		// It has begun to wait as soon as somebody can write without waiting himself.
		require.Eventually(t, func() bool {
			w, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err == nil {
				t.Cleanup(func() { _ = w.Close() })
			}
			return err == nil
		}, waitFor, tick, flag)
		require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
		child.wait(t)
		assert.NoFileExists(t, filepath.Join(r.out(), "checkpoint.jsonl"), flag)
	}

	reader, err := os.OpenFile(pipe, os.O_RDWR, 0) // it has the pipe open, and takes nothing out of it
	require.NoError(t, err)
	defer reader.Close()
	fill, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer fill.Close()
	for {
		if n, err := syscall.Write(int(fill.Fd()), make([]byte, 4096)); err != nil || n < 4096 {
			break
		}
	}
	r.exec(t, r.args("--events", pipe)...).requireCode(t, exitComplete)
}

// Standard input that does not come to an end does not keep a command from ending.
func TestASignalEndsTheWaitForStandardInput(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 5, "")
	for name, args := range map[string][]string{
		"run":     r.args(),
		"dry run": r.args("--dry-run"),
		"inspect": {"inspect", r.export},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range args {
				if args[i] == r.export {
					args[i] = "-"
				}
			}
			in, w, err := os.Pipe()
			require.NoError(t, err)
			defer w.Close()
			defer in.Close()
			child := r.command(t, args...)
			child.Stdin = in
			require.NoError(t, child.Start())
			late := time.AfterFunc(waitFor, func() { _ = child.Process.Kill() })
			_, err = w.Write(make([]byte, 1<<20)) // more than fits into the pipe: it has begun to read
			require.NoError(t, err)
			require.NoError(t, child.Process.Signal(syscall.SIGTERM))
			_ = child.Wait()
			require.True(t, late.Stop(), "it hangs")
			assert.Equal(t, exitIncomplete, child.ProcessState.ExitCode())
		})
	}
}

// command is the program, not started yet.
func (p program) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe, args...)
	c.Dir, c.Env = p.dir, p.surroundings()
	return c
}

// A process that was stopped for longer than a request may take reads the answers
// that lie there before it believes that there are none.
func TestAStoppedProcessReadsItsAnswers(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 40, "latency=300ms")
	child := r.start(t, r.args("--concurrency", "4", "--timeout", "1500ms")...)
	r.sent(t, 4)
	require.Eventually(t, func() bool { return r.server.Stats().InFlight == 4 }, waitFor, time.Millisecond)
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(2 * time.Second) // the time of every request in flight is over
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGCONT))
	child.wait(t).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t), "repeats")
	assert.Zero(t, summaryIn(t, r.out()).HTTP.ByStatus["0"], "answers that were not read")
}

// After a signal the reports may take so long. Then report.json alone is written, in
// which the counts balance, and the line that is printed writes the rest.
func TestReportsAfterASignalAreBounded(t *testing.T) {
	t.Parallel()
	r := slowRehearsal(t)
	r.here(t, nil, r.args("--limit", "5")...).requireCode(t, exitIncomplete)
	require.NotEmpty(t, column(t, r.out(), "successes.csv", "row"), "the lists of an earlier stop")
	r.write(t, "export.csv.import/rejected-2.jsonl", "{}\n")
	r.write(t, "export.csv.import/notes.csv", "a person's own\n")
	r.env = append(r.env, reportTime+"=1ns")
	child := r.start(t, r.args("--concurrency", "8", "--resume")...)
	r.sent(t, 16)
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
	got := child.wait(t).requireCode(t, exitIncomplete)
	s := summaryIn(t, r.out())
	assert.True(t, s.Partial)
	assert.Equal(t, "incomplete", s.State)
	assert.Equal(t, "signal", s.Why)
	assert.Equal(t, r.server.Stats().Stored, s.Consents.Sent)
	_, line, ok := strings.Cut(got.stderr, "this writes the rest: ")
	require.True(t, ok, got.stderr)
	// What an earlier stop has left would be taken for the lists of this one.
	for name := range filesIn(t, r.out()) {
		assert.True(t, !report.Written(name) || name == "report.json", name)
	}
	assert.FileExists(t, filepath.Join(r.out(), "notes.csv"), "what is none of ours stays")
	verified := r.exec(t, "verify", r.out()).requireConsistent(t)
	assert.Contains(t, verified.stdout, "note: a signal left no time for the lists")
	text, err := os.ReadFile(filepath.Join(r.out(), "report.json"))
	require.NoError(t, err)
	r.write(t, "export.csv.import/report.json", regexp.MustCompile(`"sent": \d+`).ReplaceAllString(string(text), `"sent": 3`))
	r.exec(t, "verify", r.out()).requireCode(t, exitFailures)
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	require.Equal(t, []string{"consentimport", "report"}, words[:2])
	r.exec(t, words[1:]...).requireCode(t, exitIncomplete)
	whole := summaryIn(t, r.out())
	assert.False(t, whole.Partial)
	assert.Equal(t, s.Consents.Sent, whole.Consents.Sent)
	assert.Len(t, column(t, r.out(), "successes.csv", "row"), int(s.Consents.Sent))
}
