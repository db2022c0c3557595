package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

var refused = outcome(journal.Refused, 400, 1, "bad")

func TestARejectThatDidNotArriveAfterAnAccept(t *testing.T) {
	open := consent("u2", "ads", mapping.Reject, refused)
	open.Email, open.ProfileID = []byte(`=b"@example.com`), []byte("0042")
	older := consent("u5", "ads", mapping.Reject, refused)
	older.Timestamp--
	untimed := *consent("u4", "ads", mapping.Reject, sent).Consent
	untimed.Timestamp = 0
	s := &told{facts: finished(8), parts: []part{{csvLayout("x", "x"), "x.csv", []survey.Row{
		mapped(1, "1", consent("u1", "ads", mapping.Accept, sent), consent("U2 ", "ads", mapping.Accept, sent), consent("u2", "ads", mapping.Accept, sent)),
		mapped(2, "2", consent("u1", "ads", mapping.Reject, sent)), // arrived
		mapped(3, "3", open), // the last word stands in row 5
		mapped(4, "4", consent("u2", "mail", mapping.Reject, refused)), // nothing sent in this category
		invalid(5, "5", "y", "bad", *consent("u2", "ads", mapping.Reject, sent).Consent, mapping.Consent{Action: mapping.Reject}),
		mapped(6, "6", consent("u3", "ads", mapping.Reject, refused), consent("u3", "ads", mapping.Accept, sent)), // at one time, the reject counts
		mapped(7, "7", consent("u4", "ads", mapping.Accept, sent), consent("u5", "ads", mapping.Accept, sent), older),
		invalid(8, "8", "y", "bad", untimed), // without a time it is the latest
	}}}}
	dir, sum := write(t, s)
	assert.Equal(t, summary.OverPermissive{Count: 3, Consents: []string{"5.1", "6.1", "8.1"}}, sum.OverPermissive)
	assert.Equal(t, 5, sum.ExitCode)
	assert.Equal(t, `userId,profileId,email,category,consent,timestamp
u2,,,ads,5.1,2024-01-08T21:33:02Z
u3,,,ads,6.1,2024-01-08T21:33:02Z
u4,,,ads,8.1,
`, read(t, dir, "suppress.csv"))
	assert.EqualValues(t, 6, sum.Subjects) // that of row 1 in capital letters is another, as no address
	assert.Equal(t, []summary.LastWord{{Category: "ads", Accept: 2, Reject: 4}, {Category: "mail", Reject: 1}}, sum.LastWords)
	info, err := os.Stat(filepath.Join(dir, "suppress.csv"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.Contains(t, string(appendSuppressLine(nil, open.Consent, journal.Ref{Row: 3, Consent: 1}, true)),
		`u2,0042,"=b""@example.com",ads,3.1,`)
}

// Who says nothing about a category, or nothing that is known, has no last word; who
// says something in another row has.
func TestPeopleWhoSayNothing(t *testing.T) {
	silent := func(user, category, why string) mapping.Dropped {
		return mapping.Dropped{Category: []byte(category), Subject: []byte(user), Why: why}
	}
	first := mapped(1, "1", consent("u1", "ads", mapping.Accept, sent))
	first.Dropped = []mapping.Dropped{silent("u1", "mail", mapping.NoStatement)}
	second := skipped(2, "2", "no decision")
	second.Dropped = []mapping.Dropped{silent("u2", "mail", mapping.NoStatement), silent("u1", "ads", mapping.NoStatement), silent("u3", "ads", "a rule")}
	third := invalid(3, "3", "x", "bad")
	third.Dropped = []mapping.Dropped{silent("u4", "mail", mapping.Unlisted), silent("", "mail", mapping.Unlisted)}
	s := &told{facts: finished(3), parts: []part{{csvLayout("x", "x"), "x.csv", []survey.Row{first, second, third}}}}
	_, sum := write(t, s)
	assert.Equal(t, []summary.LastWord{{Category: "ads", Accept: 1}, {Category: "mail", None: 3}}, sum.LastWords)
	assert.EqualValues(t, 1, sum.Subjects)
}

// A retry or a repair that brings the reject clears the list, and so does one
// that comes from an earlier row.
func TestALaterPassCountsAsTheLastSent(t *testing.T) {
	s := &told{facts: finished(3), parts: []part{{csvLayout("x", "x"), "x.csv", []survey.Row{
		mapped(1, "1", consent("u1", "ads", mapping.Reject, sent)),
		mapped(2, "2", consent("u1", "ads", mapping.Accept, sent)),
		mapped(3, "3", consent("u1", "ads", mapping.Reject, refused)),
	}}}}
	_, sum := write(t, s)
	assert.EqualValues(t, 1, sum.OverPermissive.Count)

	s.facts.Passes = append(s.facts.Passes, journal.Pass{N: 2, Kind: journal.Retry})
	s.parts[0].rows[0].Consents[0].Pass = 2
	dir, sum := write(t, s)
	assert.Zero(t, sum.OverPermissive.Count)
	assert.NotContains(t, names(t, dir), "suppress.csv")
}

// A dry run foresees what would end too permissive: because of a row that is invalid.
func TestADryRunForeseesWhatWouldEndTooPermissive(t *testing.T) {
	s := mixed()
	s.facts.Header.DryRun, s.facts.Header.History = true, "chronological"
	for i := range s.parts[0].rows {
		for j := range s.parts[0].rows[i].Consents {
			s.parts[0].rows[i].Consents[j].Outcome = journal.Outcome{}
		}
	}
	_, sum := write(t, s)
	assert.Zero(t, sum.OverPermissive.Count)
	assert.Equal(t, sum.Consents.Made, sum.Consents.Pending)
	assert.Equal(t, 3, sum.ExitCode)

	row := &s.parts[0].rows[1] // it is invalid
	row.Result.Consents = []mapping.Consent{*consent("u1", "marketing", mapping.Reject, sent).Consent}
	dir, sum := write(t, s)
	assert.Equal(t, summary.OverPermissive{Count: 1, Consents: []string{"2.1"}}, sum.OverPermissive)
	assert.Equal(t, 5, sum.ExitCode)
	assert.Contains(t, read(t, dir, "suppress.csv"), "u1,,,marketing,2.1,")

	s.facts.Header.History = "latest" // nothing of that person is sent
	_, sum = write(t, s)
	assert.Zero(t, sum.OverPermissive.Count)
	assert.EqualValues(t, 1, sum.Withheld)
}

// What the report says is what a naive model says that keeps all in memory, whatever
// the history and the passes.
func TestOverPermissiveEqualsANaiveModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		chronological := rapid.Bool().Draw(rt, "chronological")
		passes := rapid.IntRange(1, 3).Draw(rt, "passes")
		facts := finished(0)
		if chronological {
			facts.Header.History = "chronological"
		}
		for n := 2; n <= passes; n++ {
			facts.Passes = append(facts.Passes, journal.Pass{N: n, Kind: journal.Retry})
		}
		type one struct {
			at     [4]int64
			action mapping.Action
			ref    string
		}
		var rows []survey.Row
		words, arrived := map[string]one{}, map[string]one{}
		for n := range int64(rapid.IntRange(1, 40).Draw(rt, "rows")) {
			row := mapped(n+1, "x")
			for i := range rapid.IntRange(1, 3).Draw(rt, "consents") {
				user := rapid.SampledFrom([]string{"u1", "u2"}).Draw(rt, "user")
				category := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "category")
				action := rapid.SampledFrom([]mapping.Action{mapping.Accept, mapping.Reject}).Draw(rt, "action")
				state := rapid.SampledFrom([]journal.State{journal.Sent, journal.Sent, journal.Refused, journal.Failed, journal.Pending, journal.Superseded}).Draw(rt, "state")
				c := consent(user, category, action, journal.Outcome{State: state})
				c.Timestamp = rapid.Int64Range(1, 5).Draw(rt, "time")
				if state != journal.Pending {
					c.Pass = rapid.IntRange(1, passes).Draw(rt, "pass")
				}
				row.Consents = append(row.Consents, c)
				key := user + "/" + category
				later := func(in map[string]one, x one) {
					if before, ok := in[key]; !ok || slices.Compare(before.at[:], x.at[:]) < 0 {
						in[key] = x
					}
				}
				x := one{[4]int64{c.Timestamp, int64(action), n + 1, int64(i)}, action, fmt.Sprintf("%d.%d", n+1, i+1)}
				later(words, x)
				if state == journal.Sent {
					if !chronological {
						x.at = [4]int64{int64(c.Pass), n + 1, int64(i)}
						if c.Pass > 1 { // what comes again comes by its time
							x.at = [4]int64{int64(c.Pass), c.Timestamp, int64(action), (n+1)*10 + int64(i)}
						}
					}
					later(arrived, x)
				}
			}
			rows = append(rows, row)
		}
		want := []string{}
		for key, w := range words {
			if w.action == mapping.Reject && arrived[key].action == mapping.Accept {
				want = append(want, w.ref)
			}
		}
		slices.SortFunc(want, func(a, b string) int {
			var x, y journal.Ref
			_, _ = fmt.Sscanf(a, "%d.%d", &x.Row, &x.Consent)
			_, _ = fmt.Sscanf(b, "%d.%d", &y.Row, &y.Consent)
			return x.Compare(y)
		})
		dir, sum := write(t, &told{facts: facts, batch: rapid.IntRange(1, 7).Draw(rt, "batch"), parts: []part{{csvLayout("x", "x"), "x.csv", rows}}})
		require.Equal(rt, want, sum.OverPermissive.Consents)
		require.EqualValues(rt, len(want), sum.OverPermissive.Count)
		require.Len(rt, sum.LastWords, len(categoriesOf(words)))
		drawn := 0
		if sum.Courses != nil {
			for _, c := range sum.Courses.Drawn {
				switch c.Why {
				case summary.TooPermissive:
					require.Equal(rt, "reject accept", c.LastWord+" "+c.Stands)
					drawn++
				case summary.OutOfOrder, summary.Overtaken:
					require.Equal(rt, c.LastWord, c.Stands, "%+v", c)
				}
			}
		}
		require.Equal(rt, len(want), drawn, "of six keys, all who are left too permissive are drawn")
		if len(want) == 0 {
			require.NotContains(rt, names(t, dir), "suppress.csv")
			return
		}
		require.Equal(rt, 1+len(want), strings.Count(read(t, dir, "suppress.csv"), "\n"))
	})
}

