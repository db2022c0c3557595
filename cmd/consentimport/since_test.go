package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// at is a row with a time of its own, in seconds.
func at(n int, subject, purpose, decision string, second int) string {
	row := exportRow(second, subject, purpose, decision)
	return fmt.Sprintf("%d%s", n, row[strings.Index(row, ","):])
}

// sinceArgs are the arguments of a delta: an export, an out directory, and what it is
// held against.
func (r *rehearsal) sinceArgs(export, out, since string, more ...string) []string {
	args := append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", filepath.Join(r.dir, out)}, r.target()...)
	args = append(args, more...)
	if since != "" {
		args = append(args, "--since", filepath.Join(r.dir, since))
	}
	return append(args, filepath.Join(r.dir, export))
}

// arrived is what the sandbox took behind some consent, as "subject category action second".
func (r *rehearsal) arrived(from int64) (all []string) {
	for c := range r.server.All {
		if c.Seq > from {
			all = append(all, fmt.Sprintf("%s %s %s %d", c.UserID, c.Category, c.Action, (c.Timestamp-began.UnixMilli())/1000))
		}
	}
	slices.Sort(all)
	return all
}

// A fresh snapshot against a finished import, and another one against that: what was
// sent before is known, what something newer that was sent overtakes is superseded, and
// the rest leaves.
func TestADeltaSendsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=eve")
	r.write(t, "export.csv", exportHeader+
		at(1, "ann", "mail", "yes", 10)+
		at(2, "bob", "mail", "yes", 10)+
		at(3, "bob", "mail", "no", 20)+
		at(4, "cyd", "mail", "yes", 50)+
		at(5, "dan", "mail", "yes", 10)+
		at(6, "eve", "mail", "yes", 10)) // refused
	first := r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	id := summaryID(t, r.out())
	r.faults(t, "")
	sent := r.server.Stats().Stored
	require.EqualValues(t, 5, sent, first.stderr)

	r.write(t, "second.csv", exportHeader+
		at(1, " ann ", "mail", "yes", 10)+ // known, in another spelling
		at(2, "bob", "mail", "yes", 10)+ // known
		at(3, "bob", "mail", "yes", 15)+ // overtaken by 3.1 of the first
		at(4, "bob", "mail", "yes", 30)+ // new
		at(5, "cyd", "mail", "no", 40)+ // overtaken by 4.1 of the first
		at(6, "dan", "mail", "no", 60)+ // new
		at(7, "eve", "mail", "yes", 10)+ // was refused
		at(8, "ann", "mail", "yes", 10)+ // known
		at(9, "ann", "mail", "no", 10)+ // the reject of that time
		at(10, "fay", "mail", "yes", 10)) // new

	dry := r.here(t, nil, r.sinceArgs("second.csv", "dry", "export.csv.import", "--dry-run")...).requireCode(t, exitComplete)
	d := summaryIn(t, filepath.Join(r.dir, "dry"))
	assert.EqualValues(t, 10, d.Consents.Made)
	assert.EqualValues(t, 3, d.Consents.Known)
	assert.EqualValues(t, 2, d.Consents.Superseded)
	assert.EqualValues(t, 5, d.Consents.Pending)
	assert.Contains(t, dry.stdout, "5 would be sent")
	assert.Contains(t, dry.stdout, "mail: 3 persons would newly get them, 2 persons would get them no longer")
	assert.Equal(t, []string{"3.1@" + id, "4.1@" + id}, column(t, filepath.Join(r.dir, "dry"), "superseded.csv", "by"))
	assert.Equal(t, sent, r.server.Stats().Stored)

	got := r.here(t, nil, r.sinceArgs("second.csv", "second", "export.csv.import")...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"ann mail reject 10", "bob mail accept 30", "dan mail reject 60", "eve mail accept 10", "fay mail accept 10"}, r.arrived(sent))
	out := filepath.Join(r.dir, "second")
	s := summaryIn(t, out)
	assert.EqualValues(t, 10, s.Consents.Made)
	assert.EqualValues(t, 3, s.Consents.Known)
	assert.EqualValues(t, 2, s.Consents.Superseded)
	assert.EqualValues(t, 5, s.Consents.Sent)
	assert.Zero(t, s.OverPermissive.Count, "cyd's accept is newer than the reject")
	assert.Equal(t, []string{"3.1", "5.1"}, column(t, out, "superseded.csv", "consent"))
	assert.Equal(t, []string{"3.1@" + id, "4.1@" + id}, column(t, out, "superseded.csv", "by"))
	require.NotNil(t, s.Since)
	assert.Equal(t, d.Since.Changes, s.Since.Changes)
	assert.Contains(t, got.stdout, "3 known")
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "mail: 3 persons newly get them, 2 persons get them no longer")
	r.here(t, nil, "verify", out).requireConsistent(t)

	// A third against the second knows what the first has sent.
	r.write(t, "third.csv", exportHeader+
		at(1, "cyd", "mail", "yes", 50)+ // known from the first
		at(2, "bob", "mail", "no", 20)+ // known from the first
		at(3, "bob", "mail", "yes", 30)+ // known from the second
		at(4, "cyd", "mail", "no", 45)+ // overtaken by the first
		at(5, "dan", "mail", "yes", 55)+ // overtaken by the second
		at(6, "gus", "mail", "yes", 1))
	sent = r.server.Stats().Stored
	require.NoError(t, os.Rename(r.out(), filepath.Join(r.dir, "away"))) // it may go away
	r.here(t, nil, r.sinceArgs("third.csv", "third", "second")...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"gus mail accept 1"}, r.arrived(sent))
	third := filepath.Join(r.dir, "third")
	s = summaryIn(t, third)
	assert.EqualValues(t, 3, s.Consents.Known)
	assert.Equal(t, []string{"4.1@" + id, "6.1@" + summaryID(t, out)}, column(t, third, "superseded.csv", "by"))
	require.Len(t, s.Since.Imports, 2)
	r.here(t, nil, "verify", third).requireConsistent(t)
	r.here(t, nil, "evidence", third).requireCode(t, exitComplete)

	// And what is missing of what it rests on is said.
	require.NoError(t, os.Remove(filepath.Join(third, "since.zst")))
	gone := r.here(t, nil, "verify", third)
	assert.Equal(t, exitRefused, gone.code)
	assert.Contains(t, gone.stderr, "since.zst")
}

