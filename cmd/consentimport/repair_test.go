package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func utf16le(s string) string {
	var b bytes.Buffer
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // to memory
	_ = z.Close()
	return b.String()
}

// Whatever form an export has, its rejected rows can be repaired in that form and
// go on in the import that they came from; what the target then refuses is retried
// as it was repaired.
func TestEveryFormOfAnExportCanBeRepaired(t *testing.T) {
	const simple = `name: forms
INPUTconsent:
  userId: id
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: decided
  validUntil: unlimited
  source: {const: web}
  message: name
`
	const rows = "7,Zoë,yes,2024-01-01T00:00:00Z\n8,Jürgen,WRONG,2024-01-01T00:00:00Z\n9,\"Ann\nLee\",WRONG,2024-01-01T00:00:00Z\n"
	const header = "id,name,decision,decided\n"
	latin := strings.NewReplacer("ë", "\xeb", "ü", "\xfc")
	for name, c := range map[string]struct {
		file, text, input string
		wrong, right      string // as the rejected file has them
		invalid           int
		message           string // of row 2
	}{
		"csv":               {file: "e.csv", text: header + rows},
		"crlf":              {file: "e.csv", text: strings.ReplaceAll(header+rows, "\n", "\r\n")},
		"with a BOM":        {file: "e.csv", text: "\ufeff" + header + rows},
		"semicolons, 1252":  {file: "e.csv", text: latin.Replace(strings.ReplaceAll(header+rows, ",", ";")), input: "input: {encoding: windows-1252}\n"},
		"utf-16":            {file: "e.csv", text: utf16le(header + rows), wrong: utf16le("WRONG")[2:], right: utf16le("no")[2:]},
		"a preamble":        {file: "e.csv", text: "Export of ACME\n\n" + header + rows, input: "input: {skipLines: 2}\n"},
		"no header":         {file: "e.csv", text: rows, input: "input: {columns: [id, name, decision, decided]}\n"},
		"gzip":              {file: "e.csv.gz", text: gzipped(header + rows)},
		"no newline at end": {file: "e.csv", text: header + strings.TrimSuffix(rows, "\n")},
		"jsonl": {file: "e.jsonl", text: `{"id":1234567890123456789,"name":"Zoë","decision":"yes","decided":"2024-01-01T00:00:00Z"}` + "\n" +
			`{"id":1234567890123456788,"name":"Jürgen","decision":"WRONG","decided":"2024-01-01T00:00:00Z"}` + "\n" +
			`{"id": 9 , "name":"Ann\nLee", "decision":"WRONG","decided":"2024-01-01T00:00:00Z"}`},
		"a JSON array": {file: "e.json", text: `[{"id":"7","name":"Zoë","decision":"yes","decided":"2024-01-01T00:00:00Z"},
  {"id":"8","name":"Jürgen","decision":"WRONG","decided":"2024-01-01T00:00:00Z"},
  {"id":"9","name":"Ann\nLee",
   "decision":"WRONG","decided":"2024-01-01T00:00:00Z"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "plain.yaml", strings.Replace(simple, "INPUT", c.input, 1))
			r.export = r.write(t, c.file, c.text)
			r.here(t, nil, r.args()...).requireCode(t, exitFailures)
			require.Equal(t, []string{"2", "3"}, column(t, r.out(), "failures.csv", "row"))
			found, err := filepath.Glob(filepath.Join(r.out(), "rejected.*"))
			require.NoError(t, err)
			require.Len(t, found, 1)
			text, err := os.ReadFile(found[0])
			require.NoError(t, err)
			wrong, right := "WRONG", "no"
			if c.wrong != "" {
				wrong, right = c.wrong, c.right
			}
			// _error may quote the value too; that is of no consequence.
			repaired := r.write(t, "repaired"+filepath.Ext(found[0]), strings.ReplaceAll(string(text), wrong, right))
			r.faults(t, "400=100%")
			got := r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), repaired)...)
			require.Contains(t, []int{exitFailures, exitPermissive}, got.code, got.stderr)
			require.Equal(t, []string{"send", "send"}, column(t, r.out(), "failures.csv", "stage"))
			require.NoError(t, os.Remove(repaired)) // what is needed of it is in the out directory
			r.faults(t, "")
			r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
			all := r.server.Consents()
			require.Len(t, all, 3)
			var names []string
			for _, c := range all {
				names = append(names, c.Message)
			}
			for i := range names { // a line break within a cell is that of the file
				names[i] = strings.ReplaceAll(names[i], "\r\n", "\n")
			}
			assert.ElementsMatch(t, []string{"Zoë", "Jürgen", "Ann\nLee"}, names)
			assert.Equal(t, []string{"1", "2", "3"}, column(t, r.out(), "successes.csv", "row"))
			s := summaryIn(t, r.out())
			assert.EqualValues(t, 3, s.Rows.Read)
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// A row with too few cells is filled up, so that _row stands in its column; the
// repair needs only say what was missing.
func TestAShortRowCanBeRepaired(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+"2,bob,b@people.example\n"+
		strings.TrimSuffix(exportRow(3, "cat", "mail", "yes"), "\n")+",and,more\n")
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	text, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
	require.NoError(t, err)
	require.Contains(t, string(text), "2,bob,b@people.example,,,,2,")
	repaired := strings.ReplaceAll(string(text), "2,bob,b@people.example,,,,2,", "2,bob,b@people.example,mail,no,2024-01-01T00:00:00Z,2,")
	repaired = strings.ReplaceAll(repaired, ",and,more", "")
	path := r.write(t, "repaired.csv", repaired)
	r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), path)...).requireCode(t, exitComplete)
	assert.Equal(t, []string{"1", "2", "3"}, column(t, r.out(), "successes.csv", "row"))
}

// Rows that nobody fixed stay invalid, for the reason that they had, and keep no other
// row from being repaired; given out again they are as they were.
func TestRowsThatNobodyFixedStayInvalid(t *testing.T) {
	for name, c := range map[string]struct{ file, text, find, fixed string }{
		"csv": {"export.csv", exportHeader + exportRow(1, "ann", "mail", "yes") + "2,bob,b@people.example\n" + exportRow(3, "cat", "mail", "WRONG") +
			"4,\"dan,d@people.example,mail,no,2024-01-01T00:00:00Z\n" + strings.TrimSuffix(exportRow(5, "eve", "mail", "no"), "\n") + ",more\n", "WRONG", "no"},
		"jsonl": {"export.jsonl", `{"n":1,"id":"ann","mail":"a@people.example","purpose":"mail","decision":"yes","decided":"2024-01-01T00:00:00Z"}
{"n":1,"id":"bob","mail":"b@people.example","purpose":"mail","decision":"no","decided":"2024-01-01T00:00:00Z","score":NaN}
{"n":1,"id":"cat","mail":"c@people.example","purpose":"mail","decision":"WRONG","decided":"2024-01-01T00:00:00Z"}
[4]
{"n":1,"id":"eve","mail":"e@people.example",
`, "WRONG", "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.export = r.write(t, c.file, c.text)
			r.here(t, nil, r.args()...).requireCode(t, exitFailures)
			rejected := filepath.Join(r.out(), "rejected"+filepath.Ext(c.file))
			first, err := os.ReadFile(rejected)
			require.NoError(t, err)
			reasons := column(t, r.out(), "failures.csv", "reason")
			require.Len(t, reasons, 4)

			given := r.write(t, "repaired"+filepath.Ext(c.file), string(first))
			repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), given)
			got := r.here(t, nil, repair...)
			got.requireCode(t, exitFailures)
			assert.Contains(t, got.stderr, "not repaired and stay as they were: 3, the first on line ")
			assert.Equal(t, reasons, column(t, r.out(), "failures.csv", "reason"))
			assert.Len(t, r.server.Consents(), 1)

			r.write(t, "repaired"+filepath.Ext(c.file), strings.ReplaceAll(string(first), c.find, c.fixed))
			r.here(t, nil, repair...).requireCode(t, exitFailures)
			assert.Equal(t, []string{"2", "4", "5"}, column(t, r.out(), "failures.csv", "row"))
			assert.Len(t, r.server.Consents(), 2)
			second, err := os.ReadFile(rejected)
			require.NoError(t, err)
			for _, line := range strings.SplitAfter(string(second), "\n") {
				assert.Contains(t, string(first), line)
			}
			r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
		})
	}
}

// What was sent of a row is not sent again, whatever a repaired file says of it: so it is
// said of how many rows that is, and of none where nothing was changed.
func TestARepairSaysWhatItDoesNotChange(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=bob")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no")+exportRow(3, "cat", "mail", "WRONG"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	first, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
	require.NoError(t, err)
	const says = "of which something was sent before"
	repair := func(code int, text string) finished {
		given := r.write(t, "repaired.csv", text)
		return r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", r.out(), given)...).requireCode(t, code)
	}
	fixed := strings.ReplaceAll(string(first), "WRONG", "yes")
	assert.NotContains(t, repair(exitFailures, fixed).stderr, says)
	arrived := len(r.server.Consents())
	again := repair(exitFailures, fixed)
	assert.Contains(t, again.stderr, "that differ from the export, and "+says+": 1, the first on line 3 (row 3 of the import); what was sent stays as it was sent, and is not sent again\n")
	assert.Len(t, r.server.Consents(), arrived)

	other := strings.ReplaceAll(string(first), "WRONG", "no") + strings.Replace(exportRow(1, "ann", "mail", "no"), "\n", ",1,\n", 1)
	got := repair(exitFailures, other)
	assert.Contains(t, got.stderr, says+": 2, the first on line 4 (row 1 of the import); what was sent stays as it was sent")
	assert.Contains(t, strings.Join(strings.Fields(got.stdout), " "), says)
	assert.Len(t, r.server.Consents(), arrived)
	assert.NotContains(t, repair(exitFailures, string(first)).stderr, says+": 1, the first on line 2") // bob was never sent
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
}

// A repaired file that cannot be one of this import is refused, and nothing is
// sent.
func TestARepairThatDoesNotFitIsRefused(t *testing.T) {
	head := "n,id,mail,purpose,decision,decided,_row,_error\n"
	row := strings.TrimSuffix(exportRow(2, "bob", "mail", "yes"), "\n")
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"no _row":          {text: exportHeader + row + "\n", says: []string{"_row", "rejected.csv"}},
		"no number":        {text: head + row + ",two,x\n", says: []string{"line 2", "_row"}},
		"the same twice":   {text: head + row + ",2,x\n" + row + ",2,x\n", says: []string{"row 2", "lines 2 and 3"}},
		"a row of nowhere": {text: head + row + ",99,x\n", says: []string{"row 99"}},
		"a row cut short":  {text: head + "2,bob\n", says: []string{"line 2"}},
		"nothing":          {text: "", says: []string{"repaired.csv"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "WRONG"))
			r.here(t, nil, r.args()...).requireCode(t, exitFailures)
			before := r.server.Stats().Requests
			path := r.write(t, "repaired.csv", c.text)
			repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), path)
			message := r.here(t, nil, repair...).requireCode(t, exitRefused).message(t)
			for _, s := range c.says {
				assert.Contains(t, message, s)
			}
			piped := append(append([]string{"run"}, r.target()...), "--repair", r.out(), "-")
			assert.Contains(t, r.here(t, nil, piped...).requireCode(t, exitRefused).message(t), "cannot come from standard input")
			assert.Equal(t, before, r.server.Stats().Requests)
			// The import is none the worse.
			r.write(t, "repaired.csv", head+row+",2,x\n")
			r.here(t, nil, repair...).requireCode(t, exitComplete)
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// A row that is sent already, and one that was fine, are not sent by a repair.
func TestARepairSendsNothingTwice(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "WRONG"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	head := "n,id,mail,purpose,decision,decided,_row,_error\n"
	one, two := strings.TrimSuffix(exportRow(1, "ann", "mail", "no"), "\n"), strings.TrimSuffix(exportRow(2, "bob", "mail", "yes"), "\n")
	path := r.write(t, "repaired.csv", head+one+",1,\n"+two+",2,\n")
	repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), path)
	r.here(t, nil, repair...).requireCode(t, exitComplete)
	r.here(t, nil, repair...).requireCode(t, exitComplete)
	assert.EqualValues(t, 2, r.server.Stats().Stored)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// An import that has rows left to read is not done by repairing the others.
func TestARepairComesAfterTheImport(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "WRONG")+exportRow(2, "bob", "mail", "yes"))
	r.here(t, nil, r.args("--limit", "1")...).requireCode(t, exitIncomplete)
	text, err := os.ReadFile(filepath.Join(r.out(), "rejected.csv"))
	require.NoError(t, err)
	path := r.write(t, "repaired.csv", strings.ReplaceAll(string(text), "WRONG", "yes"))
	repair := append(append([]string{"run"}, r.target()...), "--repair", r.out(), path)
	assert.Contains(t, r.here(t, nil, repair...).requireCode(t, exitRefused).message(t), "--resume")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitFailures)
	r.here(t, nil, repair...).requireCode(t, exitComplete)
	assert.EqualValues(t, 2, r.server.Stats().Stored)
	r.rows = 2
	s := summaryIn(t, r.out())
	assert.EqualValues(t, 2, s.Rows.Read)
	assert.EqualValues(t, 2, s.Consents.Sent)
}

// The copy of a repaired file is part of the import: a decision that somebody
// changes in it afterwards is neither sent nor taken for what was sent.
func TestARepairedCopyIsNotChangedAfterwards(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "WRONG")+exportRow(2, "bob", "mail", "yes"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	repaired := strings.TrimSuffix(exportRow(1, "ann", "mail", "no"), "\n") + ",1,\n"
	path := r.write(t, "repaired.csv", "n,id,mail,purpose,decision,decided,_row,_error\n"+repaired)
	repair := append(append([]string{"run"}, r.target()...), "--repair", r.out())
	r.here(t, nil, append(repair, path)...).requireCode(t, exitComplete)
	kept := filepath.Join(r.out(), "repair-2.csv")
	before, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, []byte(strings.Replace(string(before), ",no,", ",yes,", 1)), 0o600))
	for name, args := range map[string][]string{
		"verify": {"verify", r.out()}, "report": {"report", r.out()}, "retry": r.args("--resume", "--retry"),
		"resume": r.args("--resume"), "a repair of it": append(repair, kept), "another repair": append(repair, path),
	} {
		assert.Contains(t, r.here(t, nil, args...).requireCode(t, exitRefused).message(t), "repair-2.csv", name)
	}
	assert.NoFileExists(t, filepath.Join(r.out(), "repair-3.csv"))
	assert.EqualValues(t, 2, r.server.Stats().Requests)
	require.NoError(t, os.WriteFile(kept, before, 0o600))
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// A repaired file that bears the name of the import's own copy is left as it is.
func TestARepairedFileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "WRONG")+exportRow(2, "bob", "mail", "yes"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	mine := "n,id,mail,purpose,decision,decided,_row,_error\n" + strings.TrimSuffix(exportRow(1, "ann", "mail", "no"), "\n") + ",1,\n"
	path := filepath.Join(r.out(), "repair-2.csv")
	require.NoError(t, os.WriteFile(path, []byte(mine), 0o600))
	repair := append(append([]string{"run"}, r.target()...), "--strict", "--repair", r.out(), path)
	assert.Contains(t, r.here(t, nil, repair...).requireCode(t, exitRefused).message(t), "another name")
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, mine, string(now))
}
