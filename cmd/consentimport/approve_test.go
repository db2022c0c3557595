package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed is the hash of the decision table of a text, as a dry run prints it.
func (r *rehearsal) signed(t *testing.T, text string) string {
	t.Helper()
	path := r.write(t, "signed.csv", text)
	got := r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", filepath.Join(t.TempDir(), "dry"), path)
	m := approved.FindStringSubmatch(got.stdout)
	require.NotNil(t, m, got.stderr+got.stdout)
	return m[1]
}

// otherTable is the approval hash that a refused run says it has.
var otherTable = regexp.MustCompile(`(?m)^error: the approval hash of (.+) is ([0-9a-f]{64}), not the approved `)

// What is signed is what is sent: the table of a repair is that of the repaired
// rows, and after it that of the export with its repaired rows. The refusal shows the
// table, and the hash that it names is the one that lets the rows through.
func TestRepairedRowsAreApprovedAsTheyAreSent(t *testing.T) {
	t.Parallel()
	export := exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "WRONG") + exportRow(3, "cat", "mail", "WRONG")
	repaired := exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "yes") + exportRow(3, "cat", "mail", "no")
	rows := repairedRow(2, "bob", "mail", "yes") + repairedRow(3, "cat", "mail", "no")
	both := []string{`decision: mail "yes" → accept (1)`, `decision: mail "no" → reject (1)`}
	repair := func(t *testing.T, r *rehearsal, flags ...string) finished { return r.repair(t, rows, flags...) }
	goOn := func(more ...string) func(*testing.T, *rehearsal, ...string) finished {
		return func(t *testing.T, r *rehearsal, flags ...string) finished {
			return r.here(t, nil, r.args(append(flags, more...)...)...)
		}
	}
	for name, c := range map[string]struct {
		before func(t *testing.T, r *rehearsal)
		pass   func(t *testing.T, r *rehearsal, flags ...string) finished
		of     string
		text   string // whose table it is
		shown  []string
	}{
		"a repair": {
			pass: repair, of: "the repaired rows", text: repairedHeader + rows, shown: both,
		},
		"a repair that goes on": {
			before: func(t *testing.T, r *rehearsal) { repair(t, r, "--limit", "1").requireCode(t, exitIncomplete) },
			pass:   goOn("--resume"), of: "the repaired rows", text: repairedHeader + rows, shown: both,
		},
		"a retry after a repair": {
			before: func(t *testing.T, r *rehearsal) {
				r.faults(t, "400=100%")
				repair(t, r).requireCode(t, exitFailures)
				r.faults(t, "")
			},
			pass: goOn("--resume", "--retry"), of: "the export with its repaired rows", text: repaired,
			shown: []string{`decision: mail "yes" → accept (2)`, `decision: mail "no" → reject (1)`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", export)
			old := r.signed(t, export)
			r.here(t, nil, r.args("--approved", old)...).requireCode(t, exitFailures)
			if c.before != nil {
				c.before(t, r)
			}
			before, files := r.server.Stats().Requests, filesIn(t, r.out())
			got := c.pass(t, r, "--approved", old).requireCode(t, exitRefused)
			assert.Equal(t, before, r.server.Stats().Requests, "nobody has signed what would be sent")
			assert.Equal(t, files, filesIn(t, r.out()))
			said := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
			require.Greater(t, len(said), len(c.shown), got.stderr)
			assert.Equal(t, c.shown, said[len(said)-2-len(c.shown):len(said)-2], got.stderr)
			m := otherTable.FindStringSubmatch(got.stderr)
			require.NotNil(t, m, got.stderr)
			assert.Equal(t, c.of, m[1])
			assert.Equal(t, r.signed(t, c.text), m[2])
			c.pass(t, r, "--approved", m[2]).requireCode(t, exitComplete)
			assert.ElementsMatch(t, []string{"1 ann accept", "2 bob accept", "3 cat reject"}, r.arrivals())
		})
	}
}

// Whoever asks for a dry run of a repair hears how to see its decision table.
func TestTheTableOfARepairCanBeSeen(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "WRONG")+exportRow(2, "bob", "mail", "yes"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	row := repairedRow(1, "ann", "mail", "no")
	assert.Contains(t, r.repair(t, row, "--dry-run").requireCode(t, exitRefused).message(t), "--approved NONE")
	got := r.repair(t, row, "--approved", "NONE").requireCode(t, exitRefused)
	assert.Contains(t, got.stderr, "decision: mail \"no\" → reject (1)\n")
	assert.Contains(t, got.stderr, r.signed(t, repairedHeader+row))
	assert.EqualValues(t, 1, r.server.Stats().Requests, "nothing but the sound row of the export")
}

// What was signed of a repair lets no retry through, so the summary does not
// advise it.
func TestARetryIsNotAdvisedUnderTheTableOfARepair(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "WRONG"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	r.faults(t, "500=100%")
	row := repairedRow(2, "bob", "mail", "yes")
	r.repair(t, row, "--attempts", "1", "--max-failures", "100%", "--approved", r.signed(t, repairedHeader+row)).requireCode(t, exitFailures)
	next := summaryIn(t, r.out()).Next
	assert.Contains(t, next, "--resume --retry")
	assert.NotContains(t, next, "--approved")
}

