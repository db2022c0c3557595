package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// familyMapping makes several people's decisions of one row.
const familyMapping = `name: family
skip: [test == "true"]
each: {array: people}
consent:
  userId: each.id
  action: {from: each.v, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: each.what
  message: {template: "row {n}"}
`

// families writes an export in which rows hold several people, are skipped, invalid in
// one of several people, invalid as a whole, or make nothing. Its times are in disorder.
func families(t *testing.T, faults string, n int) *rehearsal {
	r := newRehearsal(t, faults)
	r.write(t, "plain.yaml", familyMapping)
	var text strings.Builder
	for row := 1; row <= n; row++ {
		var people []string
		for k := range row % 4 {
			v := []string{"yes", "no"}[(row+k)%2]
			if row%31 == 0 && k == 1 {
				v = "hm"
			}
			people = append(people, fmt.Sprintf(`{"id":"u%d","v":%q,"what":%q}`, (row*7+k*13)%40, v, []string{"mail", "ads"}[row%2]))
		}
		at := began.Add(time.Duration(row*37%101) * time.Second).Format("2006-01-02T15:04:05Z")
		if row%41 == 0 {
			at = "never"
		}
		fmt.Fprintf(&text, `{"n":%d,"at":%q,"test":"%v","people":[%s]}`+"\n", row, at, row%29 == 0, strings.Join(people, ","))
	}
	r.write(t, "export.jsonl", text.String())
	r.export = filepath.Join(r.dir, "export.jsonl")
	r.rows = n
	return r
}

// shards runs all shards, one after the other, and gives their directories.
func (r *rehearsal) shards(t *testing.T, n int, flags ...string) (dirs []string) {
	t.Helper()
	for i := 1; i <= n; i++ {
		dir := filepath.Join(r.dir, fmt.Sprintf("shard-%d-of-%d", i, n))
		dirs = append(dirs, dir)
		got := r.here(t, nil, r.args(append([]string{"--shard", fmt.Sprintf("%d/%d", i, n), "--out", dir}, flags...)...)...)
		require.Contains(t, []int{exitComplete, exitFailures, exitPermissive}, got.code, got.stderr)
		names := filesIn(t, dir)
		delete(names, ".lock")
		delete(names, journal.KnownName)
		for name := range names {
			assert.True(t, name == "checkpoint.jsonl" || name == "report.json" || strings.HasPrefix(name, "mapping-") || n == 1, "a shard writes no lists, but %s", name)
		}
	}
	return dirs
}

// join joins shards and gives the files of the import, times and directories masked.
func (r *rehearsal) join(t *testing.T, code int, out string, dirs ...string) map[string]string {
	t.Helper()
	r.here(t, nil, append([]string{"report", "--out", out}, dirs...)...).requireCode(t, code)
	files := filesIn(t, out)
	delete(files, "checkpoint.jsonl") // it names its parts
	delete(files, ".lock")
	delete(files, journal.KnownName)
	for name, text := range files {
		text = strings.ReplaceAll(strings.ReplaceAll(text, out, "OUT"), filepath.Base(out), "OUT")
		for _, m := range masks {
			text = m.ReplaceAllString(text, "$1#")
		}
		files[name] = text
	}
	return files
}

// masks are what times look like in reports.
var masks = []*regexp.Regexp{
	regexp.MustCompile(`("(?:startedAt|finishedAt|at)": )"[^"]*"`),
	regexp.MustCompile(`("(?:elapsedSeconds|consentsPerSecond|throttledSeconds|p50|p95|p99|max)": )[0-9.e-]+`),
	regexp.MustCompile(`()\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?( UTC|Z)?`),
	regexp.MustCompile(`()\b[0-9][0-9.,]* (?:ms|s|µs|consents/s)\b`),
}

