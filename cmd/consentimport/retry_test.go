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
)

// overtaking works out what a retry must do: which of the rows that failed are to
// be sent, and which a newer decision of the same subject and category that was
// sent has overtaken, with the newest such row. Decisions of a generated export
// get newer from row to row.
func (r *rehearsal) overtaking(sent, failed map[string]bool) (due map[int]bool, overtaken map[int]int) {
	due, overtaken = map[int]bool{}, map[int]int{}
	for _, rows := range r.lanes {
		newest := 0
		for _, row := range rows {
			if sent[strconv.Itoa(row)] {
				newest = row
			}
		}
		for _, row := range rows {
			if !failed[strconv.Itoa(row)] {
				continue
			}
			if row < newest {
				overtaken[row] = newest
			} else {
				due[row] = true
			}
		}
	}
	return due, overtaken
}

// After the target stops refusing, a retry sends exactly what was refused and is
// still the newest that was said. Killed at any point, it goes on.
func TestARetrySendsWhatNothingNewerOvertook(t *testing.T) {
	for _, fault := range []string{"", "before@1", "after@1", "before@7", "after@20"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 400, "refuse=40%")
			first := r.here(t, nil, r.args()...)
			require.Contains(t, []int{exitFailures, exitPermissive}, first.code, first.stderr)
			sent := asSet(t, column(t, r.out(), "successes.csv", "row"))
			failed := asSet(t, column(t, r.out(), "failures.csv", "row"))
			due, overtaken := r.overtaking(sent, failed)
			require.NotEmpty(t, due)
			require.NotEmpty(t, overtaken)
			before := r.server.Stats()

			r.faults(t, "")
			resume := r.args("--resume", "--retry", "--concurrency", "4")
			if fault != "" {
				killed := r.program
				killed.env = append([]string{sendFault + "=" + fault}, r.env...)
				killed.exec(t, resume...).requireCode(t, -1)
				resume = r.args("--resume", "--concurrency", "4")
			}
			r.here(t, nil, resume...).requireCode(t, exitComplete)
			again := map[int]bool{}
			repeats := 0
			for c := range r.server.All {
				if c.Seq <= before.Stored {
					continue
				}
				row, err := strconv.Atoi(strings.TrimPrefix(c.Message, "row "))
				require.NoError(t, err)
				if again[row] {
					repeats++
				}
				again[row] = true
			}
			assert.Equal(t, due, again)
			if fault == "" {
				assert.Zero(t, repeats)
			}
			assert.LessOrEqual(t, repeats, 4)
			held := map[int]int{}
			by := column(t, r.out(), "superseded.csv", "by")
			for i, row := range column(t, r.out(), "superseded.csv", "row") {
				n, err := strconv.Atoi(row)
				require.NoError(t, err)
				held[n], err = strconv.Atoi(strings.TrimSuffix(by[i], ".1"))
				require.NoError(t, err)
			}
			assert.Equal(t, overtaken, held)
			s := summaryIn(t, r.out())
			assert.EqualValues(t, len(sent)+len(due), s.Consents.Sent)
			assert.EqualValues(t, len(overtaken), s.Consents.Superseded)
			assert.Zero(t, s.Failures())
			assert.EqualValues(t, 1, r.server.Stats().MaxInFlight)
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// Newer is what was decided later; at the same time, what stands in a later row.
func TestNewerIsByTimeThenByRow(t *testing.T) {
	row := func(n int, second int) string {
		return fmt.Sprintf("%d,ann,ann@people.example,mail,yes,2024-05-01T10:00:%02dZ\n", n, second)
	}
	for name, c := range map[string]struct {
		second int // of the later row
		held   bool
	}{
		"the later row is newer":       {second: 11, held: true},
		"the later row is of then too": {second: 10, held: true},
		"the later row is older":       {second: 9, held: false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "subject400=ann")
			r.write(t, "export.csv", exportHeader+row(1, 10)+row(2, c.second))
			r.here(t, nil, r.args("--limit", "1")...).requireCode(t, exitIncomplete)
			r.faults(t, "")
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitFailures)
			r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
			s := summaryIn(t, r.out())
			if c.held {
				assert.EqualValues(t, 1, s.Consents.Superseded)
				assert.Equal(t, []string{"2.1"}, column(t, r.out(), "superseded.csv", "by"))
				assert.Len(t, r.server.Consents(), 1)
			} else {
				assert.Zero(t, s.Consents.Superseded)
				assert.Len(t, r.server.Consents(), 2)
			}
		})
	}
}

