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
)

const repairedHeader = "n,id,mail,purpose,decision,decided,_row,_error\n"

// repairedRow is row n as somebody has repaired it.
func repairedRow(n int, subject, purpose, decision string) string {
	return fmt.Sprintf("%s,%d,\n", strings.TrimSuffix(exportRow(n, subject, purpose, decision), "\n"), n)
}

// repair goes on in the import with repaired rows.
func (r *rehearsal) repair(t *testing.T, rows string, flags ...string) finished {
	t.Helper()
	path := r.write(t, "repaired.csv", repairedHeader+rows)
	return r.here(t, nil, append(append(append([]string{"run"}, r.target()...), flags...), "--repair", r.out(), path)...)
}

// arrivals are all that arrived: row, subject and decision.
func (r *rehearsal) arrivals() (got []string) {
	for c := range r.server.All {
		got = append(got, strings.TrimPrefix(c.Message, "row ")+" "+c.UserID+" "+c.Action.String())
	}
	return got
}

// Columns of an export that are called as those of its rejected rows are told of when it
// begins. A mapping that reads one of them reads it of the export alone: under it repaired
// rows would have the number of a row for a person, or the reason for a text.
func TestAnExportMayHaveColumnsOfRejectedRows(t *testing.T) {
	t.Parallel()
	const at = "2024-01-02T03:04:05Z"
	for name, c := range map[string]struct{ file, text, format string }{
		"csv":  {"export.csv", "_row,id,_error,purpose,decision,decided\n71,ann,e1,mail,yes," + at + "\n72,bob,e2,mail,WRONG," + at + "\n", "csv"},
		"json": {"export.jsonl", `{"_row":71,"id":"ann","_error":"e1","purpose":"mail","decision":"yes","decided":"` + at + `"}` + "\n" + `{"_row":72,"id":"bob","_error":"e2","purpose":"mail","decision":"WRONG","decided":"` + at + `"}` + "\n", "jsonl"},
	} {
		for _, reads := range []string{"userId: _row\n", "userId: id\n  message: {template: 'was {_error}'}\n", "userId: id\n  method: {from: _row, optional: true}\n"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRehearsal(t, "")
				const rest = "  action: {from: decision, values: {\"yes\": accept, \"no\": reject}}\n  timestamp: decided\n  validUntil: unlimited\n  source: {const: x}\n  category: purpose\n"
				r.write(t, "plain.yaml", "name: plain\nconsent:\n  "+reads+rest)
				r.export = r.write(t, c.file, c.text)
				got := r.here(t, nil, r.args()...).requireCode(t, exitFailures)
				assert.Contains(t, got.stderr, "the export has a column _row and a column _error, as the rejected rows of an import do: it is imported as an export of its own, and rejected rows of it have what this import found under that name; ")
				rejected := filepath.Join(r.out(), "rejected."+c.format)
				text := readFile(t, rejected)
				assert.NotContains(t, text, "72")
				path := r.write(t, "repaired."+c.format, strings.Replace(text, "WRONG", "no", 1))
				repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), path)
				got = r.here(t, nil, repair...).requireCode(t, exitRefused)
				assert.Regexp(t, `mapping-[0-9a-f]+\.yaml:[0-9]+:[0-9]+: repaired rows do not have the export's own "_(row|error)", but what an import found under that name: rename it`, got.stderr)
				assert.Len(t, r.arrivals(), 1)
				other := r.write(t, "other.yaml", "name: other\nconsent:\n  userId: id\n"+rest)
				r.here(t, nil, append(repair, "--mapping", other)...).requireCode(t, exitComplete)
				assert.Len(t, r.arrivals(), 2)
			})
		}
	}
}

// A limit of a repair counts the repaired rows, and tells of later ones that came along as
// that of an import does: whatever numbers the rows have.
func TestALimitOfARepairTellsWhatCameAlong(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	export := exportRow(7, "zoe", "mail", "yes")
	at := func(n int, id string, year, decision string) string {
		return strings.Replace(exportRow(n, id, "mail", decision), "2024-", year+"-", 1)
	}
	var repaired []string
	for i, row := range [...][2]string{{"ann", "2024"}, {"bob", "2024"}, {"cat", "2024"}, {"bob", "2023"}, {"ann", "2023"}, {"ann", "2022"}} {
		export += at(i+2, row[0], row[1], "WRONG")
		repaired = append(repaired, strings.Replace(repairedRow(i+2, row[0], "mail", "no"), "2024-", row[1]+"-", 1))
	}
	r.write(t, "export.csv", exportHeader+export)
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	got := r.repair(t, strings.Join(repaired[1:], ""), "--limit", "2").requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "stopped after 2 rows, as asked; 1 consent of a later row came along, because a person's decisions leave together; ")
	assert.ElementsMatch(t, []string{"5 bob reject", "3 bob reject", "4 cat reject"}, r.arrivals()[1:])
}

