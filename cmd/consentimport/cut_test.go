//go:build !windows

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// lineEnds gives where each line of a checkpoint ends, and the last of them above which
// something stands that is no seal: what is cut below it has lost nothing.
func lineEnds(whole []byte) (ends []int, last int) {
	for at := 0; at < len(whole); {
		end := at + bytes.IndexByte(whole[at:], '\n') + 1
		if !bytes.HasPrefix(whole[at:], []byte(`{"seal"`)) {
			last = end
		}
		ends, at = append(ends, end), end
	}
	return ends, last
}

// refusesCut checks that nothing goes on from a checkpoint of which the end is missing,
// however often it is tried, and that nothing writes over what shows that it is.
func (r *rehearsal) refusesCut(t *testing.T, says string) {
	t.Helper()
	before, requests := filesIn(t, r.out()), r.server.Stats().Requests
	for _, args := range [][]string{
		r.args("--resume"), r.args("--resume"), r.args("--resume", "--retry"),
		{"report", r.out()}, {"evidence", r.out()}, {"purge", r.out()}, {"verify", r.out()}, r.args("--resume"),
	} {
		want := exitRefused
		if args[0] == "verify" {
			want = exitFailures
		}
		got := r.here(t, nil, args...).requireCode(t, want)
		assert.Contains(t, got.stdout+got.stderr, says, args[0])
		if want == exitRefused {
			assert.Contains(t, got.stderr, "restore a complete copy of the directory", args[0])
		}
	}
	after := filesIn(t, r.out())
	assert.Equal(t, before, after)
	assert.Equal(t, requests, r.server.Stats().Requests, "nothing was sent")
}

// A run whose checkpoint is removed, or replaced by another one, stops: nobody would know what
// it sends from then on. It says so, and writes no reports beside what is not its own.
func TestARunWhoseCheckpointIsRemovedStops(t *testing.T) {
	t.Parallel()
	for name, replaced := range map[string]bool{"removed": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 2000, "")
			run := r.start(t, r.args("--concurrency", "2", "--rate", "100")...)
			awaitRequests(t, r, 5)
			require.NoError(t, os.Rename(r.out(), r.out()+".away"))
			if replaced {
				require.NoError(t, os.Mkdir(r.out(), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(r.out(), "checkpoint.jsonl"), nil, 0o600))
			}
			got := run.wait(t).requireCode(t, exitIncomplete)
			assert.Contains(t, got.stderr, "error: the checkpoint in "+r.out()+" was removed while the run was at work: what was sent is not known any more")
			assert.NotContains(t, got.stderr, "writing the reports")
			assert.NoFileExists(t, filepath.Join(r.out(), "report.json"))
			assert.Less(t, r.server.Stats().Requests, int64(2000))
		})
	}
}

// A checkpoint that was cut at the end of a line looks like one of a run that died then,
// and all that it lost would be sent once more. What lies beside it knows better.
func TestACutCheckpointIsRefused(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 24, "")
	r.here(t, nil, r.args("--limit", "4", "--concurrency", "2")...).requireCode(t, exitIncomplete)
	r.here(t, nil, r.args("--limit", "8", "--concurrency", "2", "--resume")...).requireCode(t, exitIncomplete)
	path := filepath.Join(r.out(), journal.Name)
	beside := filepath.Join(r.out(), journal.KnownName)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	known, err := os.ReadFile(beside)
	require.NoError(t, err)
	ends, last := lineEnds(whole)
	require.Greater(t, len(ends), 12)
	refused := 0
	for i, end := range ends {
		if end >= last || i%3 != 0 && ends[i+1] < last { // the last of them, and some
			continue
		}
		refused++
		require.NoError(t, os.WriteFile(path, whole[:end], 0o600))
		says := journal.KnownName
		if end <= bytes.Index(whole, []byte(`{"run"`)) {
			says = "checkpoint" // whichever finds it first
		}
		r.refusesCut(t, says)
	}
	assert.Greater(t, refused, 3)
	// A copy without hidden files: the reports know it.
	require.NoError(t, os.Remove(beside))
	for _, end := range ends[4:] {
		if end > bytes.LastIndex(whole, []byte(`{"sent"`)) { // all outcomes are there
			break
		}
		require.NoError(t, os.WriteFile(path, whole[:end], 0o600))
		r.here(t, nil, r.args("--resume")...).requireCode(t, exitRefused)
	}
	require.NoError(t, os.WriteFile(path, whole[:bytes.LastIndex(whole, []byte(`{"sent"`))], 0o600))
	r.refusesCut(t, "report.json")
	// One that has gone on, from an older copy.
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	require.NoError(t, os.WriteFile(beside, known, 0o600))
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	r.refusesCut(t, journal.KnownName)
	now, err := os.ReadFile(beside)
	require.NoError(t, err)
	// Torn in the midst of its last line, it has lost no more than a crash loses.
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-7], 0o600))
	require.NoError(t, os.WriteFile(beside, known, 0o600))
	for _, name := range []string{"report.json"} {
		require.NoError(t, os.Remove(filepath.Join(r.out(), name)))
	}
	r.here(t, nil, r.args("--resume", "--limit", "1")...).requireCode(t, exitIncomplete)
	// Of another import altogether.
	require.NoError(t, os.WriteFile(beside, now, 0o600))
	assert.Contains(t, r.here(t, nil, r.args("--resume")...).requireCode(t, exitRefused).stderr, journal.KnownName)
}

// What a run that was killed had brought to the disk is known, what came after it is not:
// that may have been lost with the power. What is honest is never refused.
func TestACheckpointCutAfterAKillIsRefused(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 4000, "latency=10ms")
	child := r.start(t, r.args("--concurrency", "8", "--progress", "none")...)
	path := filepath.Join(r.out(), journal.Name)
	require.Eventually(t, func() bool { // some time after it has begun to send
		text, err := os.ReadFile(path)
		return err == nil && strings.Count(string(text), `{"seal"`) > 3
	}, waitFor, tick)
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGKILL))
	child.wait(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	ends, _ := lineEnds(whole)
	sealed := bytes.LastIndex(whole, []byte(`{"seal"`)) // it may have died before it said so
	before := bytes.LastIndex(whole[:sealed], []byte(`{"seal"`))
	refused := 0
	for i, end := range ends {
		if end < before && (i%(len(ends)/6) == 0 || ends[i+1] >= before) {
			require.NoError(t, os.WriteFile(path, whole[:end], 0o600))
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitRefused)
			refused++
		}
	}
	assert.Greater(t, refused, 3)
	requests := r.server.Stats().Requests
	r.faults(t, "")
	// As after a power loss that took all that was not synced.
	require.NoError(t, os.WriteFile(path, whole[:sealed], 0o600))
	assert.NotContains(t, r.here(t, nil, "verify", r.out()).stdout+r.here(t, nil, "verify", r.out()).stderr, journal.KnownName)
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	assert.Equal(t, requests, r.server.Stats().Requests, "nothing was sent")
	r.killed = true
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	r.account(t)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}
