package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
)

// statusNow asks a run how it is; nil when none is at work.
func statusNow(t *testing.T, r *rehearsal) *status {
	t.Helper()
	got := r.exec(t, "ctl", "--json", r.out(), "status")
	if got.code == exitRefused {
		return nil
	}
	got.requireCode(t, exitComplete)
	var s status
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &s))
	return &s
}

func awaitStatus(t *testing.T, r *rehearsal, want func(*status) bool) *status {
	t.Helper()
	var s *status
	require.Eventually(t, func() bool { s = statusNow(t, r); return s != nil && want(s) }, time.Minute, 5*time.Millisecond)
	return s
}

// A run is paused, goes on, changes its pace and is stopped from another terminal;
// nothing is lost, nothing arrives twice, and each order is in the checkpoint.
func TestARunIsSteeredWhileItRuns(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 2000, "latency=1ms")
	run := r.start(t, r.args("--concurrency", "2", "--rate", "300")...)
	awaitRequests(t, r, 5)
	order := func(text string) { r.exec(t, "ctl", r.out(), text).requireCode(t, exitComplete) }

	order("pause")
	awaitStatus(t, r, func(s *status) bool { return s.State == "paused" && s.InFlight == 0 })
	before := r.server.Stats().Requests
	for range 5 {
		assert.Equal(t, "paused", statusNow(t, r).State)
	}
	assert.Equal(t, before, r.server.Stats().Requests, "nothing leaves while it is paused")

	order("concurrency=8")
	order("rate=0")
	order("resume")
	s := awaitStatus(t, r, func(s *status) bool { return s.State == "running" && s.Sent > before+50 })
	assert.Equal(t, importer.Steering{Rate: 0, Concurrency: 8}, s.Steering)
	info, err := os.Stat(filepath.Join(r.out(), "ctl.sock"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())

	order("rate=50")
	order("stop")
	got := run.wait(t).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stdout, "INCOMPLETE")
	assert.NoFileExists(t, filepath.Join(r.out(), "ctl.sock"))
	assert.Nil(t, statusNow(t, r), "no run is at work any more")
	text, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
	require.NoError(t, err)
	at := 0
	for _, what := range []string{"pause", "concurrency=8", "rate=0", "resume", "rate=50", "stop"} {
		i := strings.Index(string(text[at:]), `"what":"`+what+`"`)
		require.GreaterOrEqual(t, i, 0, what)
		at += i
	}
	r.exec(t, r.args("--resume")...)
	assert.EqualValues(t, 2000, summaryIn(t, r.out()).Consents.Sent)
	assert.EqualValues(t, 2000, r.server.Stats().Requests, "each once")
	r.exec(t, "verify", r.out()).requireConsistent(t)
}

// More requests may be in flight than the run was started with.
func TestMoreMayBeInFlightThanAtTheStart(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 3000, "latency=20ms")
	run := r.start(t, r.args("--concurrency", "1")...)
	awaitRequests(t, r, 2)
	r.exec(t, "ctl", r.out(), "concurrency=40").requireCode(t, exitComplete)
	awaitStatus(t, r, func(s *status) bool { return s.InFlight > 10 })
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
	run.wait(t).requireCode(t, exitIncomplete)
}

// What is not an order is refused before anybody hears of it; a run that was killed leaves
// no socket that stands in the way.
func TestOrdersThatAreNone(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 400, "latency=5ms")
	for _, text := range []string{"pauze", "rate", "rate=-1", "rate=fast", "concurrency=0", "concurrency=1.5", "rate=NaN", "", "status=1"} {
		_, err := parseOrder(text)
		assert.Equal(t, exitRefused, exitCode(err), text)
	}
	r.exec(t, "ctl", r.out(), "status").requireCode(t, exitRefused)
	run := r.start(t, r.args()...)
	awaitRequests(t, r, 5)
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGKILL))
	run.wait(t)
	require.FileExists(t, filepath.Join(r.out(), "ctl.sock"))
	got := r.exec(t, "ctl", r.out(), "pause").requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "no run is at work in "+r.out())
	r.faults(t, "latency=200ms") // it must not be done before it is asked
	again := r.start(t, r.args("--resume")...)
	awaitStatus(t, r, func(s *status) bool { return s.State != "" })
	r.faults(t, "")
	again.wait(t)
}
