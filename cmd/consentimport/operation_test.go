package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	prom "github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eventsIn reads the events in a file.
func eventsIn(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		require.EqualValues(t, 1, e["v"], line)
		all = append(all, e)
	}
	return all
}

// awaitRequests waits until the server has answered so many requests.
func awaitRequests(t *testing.T, r *rehearsal, n int64) {
	t.Helper()
	require.Eventually(t, func() bool { return r.server.Stats().Requests >= n }, time.Minute, time.Millisecond)
}

// Whoever has nothing but the events of an import that was killed and went on knows
// its counts, and no person.
func TestEventsGiveTheCountsOfTheReport(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 400, "400=5%,latency=2ms")
	file := filepath.Join(r.dir, "events.jsonl")
	first := r.start(t, r.args("--events", file, "--concurrency", "4")...)
	awaitRequests(t, r, 60)
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGKILL))
	first.wait(t)
	r.exec(t, r.args("--events", file, "--resume")...)
	s := summaryIn(t, r.out())
	var names []string
	all := eventsIn(t, file)
	for _, e := range all {
		names = append(names, e["event"].(string))
	}
	assert.Equal(t, []string{"start", "start", "progress", "end"}, names)
	assert.EqualValues(t, 2, all[1]["run"])
	assert.Equal(t, all[0]["import"], all[1]["import"])
	end := all[3]
	assert.Equal(t, "complete", end["state"])
	assert.EqualValues(t, s.ExitCode, end["exitCode"])
	for where, want := range map[string]any{"rows": s.Rows, "consents": s.Consents} {
		text, err := json.Marshal(want)
		require.NoError(t, err)
		got, err := json.Marshal(end[where])
		require.NoError(t, err)
		assert.JSONEq(t, string(text), string(got), where)
	}
	progress := all[2]["consents"].(map[string]any)
	assert.EqualValues(t, s.Consents.Sent, progress["sent"])
	assert.EqualValues(t, s.Consents.Refused, progress["refused"])
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "@people.example")
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
}

// What a later pass tries again is not counted as refused beside what it becomes: at the
// end of a retry, and of a resume of one, progress says what the report says.
func TestProgressOfALaterPassIsThatOfTheReport(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 60, "refuse=30%")
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	refused := summaryIn(t, r.out()).Consents.Refused
	require.Greater(t, refused, int64(2))
	for i, flags := range [][]string{{"--retry"}, {"--retry", "--limit", "30"}, nil, {"--retry"}} {
		if i == 3 {
			r.faults(t, "")
		}
		file := filepath.Join(r.dir, fmt.Sprintf("events-%d.jsonl", i))
		r.here(t, nil, r.args(append(flags, "--resume", "--events", file)...)...)
		all := eventsIn(t, file)
		end := all[len(all)-1]
		at := slices.IndexFunc(all, func(e map[string]any) bool { return e["event"] == "progress" })
		require.GreaterOrEqual(t, at, 0)
		progress := all[at]
		got, want := progress["consents"].(map[string]any), end["consents"].(map[string]any)
		assert.Equal(t, want["sent"], got["sent"])
		if end["state"] == "complete" {
			assert.Equal(t, want["refused"], got["refused"], flags)
		} else {
			assert.LessOrEqual(t, got["refused"], want["refused"])
		}
	}
}

// On standard output there are events and nothing else.
func TestEventsOnStandardOutput(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20, "")
	got := r.here(t, nil, r.args("--events", "-")...).requireCode(t, exitComplete)
	for _, line := range strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n") {
		assert.True(t, json.Valid([]byte(line)), line)
	}
	assert.Contains(t, got.stderr, "COMPLETE")
	r.here(t, nil, r.args("--events", "-", "--json", "--restart")...).requireCode(t, exitRefused)
	r.here(t, nil, r.args("--events", filepath.Join(r.dir, "no", "such"), "--restart")...).requireCode(t, exitRefused)
}

