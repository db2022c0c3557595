package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

// typed runs a line that the program has printed, as a shell takes it.
func (r *rehearsal) typed(t *testing.T, line string) (code int, out string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command("sh", "-c", `consentimport() { "$EXE" "$@"; }; `+line)
	c.Dir, c.Env = r.dir, append(r.surroundings(), "EXE="+exe)
	text, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

// printed finds a command in what was printed.
func printed(t *testing.T, text string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)(?:^|: )(consentimport [^\n]*)`).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	return m[1]
}

// Who joins shards of which some are not complete is led to the whole import by the
// commands that are printed, each as it stands, for few shards and for many.
func TestTheCommandsOfAnUnfinishedJoinWork(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 12} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 300, "")
			var dirs []string
			for i := 1; i <= n; i++ {
				dir := filepath.Join(r.dir, "it's here", strconv.Itoa(i), "import")
				dirs = append(dirs, dir)
				p, want := r.program, exitComplete
				if i == 2 {
					p.env, want = append(p.env, sendFault+"=after@5"), -1
				}
				require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o700))
				p.exec(t, r.args("--shard", strconv.Itoa(i)+"/"+strconv.Itoa(n), "--out", dir, "--progress", "none")...).requireCode(t, want)
			}
			got := r.here(t, nil, append([]string{"report"}, dirs...)...).requireCode(t, exitRefused)
			code, text := r.typed(t, printed(t, got.message(t)))
			require.Equal(t, exitIncomplete, code, text)
			joined := filepath.Join(r.dir, "joined.import")
			s := summaryIn(t, joined)
			require.Len(t, s.Steps, 2)
			hint := printed(t, r.here(t, nil, r.args("--resume", "--out", joined)...).requireCode(t, exitRefused).message(t))
			assert.Equal(t, n > 8, strings.Contains(hint, "*"), hint)
			code, text = r.typed(t, printed(t, s.Steps[0]))
			require.Equal(t, exitComplete, code, text)
			for _, line := range []string{s.Next, hint} {
				code, text = r.typed(t, line)
				require.Equal(t, exitComplete, code, text)
			}
			require.NoError(t, os.Rename(joined, r.out()))
			assert.LessOrEqual(t, r.account(t), 64)
		})
	}
}

// A join that is killed at any durable step, and again while it is repeated, is whole when
// it is repeated once more; a disk that fails leaves what can be repeated, too.
func TestAKillAtAnyStepOfAJoinLeavesNoTrace(t *testing.T) {
	t.Parallel()
	r := families(t, "subject400=u7", 30)
	dirs := r.shards(t, 3, "--progress", "none")
	code := r.here(t, nil, append([]string{"report", "--out", r.out()}, dirs...)...).code
	want := r.join(t, code, r.out(), dirs...)
	for i, action := range []faultdisk.Action{faultdisk.Kill, faultdisk.Tear, faultdisk.Short} {
		t.Run(string(action), func(t *testing.T) {
			steps := everyStep(t, 1+2*i, 9, func(t *testing.T, k int) bool {
				out := filepath.Join(t.TempDir(), "joined")
				broken := r.program
				broken.env = append([]string{fmt.Sprintf("%s=%s@%d", diskFault, action, k)}, r.env...)
				args := append([]string{"report", "--out", out}, dirs...)
				for range 2 { // dies, and dies again while it recovers
					got := broken.exec(t, args...)
					if got.code == code {
						return false
					}
					require.Contains(t, []int{-1, exitRefused, exitIncomplete}, got.code, got.stderr)
				}
				assert.Equal(t, want, r.join(t, code, out, dirs...), "step %d", k)
				r.here(t, nil, "verify", out).requireConsistent(t)
				return true
			})
			assert.Greater(t, steps, 10)
		})
	}
}

// Shards see one export. One that grew, or was replaced, while some of them had ended is
// named by the join, and what it adds is not taken for sent.
func TestShardsOfAnExportThatChanged(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "")
	export := readFile(t, r.export)
	d := make([]string, 3)
	shard := func(i int, code int, fault string, more ...string) finished {
		d[i-1] = filepath.Join(r.dir, "task-"+strconv.Itoa(i))
		p := r.program
		p.env = append(p.env, sendFault+"="+fault)
		return p.exec(t, r.args(append([]string{"--shard", strconv.Itoa(i) + "/3", "--out", d[i-1], "--progress", "none", "--resume"}, more...)...)...).requireCode(t, code)
	}
	shard(1, exitComplete, "")
	shard(2, -1, "after@9")
	shard(3, -1, "after@9")

	// Of the same length, another beginning.
	r.write(t, "export.csv", strings.Replace(export, ",yes,", ",no,", 1)+"#")
	assert.Contains(t, shard(2, exitRefused, "").message(t), "differs within its first")

	// It grew: those that go on send what was added, and the one that had ended did not.
	r.write(t, "export.csv", export+
		exportRow(301, "zoe", "mail", "yes")+exportRow(302, "yan", "mail", "yes")+exportRow(303, "xia", "mail", "yes")+exportRow(304, "wim", "mail", "yes")+exportRow(305, "uwe", "mail", "yes")+exportRow(306, "tom", "mail", "yes"))
	shard(2, exitComplete, "")
	shard(3, exitComplete, "")
	got := r.here(t, nil, append([]string{"report", "--out", r.out()}, d...)...).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "shard 1/3 in "+d[0]+" ended before the export grew")
	s := summaryIn(t, r.out())
	assert.Positive(t, s.Consents.Pending)
	code, text := r.typed(t, printed(t, s.Steps[0]))
	require.Equal(t, exitComplete, code, text)
	code, text = r.typed(t, s.Next)
	require.Equal(t, exitComplete, code, text)
	r.rows = 306
	assert.LessOrEqual(t, r.account(t), 2*64)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// An export that was replaced between two shards by another of the same length and the
// same first megabytes is found by what each of them read.
func TestShardsOfAnExportThatWasReplaced(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	pad := strings.Repeat("x", 100<<10)
	var text strings.Builder
	text.WriteString("pad," + exportHeader)
	for n := 1; n <= 45; n++ {
		text.WriteString(pad + "," + exportRow(n, "u"+strconv.Itoa(n), "mail", "yes"))
	}
	var d []string
	for i := 1; i <= 2; i++ {
		r.write(t, "export.csv", text.String()+pad+","+exportRow(46, "u"+strconv.Itoa(45+i), "mail", "yes"))
		d = append(d, filepath.Join(r.dir, strconv.Itoa(i)))
		r.here(t, nil, r.args("--shard", strconv.Itoa(i)+"/2", "--out", d[i-1], "--progress", "none")...).requireCode(t, exitComplete)
	}
	got := r.here(t, nil, "report", "--out", r.out(), d[0], d[1]).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "the export differs")
	assert.NoDirExists(t, r.out())
}

// Once a join has sent something its shards send nothing more, and neither does another join
// of them: an older decision could arrive behind a newer one. Nor does a join of which a
// shard has gone on.
func TestAShardDoesNotOvertakeItsJoin(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=ann")
	r.write(t, "export.csv", exportHeader+at(1, "ann", "mail", "yes", 10)+strings.Replace(at(2, "ann", "mail", "no", 20), ",no,", ",hm,", 1)+at(3, "bob", "mail", "no", 10))
	var shards []string
	shard := func(i int, code int, more ...string) finished {
		return r.here(t, nil, r.args(append(more, "--shard", fmt.Sprintf("%d/2", i), "--out", shards[i-1])...)...).requireCode(t, code)
	}
	mine := 0 // the shard of ann
	for i := 1; i <= 2; i++ {
		shards = append(shards, filepath.Join(r.dir, "shard"+strconv.Itoa(i)))
		r.here(t, nil, r.args("--shard", fmt.Sprintf("%d/2", i), "--out", shards[i-1])...)
		if summaryIn(t, shards[i-1]).Consents.Refused > 0 {
			mine = i
		}
	}
	require.NotZero(t, mine)
	join := func(name string) string {
		r.here(t, nil, "report", shards[0], shards[1], "--out", filepath.Join(r.dir, name)).requireCode(t, exitFailures)
		return filepath.Join(r.dir, name)
	}
	joined, other := join("joined"), join("other")
	r.faults(t, "")
	rejected := strings.Split(readFile(t, filepath.Join(joined, "rejected.csv")), "\n")
	r.write(t, "repaired.csv", rejected[0]+"\n"+strings.Replace(rejected[2], ",hm,", ",no,", 1)+"\n")
	repair := append(append([]string{"run"}, r.target()...), "--repair", joined, filepath.Join(r.dir, "repaired.csv"))
	shard(mine, exitFailures, "--resume") // it has nothing to send, and keeps nobody
	sent := r.server.Stats().Stored
	r.here(t, nil, repair...).requireCode(t, exitFailures)
	require.Equal(t, []string{"ann mail reject 20"}, r.arrived(sent))

	for name, got := range map[string]finished{
		"shard": shard(mine, exitRefused, "--resume", "--retry"),
		"other": r.here(t, nil, r.args("--out", other, "--resume", "--retry")...).requireCode(t, exitRefused),
	} {
		assert.Contains(t, got.message(t), "the import in "+joined+" follows ", name)
	}
	shard(mine, exitFailures, "--resume")
	r.here(t, nil, r.args("--out", joined, "--resume", "--retry")...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"ann mail reject 20"}, r.arrived(sent), "the yes is overtaken")

	// The other way round: what the join holds was left behind by a shard.
	for _, dir := range []string{joined, other} {
		require.NoError(t, os.RemoveAll(dir))
	}
	assert.Contains(t, shard(mine, exitRefused, "--resume", "--retry").message(t), "is not in "+joined)
	left, err := filepath.Glob(filepath.Join(shards[mine-1], ".followed-*.json"))
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NoError(t, os.Remove(left[0]))
	old := join("old")
	shard(mine, exitComplete, "--resume", "--retry")
	got := r.here(t, nil, r.args("--out", old, "--resume", "--retry")...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), fmt.Sprintf("shard %d/2 in %s has sent more since it was joined into %s", mine, shards[mine-1], old))
	got = r.here(t, nil, r.sinceArgs("export.csv", "delta", "old")...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), fmt.Sprintf("shard %d/2 in %s has sent more since it was joined: what is left here could arrive behind that", mine, shards[mine-1]))
	left, err = filepath.Glob(filepath.Join(r.dir, "*", ".followed-*.json"))
	require.NoError(t, err)
	assert.Len(t, left, 1, "that of the join which is gone")
}

// A task whose number of tasks was changed does not take up what another division began.
func TestTasksOfAnotherNumberAreRefused(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 60, "")
	dir := filepath.Join(r.dir, "task")
	task := func(index, count string, code int, more ...string) finished {
		p := r.program
		p.env = append(p.env, "JOB_COMPLETION_INDEX="+index, "CONSENTIMPORT_SHARDS="+count)
		return p.here(t, nil, r.args(append(more, "--shard", "auto", "--resume", "--out", dir)...)...).requireCode(t, code)
	}
	task("1", "3", exitComplete)
	requests := r.server.Stats().Requests
	assert.Contains(t, task("1", "4", exitRefused).message(t), "shard 2/3, not 2/4")
	assert.Contains(t, task("2", "3", exitRefused).message(t), "shard 2/3, not 3/3")
	assert.Contains(t, task("1", "3", exitRefused, "--history", "rows").message(t), "omit --history to continue in the old order")
	task("1", "3", exitComplete) // what is complete is not done again
	assert.Equal(t, requests, r.server.Stats().Requests)
}
