package html

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/report/summary"
)

// course is a picture of how the decisions of one person about one category arrived: on
// the left oldest first, on the right as they arrived, a line from each to each. Below
// those that arrived stand those that did not.
type course struct {
	*summary.Course
	N        int
	Height   int
	Text     string
	Describe string
	Left     []courseEnd
	Right    []courseEnd
	Lines    []courseLine
}

// courseEnd is a decision on one side.
type courseEnd struct {
	Y           int
	Label, Note string
	Decision    string // accept or reject, for its mark
	Away        bool   // it did not arrive
}

// markAt is the mark of a decision, and where it stands from the left.
type markAt struct {
	X   string
	End courseEnd
}

// courseLine leads from the left to the right.
type courseLine struct {
	From, To int
	Class    string
}

const (
	courseStep = 38 // px from one decision to the next
	courseHead = 46 // px above the first
)

// newCourses lays out the pictures.
func newCourses(s *summary.Summary) []course {
	if s.Courses == nil {
		return nil
	}
	var all []course
	for i := range s.Courses.Drawn {
		all = append(all, newCourse(&s.Courses.Drawn[i], i+1, s.DryRun))
	}
	return all
}

func newCourse(c *summary.Course, n int, dryRun bool) course {
	p := course{Course: c, N: n, Height: courseHead + courseStep*len(c.Turns) - courseStep/2 + 6, Text: summary.CourseText(c, dryRun)}
	order := make([]int, len(c.Turns)) // turns as they stand on the right
	for i := range order {
		order[i] = i
	}
	last := len(c.Turns) + 1
	place := func(i int) int {
		if a := c.Turns[i].Arrived; a > 0 {
			return a
		}
		return last
	}
	slices.SortStableFunc(order, func(a, b int) int { return place(a) - place(b) })
	y := func(i int) int { return courseHead + courseStep*i }
	newest := -1 // of those that have arrived
	for to, i := range order {
		t := &c.Turns[i]
		end := courseEnd{Y: y(to), Decision: t.Decision, Away: t.Arrived == 0}
		line := courseLine{From: y(i), To: y(to), Class: "link"}
		switch {
		case end.Away:
			end.Label, line.Class = awayText(t, dryRun), "link away"
		case i < newest:
			end.Label, end.Note, line.Class = fmt.Sprintf("%d. %s", t.Arrived, t.Consent), "after a newer", "link behind"
		default:
			end.Label = fmt.Sprintf("%d. %s", t.Arrived, t.Consent)
		}
		if !end.Away {
			newest = max(newest, i)
		}
		p.Right = append(p.Right, end)
		p.Lines = append(p.Lines, line)
	}
	for i := range c.Turns {
		t := &c.Turns[i]
		p.Left = append(p.Left, courseEnd{Y: y(i), Label: t.Decision + " " + t.Consent, Note: timeText(t), Decision: t.Decision})
	}
	p.Describe = describeCourse(c, order, dryRun)
	return p
}

// timeText is the time of a decision, to the minute.
func timeText(t *summary.Turn) string {
	if len(t.Time) < len("2006-01-02T15:04") {
		return "no time"
	}
	return t.Time[:10] + " " + t.Time[11:16]
}

// awayText says why a decision did not arrive.
func awayText(t *summary.Turn, dryRun bool) string {
	switch {
	case t.Outcome == "invalid":
		return "invalid row"
	case t.Outcome == "known":
		return "sent before"
	case t.Outcome == "pending" && dryRun:
		return "held back"
	case t.Status > 0:
		return fmt.Sprintf("%s (%d)", t.Outcome, t.Status)
	}
	return t.Outcome
}

// describeCourse says in words what the picture shows.
func describeCourse(c *summary.Course, order []int, dryRun bool) string {
	var b strings.Builder
	b.WriteString("By their times: ")
	for i := range c.Turns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s (%s)", c.Turns[i].Decision, c.Turns[i].Consent, timeText(&c.Turns[i]))
	}
	var arrived, away []string
	for _, i := range order {
		if t := &c.Turns[i]; t.Arrived > 0 {
			arrived = append(arrived, t.Consent)
		} else {
			away = append(away, t.Consent+" ("+awayText(t, dryRun)+")")
		}
	}
	verb, not := "Arrived", "Did not arrive"
	if dryRun {
		verb, not = "Would arrive", "Would not arrive"
	}
	if len(arrived) > 0 {
		b.WriteString(". " + verb + ": " + strings.Join(arrived, ", "))
	}
	if len(away) > 0 {
		b.WriteString(". " + not + ": " + strings.Join(away, ", "))
	}
	b.WriteString(".")
	return b.String()
}