// The lint of a repair is that of the repaired rows, and after it repaired rows count
// in their repaired form.
func TestRepairedRowsAreLinted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row, repaired string // row 2, before and after
		code          int
	}{
		"a finding comes": {exportRow(2, "bob", "mail", "WRONG"), strings.Replace(repairedRow(2, "bob", "mail", "yes"), "2024-", "2094-", 1), exitRefused},
		"a finding goes":  {strings.Replace(exportRow(2, "bob", "mail", "yes"), "2024-", "2094-", 1), repairedRow(2, "bob", "mail", "yes"), exitComplete},
	} {
		for _, retry := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", retried"}[retry], func(t *testing.T) {
				t.Parallel()
				r := newRehearsal(t, "subject400=bob")
				r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+c.row)
				r.here(t, nil, r.args()...).requireCode(t, exitFailures)
				if retry {
					r.repair(t, c.repaired).requireCode(t, exitFailures)
				}
				r.faults(t, "")
				before := r.server.Stats().Requests
				if retry {
					r.here(t, nil, r.args("--resume", "--retry", "--strict")...).requireCode(t, c.code)
				} else {
					r.repair(t, c.repaired, "--strict").requireCode(t, c.code)
				}
				if c.code == exitRefused {
					assert.Equal(t, before, r.server.Stats().Requests)
				}
			})
		}
	}
}

// A new value that would become a decision is named and refused; a table that was
// signed lets everything through that stands in it, and nothing else.
func TestASignedFileLetsItsDecisionsThrough(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	export := exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "no") + exportRow(3, "cat", "mail", "WRONG")
	r.write(t, "export.csv", export)
	dry := filepath.Join(r.dir, "dry")
	r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", dry, filepath.Join(r.dir, "export.csv")).requireCode(t, exitFailures)
	table, err := os.ReadFile(filepath.Join(dry, "decisions.csv"))
	require.NoError(t, err)
	assert.Equal(t, "category,value,decision,count,reason\nmail,yes,accept,1,\nmail,no,reject,1,\nmail,WRONG,invalid,1,\n", string(table))
	for name, text := range map[string]string{
		"turned around": strings.NewReplacer("yes,accept", "yes,reject", "no,reject", "no,accept").Replace(string(table)),
		"one is gone":   strings.Replace(string(table), "mail,no,reject,1,\n", "", 1),
		"another place": strings.ReplaceAll(string(table), "mail,", "post,"),
		"not a table":   "a,b\n1,2\n",
		"empty":         "",
	} {
		got := r.here(t, nil, r.args("--approved", r.write(t, "other.csv", text))...).requireCode(t, exitRefused)
		if strings.Contains(text, ",accept,") {
			assert.Contains(t, got.stderr, `decision: mail "no" → reject (1)`, name)
		}
		assert.NoDirExists(t, r.out(), name)
	}
	r.here(t, nil, r.args("--approved", filepath.Join(dry, "nosuch.csv"))...).requireCode(t, exitRefused)
	for _, no := range []string{strings.Repeat("a", 63), "sha256:" + strings.Repeat("a", 64), filepath.Join(dry, "nosuch.csv")} {
		assert.Contains(t, r.here(t, nil, r.args("--approved", no)...).requireCode(t, exitRefused).stderr, "is not an approval hash, and there is no such file")
	}
	assert.Zero(t, r.server.Stats().Requests, "nothing was sent under any of them")
	r.here(t, nil, r.args("--approved", filepath.Join(dry, "decisions.csv"))...).requireCode(t, exitFailures)
	assert.ElementsMatch(t, []string{"1 ann accept", "2 bob reject"}, r.arrivals())
}

// A resume that is not held to what the runs before it were says so; the commands that are
// printed for one are held to it.
func TestAResumeSaysWhenItIsNotHeldToTheApproval(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	text := exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "no") + exportRow(3, "cat", "mail", "yes")
	hash := r.signed(t, text)
	r.write(t, "export.csv", text)
	const says = "sent only what was approved (hash:"
	first := r.here(t, nil, r.args("--approved", " "+hash+"\n", "--limit", "1")...).requireCode(t, exitIncomplete)
	assert.NotContains(t, first.stderr, says)
	again := r.here(t, nil, "report", r.out()).requireCode(t, exitIncomplete)
	for _, out := range []string{first.stdout, again.stdout} {
		assert.Contains(t, printed(t, out), "--approved "+hash)
	}
	bare := r.here(t, nil, r.args("--resume", "--limit", "1")...).requireCode(t, exitIncomplete)
	assert.Contains(t, bare.stderr, says+hash+"), and this one is not held to it; --approved, given again, does that")
	code, out := r.typed(t, printed(t, again.stdout))
	assert.Equal(t, exitComplete, code, out)
	assert.NotContains(t, out, says)
}
