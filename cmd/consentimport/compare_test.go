package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/html"
	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// comparable is an export of which two mappings make different decisions.
func comparable(t *testing.T) *rehearsal {
	t.Helper()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+
		exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no")+exportRow(3, "cat", "mail", "MAYBE")+
		exportRow(4, "dan", "mail", "jes")+exportRow(5, "eve@people.example", "ads", "eve@people.example said so")+
		exportRow(6, "ann", "ads", "yes")+exportRow(7, "fay", "mail", "yes")+exportRow(8, "ann", "mail", "MAYBE")+
		exportRow(9, "gil", "mail", "jes")+exportRow(10, "hal", "mail", "jes"))
	r.write(t, "after.yaml", strings.Replace(strings.Replace(plainMapping, `"no": reject`, `"no": reject, maybe: accept, jes: reject`, 1), "category: purpose", "category: {from: purpose, values: {ads: Ads, mail: mail}}", 1))
	return r
}

func dry(t *testing.T, r *rehearsal, mapping, out string, more ...string) finished {
	t.Helper()
	return r.exec(t, append([]string{"run", "--dry-run", "--mapping", mapping, "--out", out, "export.csv"}, more...)...)
}

// What a change of the mapping did is said value by value, person by person, and
// in what lint finds; nothing else is.
func TestCompareSaysWhatTheMappingDid(t *testing.T) {
	t.Parallel()
	r := comparable(t)
	dry(t, r, "plain.yaml", "a").requireCode(t, exitFailures)
	dry(t, r, "after.yaml", "b").requireCode(t, exitFailures)

	got := r.exec(t, "report", "--compare", "a", "b", "--json").requireCode(t, exitFailures)
	var d summary.Difference
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &d), got.stdout)
	assert.True(t, d.Differs)
	assert.True(t, d.SameExport)
	assert.Equal(t, []summary.ValueMove{
		{Category: "mail", Value: "MAYBE", A: []summary.Became{{Decision: "invalid", Count: 2}}, B: []summary.Became{{Decision: "accept", Count: 2}}},
		{Category: "mail", Value: "jes", A: []summary.Became{{Decision: "invalid", Count: 3}}, B: []summary.Became{{Decision: "reject", Count: 3}}},
	}, d.Values.Changed.Lines, "what becomes an accept comes first, however seldom")
	assert.EqualValues(t, 2, d.Values.Changed.Values)
	require.Len(t, d.Values.New.Lines, 2)
	assert.Equal(t, "Ads", d.Values.New.Lines[0].Category)
	require.Len(t, d.Values.Gone.Lines, 2)
	assert.Zero(t, d.Values.Moved.Values)
	assert.EqualValues(t, 2, d.Values.Same, "yes and no of mail")
	people := map[string]summary.PeopleMoved{}
	for _, p := range d.People {
		people[p.Category] = p
	}
	mail := people["mail"]
	assert.Equal(t, []int64{2, 1, 4}, []int64{mail.Before().Accept, mail.Before().Reject, mail.Before().None})
	assert.Equal(t, []int64{3, 4, 0}, []int64{mail.After().Accept, mail.After().Reject, mail.After().None})
	assert.Nil(t, people["Ads"].A)
	assert.NotContains(t, got.stdout, "eve@", "nobody's own words")

	screen := r.exec(t, "report", "--compare", "a", "b", "--html", "what changed.html").requireCode(t, exitFailures)
	for _, want := range []string{
		"DIFFERENT: 2 values became something else, 2 values new, 2 values gone, 3 categories in which people have other last words\n",
		`  mail  "MAYBE"  invalid (2) → accept (2)`, `  mail  "jes"    invalid (3) → reject (3)`,
		"2 → 3", "rows.invalid", "−5",
	} {
		assert.Contains(t, screen.stdout, want)
	}
	assert.NotContains(t, screen.stdout, "SAME EXPORT")
	page := r.read(t, "what changed.html")
	assert.Contains(t, page, `href="./a/report.html"`)
	assert.NotContains(t, page, "eve@")

	// The other way round; with itself.
	back := r.exec(t, "report", "--compare", "b", "a").requireCode(t, exitFailures)
	assert.Contains(t, back.stdout, `"MAYBE"  accept (2) → invalid (2)`)
	dry(t, r, "after.yaml", "again")
	same := r.exec(t, "report", "--compare", "b", "again").requireCode(t, exitComplete)
	assert.Contains(t, same.stdout, "NO DIFFERENCE: 6 values became the same, and people have the same last words\n")
}

// A run that did what its dry run showed differs in nothing.
func TestARunIsHeldAgainstItsDryRun(t *testing.T) {
	t.Parallel()
	r := comparable(t)
	dry(t, r, "after.yaml", "before")
	r.exec(t, "run", "--sandbox", "--mapping", "after.yaml", "--out", "imported", "export.csv").requireCode(t, exitFailures)
	got := r.exec(t, "report", "--compare", "before", "imported").requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "NO DIFFERENCE")
	assert.Contains(t, got.stdout, "consents.sent")
}