// summaryID is the random name of the import in a directory.
func summaryID(t *testing.T, dir string) string {
	t.Helper()
	snap, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	return snap.Header.ID
}

// An import is held against a finished one with the same target and dialect alone; what
// differs is named, and nothing is left behind.
func TestWhatADeltaIsNotHeldAgainst(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+at(1, "ann", "mail", "yes", 10)+at(2, "bob", "mail", "yes", 10))
	r.write(t, "second.csv", exportHeader+at(1, "ann", "mail", "no", 20))
	run := func(code int, args ...string) { r.here(t, nil, args...).requireCode(t, code) }
	run(exitComplete, r.args()...)
	run(exitComplete, r.sinceArgs("export.csv", "dry", "", "--dry-run")...)
	run(exitIncomplete, r.sinceArgs("export.csv", "half", "", "--limit", "1")...)
	run(exitComplete, r.sinceArgs("export.csv", "part", "", "--shard", "1/2")...)
	run(exitComplete, r.sinceArgs("export.csv", "part2", "", "--shard", "2/2")...)
	run(exitComplete, "report", filepath.Join(r.dir, "part"), filepath.Join(r.dir, "part2"), "--out", filepath.Join(r.dir, "joined"))
	run(exitComplete, r.sinceArgs("export.csv", "purged", "")...)
	run(exitComplete, "purge", filepath.Join(r.dir, "purged"))
	run(exitComplete, r.sinceArgs("export.csv", "damaged", "")...)
	path := filepath.Join(r.dir, "damaged", "checkpoint.jsonl")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append([]byte(strings.Replace(string(text), "1.1", "1.2", 1)), '\n'), 0o600))
	run(exitComplete, r.sinceArgs("export.csv", "moved", "")...)
	require.NoError(t, os.MkdirAll(filepath.Join(r.dir, "empty"), 0o700))
	sent := r.server.Stats().Stored

	for name, c := range map[string]struct {
		since string
		more  []string
		want  string
	}{
		"nothing there":        {since: "nowhere", want: "contains no import"},
		"an empty directory":   {since: "empty", want: "contains no import"},
		"a dry run":            {since: "dry", want: "dry run"},
		"not finished":         {since: "half", want: "not finished"},
		"one shard":            {since: "part", want: "shard 1/2 alone"},
		"purged":               {since: "purged", want: "purged"},
		"damaged":              {since: "damaged", want: "line"},
		"the same directory":   {since: "second", want: "itself"},
		"another project":      {since: "export.csv.import", more: []string{"--project", "other"}, want: `the project was "shop" and is now "other"`},
		"another dialect":      {since: "export.csv.import", more: []string{"--dialect", "sdk"}, want: `the dialect was "docs" and is now "sdk"`},
		"another form of time": {since: "export.csv.import", more: []string{"--times", "s"}, want: "the form of times"},
		"a sandbox":            {since: "export.csv.import", more: []string{"--sandbox"}, want: "the sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			out := "second"
			if c.since == "second" {
				require.NoError(t, os.MkdirAll(filepath.Join(r.dir, out), 0o700))
			}
			got := r.here(t, nil, r.sinceArgs("second.csv", out, c.since, c.more...)...).requireCode(t, exitRefused)
			assert.Contains(t, got.stderr, c.want)
			assert.Contains(t, got.stderr, "hint: ")
			if c.since == "second" {
				require.NoError(t, os.Remove(filepath.Join(r.dir, out)))
			}
			assert.NoDirExists(t, filepath.Join(r.dir, out))
		})
	}
	assert.Equal(t, sent, r.server.Stats().Stored)

	// A joined one is an import like any other, and shards are held against one.
	run(exitComplete, r.sinceArgs("second.csv", "d1", "joined", "--shard", "1/2")...)
	run(exitComplete, r.sinceArgs("second.csv", "d2", "joined", "--shard", "2/2")...)
	run(exitComplete, "report", filepath.Join(r.dir, "d1"), filepath.Join(r.dir, "d2"), "--out", filepath.Join(r.dir, "d"))
	assert.Equal(t, []string{"ann mail reject 20"}, r.arrived(sent))
	r.here(t, nil, "verify", filepath.Join(r.dir, "d")).requireConsistent(t)
	// A dry run without a target needs none here either.
	run(exitComplete, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--since", filepath.Join(r.dir, "d"), "--out", filepath.Join(r.dir, "dry2"), filepath.Join(r.dir, "second.csv"))
	assert.EqualValues(t, 1, summaryIn(t, filepath.Join(r.dir, "dry2")).Consents.Known)
}