func TestARetryTakesUpWhatFailed(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject500=ann")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "yes"))
	r.here(t, nil, r.args("--attempts", "2")...).requireCode(t, exitFailures)
	assert.Equal(t, []string{"500"}, column(t, r.out(), "failures.csv", "status"))
	assert.Equal(t, []string{"2"}, column(t, r.out(), "failures.csv", "attempts"))
	r.faults(t, "")
	// A resume alone leaves it as it is.
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitFailures)
	assert.EqualValues(t, 1, r.server.Stats().Stored)
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.EqualValues(t, 2, r.server.Stats().Stored)
	assert.NoFileExists(t, filepath.Join(r.out(), "rejected.csv"), "nothing is rejected any more")
	s := summaryIn(t, r.out())
	assert.EqualValues(t, 2, s.Consents.Sent)
	require.Len(t, s.Passes, 2)
}

// A mapping may change with --retry only, and then only for what failed.
func TestAMappingMayChangeForARetry(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "maybe")+
		exportRow(3, "cat", "mail", "maybe")+exportRow(4, "cat", "mail", "no"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	assert.Equal(t, []string{"2", "3"}, column(t, r.out(), "failures.csv", "row"))
	require.EqualValues(t, 2, r.server.Stats().Stored)

	r.write(t, "plain.yaml", strings.ReplaceAll(strings.Replace(plainMapping, `"no": reject`, `"no": reject, maybe: reject`, 1), "const: web", "const: shop"))
	got := r.here(t, nil, r.args("--resume")...).requireCode(t, exitRefused)
	assert.Contains(t, got.message(t), "mapping has changed")
	assert.Contains(t, got.stderr, "--retry")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	all := r.server.Consents()
	require.Len(t, all, 3, "what was sent is not sent again, and row 3 is overtaken")
	assert.Equal(t, "row 2", all[2].Message)
	assert.Equal(t, "shop", all[2].Source)
	assert.Equal(t, []string{"3"}, column(t, r.out(), "superseded.csv", "row"))
	used, err := filepath.Glob(filepath.Join(r.out(), "mapping-*.yaml"))
	require.NoError(t, err)
	assert.Len(t, used, 2)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
	r.here(t, nil, "report", r.out()).requireCode(t, exitComplete)
}