// What somebody repaired is what the import is about from then on: a retry sends
// the repaired form of a row, the latest one, never the one of the export, and
// reports go with it.
func TestARetryGoesOnWithRepairedRows(t *testing.T) {
	t.Parallel()
	const ends = "1 ann accept"
	faults := []string{"", "after@1"}
	if soak {
		faults = append(faults, "before@1", "kill@1", "kill@3", "kill@5", "kill@7", "kill@9", "kill@11")
	}
	for name, c := range map[string]struct {
		row2, row3 string // decisions in the export
		do         func(t *testing.T, r *rehearsal)
		arrived    []string
	}{
		"refused after it was repaired": {"WRONG", "yes", func(t *testing.T, r *rehearsal) {
			r.faults(t, "subject400=bob")
			r.repair(t, repairedRow(2, "bob", "mail", "no")).requireCode(t, exitFailures)
		}, []string{ends, "3 cat accept", "2 bob reject"}},
		"refused before and after": {"yes", "yes", func(t *testing.T, r *rehearsal) {
			r.faults(t, "subject400=bobby")
			r.repair(t, repairedRow(2, "bobby", "mail", "no")).requireCode(t, exitFailures)
		}, []string{ends, "3 cat accept", "2 bobby reject"}},
		"repaired twice": {"WRONG", "yes", func(t *testing.T, r *rehearsal) {
			r.repair(t, repairedRow(2, "bob", "mail", "hm")).requireCode(t, exitFailures)
			r.faults(t, "subject400=robert")
			r.repair(t, repairedRow(2, "robert", "mail", "yes")).requireCode(t, exitFailures)
		}, []string{ends, "3 cat accept", "2 robert accept"}},
		"two rows, repaired one after the other": {"WRONG", "WRONG", func(t *testing.T, r *rehearsal) {
			r.faults(t, "400=100%")
			r.repair(t, repairedRow(3, "cathy", "mail", "yes")).requireCode(t, exitFailures)
			r.repair(t, repairedRow(2, "bobby", "mail", "yes")).requireCode(t, exitFailures)
		}, []string{ends, "2 bobby accept", "3 cathy accept"}},
		"a repair that was not done": {"WRONG", "WRONG", func(t *testing.T, r *rehearsal) {
			r.repair(t, repairedRow(2, "bob", "mail", "no")+repairedRow(3, "cat", "mail", "no"), "--limit", "1").requireCode(t, exitIncomplete)
		}, []string{ends, "2 bob reject", "3 cat reject"}},
		"a retry in between": {"WRONG", "yes", func(t *testing.T, r *rehearsal) {
			r.faults(t, "400=100%")
			r.repair(t, repairedRow(2, "bob", "mail", "no")).requireCode(t, exitFailures)
			r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
			assert.Equal(t, []string{"send"}, column(t, r.out(), "failures.csv", "stage"), "it is not what the export says")
			r.repair(t, repairedRow(2, "bo", "mail", "yes")).requireCode(t, exitFailures)
		}, []string{ends, "3 cat accept", "2 bo accept"}},
		"overtaken by the export": {"WRONG", "yes", func(t *testing.T, r *rehearsal) {
			r.repair(t, repairedRow(2, "cat", "mail", "no")).requireCode(t, exitComplete)
		}, []string{ends, "3 cat accept"}},
		"one that the mapping did not know": {"WRONG", "yes", func(t *testing.T, r *rehearsal) {
			r.repair(t, repairedRow(2, "bobby", "mail", "hm")).requireCode(t, exitFailures)
			r.write(t, "plain.yaml", strings.Replace(plainMapping, `"no": reject`, `"no": reject, hm: reject`, 1))
		}, []string{ends, "3 cat accept", "2 bobby reject"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, fault := range faults {
				t.Run(fault, func(t *testing.T) {
					t.Parallel()
					r := newRehearsal(t, "subject400=bob")
					r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", c.row2)+exportRow(3, "cat", "mail", c.row3))
					r.here(t, nil, r.args()...).requireCode(t, exitFailures)
					c.do(t, r)
					r.faults(t, "")
					retry := r.args("--resume", "--retry")
					if fault != "" {
						killed := r.program
						what := sendFault
						if strings.HasPrefix(fault, "kill") {
							what = diskFault
						}
						killed.env = append([]string{what + "=" + fault}, r.env...)
						if code := killed.exec(t, retry...).code; name == "overtaken by the export" && what == sendFault {
							require.Equal(t, exitComplete, code, "nothing is sent")
						} else {
							require.Equal(t, -1, code)
						}
					}
					r.here(t, nil, retry...).requireCode(t, exitComplete)
					got := r.arrivals()
					if fault != "" { // arrived, and nobody had noted it
						got = withoutRepeats(got)
					}
					assert.ElementsMatch(t, c.arrived, got)
					s := summaryIn(t, r.out())
					assert.EqualValues(t, 3, s.Rows.Read, "balanced against the export")
					assert.EqualValues(t, 3, s.Consents.Made)
					assert.EqualValues(t, len(c.arrived), s.Consents.Sent)
					assert.Zero(t, s.Failures())
					assert.NotContains(t, filesIn(t, r.out()), "suppress.csv")
					r.here(t, nil, "verify", r.out()).requireConsistent(t)
					r.here(t, nil, "report", r.out()).requireCode(t, exitComplete)
				})
			}
		})
	}
}