// Whatever the number of shards, what they are joined into is the same.
func TestJoinedFilesAreTheSameForAnyNumberOfShards(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*rehearsal{
		"one person a row": rehearse(t, 400, "subject400=u3"),
		"families":         families(t, "subject400=u7", 300),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want map[string]string
			for _, n := range []int{1, 3, 8, 64} {
				dirs := r.shards(t, n, "--progress", "none")
				out := filepath.Join(r.dir, fmt.Sprintf("joined-%d", n))
				code := r.here(t, nil, append([]string{"report", "--out", out}, dirs...)...).code
				got := r.join(t, code, out, dirs...) // again, in place of the first
				for file := range got {
					if n > 1 {
						assert.Equal(t, want[file], got[file], "%s of %d shards", file, n)
					}
				}
				if n > 1 {
					assert.Equal(t, len(want), len(got), "number of files of %d shards", n)
				}
				want = got
				r.here(t, nil, "verify", out).requireConsistent(t)
				var read, elsewhere, people int64
				sum := summaryIn(t, out)
				for _, dir := range dirs {
					s := summaryIn(t, dir)
					read += s.Rows.Read - s.Rows.Elsewhere
					elsewhere += s.Rows.Elsewhere
					people += s.Subjects
					assert.Equal(t, sum.Rows.Read, s.Rows.Read, "a shard reads all rows")
					assert.Equal(t, sum.ApprovalHash, s.ApprovalHash, "approval is of the whole export")
					r.here(t, nil, "verify", dir).requireConsistent(t)
				}
				assert.Equal(t, sum.Rows.Read, read, "each row counts in one shard")
				assert.Equal(t, sum.Rows.Read*int64(n-1), elsewhere)
				assert.Equal(t, sum.Subjects, people, "each person is in one shard")
			}
			for _, file := range []string{"report.json", "report.html", "successes.csv", "failures.csv", "decisions.csv", "approval.html"} {
				assert.NotEmpty(t, want[file], file)
			}
		})
	}
}

// A join is an import as any other.
func TestJoinedImportGoesOn(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "subject400=u3,subject500=u5")
	r.write(t, "export.csv", strings.Replace(readFile(t, r.export), ",mail,yes,", ",mail,hm,", 1))
	dirs := r.shards(t, 3, "--progress", "none", "--attempts", "1", "--max-failures", "100%")
	out := r.out()
	r.here(t, nil, append([]string{"report", "--out", out}, dirs...)...).requireCode(t, exitFailures)
	s := summaryIn(t, out)
	require.Positive(t, s.Consents.Failed)
	require.Positive(t, s.Consents.Refused)
	require.EqualValues(t, 1, s.Rows.Invalid)
	assert.Contains(t, r.here(t, nil, "verify", "--subject", "u3", out).requireCode(t, exitComplete).stdout, "refused")

	r.faults(t, "")
	r.here(t, nil, r.args("--out", out, "--resume", "--retry")...).requireCode(t, exitFailures) // the invalid one
	r.here(t, nil, append([]string{"report", "--out", out}, dirs...)...).requireCode(t, exitRefused)
	repaired := r.write(t, "fixed.csv", strings.ReplaceAll(readFile(t, filepath.Join(out, "rejected.csv")), ",hm,", ",yes,"))
	args := append([]string{"run", "--repair", out, repaired}, r.target()...)
	r.here(t, nil, args...).requireCode(t, exitComplete)
	r.here(t, nil, "evidence", out).requireCode(t, exitComplete)
	r.here(t, nil, "verify", out).requireConsistent(t)
	s = summaryIn(t, out)
	assert.EqualValues(t, 300, s.Consents.Sent+s.Consents.Superseded)
	assert.Zero(t, s.Failures())

	// The import rests on its parts: verify says when one is not what it was.
	r.here(t, nil, r.args("--shard", "2/3", "--out", dirs[1], "--resume")...) // nothing is left, and nothing is set down
	r.here(t, nil, "verify", out).requireConsistent(t)
	r.export = r.write(t, "moved.csv", readFile(t, r.export))
	r.here(t, nil, r.args("--shard", "2/3", "--out", dirs[1], "--resume")...)
	assert.Contains(t, r.here(t, nil, "verify", out).requireCode(t, exitFailures).stdout, "shard 2/3")
	require.NoError(t, os.RemoveAll(dirs[1]))
	r.here(t, nil, "verify", out).requireConsistent(t)
}