// What is no file of events is not appended to: an export would have rows that nobody
// wrote, a checkpoint would be damaged.
func TestEventsAreAppendedToEventsAlone(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 5, "")
	events := filepath.Join(r.dir, "events.jsonl")
	r.here(t, nil, r.args("--events", events)...).requireCode(t, exitComplete)
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "cut.jsonl"), []byte(`{"v":1,"event":"sta`), 0o600))
	for _, name := range []string{r.export, filepath.Join(r.out(), "checkpoint.jsonl"), filepath.Join(r.out(), "report.json"), filepath.Join(r.dir, "cut.jsonl")} {
		before := readFile(t, name)
		got := r.here(t, nil, r.args("--events", name, "--resume")...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, "does not begin with an event")
		assert.Equal(t, before, readFile(t, name))
	}
	r.here(t, nil, r.args("--events", events, "--resume")...).requireCode(t, exitComplete)
	all := eventsIn(t, events)
	assert.Equal(t, "end", all[len(all)-1]["event"])
	assert.Greater(t, len(all), 4, "the first run's are still there")

	// A last line that was not written to its end takes no event of the next run with it.
	torn := strings.TrimSuffix(readFile(t, events), "\"}\n")
	require.NoError(t, os.WriteFile(events, []byte(torn[:len(torn)-1]), 0o600))
	r.here(t, nil, r.args("--events", events, "--resume")...).requireCode(t, exitComplete)
	lines := strings.Split(readFile(t, events)[len(torn)-1:], "\n")
	assert.Empty(t, lines[0])
	require.Greater(t, len(lines), 2)
	for _, line := range lines[1 : len(lines)-1] {
		assert.True(t, json.Valid([]byte(line)), line)
	}
	if _, err := os.Stat("/dev/full"); err == nil { // what cannot be written is said once
		got := r.here(t, nil, r.args("--events", "/dev/full", "--resume")...).requireCode(t, exitComplete)
		assert.Equal(t, 1, strings.Count(got.stderr, "events are missing from --events /dev/full: write /dev/full: no space left on device"), got.stderr)
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		defer full.Close()
		lost := func(out string, code int) { // the summary is lost, and what it said is not
			c := r.command(t, r.args("--out", out, "--resume")...)
			var said strings.Builder
			c.Stdout, c.Stderr = full, &said
			_ = c.Run()
			assert.Equal(t, code, c.ProcessState.ExitCode(), said.String())
			assert.Contains(t, said.String(), "hint: the reports are written, and consentimport report "+out+" prints the summary again")
		}
		lost(r.out(), exitIncomplete)
		r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "hm"))
		lost(filepath.Join(r.dir, "failed"), exitFailures)
	}
}

// A program that reads Prometheus' text format reads our numbers.
func TestMetricsAreReadByPrometheus(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 400, "400=10%,latency=5ms")
	run := r.start(t, r.args("--metrics", ":0", "--concurrency", "2")...)
	awaitRequests(t, r, 1)
	found := regexp.MustCompile(`metrics: (http://127\.0\.0\.1:\d+/metrics)`).FindStringSubmatch(run.stderr.String())
	require.NotNil(t, found, run.stderr.String())
	address := found[1]
	awaitRequests(t, r, 80)
	answer, err := http.Get(address)
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	parser := expfmt.NewTextParser(prom.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	require.NoError(t, err, string(body))
	value := func(name, outcome string) (sum float64) {
		require.Contains(t, families, name)
		for _, m := range families[name].Metric {
			for _, l := range m.Label {
				if l.GetValue() == outcome {
					return m.GetUntyped().GetValue() + m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
			sum += m.GetUntyped().GetValue() + m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
		return sum
	}
	assert.GreaterOrEqual(t, value("consentimport_consents", "sent"), 40.0)
	assert.GreaterOrEqual(t, value("consentimport_requests_total", "200"), 40.0)
	assert.Equal(t, 1.0, value("consentimport_info", ""))
	assert.LessOrEqual(t, value("consentimport_requests_in_flight", ""), 2.0)
	run.wait(t)
	for _, bad := range []string{"9090", ":99999", "nosuch.invalid:80"} {
		r.here(t, nil, r.args("--metrics", bad, "--restart")...).requireCode(t, exitRefused)
	}
}

// A signal ends the command of --on-end with all that it has started, and the run goes by
// its own exit code: it had ended before.
func TestASignalEndsTheCommandAtTheEnd(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20, "")
	held := filepath.Join(r.dir, "held")
	if err := exec.Command("mkfifo", held).Run(); err != nil {
		t.Skip("no named pipes")
	}
	run := r.start(t, r.args("--on-end", "{ echo begun; sleep 100; } > "+held+"; echo too late")...)
	pipe, err := os.Open(held) // as soon as the command has it open
	require.NoError(t, err)
	defer pipe.Close()
	line := make([]byte, len("begun\n"))
	_, err = io.ReadFull(pipe, line)
	require.NoError(t, err)
	require.NoError(t, run.cmd.Process.Signal(os.Interrupt))
	began := time.Now()
	got := run.wait(t).requireCode(t, exitComplete)
	_, err = io.ReadAll(pipe) // until nobody has it open any more
	require.NoError(t, err)
	assert.Less(t, time.Since(began), onEndWithin/2)
	assert.Contains(t, got.stderr, "the run itself has ended")
	assert.Contains(t, got.stderr, "--on-end was ended by a signal")
	assert.NotContains(t, got.stderr, "requests in flight")
}

// The command of --on-end knows how it ended, and not the key.
func TestTheCommandAtTheEndKnowsHowItEnded(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20, "400=100%")
	r.env = append(r.env, "CONSENTIMPORT_MAX_FAILURES=100%")
	told := filepath.Join(r.dir, "told")
	got := r.exec(t, r.args("--on-end", "env > "+told+"; exit 3")...).requireCode(t, exitFailures)
	assert.Contains(t, got.stderr, "--on-end failed")
	text, err := os.ReadFile(told)
	require.NoError(t, err)
	for _, line := range []string{"CONSENTIMPORT_STATE=complete", "CONSENTIMPORT_EXIT_CODE=3", "CONSENTIMPORT_MADE=20", "CONSENTIMPORT_SENT=0", "CONSENTIMPORT_REFUSED=20", "CONSENTIMPORT_OUT_DIR=" + r.out()} {
		assert.Contains(t, "\n"+string(text), "\n"+line+"\n")
	}
	assert.NotContains(t, string(text), testKey)
}