// A delta that was stopped goes on against what it has begun with, with or without
// being told; not when that has sent something since.
func TestADeltaGoesOnAgainstTheSame(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=bob")
	r.write(t, "export.csv", exportHeader+at(1, "ann", "mail", "yes", 10)+at(2, "bob", "mail", "yes", 30))
	r.write(t, "second.csv", exportHeader+at(1, "ann", "mail", "yes", 10)+at(2, "bob", "mail", "no", 20)+at(3, "cyd", "mail", "yes", 10)+at(4, "ann", "mail", "yes", 5))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	r.here(t, nil, r.sinceArgs("export.csv", "other", "")...).requireCode(t, exitFailures)
	r.here(t, nil, r.sinceArgs("second.csv", "second", "export.csv.import", "--limit", "1")...).requireCode(t, exitIncomplete)
	refused := r.here(t, nil, r.sinceArgs("second.csv", "second", "other", "--resume")...).requireCode(t, exitRefused)
	assert.Contains(t, refused.stderr, "held against")
	plain := r.here(t, nil, r.sinceArgs("second.csv", "plain", "", "--limit", "1")...).requireCode(t, exitIncomplete)
	_ = plain
	refused = r.here(t, nil, r.sinceArgs("second.csv", "plain", "export.csv.import", "--resume")...).requireCode(t, exitRefused)
	assert.Contains(t, refused.stderr, "without being held")

	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete) // bob's yes of 30 arrives
	for _, since := range []string{"", "export.csv.import"} {
		gone := r.here(t, nil, r.sinceArgs("second.csv", "second", since, "--resume")...).requireCode(t, exitRefused)
		assert.Contains(t, gone.stderr, "has gone on since")
	}
	v := r.here(t, nil, "verify", filepath.Join(r.dir, "second"))
	assert.Contains(t, v.stdout+v.stderr, "has gone on since")

	sent := r.server.Stats().Stored
	r.here(t, nil, r.sinceArgs("second.csv", "second", "export.csv.import", "--restart")...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"cyd mail accept 10"}, r.arrived(sent))
	s := summaryIn(t, filepath.Join(r.dir, "second"))
	assert.EqualValues(t, 1, s.Consents.Known)
	assert.EqualValues(t, 2, s.Consents.Superseded)
	require.NoError(t, os.RemoveAll(r.out()))
	r.here(t, nil, r.sinceArgs("second.csv", "second", "export.csv.import", "--resume")...).requireCode(t, exitComplete)
	r.here(t, nil, "verify", filepath.Join(r.dir, "second")).requireConsistent(t)
}

