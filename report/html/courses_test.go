package html

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// Each decision has a line to where it stands among those that arrived, or, below them, to
// why it did not; one that came behind a newer one stands out, and the picture says all of
// it in words.
func TestCoursesAreDrawn(t *testing.T) {
	c := &summary.Course{Category: "mail", Person: `userId "a9"`, Why: summary.NotLastWord, LastWord: "accept", Stands: "reject", Turns: []summary.Turn{
		{Consent: "3.1", Time: "2024-01-01T10:20:30Z", Decision: "reject", Outcome: "sent", Arrived: 2},
		{Consent: "1.1", Time: "2024-01-02T00:00:00.250Z", Decision: "accept", Outcome: "sent", Arrived: 1},
		{Consent: "2.1", Time: "2024-01-03T00:00:00Z", Decision: "accept", Outcome: "refused", Status: 422},
		{Consent: "4.1", Decision: "accept", Outcome: "known"},
	}}
	p := newCourse(c, 7, false)
	y := func(i int) int { return courseHead + courseStep*i }
	assert.Equal(t, []courseLine{{y(1), y(0), "link"}, {y(0), y(1), "link behind"}, {y(2), y(2), "link away"}, {y(3), y(3), "link away"}}, p.Lines)
	labels := func(ends []courseEnd) (all []string) {
		for _, e := range ends {
			all = append(all, strings.TrimSuffix(e.Label+"|"+e.Note, "|"))
		}
		return all
	}
	assert.Equal(t, []string{"reject 3.1|2024-01-01 10:20", "accept 1.1|2024-01-02 00:00", "accept 2.1|2024-01-03 00:00", "accept 4.1|no time"}, labels(p.Left))
	assert.Equal(t, []string{"1. 1.1", "2. 3.1|after a newer", "refused (422)", "sent before"}, labels(p.Right))
	assert.Equal(t, "By their times: reject 3.1 (2024-01-01 10:20), accept 1.1 (2024-01-02 00:00), accept 2.1 (2024-01-03 00:00), accept 4.1 (no time). Arrived: 1.1, 3.1. Did not arrive: 2.1 (refused (422)), 4.1 (sent before).", p.Describe)
	assert.Equal(t, "What arrived last, a reject, is not the last word, an accept.", p.Text)

	// In a dry run all of it lies ahead.
	s := reporttest.Sample(t, "dry-run")
	c.Turns[2].Outcome, c.Turns[2].Status = "pending", 0
	s.Courses = &summary.Courses{Keys: 1, Order: summary.OrderForeseen, Drawn: []summary.Course{*c}}
	page := renderHTML(t, s)
	assertSealed(t, "dry run", page)
	for _, want := range []string{
		"Drawn for 1 of 1 person-category pair: where decisions would not all arrive", "Nothing has arrived yet", ">would arrive<", "Would arrive: 1.1, 3.1. Would not arrive: 2.1 (held back)",
		"What would arrive last, a reject, is not the last word, an accept.",
	} {
		assert.True(t, strings.Contains(page, want), want)
	}
	require.Equal(t, 1, strings.Count(page, `id="course-1"`))
}