func TestJoinRefusesWhatIsNotAllOfOneImport(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 60, "")
	d := r.shards(t, 3, "--progress", "none")
	two := r.shards(t, 2, "--progress", "none")
	out := filepath.Join(r.dir, "joined")
	elsewhere := filepath.Join(r.dir, "elsewhere")
	for _, args := range [][]string{{"evidence", d[0]}, {"purge", d[0]}, {"verify", "--subject", "u1", d[0]}} {
		assert.Contains(t, r.here(t, nil, args...).requireCode(t, exitRefused).message(t), "join all shards first")
	}
	flags := r.args("--shard", "2/3", "--out", elsewhere)
	require.Equal(t, "--org", flags[5])
	flags[6] = "other"
	r.here(t, nil, flags...).requireCode(t, exitComplete)
	rows := filepath.Join(r.dir, "as-rows")
	r.here(t, nil, r.args("--shard", "2/3", "--out", rows, "--history", "rows")...).requireCode(t, exitComplete)
	plain := filepath.Join(r.dir, "plain.yaml")
	r.write(t, "plain.yaml", strings.Replace(readFile(t, plain), "row {n}", "row {n} ", 1))
	mapped := filepath.Join(r.dir, "mapped")
	r.here(t, nil, r.args("--shard", "2/3", "--out", mapped)...).requireCode(t, exitComplete)
	export := readFile(t, r.export)
	r.write(t, "export.csv", export+exportRow(61, "new", "mail", "yes"))
	grown := filepath.Join(r.dir, "grown")
	r.write(t, "plain.yaml", strings.Replace(readFile(t, plain), "row {n} ", "row {n}", 1))
	r.here(t, nil, r.args("--shard", "2/3", "--out", grown)...).requireCode(t, exitComplete)
	r.write(t, "export.csv", export)
	empty := t.TempDir()
	for name, c := range map[string]struct {
		says string
		dirs []string
	}{
		"missing":      {"shard 2/3 is missing", []string{d[0], d[2]}},
		"two missing":  {"such as 2/3", []string{d[0]}},
		"twice":        {"shard 2/3 is there twice: in " + d[1] + " and in " + d[1], []string{d[0], d[1], d[1]}},
		"other number": {"shard 1/2", []string{d[0], d[1], d[2], two[0]}},
		"target":       {elsewhere + " are not shards of one import: the target differs", []string{d[0], elsewhere, d[2]}},
		"history":      {"the history differs", []string{d[0], rows, d[2]}},
		"mapping":      {"the mapping differs", []string{d[0], mapped, d[2]}},
		"export":       {"the export differs", []string{d[0], grown, d[2]}},
		"nothing":      {"there is no checkpoint", []string{d[0], empty, d[2]}},
	} {
		t.Run(name, func(t *testing.T) {
			got := r.here(t, nil, append([]string{"report", "--out", out}, c.dirs...)...).requireCode(t, exitRefused)
			assert.Contains(t, got.message(t), c.says)
			assert.NoDirExists(t, out)
		})
	}
	assert.Contains(t, r.here(t, nil, "report", d[0], d[1], d[2]).requireCode(t, exitRefused).message(t), "--out")
	r.here(t, nil, "report", "--out", d[0], d[0], d[1], d[2]).requireCode(t, exitRefused)
	assert.Contains(t, r.here(t, nil, "report", "--out", filepath.Join(d[1], "in"), d[0], d[1], d[2]).requireCode(t, exitRefused).message(t), "lies in that of shard 2/3")
	assert.NoDirExists(t, filepath.Join(d[1], "in"))
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	assert.Contains(t, r.here(t, nil, "report", "--out", r.out(), d[0], d[1], d[2]).requireCode(t, exitRefused).message(t), "another import")
}

