package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"

	"github.com/consentimport/consentimport/report/summary"
)

const examples = "../../testdata/exports"

// exampleFiles are the files of a preset's example.
func exampleFiles(t *testing.T, preset string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(examples, preset, "export.*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i := range files {
		files[i], err = filepath.Abs(files[i])
		require.NoError(t, err)
	}
	return files
}

func TestTheSandboxRehearsesAnExample(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	args := append([]string{"run", "--sandbox", "--preset", "onetrust", "--out", "out"}, exampleFiles(t, "onetrust")...)
	got := p.exec(t, args...)
	s := summaryIn(t, filepath.Join(p.dir, "out"))
	want, err := os.ReadFile(filepath.Join(examples, "onetrust", "want.jsonl"))
	require.NoError(t, err)
	assert.EqualValues(t, bytes.Count(want, []byte("\n")), s.Consents.Sent)
	code := exitComplete
	if s.Rows.Invalid > 0 {
		code = exitFailures
	}
	got.requireCode(t, code)
	assert.Equal(t, code, s.ExitCode)
	assert.Contains(t, got.stderr, "dialect docs")
	assert.Contains(t, got.stdout, "consents")
}

// Every number of report.json equals what the target holds, in both dialects.
func TestTheReportSaysWhatTheTargetHolds(t *testing.T) {
	for _, dialect := range []string{"docs", "sdk"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			args := append([]string{"run", "--preset", "onetrust", "--out", "out", "--dialect", dialect}, r.target()...)
			got := r.exec(t, append(args, exampleFiles(t, "onetrust")...)...)
			out := filepath.Join(r.dir, "out")
			s, stats := summaryIn(t, out), r.server.Stats()
			require.Contains(t, []int{exitComplete, exitFailures}, got.code, got.stderr)
			assert.Equal(t, got.code, s.ExitCode)
			assert.Equal(t, stats.Stored, s.Consents.Sent)
			assert.Equal(t, s.Consents.Made, s.Consents.Sent)
			assert.Equal(t, stats.Requests, s.HTTP.Requests)
			assert.Equal(t, stats.ByStatus, s.HTTP.ByStatus)
			assert.Equal(t, stats.Subjects, s.Subjects)
			assert.Zero(t, s.HTTP.Retries)
			assert.Zero(t, stats.SuspectTimestamps)
			assert.EqualValues(t, 1, stats.MaxInFlight)
			held := map[[2]string]int64{}
			for _, d := range stats.ByDecision {
				held[[2]string{d.Category, d.Action}] = d.Stored
			}
			said := map[[2]string]int64{}
			for _, d := range s.ByDecision {
				said[[2]string{d.Category, d.Action}] = d.Sent
			}
			assert.Equal(t, held, said)
			for c := range r.server.All {
				assert.Equal(t, dialect, c.Dialect.String())
			}
			assert.Len(t, column(t, out, "successes.csv", "row"), int(stats.Stored))
		})
	}
}

