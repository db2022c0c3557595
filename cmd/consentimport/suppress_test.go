package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The accepts of people who opted out elsewhere make no consent, in any spelling; their
// rejects are sent. They are counted and listed; a resume and verify know the list
// without being told, and another list is refused.
func TestPeopleWhoOptedOutElsewhere(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "ann", "ads", "no")+
		exportRow(3, "bob", "mail", "yes")+exportRow(4, "cyd", "mail", "yes"))
	list := r.write(t, "optouts.txt", "\xef\xbb\xbfANN@people.example \r\n\r\ndan\r\n")
	table := r.write(t, "optouts.csv", "name,address\nAnn,ANN@people.example\nCyd,cyd@people.example\n")

	r.here(t, nil, r.args("--suppress", list, "--limit", "1")...).requireCode(t, exitIncomplete)
	assert.Empty(t, r.server.Consents())
	other := r.here(t, nil, r.args("--resume", "--suppress", table, "--suppress-column", "address")...).requireCode(t, exitRefused)
	assert.Contains(t, other.stderr, "not the one")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	var got []string
	for _, c := range r.server.Consents() {
		got = append(got, c.UserID+" "+c.Category+" "+c.Action.String())
	}
	assert.ElementsMatch(t, []string{"ann ads reject", "bob mail accept", "cyd mail accept"}, got)
	s := summaryIn(t, r.out())
	require.Len(t, s.Skips, 1)
	assert.EqualValues(t, 1, s.Skips[0].Count)
	assert.EqualValues(t, 1, s.Rows.Skipped)
	assert.Equal(t, []string{"1"}, column(t, r.out(), "suppressed.csv", "row"))
	assert.Equal(t, []string{"mail"}, column(t, r.out(), "suppressed.csv", "category"))
	r.exec(t, "verify", r.out()).requireCode(t, exitComplete)
	kept, err := filepath.Glob(filepath.Join(r.out(), "suppressed-*.txt"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	text, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	assert.NotContains(t, string(text), "people", "nobody's identifier is kept")

	// A delta against it that has no list says what it sends.
	delta := r.here(t, nil, r.sinceArgs("export.csv", "delta", "export.csv.import", "--limit", "1")...).requireCode(t, exitIncomplete)
	assert.Contains(t, delta.stderr, "their accepts are sent, unless --suppress FILE names them again")
	delta = r.here(t, nil, r.sinceArgs("export.csv", "delta2", "export.csv.import", "--suppress", list)...).requireCode(t, exitComplete)
	assert.NotContains(t, delta.stderr, "--suppress")

	// A list of people who are not there says so, in the form of a finding.
	strangers := r.write(t, "strangers.txt", "eve@people.example\nmallory@people.example\n")
	none := filepath.Join(r.dir, "none")
	r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", none, "--suppress", strangers, r.export).requireCode(t, exitComplete)
	rules := map[string]int64{}
	for _, f := range summaryIn(t, none).Lint {
		rules[f.Rule] = f.Count
	}
	assert.EqualValues(t, 2, rules["suppressed-nobody"])
	for _, f := range s.Lint {
		assert.NotEqual(t, "suppressed-nobody", f.Rule)
	}

	// By a column, in a dry run.
	dry := filepath.Join(r.dir, "dry")
	r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", dry, "--suppress", table, "--suppress-column", "address", r.export).requireCode(t, exitComplete)
	assert.Equal(t, []string{"1", "4"}, column(t, dry, "suppressed.csv", "row"))

	for _, args := range [][]string{{"--suppress", filepath.Join(r.dir, "none.txt")}, {"--suppress", table, "--suppress-column", "mail"}, {"--suppress-column", "mail"}} {
		args = append([]string{"run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", filepath.Join(r.dir, "dry2")}, append(args, r.export)...)
		r.here(t, nil, args...).requireCode(t, exitRefused)
	}
}

// Each accept that makes no consent is counted once and listed once: of rows that make
// other consents, of rows that are skipped for it as a whole, and none of an invalid row,
// not even when another element of it could be read.
func TestSuppressedAcceptsAreCountedAsTheyAreListed(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	mapping := r.write(t, "wide.yaml", `name: wide
each:
  columns: {mail: m, ads: a, stats: s}
consent:
  userId: id
  action: {from: each.value, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {from: each.key}
`)
	r.write(t, "export.csv", "id,m,a,s,at\n"+
		"ann,yes,yes,no,2024-01-01T00:00:00Z\n"+ // two left out, one sent
		"ann,yes,yes,,2024-01-02T00:00:00Z\n"+ // a row that is skipped for it
		"ann,yes,maybe,yes,2024-01-03T00:00:00Z\n"+ // invalid as a whole
		"ann,yes,no,,\n"+ // invalid: no time
		"bob,yes,no,yes,2024-01-01T00:00:00Z\n")
	list := r.write(t, "optouts.txt", "ann\n")
	for _, args := range [][]string{
		{"run", "--dry-run", "--out", r.out()},
		append([]string{"run", "--restart"}, r.target()...),
	} {
		r.here(t, nil, append(args, "--mapping", mapping, "--suppress", list, r.export)...).requireCode(t, exitFailures)
		s := summaryIn(t, r.out())
		assert.EqualValues(t, 2, s.Rows.Invalid)
		assert.EqualValues(t, 1, s.Rows.Skipped)
		require.Len(t, s.Skips, 1)
		assert.EqualValues(t, 4, s.Skips[0].Count)
		assert.Equal(t, []string{"1", "1", "2", "2"}, column(t, r.out(), "suppressed.csv", "row"))
		assert.Equal(t, []string{"mail", "ads", "mail", "ads"}, column(t, r.out(), "suppressed.csv", "category"))
		left := 0
		reasons, counts := column(t, r.out(), "decisions.csv", "reason"), column(t, r.out(), "decisions.csv", "count")
		for i, reason := range reasons {
			if reason == s.Skips[0].Reason {
				n, err := strconv.Atoi(counts[i])
				require.NoError(t, err)
				left += n
			}
		}
		assert.Equal(t, 4, left, "as in the table that is signed")
	}
}

// A list is read in UTF-16 as an export is, with and without a byte order mark: it is what
// a spreadsheet saves as Unicode text. So is a table that was signed; the checkpoint keeps
// the digest of the file as it lies there.
func TestListsInUTF16(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "zoë", "mail", "yes")+exportRow(3, "bob", "mail", "yes"))
	table, lines := "name\taddress\nAnn\tANN@people.example\nZoë\tzoë@people.example\n", "ANN@people.example\r\nzoë@people.example\r\n"
	bigEndian := func(s string) string {
		b := []byte(utf16le(s))
		for i := 0; i < len(b); i += 2 {
			b[i], b[i+1] = b[i+1], b[i]
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		text  string
		flags []string
	}{
		"column":                {utf16le(table), []string{"--suppress-column", "address"}},
		"column, no mark":       {utf16le(table)[2:], []string{"--suppress-column", "address"}},
		"column, big endian":    {bigEndian(table), []string{"--suppress-column", "address"}},
		"lines":                 {utf16le(lines), nil},
		"lines, big endian":     {bigEndian(lines), nil},
		"lines, two marks":      {utf16le("\ufeff" + lines), nil},
		"lines of UTF-8, marks": {"\xef\xbb\xbf" + lines, nil},
	} {
		list, dry := r.write(t, "list", c.text), filepath.Join(r.dir, "dry")
		args := []string{"run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", dry, "--suppress", list}
		r.here(t, nil, append(append(args, c.flags...), r.export)...).requireCode(t, exitComplete)
		assert.Equal(t, []string{"1", "2"}, column(t, dry, "suppressed.csv", "row"), name)
		require.NoError(t, os.RemoveAll(dry))
	}
	half := r.write(t, "half", utf16le(lines)+"x") // half a character at the end
	args := []string{"run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", filepath.Join(r.dir, "none"), "--suppress", half, r.export}
	r.here(t, nil, args...).requireCode(t, exitRefused)
	args[len(args)-2] = r.write(t, "holed", lines+"bob\x00@people.example\r\n")
	assert.Contains(t, r.here(t, nil, args...).requireCode(t, exitRefused).message(t), "line 3 has a NUL byte")

	dry := filepath.Join(r.dir, "dry")
	r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", dry, r.export).requireCode(t, exitComplete)
	decisions, err := os.ReadFile(filepath.Join(dry, "decisions.csv"))
	require.NoError(t, err)
	signed := r.write(t, "signed.csv", utf16le(string(decisions)))
	r.here(t, nil, r.args("--approved", signed)...).requireCode(t, exitComplete)
	journal, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
	require.NoError(t, err)
	assert.Contains(t, string(journal), fmt.Sprintf("file:%x", sha256.Sum256([]byte(utf16le(string(decisions))))))
}

