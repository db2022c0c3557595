package main

import (
	"cmp"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/summary"
)

// turnsOf are the decisions of a course: consent, decision, outcome and place in the order of
// arrival.
func turnsOf(c *summary.Course) (all []string) {
	for _, t := range c.Turns {
		all = append(all, fmt.Sprintf("%s %s %s %d", t.Consent, t.Decision, t.Outcome, t.Arrived))
	}
	return all
}

// The order in which decisions arrived is told for those for whom it mattered, the gravest
// first, and drawn; a dry run foresees it; nobody is named.
func TestTheOrderOfArrivalIsDrawnWhereItMattered(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+
		at(1, "ann-the-first", "mail", "no", 20)+
		at(2, "ann-the-first", "mail", "yes", 10)+ // left at an accept
		at(3, "bob", "mail", "yes", 20)+
		at(4, "bob", "mail", "no", 10)+
		at(5, "bob", "mail", "yes", 30)+ // ends well
		at(6, "cyd", "ads", "no", 10)+
		at(7, "cyd", "ads", "yes", 20)+ // in order
		at(8, "dan", "ads", "yes", 20)+
		at(9, "dan", "ads", "no", 10)) // left at a reject
	args := func(out, history string, more ...string) []string {
		return append(append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", filepath.Join(r.dir, out), "--history", history}, more...), filepath.Join(r.dir, "export.csv"))
	}
	check := func(dir, order, outcome string) {
		t.Helper()
		got := summaryIn(t, dir).Courses
		require.NotNil(t, got)
		assert.EqualValues(t, 3, got.Keys)
		assert.Equal(t, order, got.Order)
		require.Len(t, got.Drawn, 3)
		for i, want := range []struct {
			category, why, word, stands string
			turns                       []string
		}{
			{"mail", summary.TooPermissive, "reject", "accept", []string{"2.1 accept " + outcome + " 2", "1.1 reject " + outcome + " 1"}},
			{"ads", summary.NotLastWord, "accept", "reject", []string{"9.1 reject " + outcome + " 2", "8.1 accept " + outcome + " 1"}},
			{"mail", summary.OutOfOrder, "accept", "accept", []string{"4.1 reject " + outcome + " 2", "3.1 accept " + outcome + " 1", "5.1 accept " + outcome + " 3"}},
		} {
			c := &got.Drawn[i]
			assert.Equal(t, want.category, c.Category)
			assert.Equal(t, want.why, c.Why)
			assert.Equal(t, want.word+" "+want.stands, c.LastWord+" "+c.Stands)
			assert.Equal(t, want.turns, turnsOf(c))
		}
		assert.Equal(t, `userId "aaa-aaa-aaaaa" with email "aaa-aaa-aaaaa@aaaaaa.aaa…"`, got.Drawn[0].Person)
		page, err := os.ReadFile(filepath.Join(dir, "report.html"))
		require.NoError(t, err)
		text := html.UnescapeString(string(page))
		assert.False(t, strings.Contains(text, "ann-the-first"))
		verb := "Arrived"
		if order == summary.OrderForeseen {
			verb = "Would arrive"
		}
		assert.True(t, strings.Contains(text, "By their times: accept 2.1 (2024-"), "described")
		assert.True(t, strings.Contains(text, verb+": 1.1, 2.1."), "described")
		assert.Equal(t, 3, strings.Count(text, `<figure class="course">`))
	}
	dry := r.here(t, nil, args("dry", "rows", "--dry-run")...).requireCode(t, exitPermissive)
	assert.Contains(t, dry.stdout, "arrival   drawn for 3 of 3 person-category pairs, in report.html\n")
	check(filepath.Join(r.dir, "dry"), summary.OrderForeseen, "pending")

	got := r.here(t, nil, args("rows", "rows", r.target()...)...).requireCode(t, exitPermissive)
	assert.Contains(t, got.stdout, "arrival   drawn for 3 of 3 person-category pairs, in report.html\n")
	check(filepath.Join(r.dir, "rows"), summary.OrderCheckpoint, "sent")
	r.here(t, nil, "verify", filepath.Join(r.dir, "rows"))

	// By their times all arrive as they should, and there is nothing to draw.
	got = r.here(t, nil, args("times", "chronological", r.target()...)...).requireCode(t, exitComplete)
	assert.Nil(t, summaryIn(t, filepath.Join(r.dir, "times")).Courses)
	assert.NotContains(t, got.stdout, "arrival ")

	// With the last word alone, the others are held back.
	r.here(t, nil, args("latest", "latest", r.target()...)...).requireCode(t, exitComplete)
	latest := summaryIn(t, filepath.Join(r.dir, "latest")).Courses
	assert.EqualValues(t, 4, latest.Keys)
	assert.Equal(t, summary.Overtaken, latest.Drawn[0].Why)
	assert.Equal(t, []string{"2.1 accept superseded 0", "1.1 reject sent 1"}, turnsOf(&latest.Drawn[0]))

	// Shards, joined, have lost the order of answers, which is told.
	var shards []string
	for _, shard := range []string{"1/2", "2/2"} {
		r.here(t, nil, args("shard"+shard[:1], "rows", append(r.target(), "--shard", shard)...)...)
		shards = append(shards, filepath.Join(r.dir, "shard"+shard[:1]))
	}
	r.here(t, nil, append(append([]string{"report"}, shards...), "--out", filepath.Join(r.dir, "joined"))...).requireCode(t, exitPermissive)
	check(filepath.Join(r.dir, "joined"), summary.OrderRules, "sent")
}