// An unfinished shard makes an unfinished import, and the end of the one is the end of
// the other.
func TestJoinOfAnUnfinishedShard(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "")
	d := r.shards(t, 3, "--progress", "none")
	dead := filepath.Join(r.dir, "dead")
	flags := []string{"--shard", "2/3", "--out", dead, "--progress", "none"}
	p := r.program
	p.env = append(p.env, sendFault+"=after@30")
	p.exec(t, r.args(flags...)...).requireCode(t, -1)
	got := r.here(t, nil, "report", "--out", r.out(), d[0], dead, d[2]).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "shard 2/3 in "+dead)
	s := summaryIn(t, r.out())
	assert.Equal(t, "incomplete", s.State)
	assert.EqualValues(t, 300, s.Consents.Made)
	assert.Positive(t, s.Consents.Pending)
	assert.Contains(t, r.here(t, nil, r.args("--resume", "--out", r.out())...).requireCode(t, exitRefused).message(t), "shard 2/3")
	r.here(t, nil, r.args(append(flags, "--resume")...)...).requireCode(t, exitComplete)
	r.here(t, nil, "report", "--out", r.out(), d[0], dead, d[2]).requireCode(t, exitComplete)
	s = summaryIn(t, r.out())
	assert.EqualValues(t, 300, s.Consents.Sent)
}

// What a shard has not sent yet is pending in the join, however the others' consents of
// the same rows stand.
func TestJoinOfAnUnfinishedShardOfFamilies(t *testing.T) {
	t.Parallel()
	r := families(t, "", 300)
	d := r.shards(t, 3, "--progress", "none", "--history", "rows")
	dead := filepath.Join(r.dir, "dead")
	p := r.program
	p.env = append(p.env, sendFault+"=after@20")
	p.exec(t, r.args("--shard", "2/3", "--out", dead, "--progress", "none", "--history", "rows", "--concurrency", "1")...).requireCode(t, -1)
	r.here(t, nil, "report", "--out", r.out(), d[0], dead, d[2]).requireCode(t, exitIncomplete)
	s := summaryIn(t, r.out())
	var settled, made int64
	for i, dir := range []string{d[0], dead, d[2]} {
		snap, err := journal.Read(journal.OS{}, dir)
		require.NoError(t, err)
		settled += snap.Total.All()
		made += summaryIn(t, d[i]).Consents.Made
	}
	assert.Equal(t, [2]int64{made, made - settled}, [2]int64{s.Consents.Made, s.Consents.Pending})
	assert.Greater(t, s.Consents.Pending, int64(20))
}