// A repaired decision that a repair had not sent yet when it stopped is still the
// older one: a retry holds it back behind what was sent before, and does not take
// it for one that comes for the first time.
func TestARetryHoldsBackWhatARepairLeftOpen(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "WRONG")+exportRow(2, "bob", "mail", "WRONG")+exportRow(3, "bob", "mail", "yes"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	r.faults(t, "401=100%")
	r.repair(t, repairedRow(1, "ann", "mail", "yes")+repairedRow(2, "bob", "mail", "no"), "--concurrency", "1").requireCode(t, exitIncomplete)
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"3 bob accept", "1 ann accept"}, r.arrivals())
	assert.Equal(t, []string{"2"}, column(t, r.out(), "superseded.csv", "row"))
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// What an import left open comes in its place, unless another mapping gives it to
// somebody of whom something newer was sent.
func TestARetryHoldsBackWhatAnotherMappingMoves(t *testing.T) {
	t.Parallel()
	for repaired, c := range map[string]struct{ arrived, held []string }{
		"userId: id":                          {[]string{"1 ann accept", "3 cat reject", "2 cat2 accept"}, nil},
		`userId: {from: id, match: "[a-z]+"}`: {[]string{"1 ann accept", "3 cat reject"}, []string{"2"}},
	} {
		t.Run(repaired, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "subject503=cat2,retryafter=1,401after=4")
			r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "cat2", "mail", "yes")+exportRow(3, "cat", "mail", "no"))
			r.here(t, nil, r.args("--concurrency", "1")...).requireCode(t, exitIncomplete)
			r.faults(t, "")
			require.Contains(t, plainMapping, "userId: id\n")
			r.write(t, "plain.yaml", strings.Replace(plainMapping, "userId: id", repaired, 1))
			r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
			assert.Equal(t, c.arrived, r.arrivals())
			if c.held != nil {
				assert.Equal(t, c.held, column(t, r.out(), "superseded.csv", "row"))
			}
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

func withoutRepeats(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// A mapping that fits the export, but not the rows that were repaired, is refused
// with what it does not fit.
func TestARetryWhoseMappingDoesNotFitRepairedRowsIsRefused(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=bob")
	r.write(t, "export.csv", strings.Replace(exportHeader, "\n", ",more\n", 1)+
		strings.Replace(exportRow(1, "ann", "mail", "yes"), "\n", ",x\n", 1)+strings.Replace(exportRow(2, "bob", "mail", "yes"), "\n", ",x\n", 1))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	r.repair(t, repairedRow(2, "bob", "mail", "no")).requireCode(t, exitFailures) // without the column that nobody needed
	r.faults(t, "")
	before := r.server.Stats().Requests
	r.write(t, "plain.yaml", strings.Replace(plainMapping, `"row {n}"`, `"row {n} {more}"`, 1))
	message := r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitRefused).message(t)
	assert.Contains(t, message, "more")
	assert.Contains(t, message, "repair-2.csv")
	assert.Equal(t, before, r.server.Stats().Requests)
	r.write(t, "plain.yaml", plainMapping)
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	_, err := os.Stat(filepath.Join(r.out(), "repair-2.csv"))
	assert.NoError(t, err)
}

// What looks at the decisions before anything is sent does so in any pass.
func TestLaterPassesCanBeStrict(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "400=100%")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no"))
	r.here(t, nil, r.args("--strict")...).requireCode(t, exitFailures)
	for range 3 {
		r.here(t, nil, r.args("--resume", "--retry", "--strict")...).requireCode(t, exitFailures)
		r.repair(t, repairedRow(2, "bob", "mail", "yes"), "--strict").requireCode(t, exitFailures)
	}
	r.here(t, nil, r.args("--resume", "--strict")...).requireCode(t, exitFailures)
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry", "--strict")...).requireCode(t, exitComplete)
	assert.ElementsMatch(t, []string{"1 ann accept", "2 bob accept"}, r.arrivals())
}