// What was refused, and what a retry found overtaken, is told beside what arrived.
func TestTheOrderOfArrivalTellsWhatDidNotArrive(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+
		at(1, "eve", "mail", "yes", 10)+
		at(2, "eve", "mail", "no", 20))
	r.faults(t, "subject400=eve")
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	assert.Nil(t, summaryIn(t, r.out()).Courses, "nothing of it arrived")

	// The older one is refused, and what was sent meanwhile overtakes it.
	out := filepath.Join(r.dir, "first")
	r.here(t, nil, r.args("--out", out, "--history", "rows", "--limit", "1")...).requireCode(t, exitIncomplete)
	r.faults(t, "")
	r.here(t, nil, r.args("--out", out, "--history", "rows", "--resume")...).requireCode(t, exitFailures)
	assert.Nil(t, summaryIn(t, out).Courses, "the last word arrived, and nothing after it")
	r.here(t, nil, r.args("--out", out, "--history", "rows", "--resume", "--retry")...).requireCode(t, exitComplete)
	got := summaryIn(t, out).Courses
	require.NotNil(t, got)
	assert.Equal(t, summary.Overtaken, got.Drawn[0].Why)
	assert.Equal(t, []string{"1.1 accept superseded 0", "2.1 reject sent 1"}, turnsOf(&got.Drawn[0]))

	// The reject is invalid: the accept stands.
	r.write(t, "export.csv", exportHeader+
		at(1, "eve", "mail", "yes", 10)+
		strings.Replace(at(2, "eve", "mail", "no", 20), "2024-", "2024/", 1))
	out = filepath.Join(r.dir, "second")
	r.here(t, nil, r.args("--out", out)...).requireCode(t, exitPermissive)
	got = summaryIn(t, out).Courses
	require.NotNil(t, got)
	require.Len(t, got.Drawn, 1)
	assert.Equal(t, summary.TooPermissive, got.Drawn[0].Why)
	assert.Equal(t, []string{"1.1 accept sent 1", "2.1 reject invalid 0"}, turnsOf(&got.Drawn[0]))
	assert.Empty(t, got.Drawn[0].Turns[1].Time)
}

// The order is the one in which the target took them, whatever was tried again.
func TestTheOrderOfArrivalIsThatOfTheTarget(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "503=20%,latency=1ms")
	rng := rand.New(rand.NewPCG(3, 4))
	const rows = 600
	seconds := rng.Perm(rows)
	var text strings.Builder
	text.WriteString(exportHeader)
	byTime := map[int]int{}
	for i := range rows {
		byTime[seconds[i]] = i + 1
		text.WriteString(at(i+1, fmt.Sprintf("u%d", rng.IntN(40)), "mail", []string{"yes", "no"}[rng.IntN(2)], seconds[i]))
	}
	r.write(t, "export.csv", text.String())
	r.here(t, nil, r.args("--history", "rows", "--concurrency", "16")...)
	taken := map[string]int64{}
	for c := range r.server.All {
		taken[fmt.Sprintf("%d.1", byTime[int(c.Timestamp-began.UnixMilli())/1000])] = c.Seq
	}
	require.Len(t, taken, rows)
	got := summaryIn(t, r.out()).Courses
	require.NotNil(t, got)
	require.Len(t, got.Drawn, 8)
	for _, c := range got.Drawn {
		assert.Len(t, c.Turns, 12, "of some more")
		assert.Positive(t, c.Older)
		arrived := slices.Clone(c.Turns)
		slices.SortFunc(arrived, func(a, b summary.Turn) int { return cmp.Compare(a.Arrived, b.Arrived) })
		for i, turn := range arrived {
			assert.Equal(t, i+1, turn.Arrived)
			if i > 0 {
				assert.Greater(t, taken[turn.Consent], taken[arrived[i-1].Consent], turn.Consent)
			}
		}
		assert.True(t, slices.IsSortedFunc(c.Turns, func(a, b summary.Turn) int { return strings.Compare(a.Time, b.Time) }), "by their times")
	}
}