func TestShardRefusals(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20, "")
	for name, c := range map[string]struct {
		says string
		env  []string
		args []string
	}{
		"limit":       {"--limit", nil, r.args("--shard", "1/2", "--limit", "5")},
		"input":       {"standard input", nil, append(append([]string{"run", "--mapping", "plain.yaml"}, r.target()...), "--shard", "1/2", "-")},
		"repair":      {"--repair", nil, r.args("--shard", "1/2", "--repair", r.out())},
		"dry run":     {"--dry-run", nil, r.args("--shard", "1/2", "--dry-run")},
		"strictness":  {"--dry-run --strict", nil, r.args("--shard", "1/2", "--strict")},
		"form":        {"not a shard", nil, r.args("--shard", "3/2")},
		"nobody says": {"no scheduler", nil, r.args("--shard", "auto")},
		"no count":    {"CONSENTIMPORT_SHARDS", []string{"JOB_COMPLETION_INDEX=0"}, r.args("--shard", "auto")},
		"two":         {"two schedulers", []string{"JOB_COMPLETION_INDEX=0", "CONSENTIMPORT_SHARDS=2", "SLURM_ARRAY_TASK_ID=0"}, r.args("--shard", "auto")},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.program
			p.env = append(p.env, c.env...)
			assert.Contains(t, p.here(t, nil, c.args...).requireCode(t, exitRefused).message(t), c.says)
		})
	}
	assert.Zero(t, r.server.Stats().Requests)

	// A changed mapping could move people to other shards, so --retry is refused with it.
	dir := filepath.Join(r.dir, "one")
	r.here(t, nil, r.args("--shard", "1/2", "--out", dir)...).requireCode(t, exitComplete)
	assert.Contains(t, r.here(t, nil, r.args("--out", dir, "--resume")...).requireCode(t, exitRefused).message(t), "shard 1/2, not 1/1")
	r.here(t, nil, r.args("--shard", "1/2", "--out", dir, "--resume", "--retry")...).requireCode(t, exitComplete)
	r.write(t, "plain.yaml", strings.Replace(plainMapping, "web", "app", 1))
	assert.Contains(t, r.here(t, nil, r.args("--shard", "1/2", "--out", dir, "--resume", "--retry")...).requireCode(t, exitRefused).message(t), "the mapping has changed")
}

// In a job a shard that is complete ends with 0, whatever it found; the import's own
// code stands in its report.
func TestJobExitCodes(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 60, "400=100%")
	p := r.program
	p.env = append(p.env, "JOB_COMPLETION_INDEX=1", "CONSENTIMPORT_SHARDS=3")
	dir := filepath.Join(r.dir, "task")
	p.here(t, nil, r.args("--shard", "auto", "--resume", "--out", dir)...).requireCode(t, exitComplete)
	assert.Equal(t, exitFailures, summaryIn(t, dir).ExitCode)
	assert.Equal(t, "2/3", summaryIn(t, dir).Shard)
	r.here(t, nil, r.args("--shard", "2/3", "--resume", "--out", dir)...).requireCode(t, exitFailures)

	r.faults(t, "503=100%")
	gone := filepath.Join(r.dir, "gone")
	p.here(t, nil, r.args("--shard", "auto", "--resume", "--out", gone, "--retry-for", "10ms")...).requireCode(t, exitIncomplete)
	r.write(t, "plain.yaml", "consent: [")
	p.here(t, nil, r.args("--shard", "auto", "--resume", "--out", filepath.Join(r.dir, "bad"))...).requireCode(t, exitRefused)

	// Another process at work there is no reason to give the shard up.
	r.write(t, "plain.yaml", plainMapping)
	lock, err := realEnvironment().disk.Lock(filepath.Join(gone, ".lock"))
	require.NoError(t, err)
	defer lock.Close()
	p.here(t, nil, r.args("--shard", "auto", "--resume", "--out", gone)...).requireCode(t, exitIncomplete)
}

