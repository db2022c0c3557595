package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

var refused = outcome(journal.Refused, 400, 1, "bad")

func TestARejectThatDidNotArriveAfterAnAccept(t *testing.T) {
	open := consent("u2", "ads", mapping.Reject, refused)
	open.Email, open.ProfileID = []byte(`=b"@example.com`), []byte("0042")
	s := &told{facts: finished(6), parts: []part{{csvLayout("x", "x"), "x.csv", []survey.Row{
		mapped(1, "1", consent("u1", "ads", mapping.Accept, sent), consent("u2", "ads", mapping.Accept, sent)),
		mapped(2, "2", consent("u1", "ads", mapping.Reject, sent)), // arrived
		mapped(3, "3", open),
		mapped(4, "4", consent("u2", "mail", mapping.Reject, refused)), // nothing sent in this category
		invalid(5, "5", "y", "bad", consent("u2", "ads", mapping.Reject, sent).Consent, mapping.Consent{Action: mapping.Reject}),
		mapped(6, "6", consent("u3", "ads", mapping.Reject, refused), consent("u3", "ads", mapping.Accept, sent)),
	}}}}
	dir, sum := write(t, s)
	assert.Equal(t, OverPermissive{3, []string{"3.1", "5.1", "6.1"}}, sum.OverPermissive)
	assert.Equal(t, 5, sum.ExitCode)
	assert.Equal(t, `userId,profileId,email,category,consent,timestamp
u2,,,ads,5.1,2024-01-08T21:33:02Z
u3,,,ads,6.1,2024-01-08T21:33:02Z
`, read(t, dir, "suppress.csv"))
	info, err := os.Stat(filepath.Join(dir, "suppress.csv"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.Contains(t, string(appendSuppressLine(nil, &open.Consent, journal.Ref{Row: 3, Consent: 1})),
		`u2,0042,"=b""@example.com",ads,3.1,`)
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

func TestADryRunIsNeverOverPermissive(t *testing.T) {
	s := mixed()
	s.facts.Header.DryRun = true
	for i := range s.parts[0].rows {
		for j := range s.parts[0].rows[i].Consents {
			s.parts[0].rows[i].Consents[j].Outcome = journal.Outcome{}
		}
	}
	_, sum := write(t, s)
	assert.Zero(t, sum.OverPermissive.Count)
	assert.Equal(t, sum.Consents.Made, sum.Consents.Pending)
	assert.Equal(t, 3, sum.ExitCode)
}

// The logs of the collector give what a naive model gives that keeps all in
// memory, whatever the history, the passes and the size of the logs.
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
		type last struct {
			at     [4]int64
			action mapping.Action
		}
		var rows []survey.Row
		lasts := map[string]last{}
		type open struct{ key, ref string }
		var opens []open
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
				switch {
				case state == journal.Sent:
					at := [4]int64{int64(c.Pass), 0, n + 1, int64(i)}
					if chronological {
						at[1] = c.Timestamp
					}
					if before, ok := lasts[key]; !ok || less(before.at, at) {
						lasts[key] = last{at, action}
					}
				case action == mapping.Reject && state != journal.Superseded:
					opens = append(opens, open{key, fmt.Sprintf("%d.%d", n+1, i+1)})
				}
			}
			rows = append(rows, row)
		}
		want, people := []string{}, map[string]bool{}
		for _, o := range opens {
			if lasts[o.key].action == mapping.Accept {
				want = append(want, o.ref)
				people[o.key] = true
			}
		}
		dir := t.TempDir()
		files := &sheets{disk: journal.OS{}, dir: dir}
		defer files.discard()
		c, err := newCollector(files, &facts)
		require.NoError(rt, err)
		defer c.close()
		c.permissive.joinKeys = rapid.Int64Range(1, 50).Draw(rt, "joinKeys")
		c.permissive.open.limit = rapid.IntRange(1, 500).Draw(rt, "open limit")
		c.permissive.sent.limit = rapid.IntRange(1, 500).Draw(rt, "sent limit")
		s := &told{facts: facts, batch: rapid.IntRange(1, 7).Draw(rt, "batch"), parts: []part{{csvLayout("x", "x"), "x.csv", rows}}}
		require.NoError(rt, s.Each(t.Context(), c.visit))
		over, err := c.overPermissive()
		require.NoError(rt, err)
		require.Equal(rt, want, over.Consents)
		require.EqualValues(rt, len(want), over.Count)
		if len(want) == 0 {
			require.Nil(rt, c.lists[suppress])
			return
		}
		require.NoError(rt, c.lists[suppress].buf.Flush())
		lines := strings.Split(strings.TrimSpace(read(t, dir, ".suppress.csv.tmp")), "\n")
		require.Len(rt, lines, 1+len(people))
	})
}

func less(a, b [4]int64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// Logs that outgrow memory go to files, of which nothing is left.
func TestLogsSpillToFiles(t *testing.T) {
	const people = 30_000 // more than a megabyte in each log
	var rows []survey.Row
	for n := int64(1); n <= people; n++ {
		user := fmt.Sprint("user-", n)
		rows = append(rows, mapped(n, "x",
			consent(user, "ads", mapping.Reject, sent), consent(user, "ads", mapping.Accept, sent), consent(user, "mail", mapping.Accept, sent),
			consent(user, "ads", mapping.Reject, refused)))
	}
	dir, sum := write(t, &told{facts: finished(people), batch: 5000, parts: []part{{csvLayout("x", "x"), "x.csv", rows}}})
	assert.EqualValues(t, people, sum.OverPermissive.Count)
	assert.Len(t, sum.OverPermissive.Consents, maxListed)
	assert.Equal(t, 1+people, strings.Count(read(t, dir, "suppress.csv"), "\n"))
	assert.Equal(t, sum.Files, names(t, dir))
	assert.InEpsilon(t, people, sum.Subjects, 0.02)
}