// categoriesOf are the categories of keys.
func categoriesOf[V any](keys map[string]V) map[string]bool {
	out := map[string]bool{}
	for k := range keys {
		_, category, _ := strings.Cut(k, "/")
		out[category] = true
	}
	return out
}

// Many people are listed, of whom the summary names some.
func TestManyPeopleAreListed(t *testing.T) {
	const people = 30_000
	var rows []survey.Row
	for n := int64(1); n <= people; n++ {
		user := fmt.Sprint("user-", n)
		rows = append(rows, mapped(n, "x",
			consent(user, "ads", mapping.Reject, sent), consent(user, "ads", mapping.Accept, sent), consent(user, "mail", mapping.Accept, sent),
			consent(user, "ads", mapping.Reject, refused)))
		rows[n-1].Consents[3].Timestamp++
	}
	dir, sum := write(t, &told{facts: finished(people), batch: 5000, parts: []part{{csvLayout("x", "x"), "x.csv", rows}}})
	assert.EqualValues(t, people, sum.OverPermissive.Count)
	assert.Len(t, sum.OverPermissive.Consents, maxListed)
	assert.Equal(t, 1+people, strings.Count(read(t, dir, "suppress.csv"), "\n"))
	assert.Equal(t, sum.Files, names(t, dir))
	assert.EqualValues(t, people, sum.Subjects)
}
