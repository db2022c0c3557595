package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
	"github.com/consentimport/consentimport/report"
)

// crashRehearsal is a small import with every outcome in it: sent, refused,
// skipped and invalid, several decisions about one subject and category, and a
// withdrawal that is refused.
func crashRehearsal(t *testing.T) *rehearsal {
	r := newRehearsal(t, "subject400=eve")
	text := exportHeader
	for i, c := range [][3]string{
		{"ann", "mail", "yes"}, {"bob", "mail", "yes"}, {"ann", "mail", "no"}, {"eve", "mail", "yes"},
		{"ann", "mail", "yes"}, {"cat", "mail", "hm"}, {"bob", "ads", "no"}, {"dan", "mail", ""},
		{"bob", "mail", "no"}, {"eve", "ads", "no"}, {"ann", "ads", "yes"}, {"bob", "mail", "yes"},
	} {
		text += exportRow(i+1, c[0], c[1], c[2])
	}
	r.write(t, "export.csv", text)
	r.rows = 12
	return r
}

// crashConcurrency is how many requests may be repeated a kill.
const crashConcurrency = 3

// check compares an import that was interrupted and taken up again with one that
// was not. The rows are those that arrive.
func (r *rehearsal) check(t *testing.T, want map[string]string, kills int, rows ...int) {
	t.Helper()
	if len(rows) == 0 {
		rows = []int{1, 2, 3, 5, 7, 9, 11, 12}
	}
	due := map[int]bool{}
	for _, row := range rows {
		due[row] = true
	}
	assert.Equal(t, want, r.derived(t))
	last := map[lane]int{}
	arrived := map[int]bool{}
	total := 0
	for c := range r.server.All {
		row, err := strconv.Atoi(strings.TrimPrefix(c.Message, "row "))
		require.NoError(t, err)
		l := lane{c.UserID, c.Category}
		assert.GreaterOrEqual(t, row, last[l], "order of %v", l)
		last[l], arrived[row] = row, true
		total++
	}
	assert.Equal(t, due, arrived)
	assert.LessOrEqual(t, total-len(arrived), kills*crashConcurrency, "repeats")
	assert.EqualValues(t, 1, r.server.Stats().MaxInFlight)
}

// derived are the reports, without what says when, how fast and in how many runs
// the import went.
func (r *rehearsal) derived(t *testing.T) map[string]string {
	t.Helper()
	files := filesIn(t, r.out())
	for name, text := range files {
		switch {
		case name == "checkpoint.jsonl" || name == journal.KnownName || name == "checkpoint.lock" || name == "report.html":
			delete(files, name)
		case name == "report.json":
			var all map[string]any
			require.NoError(t, json.Unmarshal([]byte(text), &all))
			for _, k := range []string{"startedAt", "finishedAt", "runs", "http", "elapsedSeconds", "consentsPerSecond", "throughput", "notes", "next", "steps", "target"} {
				delete(all, k)
			}
			plain, err := json.MarshalIndent(all, "", " ")
			require.NoError(t, err)
			files[name] = strings.ReplaceAll(string(plain), r.dir, "DIR")
		default:
			files[name] = strings.ReplaceAll(text, r.dir, "DIR")
		}
	}
	return files
}

// stepsEach is the distance of the steps that the bounded form tries. Each kind of
// damage begins at another one.
const stepsEach = 9

// everyStep calls try with k = 1, 2, … until it says that no step was hit, some
// at a time, and gives the number of the last one. The bounded form begins at
// begin and tries one in stride.
func everyStep(t *testing.T, begin, stride int, try func(t *testing.T, k int) (hit bool)) int {
	t.Helper()
	if soak {
		begin, stride = 1, 1
	}
	var mu sync.Mutex
	steps := 0
	over := false
	for first := begin; !over; first += 6 * stride {
		t.Run(fmt.Sprintf("from %d", first), func(t *testing.T) {
			for i := range 6 {
				k := first + i*stride
				t.Run(strconv.Itoa(k), func(t *testing.T) {
					t.Parallel()
					hit := try(t, k)
					mu.Lock()
					defer mu.Unlock()
					if hit {
						steps = max(steps, k)
					} else {
						over = true
					}
				})
			}
		})
		require.Less(t, first, 2000, "the steps have no end")
		if t.Failed() {
			break
		}
	}
	return steps
}

