package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// orderLine is an order in a checkpoint.
var orderLine = regexp.MustCompile(`\{"order":\{"at":"([^"]+)","what":"([^"]+)"`)

// A pace is in force at once: the consent that would have waited for most of a minute leaves
// within a second, and after a slower pace nothing more leaves than was on its way.
func TestAPaceIsInForceWithinASecond(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 400, "")
	run := r.start(t, r.args("--concurrency", "4", "--rate", "0.02")...)
	awaitRequests(t, r, 1)
	before := len(r.server.Consents())
	r.exec(t, "ctl", r.out(), "rate=100").requireCode(t, exitComplete)
	require.Eventually(t, func() bool { return len(r.server.Consents()) > before+20 }, time.Minute, time.Millisecond)
	text, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
	require.NoError(t, err)
	m := orderLine.FindStringSubmatch(string(text))
	require.NotNil(t, m)
	ordered, err := time.Parse(time.RFC3339Nano, m[1])
	require.NoError(t, err)
	next := r.server.Consents()[before].At
	assert.Less(t, next.Sub(ordered), time.Second, "the next consent after the order")

	r.exec(t, "ctl", r.out(), "rate=0.02").requireCode(t, exitComplete)
	awaitStatus(t, r, func(s *status) bool { return s.Rate == 0.02 && s.InFlight == 0 })
	settled := len(r.server.Consents())
	for range 5 {
		statusNow(t, r)
	}
	assert.LessOrEqual(t, len(r.server.Consents()), settled+1, "one a minute")
	r.exec(t, "ctl", r.out(), "rate=0").requireCode(t, exitComplete)
	run.wait(t).requireCode(t, exitComplete)
	assert.EqualValues(t, 400, r.server.Stats().Requests, "each once")
}

// Two who steer at once are heard one after the other: each order is carried out, and is in the
// checkpoint once.
func TestTwoSteerAtOnce(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 3000, "latency=1ms")
	run := r.start(t, r.args("--concurrency", "2", "--rate", "200")...)
	awaitRequests(t, r, 5)
	const each = 8
	var both sync.WaitGroup
	codes := make([]int, 2*each)
	for who := range 2 {
		both.Go(func() {
			for i := range each {
				codes[who*each+i] = r.exec(t, "ctl", r.out(), fmt.Sprintf("concurrency=%d", 2+who*each+i)).code
			}
		})
	}
	both.Wait()
	assert.Equal(t, make([]int, 2*each), codes)
	r.exec(t, "ctl", r.out(), "rate=0").requireCode(t, exitComplete)
	run.wait(t).requireCode(t, exitComplete)
	text, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
	require.NoError(t, err)
	var said []string
	for _, m := range orderLine.FindAllStringSubmatch(string(text), -1) {
		said = append(said, m[2])
	}
	want := []string{"rate=0"}
	for i := range 2 * each {
		want = append(want, fmt.Sprintf("concurrency=%d", 2+i))
	}
	assert.ElementsMatch(t, want, said)
	assert.EqualValues(t, 3000, r.server.Stats().Requests, "each once")
	r.exec(t, "verify", r.out()).requireConsistent(t)
}

// A directory whose path is longer than that of a socket may be is steered all the same, also
// after a run that was killed there.
func TestARunInADeepDirectoryIsSteered(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "latency=5ms")
	deep := filepath.Join(r.dir, strings.Repeat("deep/", 30)+"out")
	require.Greater(t, len(deep), 120)
	require.NoError(t, os.MkdirAll(filepath.Dir(deep), 0o700))
	args := func(more ...string) []string { return r.args(append([]string{"--out", deep}, more...)...) }
	run := r.start(t, args("--rate", "50")...)
	awaitRequests(t, r, 3)
	r.exec(t, "ctl", deep, "pause").requireCode(t, exitComplete)
	info, err := os.Lstat(filepath.Join(deep, "ctl.sock"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	assert.Contains(t, r.exec(t, "ctl", deep, "status").requireCode(t, exitComplete).stdout, "paused")
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGKILL))
	run.wait(t)
	assert.Contains(t, r.exec(t, "ctl", deep, "status").requireCode(t, exitRefused).message(t), "no run is at work in "+deep)
	again := r.start(t, args("--resume", "--rate", "50")...)
	require.Eventually(t, func() bool { return r.exec(t, "ctl", deep, "rate=0").code == exitComplete }, time.Minute, 5*time.Millisecond)
	again.wait(t).requireCode(t, exitComplete)
}

// Before a run sends, and when it has sent, it takes no orders: it is not said that there is
// none, for a large export is read for a long time.
func TestARunThatTakesNoOrdersIsStillOne(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 5, "")
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	got := r.here(t, nil, "ctl", r.out(), "status").requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "no run is at work")
	lock, err := journal.Lock(journal.OS{}, r.out())
	require.NoError(t, err)
	defer lock.Close()
	for _, order := range []string{"status", "stop"} {
		got := r.here(t, nil, "ctl", r.out(), order).requireCode(t, exitRefused)
		assert.Contains(t, got.message(t), "another process is working in")
		assert.NotContains(t, got.message(t), "no run is at work")
	}
}

// What a run at work has written is not judged, nor its reports written by another: verify
// found a forger and report a run that was killed.
func TestARunAtWorkIsNotJudged(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 400, "latency=20ms")
	p := r.start(t, r.args("--concurrency", "2")...)
	awaitRequests(t, r, 20)
	for _, args := range [][]string{{"verify", r.out()}, {"verify", "--subject", "u1", r.out()}, {"report", r.out()}, {"evidence", r.out()}, {"purge", r.out()}} {
		got := r.here(t, nil, args...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, "another process is working in this directory\nhint: wait for it to end, or stop it")
	}
	require.NoFileExists(t, filepath.Join(r.out(), "report.json"))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGKILL))
	p.wait(t)
	r.here(t, nil, "report", r.out()).requireCode(t, exitIncomplete)
	done := make(chan int, 8)
	for range cap(done) { // who only looks keeps nobody else from looking
		go func() { done <- r.here(t, nil, "verify", r.out()).code }()
	}
	for range cap(done) {
		assert.NotEqual(t, exitRefused, <-done) // 3: what is pending may be a reject
	}
	empty := t.TempDir()
	r.here(t, nil, "report", empty).requireCode(t, exitRefused)
	assert.NoFileExists(t, filepath.Join(empty, ".lock"))
}
