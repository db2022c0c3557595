package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noonZone is a zone in which it is about noon, so that no test runs over midnight.
func noonZone() string {
	hours := 12 - time.Now().UTC().Hour()
	return fmt.Sprintf("%+03d:00", hours)
}

// closedHours are hours that begin in hours from now.
func closedHours() string { return "20:00-22:00 " + noonZone() }

// strangers are people with one decision each: nothing of it has to leave together.
func strangers(t *testing.T, n int, faults string) *rehearsal {
	t.Helper()
	r := newRehearsal(t, faults)
	var text strings.Builder
	text.WriteString(exportHeader)
	for row := 1; row <= n; row++ {
		text.WriteString(exportRow(row, fmt.Sprint("u", row), "mail", "yes"))
	}
	r.write(t, "export.csv", text.String())
	return r
}

// A run whose hours have not come waits: it says until when and why in every place, sends
// nothing, is not opened by ctl, and ends at once on a signal. The hours are of that run: a
// resume without them sends everything.
func TestARunWaitsForItsHours(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 60, "")
	events := filepath.Join(r.dir, "events.jsonl")
	run := r.start(t, r.args("--between", closedHours(), "--events", events, "--metrics", ":0", "--on-end", "env > told")...)
	s := awaitStatus(t, r, func(s *status) bool { return s.State == "waiting" })
	require.NotNil(t, s.Waiting)
	assert.Equal(t, "between", s.Waiting.Why)
	assert.Equal(t, "20:00 "+noonZone(), s.Waiting.Until.Format("15:04 -07:00"))
	assert.Greater(t, time.Until(s.Waiting.Until), 6*time.Hour)
	got := r.exec(t, "ctl", r.out(), "status").requireCode(t, exitComplete)
	assert.Regexp(t, `state +waiting, for .*\n +waiting until 20\d\d-\d\d-\d\d 20:00 [+-]\d\d:00: consents leave between 20:00-22:00 `, got.stdout)

	order := func(text string) { r.exec(t, "ctl", r.out(), text).requireCode(t, exitComplete) }
	order("pause")
	assert.Equal(t, "paused", statusNow(t, r).State)
	assert.NotNil(t, statusNow(t, r).Waiting)
	order("resume")
	order("rate=0")
	order("concurrency=8")
	for range 5 {
		assert.Equal(t, "waiting", statusNow(t, r).State)
	}
	assert.Zero(t, r.server.Stats().Requests, "an order does not open the hours")

	found := regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`).FindString(run.stderr.String())
	answer, err := http.Get(found)
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Contains(t, string(body), fmt.Sprintf("consentimport_waiting_until_timestamp_seconds %d\n", s.Waiting.Until.Unix()))

	began := time.Now()
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
	ended := run.wait(t).requireCode(t, exitIncomplete)
	assert.Less(t, time.Since(began), 9*time.Second, "it does not wait for the time of requests in flight")
	assert.Contains(t, ended.stderr, "waiting until ")
	assert.Contains(t, ended.stdout, "INCOMPLETE")
	assert.Contains(t, ended.stdout, "--between '"+closedHours()+"'", "the next command keeps the hours")
	assert.FileExists(t, filepath.Join(r.out(), "report.html"))
	assert.EqualValues(t, 60, summaryIn(t, r.out()).Consents.Pending)
	var names []string
	for _, e := range eventsIn(t, events) {
		names = append(names, e["event"].(string))
		if e["event"] == "wait" {
			assert.Equal(t, "between", e["why"])
			at, err := time.Parse(time.RFC3339, e["until"].(string))
			require.NoError(t, err)
			assert.True(t, at.Equal(s.Waiting.Until))
		}
		if e["event"] == "progress" {
			assert.NotNil(t, e["waiting"])
		}
	}
	assert.Equal(t, []string{"start", "wait", "progress", "stop", "end"}, names)

	r.exec(t, r.args("--resume")...)
	assert.EqualValues(t, 60, summaryIn(t, r.out()).Consents.Sent)
}

// Killed at any point, the import sends no more on a day than it may: the count is in the
// checkpoint. What a signal ends wastes nothing of it.
func TestTheCountOfTheDayOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	r := strangers(t, 300, "latency=2ms")
	const perDay = 60
	args := r.args("--per-day", fmt.Sprint(perDay), "--between", "00:00-24:00 "+noonZone(), "--concurrency", "4")
	sent := func() int64 { return r.server.Stats().Requests }
	for i, at := range []int64{10, 25, 40} {
		run := r.start(t, append(args, "--resume")...)
		awaitRequests(t, r, at)
		signal := syscall.SIGKILL
		if i == 1 {
			signal = syscall.SIGTERM
		}
		require.NoError(t, run.cmd.Process.Signal(signal))
		run.wait(t)
		require.Less(t, sent(), int64(perDay))
	}
	run := r.start(t, append(args, "--resume")...)
	s := awaitStatus(t, r, func(s *status) bool { return s.State == "waiting" && s.InFlight == 0 })
	assert.Equal(t, "per-day", s.Waiting.Why)
	assert.Contains(t, s.Waiting.Detail, "of the 60 of this day")
	assert.Equal(t, "00:00 "+noonZone(), s.Waiting.Until.Format("15:04 -07:00"))
	held := sent()
	assert.LessOrEqual(t, held, int64(perDay))
	assert.GreaterOrEqual(t, held, int64(perDay-2*3), "a kill wastes a step of 3 at most")
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGKILL))
	run.wait(t)

	again := r.start(t, append(args, "--resume")...) // the day is over for whoever comes
	awaitStatus(t, r, func(s *status) bool { return s.State == "waiting" })
	assert.Equal(t, held, sent())
	require.NoError(t, again.cmd.Process.Signal(syscall.SIGTERM))
	again.wait(t).requireCode(t, exitIncomplete)
	r.exec(t, r.args("--resume")...)
	assert.EqualValues(t, 300, summaryIn(t, r.out()).Consents.Sent)
	r.exec(t, "verify", r.out()).requireConsistent(t)
}

// The number is the whole import's: shards share it, to the last request, and what they
// have used goes with their checkpoints when they are joined.
func TestShardsShareTheDay(t *testing.T) {
	t.Parallel()
	r := strangers(t, 300, "")
	day := []string{"--per-day", "31", "--between", "00:00-24:00 " + noonZone(), "--concurrency", "1"}
	var outs []string
	for _, part := range []string{"1/2", "2/2"} {
		p := *r
		out := filepath.Join(r.dir, strings.ReplaceAll(part, "/", "-"))
		args := append([]string{"run", "--mapping", "plain.yaml", "--shard", part, "--out", out}, append(p.target(), day...)...)
		run := p.start(t, append(args, p.export)...)
		require.Eventually(t, func() bool { return strings.Contains(run.stderr.String(), "waiting until") }, time.Minute, time.Millisecond)
		require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
		run.wait(t).requireCode(t, exitIncomplete)
		outs = append(outs, out)
	}
	assert.EqualValues(t, 31, r.server.Stats().Requests, "16 and 15")
	joined := filepath.Join(r.dir, "joined")
	r.exec(t, append(append([]string{"report"}, outs...), "--out", joined)...)
	text, err := os.ReadFile(filepath.Join(joined, "checkpoint.jsonl"))
	require.NoError(t, err)
	var used []int64
	for line := range strings.SplitSeq(string(text), "\n") {
		var l struct{ Day *struct{ Used int64 } }
		if strings.HasPrefix(line, `{"day"`) && assert.NoError(t, json.Unmarshal([]byte(line), &l)) {
			used = append(used, l.Day.Used)
		}
	}
	assert.Equal(t, []int64{31}, used)
}

// What the two flags cannot mean is refused before anything is written.
func TestHoursAndDaysThatCannotBe(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20, "")
	for _, c := range []struct {
		says string
		args []string
	}{
		{"--between", []string{"--between", "1-5"}},
		{"Europe/Berlin", []string{"--between", "01:00-05:00 CET"}},
		{"--per-day", []string{"--per-day", "-1"}},
		{"3 shards", []string{"--per-day", "2", "--shard", "1/3"}},
	} {
		got := r.here(t, nil, r.args(c.args...)...).requireCode(t, exitRefused)
		assert.Contains(t, got.message(t), c.says)
		assert.NoDirExists(t, r.out())
	}
	for _, kind := range []string{"kubernetes", "slurm"} {
		job := func(more ...string) finished { return r.here(t, nil, jobArgs(kind, append(more, "export.csv")...)...) }
		got := job("--between", "22:00-05:00 Europe/Berlin", "--per-day", "9000").requireCode(t, exitComplete)
		assert.Contains(t, got.stdout, "--between=22:00-05:00 Europe/Berlin")
		assert.Contains(t, got.stdout, "--per-day=9000")
		assert.Contains(t, job("--between", "22:00-05:00").requireCode(t, exitRefused).message(t), "zone")
		assert.Contains(t, job("--per-day", "2").requireCode(t, exitRefused).message(t), "3 shards")
	}
}

// A rehearsal does not wait; it says how many days the hours and the budget make of it.
func TestARehearsalSaysHowManyDaysItTakes(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 200, "")
	got := r.exec(t, "rehearse", "--mapping", "plain.yaml", "--faults", "", "--per-day", "50", "--between", closedHours(), r.export)
	got.requireCode(t, exitComplete)
	text := strings.Join(strings.Fields(got.stdout), " ")
	assert.Regexp(t, `forecast about .*; [45] days in the hours of --between \(2h 0m a day\) with --per-day 50;`, text)
	assert.Contains(t, got.stdout, "--per-day 50")
}