// The process is killed at the k-th durable step of the whole run, reports
// included: before it, or half-way through its write. Taken up again, everything
// is as if nothing had happened.
func TestAKillAtAnyStepLeavesNoTrace(t *testing.T) {
	t.Parallel()
	calm := crashRehearsal(t)
	code := calm.here(t, nil, calm.args("--concurrency", "3")...).code
	require.Contains(t, []int{exitFailures, exitPermissive}, code)
	want := calm.derived(t)
	for i, action := range []string{"kill", "tear"} {
		t.Run(action, func(t *testing.T) {
			steps := everyStep(t, 1+3*i, stepsEach, func(t *testing.T, k int) bool {
				r := crashRehearsal(t)
				broken := r.program
				broken.env = append([]string{fmt.Sprintf("%s=%s@%d", diskFault, action, k)}, r.env...)
				args := r.args("--concurrency", strconv.Itoa(crashConcurrency))
				f := broken.exec(t, args...)
				if f.code != -1 {
					f.requireCode(t, code)
					return false
				}
				r.here(t, nil, r.args("--resume", "--concurrency", strconv.Itoa(crashConcurrency))...).requireCode(t, code)
				r.check(t, want, 1)
				return true
			})
			assert.Greater(t, steps, 20)
		})
	}
}

// The same right before the n-th request leaves, and when its answer has come
// but is not noted yet.
func TestAKillAtAnyRequestLeavesNoTrace(t *testing.T) {
	t.Parallel()
	calm := crashRehearsal(t)
	code := calm.here(t, nil, calm.args("--concurrency", "3")...).code
	want := calm.derived(t)
	for _, when := range []string{"before", "after"} {
		for n := 1; n <= 11; n++ {
			if !soak && n%2 == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", when, n), func(t *testing.T) {
				t.Parallel()
				r := crashRehearsal(t)
				broken := r.program
				broken.env = append([]string{fmt.Sprintf("%s=%s@%d", sendFault, when, n)}, r.env...)
				f := broken.exec(t, r.args("--concurrency", strconv.Itoa(crashConcurrency))...)
				if n > 10 { // there are ten requests
					f.requireCode(t, code)
				} else {
					f.requireCode(t, -1)
					r.here(t, nil, r.args("--resume", "--concurrency", strconv.Itoa(crashConcurrency))...).requireCode(t, code)
				}
				r.check(t, want, 1)
			})
		}
	}
}

// A signal that comes before the resume of a killed run sends anything is a stop like any
// other: the files agree with the checkpoint behind it.
func TestASignalAfterAKillWritesTheReports(t *testing.T) {
	t.Parallel()
	r := crashRehearsal(t)
	r.here(t, nil, r.args("--limit", "3")...).requireCode(t, exitIncomplete)
	before := len(column(t, r.out(), "successes.csv", "consent"))
	broken := r.program
	broken.env = append([]string{sendFault + "=before@3"}, r.env...)
	broken.exec(t, r.args("--resume", "--concurrency", "1")...).requireCode(t, -1)
	left, err := os.ReadDir(r.out())
	require.NoError(t, err)
	for _, e := range left {
		assert.False(t, report.Written(e.Name()), "a run that begins removes what tells of an earlier stop: %s", e.Name())
	}
	told := r.program
	told.signalled = true
	stopped := func() finished { // a signal that comes while the checkpoint is read ends it before
		for {
			got := told.here(t, nil, r.args("--resume")...).requireCode(t, exitIncomplete)
			if strings.Contains(got.stderr, "the run before this one was cut off: writing the reports of what it did\n") {
				return got
			}
			require.NotContains(t, got.stderr, "writing the reports")
		}
	}
	stopped()
	now := column(t, r.out(), "successes.csv", "consent")
	assert.Greater(t, len(now), before)
	assert.EqualValues(t, len(now), summaryIn(t, r.out()).Consents.Sent)
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout, "consistent")

	// Without the time for lists, those of an earlier stop would be taken for those of this one.
	told.env = append([]string{reportTime + "=1ns"}, r.env...)
	assert.Contains(t, stopped().stderr, "removed, for it tells of an earlier stop: approval.html, decisions.csv, failures.csv, rejected.csv, report.html, successes.csv\n")
	assert.NoFileExists(t, filepath.Join(r.out(), "successes.csv"))
}