// However the same rows come, the same consents arrive.
func TestAnExportMayComeInAnyWrapping(t *testing.T) {
	plain, err := os.ReadFile(exampleFiles(t, "transcend")[0])
	require.NoError(t, err)
	var gz, zipped bytes.Buffer
	zw := gzip.NewWriter(&gz)
	_, err = zw.Write(plain)
	require.NoError(t, err)
	require.NoError(t, zw.Close())
	zipper := zip.NewWriter(&zipped)
	member, err := zipper.Create("preferences.csv")
	require.NoError(t, err)
	_, err = member.Write(plain)
	require.NoError(t, err)
	_, err = zipper.Create("none.csv")
	require.NoError(t, err)
	require.NoError(t, zipper.Close())

	var want []string
	for _, c := range []struct {
		name  string
		files map[string][]byte
		stdin []byte
	}{
		{name: "plain", files: map[string][]byte{"export.csv": plain}},
		{name: "gzip", files: map[string][]byte{"export.csv.gz": gz.Bytes()}},
		{name: "zip", files: map[string][]byte{"export.zip": zipped.Bytes()}},
		{name: "standard input", stdin: plain},
		{name: "compressed standard input", stdin: gz.Bytes()},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRehearsal(t, "")
			args := append([]string{"run", "--preset", "transcend", "--out", filepath.Join(r.dir, "out")}, r.target()...)
			for name, text := range c.files {
				args = append(args, r.write(t, name, string(text)))
			}
			if c.stdin != nil {
				args = append(args, "-")
				r.stdin = bytes.NewReader(c.stdin)
			}
			got := r.here(t, nil, args...)
			require.Contains(t, []int{exitComplete, exitFailures}, got.code, got.stderr)
			if c.name == "zip" { // what is not in it is said
				export := args[len(args)-1]
				left := "left out, because they are empty: " + export + ": none.csv\n"
				assert.Contains(t, got.stderr, left)
				assert.Contains(t, r.here(t, nil, "inspect", export).requireCode(t, exitComplete).stdout, left)
			}
			var arrived []string
			for _, c := range r.server.Consents() {
				arrived = append(arrived, c.UserID+" "+c.Category+" "+c.Action.String())
			}
			if want == nil {
				want = arrived
			}
			assert.NotEmpty(t, arrived)
			assert.ElementsMatch(t, want, arrived)

			s := summaryIn(t, filepath.Join(r.dir, "out"))
			require.Len(t, s.Inputs, 1)
			given := c.stdin
			for _, text := range c.files {
				given = text
			}
			assert.EqualValues(t, len(given), s.Inputs[0].Bytes)
			assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256(given)), s.Inputs[0].SHA256, "of the file as it lies there, of standard input as it was read")
			if c.stdin != nil {
				assert.Equal(t, "-", s.Inputs[0].Path)
				assert.Contains(t, got.stdout, "standard input (")
			}

			// What was read from standard input is kept, so that nothing else is needed.
			again := r.here(t, nil, "report", filepath.Join(r.dir, "out"))
			assert.Equal(t, got.code, again.code, again.stderr)
			r.here(t, nil, "verify", filepath.Join(r.dir, "out")).requireConsistent(t)
		})
	}
}

func TestSeveralFilesAreOneExport(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	one := r.write(t, "a.csv", exportHeader+exportRow(1, "u1", "mail", "yes")+exportRow(2, "u2", "mail", "no"))
	two := r.write(t, "b.csv", exportHeader+exportRow(3, "u1", "mail", "no"))
	r.export = one
	r.here(t, nil, append(r.args(), two)...).requireCode(t, exitComplete)
	s := summaryIn(t, r.out())
	require.Len(t, s.Inputs, 2)
	assert.EqualValues(t, 2, s.Inputs[0].Rows)
	assert.EqualValues(t, 1, s.Inputs[1].Rows)
	assert.Equal(t, []string{"1", "2", "3"}, column(t, r.out(), "successes.csv", "row"))
	assert.Equal(t, []string{"2", "3", "2"}, column(t, r.out(), "successes.csv", "line"))
	assert.Equal(t, []string{"a.csv", "a.csv", "b.csv"}, column(t, r.out(), "successes.csv", "file"))
}

func TestALimitStopsAndAResumeGoesOn(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 100, "")
	r.exec(t, r.args("--history", "rows", "--limit", "1")...).requireCode(t, exitIncomplete)
	s := summaryIn(t, r.out())
	assert.Equal(t, "incomplete", s.State)
	assert.EqualValues(t, 1, s.Consents.Sent)
	assert.EqualValues(t, 1, s.Rows.Read)
	assert.EqualValues(t, 1, r.server.Stats().Stored)
	assert.Contains(t, s.Next, "--resume")

	r.exec(t, r.args()...).requireCode(t, exitRefused) // without --resume
	r.exec(t, r.args("--resume", "--limit", "40")...).requireCode(t, exitIncomplete)
	assert.EqualValues(t, 41, summaryIn(t, r.out()).Consents.Sent)
	// The mapping need not be named again.
	args := append(append([]string{"run", "--resume"}, r.target()...), r.export)
	r.exec(t, args...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
	assert.Equal(t, 3, summaryIn(t, r.out()).Runs)

	// A resume of what is complete sends nothing.
	r.exec(t, args...).requireCode(t, exitComplete)
	assert.EqualValues(t, 100, r.server.Stats().Stored)
}