// What cannot be compared is refused, with the reason; nothing is guessed.
func TestCompareGuessesNothing(t *testing.T) {
	t.Parallel()
	r := comparable(t)
	dry(t, r, "plain.yaml", "a")
	dry(t, r, "after.yaml", "b")
	r.exec(t, "run", "--sandbox", "--mapping", "after.yaml", "--limit", "2", "--out", "limited", "export.csv").requireCode(t, exitIncomplete)
	dry(t, r, "after.yaml", "edited")
	table := r.read(t, "edited/decisions.csv")
	r.write(t, "edited/decisions.csv", strings.Replace(table, "accept,2", "accept,3", 1))
	dry(t, r, "after.yaml", "foreign")
	r.write(t, "foreign/report.json", r.read(t, "a/report.json"))
	dry(t, r, "after.yaml", "bare")
	require.NoError(t, os.Remove(filepath.Join(r.dir, "bare/report.json")))
	dry(t, r, "after.yaml", "tableless")
	require.NoError(t, os.Remove(filepath.Join(r.dir, "tableless/decisions.csv")))
	dry(t, r, "after.yaml", "purged")
	r.exec(t, "purge", "purged").requireCode(t, exitComplete)
	for name, edit := range map[string][2]string{"misspelt": {`"lastWords"`, `"lastWord"`}, "added": {`"state"`, `"sate": 1, "state"`}, "followed": {"\n}\n", "\n}\n{}\n"}} {
		dry(t, r, "after.yaml", name)
		path := filepath.Join(r.dir, name, "report.json")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		changed := strings.Replace(string(text), edit[0], edit[1], 1)
		require.NotEqual(t, string(text), changed)
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	}
	dry(t, r, "after.yaml", "busy")
	lock, err := journal.Lock(journal.OS{}, filepath.Join(r.dir, "busy"))
	require.NoError(t, err)
	defer lock.Close()
	for b, want := range map[string][]string{
		"nowhere":    {"nowhere"},
		"export.csv": {"export.csv"},
		"./a/":       {"same directory"},
		"limited":    {"limited is not complete"},
		"edited":     {"decisions.csv in edited is not what report.json there says", "consentimport report edited"},
		"foreign":    {"report.json in foreign is not what the checkpoint there says"},
		"misspelt":   {"report.json in misspelt is not what the checkpoint there says", "consentimport report misspelt"},
		"added":      {"report.json in added is not what the checkpoint there says"},
		"followed":   {"report.json in followed is not what the checkpoint there says"},
		"bare":       {"bare has no report.json"},
		"tableless":  {"tableless has no decisions.csv"},
		"purged":     {"purged was purged"},
		"busy":       {"another process is working"},
	} {
		got := r.exec(t, "report", "--compare", "a", b).requireCode(t, exitRefused)
		assert.Empty(t, got.stdout, b)
		for _, w := range want {
			assert.Contains(t, got.stderr, w, b)
		}
	}
	for _, args := range [][]string{{"--compare", "a"}, {"--compare", "a", "b", "b"}, {"--compare", "--index", "a", "b"}, {"--compare", "a", "b", "--out", "c"}, {"a", "--html", "x.html"}} {
		r.exec(t, append([]string{"report"}, args...)...).requireCode(t, exitRefused)
	}
	// A page replaces a page, and nothing else.
	r.exec(t, "report", "--compare", "a", "b", "--html", "b/checkpoint.jsonl").requireCode(t, exitRefused)
	r.exec(t, "report", "--compare", "a", "b", "--html", "b").requireCode(t, exitRefused)
	r.exec(t, "report", "--compare", "a", "b", "--html", "none/x.html").requireCode(t, exitRefused)
	for range 2 {
		r.exec(t, "report", "--compare", "a", "b", "--html", "x.html").requireCode(t, exitFailures)
	}
	// Another export is compared, and said to be another.
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
	dry(t, r, "plain.yaml", "other").requireCode(t, exitComplete)
	got := r.exec(t, "report", "--compare", "a", "other").requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "NOT THE SAME EXPORT")
}

// An index lists each import, the ones without a report too, and ends as the gravest.
func TestIndexListsImports(t *testing.T) {
	t.Parallel()
	r := comparable(t)
	dry(t, r, "plain.yaml", "a one").requireCode(t, exitFailures)
	r.exec(t, "run", "--sandbox", "--mapping", "after.yaml", "--limit", "3", "--out", "b", "export.csv").requireCode(t, exitIncomplete)
	got := r.exec(t, "report", "--index", "a one", "b", "--html", "index.html").requireCode(t, exitIncomplete)
	lines := strings.Split(got.stdout, "\n")
	assert.Regexp(t, `^a one +3  DRY RUN: `, lines[0])
	assert.Regexp(t, `^b +4  INCOMPLETE: `, lines[1])
	page := r.read(t, "index.html")
	assert.Contains(t, page, `href="./a%20one/report.html"`)
	r.exec(t, "report", "--index", "a one").requireCode(t, exitFailures)
	missing := r.exec(t, "report", "--index", "a one", "nowhere", "--json").requireCode(t, exitIncomplete)
	var all []summary.Entry
	require.NoError(t, json.Unmarshal([]byte(missing.stdout), &all))
	require.Len(t, all, 2)
	assert.Equal(t, 3, all[0].Summary.ExitCode)
	assert.NotEmpty(t, all[1].Missing)
	r.exec(t, "report", "--index", "a one", "nowhere", "--html", "index.html").requireCode(t, exitIncomplete)

	tab := reporttest.Browser(t)
	var heard reporttest.Complaints
	reporttest.Hear(t, tab, &heard)
	dry(t, r, "after.yaml", "c")
	r.exec(t, "report", "--compare", "a one", "c", "--html", "difference.html").requireCode(t, exitFailures)
	for _, name := range []string{"index.html", "difference.html", "a one/" + html.Name, "a one/approval.html"} {
		path := filepath.Join(r.dir, name)
		for _, width := range []int64{390, 1440} {
			for _, scheme := range []string{"light", "dark"} {
				if name == "a one/approval.html" && scheme == "dark" {
					continue // paper has one
				}
				reporttest.Look(t, tab, path, width, scheme)
				reporttest.Shot(t, tab, strings.ReplaceAll(name, "/", " ")+"-"+scheme+map[int64]string{390: "-390", 1440: "-1440"}[width])
			}
		}
		reporttest.Axe(t, tab, name)
	}
	assert.Empty(t, heard.Take())
}