// The disk fails at the k-th durable step and from then on, or for good: the run
// stops, says so, and goes on when there is room again.
func TestADiskThatFailsAtAnyStepStopsTheRun(t *testing.T) {
	t.Parallel()
	calm := crashRehearsal(t)
	code := calm.here(t, nil, calm.args("--concurrency", "3")...).code
	want := calm.derived(t)
	for i, action := range []faultdisk.Action{faultdisk.Fail, faultdisk.Short} {
		t.Run(string(action), func(t *testing.T) {
			steps := everyStep(t, 2+3*i, stepsEach, func(t *testing.T, k int) bool {
				r := crashRehearsal(t)
				disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: int64(k), Do: action})
				f := r.here(t, disk, r.args("--concurrency", strconv.Itoa(crashConcurrency))...)
				if disk.Steps() < int64(k) {
					f.requireCode(t, code)
					return false
				}
				require.Contains(t, []int{exitRefused, exitIncomplete}, f.code, "step %d: %s", k, f.stderr)
				assert.Contains(t, f.stderr, "no space left", "step %d", k)
				if f.code == exitRefused {
					assert.Zero(t, r.server.Stats().Requests, "refused means that nothing was sent")
					f.message(t)
				}
				r.here(t, nil, r.args("--resume", "--concurrency", strconv.Itoa(crashConcurrency))...).requireCode(t, code)
				r.check(t, want, 1)
				return true
			})
			assert.Greater(t, steps, 20)
		})
	}
}

// A kill during a resume, a retry and a repair is a kill like any other.
func TestKillsOfEveryLaterPass(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, fault string) (*rehearsal, map[string]string) {
		r := crashRehearsal(t)
		with := func(n int, args ...string) finished {
			p := r.program
			if fault != "" {
				step, err := strconv.Atoi(fault)
				require.NoError(t, err)
				p.env = append([]string{fmt.Sprintf("%s=kill@%d", diskFault, step*n)}, r.env...)
			}
			return p.exec(t, args...)
		}
		r.here(t, nil, r.args("--limit", "5", "--concurrency", "3")...).requireCode(t, exitIncomplete)
		with(2, r.args("--resume", "--concurrency", "3")...)
		r.here(t, nil, r.args("--resume", "--concurrency", "3")...)
		r.faults(t, "")
		with(2, r.args("--resume", "--retry", "--concurrency", "3")...)
		r.here(t, nil, r.args("--resume", "--retry", "--concurrency", "3")...)
		text, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
		require.NoError(t, err)
		repaired := r.write(t, "repaired.csv", strings.ReplaceAll(string(text), ",hm,", ",yes,"))
		repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), repaired)
		with(3, repair...)
		r.here(t, nil, append(append([]string{"run", "--resume"}, r.target()...), r.export)...)
		r.here(t, nil, repair...)
		files := r.derived(t)
		delete(files, "report.json") // it tells of one pass more
		for name := range files {
			if strings.HasPrefix(name, "repair-") {
				delete(files, name)
			}
		}
		return r, files
	}
	calm, want := run(t, "")
	assert.Zero(t, summaryIn(t, calm.out()).Failures())
	steps := []string{"6", "11"}
	if soak {
		steps = nil
		for k := 1; k < 40; k++ {
			steps = append(steps, strconv.Itoa(k))
		}
	}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			r, got := run(t, step)
			assert.Equal(t, want, got)
			assert.Zero(t, summaryIn(t, r.out()).Failures())
			assert.EqualValues(t, calm.server.Stats().Distinct, r.server.Stats().Distinct)
			assert.LessOrEqual(t, r.server.Stats().Duplicates, int64(3*crashConcurrency))
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}
