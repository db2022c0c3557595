package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// laterPass is a run that goes on with an import: how one gets to where it
// begins, the run itself, and what to call until everything is done after a kill.
type laterPass struct {
	name  string
	ready func(t *testing.T, r *rehearsal)
	args  func(r *rehearsal) []string
	rows  []int // that have arrived in the end
	steps int   // at least
}

func laterPasses() []laterPass {
	narrow := func(r *rehearsal, more ...string) []string {
		return r.args(append(more, "--concurrency", strconv.Itoa(crashConcurrency))...)
	}
	whole := func(t *testing.T, r *rehearsal) {
		r.here(t, nil, narrow(r)...)
		r.faults(t, "")
	}
	return []laterPass{
		{"resume", func(t *testing.T, r *rehearsal) {
			r.here(t, nil, narrow(r, "--limit", "5")...).requireCode(t, exitIncomplete)
		}, func(r *rehearsal) []string { return narrow(r, "--resume") }, []int{1, 2, 3, 5, 7, 9, 11, 12}, 20},
		{"retry", whole, func(r *rehearsal) []string { return narrow(r, "--resume", "--retry") }, []int{1, 2, 3, 4, 5, 7, 9, 10, 11, 12}, 20},
		{"repair", func(t *testing.T, r *rehearsal) {
			whole(t, r)
			text, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
			require.NoError(t, err)
			r.write(t, "repaired.csv", strings.ReplaceAll(string(text), ",hm,", ",yes,"))
		}, func(r *rehearsal) []string {
			return append(append([]string{"run", "--concurrency", strconv.Itoa(crashConcurrency)}, r.target()...), "--repair", r.out(), filepath.Join(r.dir, "repaired.csv"))
		}, []int{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12}, 20},
		{repairInPlace, func(t *testing.T, r *rehearsal) {
			whole(t, r)
			path := filepath.Join(r.out(), "rejected.csv")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), ",hm,", ",yes,")), 0o600))
		}, func(r *rehearsal) []string {
			return append(append([]string{"run", "--concurrency", strconv.Itoa(crashConcurrency)}, r.target()...), "--repair", r.out(), filepath.Join(r.out(), "rejected.csv"))
		}, []int{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12}, 20},
		// What a repair sent and the target refused, again.
		{"retry of a repair", func(t *testing.T, r *rehearsal) {
			whole(t, r)
			text, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
			require.NoError(t, err)
			r.write(t, "repaired.csv", strings.ReplaceAll(string(text), ",hm,", ",yes,"))
			r.faults(t, "400=100%")
			r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), filepath.Join(r.dir, "repaired.csv"))...)
			r.faults(t, "")
		}, func(r *rehearsal) []string { return narrow(r, "--resume", "--retry") }, []int{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12}, 20},
		{"report", func(t *testing.T, r *rehearsal) { r.here(t, nil, narrow(r)...) },
			func(r *rehearsal) []string { return []string{"report", r.out()} }, []int{1, 2, 3, 5, 7, 9, 11, 12}, 10},
	}
}

// repairInPlace is a repair of the rejected rows in the file in which the import left them.
const repairInPlace = "repair in place"

// A resume, a retry, a repair and the writing of reports are killed at the k-th
// durable step, before it and half-way through its write. What is left agrees with the
// checkpoint; taken up again, every file is as if nothing had happened.
func TestAKillAtAnyStepOfALaterPassLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for n, pass := range laterPasses() {
		t.Run(pass.name, func(t *testing.T) {
			calm := crashRehearsal(t)
			pass.ready(t, calm)
			code := calm.here(t, nil, pass.args(calm)...).code
			want := calm.derived(t)
			calm.check(t, want, 0, pass.rows...)
			snap, err := journal.Read(journal.OS{}, calm.out())
			require.NoError(t, err)
			passes := len(snap.Passes)
			for i, action := range []string{"kill", "tear"} {
				if i != n%2 && !soak {
					continue
				}
				t.Run(action, func(t *testing.T) {
					steps := everyStep(t, 1+n, 2*stepsEach-1, func(t *testing.T, k int) bool {
						r := crashRehearsal(t)
						pass.ready(t, r)
						r.killAndGoOn(t, pass, fmt.Sprintf("%s=%s@%d", diskFault, action, k), code, passes)
						r.check(t, want, 1, pass.rows...)
						return r.killed
					})
					assert.GreaterOrEqual(t, steps, pass.steps)
					t.Logf("%d steps", steps)
				})
			}
			if pass.name == "report" { // it sends nothing
				return
			}
			t.Run("requests", func(t *testing.T) {
				faults := []string{"before@1", "after@2"}
				if soak {
					faults = append(faults, "after@1", "before@2")
				}
				for _, fault := range faults {
					t.Run(fault, func(t *testing.T) {
						t.Parallel()
						r := crashRehearsal(t)
						pass.ready(t, r)
						r.killAndGoOn(t, pass, sendFault+"="+fault, code, passes)
						r.check(t, want, 1, pass.rows...)
					})
				}
			})
		})
	}
}

// killAndGoOn runs a pass with a fault in its environment, and whatever a user
// would call until the import has come to its end.
func (r *rehearsal) killAndGoOn(t *testing.T, pass laterPass, fault string, code, passes int) {
	t.Helper()
	broken := r.program
	broken.env = append([]string{fault}, r.env...)
	f := broken.exec(t, pass.args(r)...)
	if r.killed = f.code == -1; !r.killed {
		f.requireCode(t, code)
		return
	}
	left := r.here(t, nil, "verify", r.out())
	if pass.name != repairInPlace { // verify names what was changed by hand
		assert.NotContains(t, left.stdout, "belongs to another time", "a file that was left does not agree with the checkpoint")
		assert.NotContains(t, left.stdout, "VERDICT: inconsistent")
	}
	if pass.name == "report" {
		r.here(t, nil, pass.args(r)...).requireCode(t, code)
		return
	}
	// Without --retry and --repair it goes on with what was begun. Had that not
	// come as far as the checkpoint, the same command again begins it.
	snap, err := journal.Read(journal.OS{}, r.out())
	require.NoError(t, err)
	if len(snap.Passes) == passes || pass.name != repairInPlace { // else it would take the place of what was repaired
		f = r.here(t, nil, r.args("--resume", "--concurrency", strconv.Itoa(crashConcurrency))...)
		snap, err = journal.Read(journal.OS{}, r.out())
		require.NoError(t, err)
	}
	if len(snap.Passes) < passes {
		f = r.here(t, nil, pass.args(r)...)
	}
	f.requireCode(t, code)
}