// A process that dies between its checkpoint and the list that this names has sent nothing:
// the same command goes on, and one without the list says what it lacks.
func TestAKillBeforeTheListIsKept(t *testing.T) {
	t.Parallel()
	for step := 1; ; step++ {
		require.Less(t, step, 12, "at no step there was a checkpoint without its list")
		r := newRehearsal(t, "")
		r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no"))
		list := r.write(t, "optouts.txt", "ann@people.example\n")
		broken := r.program
		broken.env = append([]string{fmt.Sprintf("%s=kill@%d", diskFault, step)}, r.env...)
		broken.exec(t, r.args("--suppress", list)...).requireCode(t, -1)
		text, _ := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
		kept, err := filepath.Glob(filepath.Join(r.out(), "suppressed-*.txt"))
		require.NoError(t, err)
		if len(text) == 0 || len(kept) > 0 {
			continue
		}
		without := r.here(t, nil, r.args("--resume")...).requireCode(t, exitRefused)
		assert.Contains(t, without.stderr, "give --suppress the list that this import began with again")
		r.here(t, nil, r.args("--resume", "--suppress", list)...).requireCode(t, exitComplete)
		assert.Equal(t, []string{"1"}, column(t, r.out(), "suppressed.csv", "row"))
		require.Len(t, r.server.Consents(), 1)
		return
	}
}
