package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spoken are the records of a run that logs JSON, each line of standard error.
func spoken(t *testing.T, stderr string) (all []map[string]any, messages map[string]int) {
	t.Helper()
	messages = map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSuffix(stderr, "\n"), "\n") {
		var r map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		all = append(all, r)
		messages[r["msg"].(string)]++
	}
	return all, messages
}

// What a run decides is told, in each form, and names nobody: not in a run with every
// fault, one that is killed, one that goes on, one that waits, one that is refused.
func TestVerboseTellsWhatIsDecidedAndNamesNobody(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "plain.yaml", markedMapping)
	r.write(t, "export.csv", markedExport())
	faults := "429=15%,500=15%,reset=10%,400=10%,echo=10%,poison=5%,latency=1ms"
	r.env = []string{"INTEMPT_API_KEY=" + markedKey}
	r.restart(t, markedKey, faults)
	args := func(more ...string) []string {
		return r.args(append(more, "--verbose=json", "--attempts", "3", "--max-failures", "100%")...)
	}
	first := r.start(t, args("--concurrency", "1")...)
	awaitRequests(t, r, 20)
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGKILL))
	all := first.wait(t).stderr
	got := r.exec(t, args("--resume", "--timeout", "1s")...)
	all += got.stderr
	records, said := spoken(t, got.stderr)
	for _, message := range []string{"run begins", "retry", "refused"} {
		assert.NotZero(t, said[message], message)
	}
	for _, record := range records {
		switch record["msg"] {
		case "run begins":
			assert.EqualValues(t, 2, record["run"])
			assert.NotZero(t, record["sentBefore"], "what the resume found")
		case "retry":
			assert.NotZero(t, record["row"])
			assert.NotZero(t, record["after"])
		}
	}

	waits := r.start(t, args("--restart", "--between", closedHours())...)
	require.Eventually(t, func() bool { return strings.Contains(waits.stderr.String(), `"msg":"waiting"`) }, time.Minute, time.Millisecond)
	r.exec(t, "ctl", filepath.Join(r.dir, "export.csv.import"), "pause").requireCode(t, exitComplete)
	require.NoError(t, waits.cmd.Process.Signal(syscall.SIGTERM))
	ended := waits.wait(t).requireCode(t, exitIncomplete)
	_, said = spoken(t, ended.stderr)
	assert.NotZero(t, said["order"])
	assert.NotZero(t, said["stopping"])
	all += ended.stderr

	refused := r.exec(t, args()...).requireCode(t, exitRefused) // there is an import
	records, _ = spoken(t, refused.stderr)
	last := records[len(records)-1]
	assert.Equal(t, "ERROR", last["level"])
	assert.Contains(t, last["hint"], "--resume")
	all += refused.stderr

	plain := r.exec(t, r.args("--restart", "--verbose", "--attempts", "3", "--max-failures", "100%")...)
	assert.Regexp(t, `(?m)^time=\S+ level=INFO msg=retry row=\d+ consent=\d+ status=\d+ timeout=(true|false) attempts=\d+ after=\S+$`, plain.stderr)
	all += plain.stderr
	for _, mark := range marks {
		assert.NotContains(t, strings.ToLower(all), strings.ToLower(mark))
	}
}

// A target that is down for a while is told of once it is, and when it is back.
func TestVerboseTellsOfATargetThatIsDown(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 200, "reset=100%")
	run := r.start(t, r.args("--verbose=json", "--retry-for", "1h")...)
	require.Eventually(t, func() bool { return strings.Contains(run.stderr.String(), "the target is down") }, time.Minute, time.Millisecond)
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
	_, said := spoken(t, run.wait(t).stderr)
	assert.Less(t, said["the target is down: one request probes whether it is back"], 20, "a record a probe, not one a request")
}

// A quiet run says its verdict, and else errors alone.
func TestQuietSaysTheVerdictAlone(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 30, "400=20%")
	got := r.here(t, nil, r.args("--quiet", "--max-failures", "100%")...)
	require.Contains(t, []int{exitFailures, exitPermissive}, got.code)
	assert.Empty(t, got.stderr)
	assert.Regexp(t, regexp.MustCompile(`\ACOMPLETE[A-Z, ]*: .* sent, \d+ consents failed\n\z`), got.stdout)

	got = r.here(t, nil, r.args("--quiet", "--restart", "--json", "--max-failures", "100%")...)
	assert.Empty(t, got.stderr)
	assert.True(t, json.Valid([]byte(got.stdout)))
	got = r.here(t, nil, r.args("--quiet", "--restart", "--events", "-", "--max-failures", "100%")...)
	assert.Empty(t, got.stderr)
	assert.Contains(t, got.stdout, `"event":"end"`)
	assert.NotContains(t, got.stdout, "COMPLETE")
	got = r.here(t, nil, r.args("--quiet", "--dry-run")...).requireCode(t, exitComplete)
	assert.Equal(t, "DRY RUN: 30 consents would be sent, nothing is wrong\n", got.stdout)

	got = r.here(t, nil, r.args("--quiet")...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "already contains an import")
	got = r.exec(t, r.args("--quiet", "--restart", "--on-end", "exit 3", "--max-failures", "100%")...)
	assert.Equal(t, "the command of --on-end failed: exit status 3\n", got.stderr)
	for _, bad := range [][]string{{"--quiet", "--verbose"}, {"--quiet", "--progress", "bar"}, {"--verbose=loud"}} {
		r.here(t, nil, r.args(append(bad, "--restart")...)...).requireCode(t, exitRefused)
	}
	r.env = append(r.env, "CONSENTIMPORT_VERBOSE=true")
	assert.Contains(t, r.here(t, nil, r.args("--restart", "--max-failures", "100%")...).stderr, `msg="run begins"`)
}