// rejected.csv, repaired by hand, goes on in the import that it came from.
func TestRepairedRowsAreBalancedAgainstTheOriginal(t *testing.T) {
	for _, sorted := range []bool{true, false} {
		t.Run(fmt.Sprint(sorted), func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yse")+exportRow(2, "bob", "mail", "yes")+
				exportRow(3, "cat", "mail", "ye s")+exportRow(4, "ann", "ads", "no")+exportRow(5, "cat", "mail", "no")+exportRow(6, "dan", "mail", "nay"))
			r.here(t, nil, r.args()...)
			path := filepath.Join(r.out(), "rejected.csv")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			lines := strings.SplitAfter(strings.TrimRight(string(text), "\n"), "\n")
			require.Len(t, lines, 4)
			assert.True(t, strings.HasPrefix(lines[1], strings.TrimSuffix(exportRow(1, "ann", "mail", "yse"), "\n")+",1,"), "%q", lines[1])
			if !sorted {
				lines[1], lines[2] = lines[2], lines[1]
			}
			repaired := r.write(t, "repaired.csv", strings.NewReplacer(",yse,", ",yes,", ",ye s,", ",yes,").Replace(strings.Join(lines, "")))

			before := r.server.Stats().Stored
			r.export = repaired
			args := append(append([]string{"run"}, r.target()...), "--repair", filepath.Join(r.dir, "export.csv.import"), repaired)
			got := r.here(t, nil, args...)
			require.Contains(t, []int{exitFailures, exitPermissive}, got.code, got.stderr)
			out := filepath.Join(r.dir, "export.csv.import")
			s := summaryIn(t, out)
			assert.EqualValues(t, 6, s.Rows.Read, "balanced against the original")
			assert.EqualValues(t, 1, s.Rows.Invalid)
			assert.EqualValues(t, 4, s.Consents.Sent)
			assert.EqualValues(t, 1, s.Consents.Superseded)
			assert.Equal(t, []string{"1", "2", "4", "5"}, column(t, out, "successes.csv", "row"))
			assert.Equal(t, []string{"3"}, column(t, out, "superseded.csv", "row"))
			assert.Equal(t, []string{"5.1"}, column(t, out, "superseded.csv", "by"))
			assert.Equal(t, []string{"6"}, column(t, out, "failures.csv", "row"))
			all := r.server.Consents()
			require.EqualValues(t, before+1, len(all))
			assert.Equal(t, "row 1", all[len(all)-1].Message)
			r.here(t, nil, "verify", out).requireConsistent(t)

			// And once more, with the row that is left.
			text, err = os.ReadFile(filepath.Join(out, "rejected.csv"))
			require.NoError(t, err)
			r.write(t, "repaired.csv", strings.ReplaceAll(string(text), ",nay,", ",no,"))
			r.here(t, nil, args...).requireCode(t, exitComplete)
			assert.Zero(t, summaryIn(t, out).Failures())
		})
	}
}

func TestRejectedRowsAreAnExportOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "yep"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	text, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
	require.NoError(t, err)
	r.export = r.write(t, "repaired.csv", strings.ReplaceAll(string(text), ",yep,", ",yes,"))
	got := r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	assert.Contains(t, got.stderr, "--repair", "it says what may have been meant")
	assert.EqualValues(t, 2, r.server.Stats().Stored)
	assert.EqualValues(t, 1, summaryIn(t, r.out()).Rows.Read)
}

// What a row was sent as stays, even when a changed mapping makes more of it.
func TestConsentsOfOneRowAreToldApart(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=ann")
	r.write(t, "plain.yaml", `name: wide
each: {columns: {mail: optmail, ads: optads}}
consent:
  userId: id
  action: {from: each.value, values: {"y": accept, "n": reject}}
  timestamp: decided
  validUntil: unlimited
  source: {const: web}
  category: {from: each.key}
`)
	r.write(t, "export.csv", "id,optmail,optads,decided\nbob,y,n,2024-01-01T00:00:00Z\nann,y,n,2024-01-02T00:00:00Z\ncat,,y,2024-01-02T00:00:00Z\ndan,,,2024-01-02T00:00:00Z\n")
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	assert.Equal(t, []string{"2.1", "2.2"}, column(t, r.out(), "failures.csv", "consent"))
	assert.Equal(t, []string{"2", "2"}, column(t, r.out(), "failures.csv", "row"))
	assert.Equal(t, []string{"2"}, column(t, r.out(), "rejected.csv", "_row"), "a row stands there once")
	assert.Equal(t, []string{"1", "1", "3"}, column(t, r.out(), "successes.csv", "row"))
	assert.Equal(t, []string{"1.1", "1.2", "3.1"}, column(t, r.out(), "successes.csv", "consent"))
	s := summaryIn(t, r.out())
	assert.EqualValues(t, 1, s.Rows.Skipped)
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.EqualValues(t, 5, r.server.Stats().Stored)
	assert.EqualValues(t, 5, r.server.Stats().Distinct)
}

