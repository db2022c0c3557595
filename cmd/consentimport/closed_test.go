package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/summary"
)

// printedCommand is a command of the program that stands in what it prints: on a line of its
// own, or behind what it is for.
var printedCommand = regexp.MustCompile(`(?m)(?:^|: |; )(consentimport [^;\n]*?)(?: (?:writes|says|finishes|checks) .*)?$`)

// Whatever became of an import after it had failures, no command that is printed of it is
// refused: one that another import follows prints no retry and no repair, but the way to a
// new import that is held against the last of those that follow, and that way leads to the
// end. No older decision arrives behind a newer one on it.
func TestNoCommandThatIsPrintedOfAnImportIsRefused(t *testing.T) {
	t.Parallel()
	rows := exportHeader + at(1, "ann", "mail", "yes", 10) + at(2, "bob", "mail", "no", 10)
	newer := exportHeader + at(1, "bob", "mail", "no", 10) + at(2, "ann", "mail", "no", 20) + at(3, "dan", "mail", "yes", 10)
	invalid := func(subject string) string {
		return strings.Replace(at(3, subject, "mail", "no", 10), ",no,", ",hm,", 1)
	}
	delta := func(t *testing.T, r *rehearsal, more ...string) string {
		r.write(t, "newer.csv", newer)
		r.here(t, nil, r.sinceArgs("newer.csv", "delta", "export.csv.import", more...)...)
		return filepath.Join(r.dir, "delta")
	}
	for name, c := range map[string]struct {
		rows   string
		more   []string // flags of the import
		faults string   // of the import; subject400=ann where empty
		then   func(t *testing.T, r *rehearsal)
		next   string // what the report leads to; OUT, DELTA and DIR stand for directories
		says   string // in the steps before
		left   int    // what it leads to ends with
	}{
		"refused, followed": {then: func(t *testing.T, r *rehearsal) {
			r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
			delta(t, r)
		},
			says: "Nothing more leaves from here: the import in DELTA follows this one", next: "--since DELTA --out OUT-again"},
		"failed, followed": {faults: "subject500=ann", more: []string{"--attempts", "1"}, then: func(t *testing.T, r *rehearsal) { delta(t, r) },
			says: "What is left goes into a new import", next: "--since DELTA --out OUT-again"},
		"invalid, followed": {rows: rows + invalid("cyd"), faults: "none", then: func(t *testing.T, r *rehearsal) { delta(t, r) },
			says: "fixes 1 of 1 row", next: "--mapping plain-fixed.yaml --since DELTA --out OUT-again"},
		"followed twice": {then: func(t *testing.T, r *rehearsal) {
			delta(t, r)
			r.write(t, "third.csv", newer+at(4, "ann", "mail", "yes", 30))
			r.here(t, nil, r.sinceArgs("third.csv", "third", "delta")...).requireCode(t, exitComplete)
			require.NoError(t, os.Mkdir(r.out()+"-again", 0o700))
		}, next: "--since DIR/third --out OUT-again-2"},
		"followed by one that is not finished": {then: func(t *testing.T, r *rehearsal) { delta(t, r, "--limit", "2") },
			says: "Continue the import in DELTA until it is complete", next: "consentimport report DELTA", left: exitIncomplete},
		"followed by one that is gone": {then: func(t *testing.T, r *rehearsal) { require.NoError(t, os.RemoveAll(delta(t, r))) },
			says: "restore that directory; if that import has sent nothing, remove OUT/.followed-", next: "consentimport verify OUT"},
		"followed by two": {then: func(t *testing.T, r *rehearsal) {
			delta(t, r)
			r.here(t, nil, r.sinceArgs("newer.csv", "other", "export.csv.import")...).requireCode(t, exitComplete)
		}, says: "held against a finished one which knows all that was sent", next: "consentimport verify OUT"},
		"followed, with people who opted out": {more: []string{"--suppress", "gone.txt"}, then: func(t *testing.T, r *rehearsal) { delta(t, r) },
			says: "the list of people who opted out elsewhere (--suppress), which is not kept here", next: "consentimport verify OUT"},
		"repaired, followed": {rows: rows + invalid("cyd"), then: func(t *testing.T, r *rehearsal) {
			r.faults(t, "subject400=ann")
			rejected := readFile(t, filepath.Join(r.out(), "rejected.csv"))
			r.write(t, "repaired.csv", strings.ReplaceAll(rejected, ",hm,", ",no,"))
			r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), filepath.Join(r.dir, "repaired.csv"))...).requireCode(t, exitFailures)
			r.faults(t, "")
			delta(t, r)
		}, says: "and those that were repaired before", next: "--since DELTA --out OUT-again", left: exitFailures},
		"a join, of which a shard went on": {then: func(t *testing.T, r *rehearsal) {
			require.NoError(t, os.RemoveAll(r.out()))
			r.faults(t, "subject400=ann")
			both := []string{filepath.Join(r.dir, "s1"), filepath.Join(r.dir, "s2")}
			for i, dir := range both {
				r.here(t, nil, r.args("--shard", fmt.Sprintf("%d/2", i+1), "--out", dir)...)
			}
			r.here(t, nil, "report", both[0], both[1], "--out", r.out()).requireCode(t, exitFailures)
			r.faults(t, "")
			for i, dir := range both {
				r.here(t, nil, r.args("--resume", "--retry", "--shard", fmt.Sprintf("%d/2", i+1), "--out", dir)...).requireCode(t, exitComplete)
			}
		}, says: "Join the shards again, and continue there:", next: "consentimport report DIR/s1 DIR/s2 --out OUT-again"},
		"purged": {then: func(t *testing.T, r *rehearsal) {
			r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
			old := readFile(t, filepath.Join(r.out(), "evidence.json"))
			r.here(t, nil, r.args("--resume", "--retry")...)
			r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
			r.here(t, nil, "purge", r.out()).requireCode(t, exitComplete)
			require.NoError(t, os.WriteFile(filepath.Join(r.out(), "evidence.json"), []byte(old), 0o600)) // from an archive
		}, next: "consentimport verify OUT", left: exitFailures},
		"stopped": {faults: "none", more: []string{"--limit", "1"}, then: func(*testing.T, *rehearsal) {}, next: " --resume"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, map[string]string{"": "subject400=ann", "none": ""}[c.faults])
			if c.faults != "none" && c.faults != "" {
				r.faults(t, c.faults)
			}
			text := c.rows
			if text == "" {
				text = rows
			}
			r.write(t, "export.csv", text)
			r.write(t, "gone.txt", "eve\n")
			more := append([]string{}, c.more...)
			for i := range more {
				if more[i] == "gone.txt" {
					more[i] = filepath.Join(r.dir, more[i])
				}
			}
			r.here(t, nil, r.args(more...)...)
			r.faults(t, "")
			sent := r.server.Stats().Stored
			c.then(t, r)
			fill := strings.NewReplacer("DELTA", filepath.Join(r.dir, "delta"), "OUT", r.out(), "DIR", r.dir)
			var printed []string
			commands := [][]string{{"report", r.out()}, {"verify", r.out()}, {"evidence", r.out()}, {"verify", "--subject", "bob", r.out()}}
			if name == "stopped" || name == "purged" {
				commands = append(commands, []string{"purge", r.out()})
			}
			for _, command := range commands {
				got := r.here(t, nil, command...)
				assert.NotContains(t, got.stdout, "is not the file that the evidence names", "its advice is of today")
				for _, m := range printedCommand.FindAllStringSubmatch(got.stdout+got.stderr, -1) {
					printed = append(printed, m[1])
				}
			}
			if name == "stopped" {
				assert.Contains(t, printed, "consentimport report "+r.out(), "a purge is refused with the way on")
			}
			s := summaryIn(t, r.out())
			assert.Contains(t, s.Next, fill.Replace(c.next))
			assert.Contains(t, strings.Join(s.Steps, "\n"), fill.Replace(c.says))
			require.NotContains(t, strings.Join(append(s.Steps, s.Next), "\n"), "--retry")
			for _, step := range s.Steps {
				if _, command := summary.SplitStep(step); command != "" {
					code, out := r.typed(t, command)
					require.Zero(t, code, "%s\n%s", command, out)
				}
			}
			decideAll(t, r.dir)
			if name != "purged" {
				code, out := r.typed(t, s.Next)
				require.Equal(t, c.left, code, "%s\n%s", s.Next, out)
			}
			for _, command := range printed {
				if command != s.Next {
					code, out := r.typed(t, command)
					assert.NotContains(t, []int{exitInternal, exitRefused}, code, "%s\n%s", command, out)
				}
			}
			if strings.Contains(name, "followed") {
				assert.NotContains(t, r.arrived(sent), "ann mail accept 10")
			}
		})
	}
}