func TestALimitOfAllRowsIsComplete(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 20, "")
	r.here(t, nil, r.args("--limit", "20")...).requireCode(t, exitComplete)
	r.account(t)
}

func TestStandardOutputCarriesTheReport(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 30, "")
	got := r.exec(t, r.args("--json")...).requireCode(t, exitComplete)
	var s summary.Summary
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &s))
	assert.EqualValues(t, 30, s.Consents.Sent)
	file, err := os.ReadFile(filepath.Join(r.out(), "report.json"))
	require.NoError(t, err)
	assert.Equal(t, string(file), got.stdout)
}

// modes: everything that an import writes is for its user alone.
func TestFilesAreForTheUserAlone(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 30, "refuse=30%")
	r.exec(t, r.args()...)
	info, err := os.Stat(r.out())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	entries, err := os.ReadDir(r.out())
	require.NoError(t, err)
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
	for _, name := range []string{"checkpoint.jsonl", "report.json", "report.html", "successes.csv", "failures.csv", "rejected.csv"} {
		assert.True(t, names[name], "%s is missing of %v", name, names)
	}
}

func TestADryRunSendsNothingAndIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "u1", "mail", "yes")+exportRow(2, "u1", "mail", "perhaps"))
	dry := []string{"run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), r.export}
	noKey := program{dir: r.dir}
	noKey.exec(t, dry...).requireCode(t, exitFailures)
	dir := r.export + ".dry-run"
	s := summaryIn(t, dir)
	assert.True(t, s.DryRun)
	assert.Equal(t, summary.Rows{Read: 2, Mapped: 1, Invalid: 1}, s.Rows)
	assert.EqualValues(t, 1, s.Consents.Made)
	assert.Zero(t, s.Consents.Sent)
	assert.FileExists(t, filepath.Join(dir, "rejected.csv"))

	r.write(t, "export.csv", exportHeader+exportRow(1, "u1", "mail", "yes"))
	noKey.exec(t, dry...).requireCode(t, exitComplete)
	s = summaryIn(t, dir)
	assert.EqualValues(t, 1, s.Rows.Read)
	assert.NoFileExists(t, filepath.Join(dir, "rejected.csv"))
	r.here(t, nil, "verify", dir).requireConsistent(t)
	assert.Zero(t, r.server.Stats().Requests)

	// What somebody works on beside the reports is not thrown away with them.
	mine := filepath.Join(dir, "mapping-fixed.yaml")
	require.NoError(t, os.WriteFile(mine, []byte(plainMapping), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".DS_Store"), nil, 0o600))
	before := filesIn(t, dir)
	assert.Contains(t, noKey.exec(t, dry...).requireCode(t, exitRefused).message(t), "mapping-fixed.yaml")
	assert.Equal(t, before, filesIn(t, dir))
	require.NoError(t, os.Remove(mine))
	noKey.exec(t, dry...).requireCode(t, exitComplete)

	// An import is not replaced by a dry run, nor the other way round.
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	got := r.here(t, nil, append(dry[:len(dry)-1:len(dry)-1], "--out", r.out(), r.export)...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "contains an import")
	got = r.here(t, nil, r.args("--out", dir)...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "dry run")
}

func TestReportWritesTheSameAgain(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 200, "refuse=10%")
	run := r.exec(t, r.args()...)
	require.Contains(t, []int{exitFailures, exitPermissive}, run.code, run.stderr)
	before := filesIn(t, r.out())
	for name := range before {
		if strings.HasPrefix(name, "report.") || strings.HasSuffix(name, ".csv") {
			require.NoError(t, os.Remove(filepath.Join(r.out(), name)))
		}
	}
	r.exec(t, "report", r.out()).requireCode(t, run.code)
	after := filesIn(t, r.out())
	var a, b summary.Summary
	require.NoError(t, json.Unmarshal([]byte(before["report.json"]), &a))
	require.NoError(t, json.Unmarshal([]byte(after["report.json"]), &b))
	a.Next, b.Next, a.Steps, b.Steps = "", "", nil, nil // they repeat how the program was called
	a.OutDir, b.OutDir = "", ""
	assert.Equal(t, a, b)
	for name, text := range before {
		if strings.HasSuffix(name, ".csv") || name == "checkpoint.jsonl" {
			assert.Equal(t, text, after[name], name)
		}
	}
	got := r.exec(t, "verify", r.out()).requireConsistent(t)
	assert.Contains(t, got.stdout, "VERDICT: consistent (checkpoint, export, mappings and lists agree) and balanced")
}