// A person repairs rejected.csv where it lies, and then has something else done: the work
// is kept, said, and can still be imported.
func TestRejectedRowsThatSomebodyChangedAreKept(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "yep")+exportRow(3, "cat", "mail", "noo"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	path := filepath.Join(r.out(), "rejected.csv")
	edit := func(was, is string) (text string) {
		text = strings.ReplaceAll(readFile(t, path), was, is)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return text
	}
	const said = "rejected rows that are not as they were written are kept in "

	first := edit(",yep,", ",yes,")
	got := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "rejected.csv was changed")
	assert.Equal(t, first, readFile(t, path), "verify changes nothing")
	got = r.here(t, nil, "report", r.out()).requireCode(t, exitFailures)
	assert.Contains(t, got.stderr, said+filepath.Join(r.out(), "rejected-edited-1.csv"))
	second := edit(",noo,", ",no,")
	got = r.here(t, nil, r.args("--resume", "--retry", "--set", "nothing=1")...) // refused before it is looked at
	assert.NotContains(t, got.stderr, said)
	got = r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
	assert.Contains(t, got.stderr, said+filepath.Join(r.out(), "rejected-edited-2.csv"))
	r.here(t, nil, "verify", r.out()).requireConsistent(t)

	for n, text := range []string{first, second} {
		kept := filepath.Join(r.out(), fmt.Sprintf("rejected-edited-%d.csv", n+1))
		require.Equal(t, text, readFile(t, kept))
		got = r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), kept)...)
		assert.NotContains(t, got.stderr, said)
	}
	got.requireCode(t, exitComplete)
	assert.EqualValues(t, 3, r.server.Stats().Stored)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
	got = r.here(t, nil, "purge", r.out()).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "removed rejected-edited-2.csv")

	// A dry run that takes the place of another one keeps it too.
	rehearsed := filepath.Join(r.dir, "rehearsed")
	dry := r.args("--dry-run", "--out", rehearsed)
	r.here(t, nil, dry...).requireCode(t, exitFailures)
	r.here(t, nil, dry...).requireCode(t, exitFailures)
	path = filepath.Join(rehearsed, "rejected.csv")
	edit(",yep,", ",yes,")
	got = r.here(t, nil, dry...).requireCode(t, exitFailures)
	assert.Contains(t, got.stderr, said+filepath.Join(rehearsed, "rejected-edited-1.csv")+"\n", "nothing of a dry run can be repaired")
	r.here(t, nil, dry...).requireCode(t, exitFailures)
	assert.Equal(t, strings.ReplaceAll(readFile(t, path), ",yep,", ",yes,"), readFile(t, filepath.Join(rehearsed, "rejected-edited-1.csv")))
}

// What one repair has left is not forgotten because another one came to its end.
func TestARetrySendsWhatARepairHasLeft(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yse")+exportRow(2, "bob", "mail", "noo")+exportRow(3, "cat", "mail", "yse")+exportRow(4, "dan", "mail", "no"))
	r.here(t, nil, r.args()...)
	text := readFile(t, filepath.Join(r.out(), "rejected.csv"))
	lines := strings.SplitAfter(strings.TrimRight(text, "\n"), "\n")
	repair := func(file, rows string, more ...string) finished {
		r.write(t, file, lines[0]+strings.NewReplacer(",yse,", ",yes,", ",noo,", ",no,").Replace(rows))
		return r.here(t, nil, append(append(append([]string{"run"}, r.target()...), more...), "--repair", r.out(), filepath.Join(r.dir, file))...)
	}
	repair("first.csv", lines[1]+lines[2], "--limit", "1").requireCode(t, exitIncomplete)
	repair("second.csv", lines[3])
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.EqualValues(t, 4, r.server.Stats().Distinct)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// A row that is repaired and still cannot be read is in no copy, so the file stays.
func TestARepairThatCannotBeReadIsKept(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yse")+exportRow(2, "bob", "mail", "noo")+exportRow(3, "cat", "mail", "no"))
	r.here(t, nil, r.args()...)
	path := filepath.Join(r.out(), "rejected.csv")
	text := strings.NewReplacer(",yse,", ",yes,", ",noo,", ",no,too,much,").Replace(readFile(t, path))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	got := r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), path)...).requireCode(t, exitFailures)
	kept := filepath.Join(r.out(), "rejected-edited-1.csv")
	assert.Contains(t, got.stderr, "are kept in "+kept)
	assert.Equal(t, text, readFile(t, kept))
}