// Tasks are killed at any moment, and started again: nothing is lost, everybody's
// decisions arrive in order, and no more is repeated than was in flight.
func TestTasksAreKilled(t *testing.T) {
	t.Parallel()
	const concurrency = 4
	shards, kills := 3, 6
	if soak {
		shards, kills = 8, 20
	}
	r := rehearse(t, 300*shards, "latency=1ms")
	var dirs []string
	for i := 1; i <= shards; i++ {
		dirs = append(dirs, filepath.Join(r.dir, "task-"+strconv.Itoa(i)))
	}
	task := func(i int) (program, []string) {
		p := r.program
		p.env = append(p.env, "JOB_COMPLETION_INDEX="+strconv.Itoa(i), "CONSENTIMPORT_SHARDS="+strconv.Itoa(shards))
		return p, r.args("--shard", "auto", "--resume", "--out", dirs[i], "--concurrency", strconv.Itoa(concurrency), "--progress", "none")
	}
	killed := 0
	for k := range kills {
		p, args := task(k * 5 % shards)
		when := []string{"before", "after"}[k%2]
		p.env = append(p.env, fmt.Sprintf("%s=%s@%d", sendFault, when, 7+k*13%61))
		if p.exec(t, args...).code == -1 {
			killed++
		}
	}
	require.Positive(t, killed)
	for i := range shards {
		p, args := task(i)
		p.exec(t, args...).requireCode(t, exitComplete)
	}
	r.here(t, nil, append([]string{"report", "--out", r.out()}, dirs...)...).requireCode(t, exitComplete)
	repeats := r.account(t)
	t.Logf("%d kills of %d tasks, %d repeats", killed, shards, repeats)
	assert.LessOrEqual(t, repeats, killed*concurrency)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// A shard's checkpoint does not grow with what other shards do.
func TestShardMarksLittle(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20000, "")
	dir := filepath.Join(r.dir, "one")
	r.here(t, nil, r.args("--shard", "1/64", "--out", dir, "--progress", "none")...).requireCode(t, exitComplete)
	marks := strings.Count(readFile(t, filepath.Join(dir, "checkpoint.jsonl")), `{"mark":`)
	assert.LessOrEqual(t, marks, 10, "marks of a shard with %d consents", summaryIn(t, dir).Consents.Sent)
	assert.Positive(t, summaryIn(t, dir).Consents.Sent)
}

// The numbers that are said of the whole import are divided among its shards.
func TestLimitsAreDivided(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 400, "400=100%")
	dir := filepath.Join(r.dir, "one")
	r.here(t, nil, r.args("--shard", "1/4", "--out", dir, "--max-failures", "40", "--concurrency", "1")...).requireCode(t, exitIncomplete)
	assert.EqualValues(t, 11, summaryIn(t, dir).Consents.Refused)
	f := runFlags{rate: 100, maxFailures: "1"}
	f.part.I, f.part.N = 2, 8
	limits, rate := f.divided()
	assert.InDelta(t, 12.5, rate, 0)
	assert.EqualValues(t, 1, limits.MaxFailures.Count, "a number that is not 0 stays one that allows for a failure")
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// Shards may be retried, each by itself: what one of them says of a row that holds several
// people is not said of the others' consents.
func TestShardsAreRetried(t *testing.T) {
	t.Parallel()
	r := families(t, "refuse=30%", 300)
	dirs := r.shards(t, 3, "--progress", "none", "--max-failures", "100%")
	whole := func(name string) (refused, settled, made int64) {
		t.Helper()
		out := filepath.Join(r.dir, name)
		r.here(t, nil, append([]string{"report", "--out", out}, dirs...)...)
		for _, dir := range dirs {
			s := summaryIn(t, dir)
			refused += s.Consents.Refused
			settled += s.Consents.Sent + s.Consents.Superseded
			made += s.Consents.Made
		}
		s := summaryIn(t, out)
		assert.Equal(t, [3]int64{refused, settled, made}, [3]int64{s.Consents.Refused, s.Consents.Sent + s.Consents.Superseded, s.Consents.Made}, name)
		r.here(t, nil, "verify", out).requireConsistent(t)
		return refused, settled, made
	}
	before, _, made := whole("none-retried")
	require.Positive(t, before)
	r.faults(t, "")
	retry := func(i int) {
		got := r.here(t, nil, r.args("--shard", fmt.Sprintf("%d/3", i), "--out", dirs[i-1], "--resume", "--retry")...)
		require.Contains(t, []int{exitComplete, exitFailures, exitPermissive}, got.code, got.stderr)
	}
	retry(2)
	after, _, _ := whole("one-retried")
	assert.Positive(t, after)
	assert.Less(t, after, before)
	retry(1)
	retry(3)
	after, settled, _ := whole("all-retried")
	assert.Zero(t, after)
	assert.Equal(t, made, settled)
}