// filesIn reads a directory.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(text)
	}
	return files
}

// What was sent for one person is told without revealing another.
func TestVerifyTellsOfOnePerson(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "ads", "no")+exportRow(3, "ann", "mail", "no"))
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	got := r.here(t, nil, "verify", r.out(), "--subject", "ann").requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "1.1")
	assert.Contains(t, got.stdout, "3.1")
	assert.NotContains(t, got.stdout, "2.1")
	assert.NotContains(t, got.stdout, "ads")
	got = r.here(t, nil, "verify", r.out(), "--subject", "nobody").requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "not found")
}

func TestRestartSetsTheOldImportAside(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 10, "")
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	r.here(t, nil, r.args("--restart")...).requireCode(t, exitComplete)
	old, err := filepath.Glob(r.out() + ".old-*")
	require.NoError(t, err)
	require.Len(t, old, 1)
	assert.EqualValues(t, 10, summaryIn(t, old[0]).Consents.Sent)
	assert.EqualValues(t, 20, r.server.Stats().Stored)
	assert.EqualValues(t, 10, r.server.Stats().Duplicates)
}

func TestAResumeOfNothingStarts(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 10, "")
	got := r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Contains(t, got.stderr, "no checkpoint was written yet, so nothing was sent: the import starts now; if one was removed from "+r.out()+", stop this")
	r.account(t)
}

// A checkpoint that is gone, empty or cut within what stands before the first pass is no
// sign that nothing was sent, where a run has left what shows that it was at work.
func TestALostCheckpointIsNotAStart(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 10, "")
	r.here(t, nil, r.args("--limit", "5")...).requireCode(t, exitIncomplete)
	path := filepath.Join(r.out(), "checkpoint.jsonl")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	requests := r.server.Stats().Requests
	header := bytes.IndexByte(whole, '\n') + 1
	for _, left := range [][]string{{"report.json", "report.html", "approval.html", "decisions.csv", "successes.csv", "failures.csv"}, {".successes.csv.tmp"}} {
		if left[0][0] == '.' { // as a run leaves it that was killed
			for _, name := range []string{journal.KnownName, "report.json", "report.html", "approval.html", "decisions.csv", "successes.csv", "failures.csv"} {
				require.NoError(t, os.Remove(filepath.Join(r.out(), name)))
			}
			require.NoError(t, os.WriteFile(filepath.Join(r.out(), left[0]), nil, 0o600))
		}
		for _, kept := range []int{-1, 0, 20, header} {
			require.NoError(t, os.RemoveAll(path))
			if kept >= 0 {
				require.NoError(t, os.WriteFile(path, whole[:kept], 0o600))
			}
			for _, flags := range [][]string{{"--resume"}, {"--resume", "--retry"}} {
				got := r.here(t, nil, r.args(flags...)...).requireCode(t, exitRefused)
				says := "its checkpoint is gone or was cut"
				if kept == header && left[0][0] != '.' {
					says = "has lost its end"
				}
				assert.Contains(t, got.stderr, says, "%d bytes", kept)
				assert.Contains(t, got.stderr, "--restart")
			}
		}
	}
	assert.Equal(t, requests, r.server.Stats().Requests, "nothing was sent")
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
}

func TestAnExportThatGrewIsResumed(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	text := exportHeader + exportRow(1, "u1", "mail", "yes")
	r.write(t, "export.csv", text)
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	r.write(t, "export.csv", text+exportRow(2, "u1", "mail", "no"))
	got := r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Contains(t, got.stderr, "grown")
	r.rows = 2
	assert.Zero(t, r.account(t))
	assert.EqualValues(t, 2, r.server.Stats().Stored)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}