// What an import has left does not leave any more once a delta that was held against it has
// sent something: it could arrive behind a newer decision. It goes into an import that is
// held against the delta.
func TestWhatFailedDoesNotOvertakeADelta(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=ann")
	rows := exportHeader + at(1, "ann", "mail", "yes", 10) + at(2, "bob", "mail", "no", 10)
	r.write(t, "export.csv", rows)
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	r.write(t, "repaired.csv", readFile(t, filepath.Join(r.out(), "rejected.csv")))
	repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), filepath.Join(r.dir, "repaired.csv"))
	r.faults(t, "")
	r.write(t, "second.csv", exportHeader+at(1, "bob", "mail", "no", 10)+at(2, "ann", "mail", "no", 20))
	r.here(t, nil, r.sinceArgs("second.csv", "known", "export.csv.import", "--limit", "1")...).requireCode(t, exitIncomplete) // sends nothing, and keeps nobody
	r.here(t, nil, r.sinceArgs("second.csv", "second", "export.csv.import")...).requireCode(t, exitComplete)
	sent := r.server.Stats().Stored

	r.here(t, nil, r.args("--resume")...).requireCode(t, exitFailures) // it has nothing to send
	r.here(t, nil, "verify", filepath.Join(r.dir, "second")).requireConsistent(t)
	r.write(t, "export.csv", rows+at(3, "ann", "mail", "yes", 15))
	for name, args := range map[string][]string{"retry": r.args("--resume", "--retry"), "repair": repair, "an export that grew": r.args("--resume")} {
		got := r.here(t, nil, args...).requireCode(t, exitRefused)
		assert.Contains(t, got.message(t), "the import in "+filepath.Join(r.dir, "second")+" follows this one and may have sent newer decisions", name)
		assert.Contains(t, got.message(t), "--since", name)
	}
	assert.Equal(t, sent, r.server.Stats().Stored)

	r.here(t, nil, r.sinceArgs("export.csv", "third", "second")...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"ann mail reject 20"}, r.arrived(sent-1), "both of ann's are overtaken")
	assert.EqualValues(t, 2, summaryIn(t, filepath.Join(r.dir, "third")).Consents.Superseded)
	forked := r.here(t, nil, r.sinceArgs("second.csv", "fourth", "export.csv.import")...).requireCode(t, exitComplete)
	assert.Contains(t, forked.stderr, "was followed by the one in "+filepath.Join(r.dir, "second"))
	assert.NotContains(t, forked.stderr, filepath.Join(r.dir, "known"))

	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "fourth")))
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "second")))
	got := r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "is not in "+filepath.Join(r.dir, ""))
	left, err := filepath.Glob(filepath.Join(r.out(), ".followed-*.json"))
	require.NoError(t, err)
	require.Len(t, left, 3)
	text, err := os.ReadFile(left[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(left[0], []byte(strings.Replace(string(text), `"id":"`, `"id":"0`, 1)), 0o600))
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures).stdout, left[0]+": it was changed")
	require.NoError(t, os.WriteFile(left[0], []byte("{"), 0o600))
	assert.Contains(t, r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitRefused).message(t), left[0])
}

// A delta is rehearsed as it would be run, in any order of histories; one that is not
// known is refused at once.
func TestADeltaIsRehearsed(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "")
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	text, err := os.ReadFile(r.export)
	require.NoError(t, err)
	more := ""
	for n := 301; n <= 500; n++ {
		more = exportRow(n, fmt.Sprintf("u%d", n%20), "mail", []string{"yes", "no"}[n%2]) + more
	}
	r.write(t, "second.csv", string(text)+more)
	for _, history := range []string{"chronological", "latest", "rows"} {
		got := r.exec(t, "rehearse", "--mapping", "plain.yaml", "--faults", "400=0.5%,429=2%,500=1%,reset=0.2%,lost=1%,latency=1ms", "--since", "export.csv.import", "--history", history, "second.csv")
		assert.Contains(t, got.stdout, "PASSED", history+got.stderr)
		assert.NotContains(t, got.stdout, "NOT PASSED", history)
		if history == "chronological" {
			assert.Contains(t, got.stdout, "of these 300 known from the import before, 0 overtaken")
		}
	}
	bad := r.exec(t, "rehearse", "--mapping", "plain.yaml", "--history", "newest", "second.csv").requireCode(t, exitRefused)
	assert.Contains(t, bad.stderr, "newest")
}

// A reject that an earlier import has sent before an accept that is older, because it sent
// its rows as they stood, is still the person's last word: a delta that only knows it says
// for whom the target allows more.
func TestADeltaNamesWhomAnEarlierImportLeftAtAnAccept(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	rows := exportHeader + at(1, "ann", "mail", "no", 20) + at(2, "ann", "mail", "yes", 10)
	r.write(t, "export.csv", rows)
	r.here(t, nil, append(r.args(), "--history", "rows")...).requireCode(t, exitPermissive)
	r.write(t, "second.csv", rows+at(3, "bob", "mail", "yes", 10))
	for _, more := range [][]string{{"--dry-run"}, nil} {
		out := "second" + strings.Join(more, "")
		r.here(t, nil, r.sinceArgs("second.csv", out, "export.csv.import", more...)...).requireCode(t, exitPermissive)
		s := summaryIn(t, filepath.Join(r.dir, out))
		assert.EqualValues(t, 2, s.Consents.Known)
		assert.Equal(t, []string{"1.1"}, s.OverPermissive.Consents)
		assert.Equal(t, []string{"ann"}, column(t, filepath.Join(r.dir, out), "suppress.csv", "userId"))
	}
}
