package report

import (
	"fmt"
	"slices"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// personAt is where the person of a course stands first.
func personAt(c *history.Course) history.Place {
	first := c.Turns[0].Place
	for _, t := range c.Turns {
		first = min(first, t.Place)
	}
	return first
}

// coursesOf tells how decisions arrived where it mattered; nil where it did nowhere. The
// order of arrival is that of the checkpoint, where that has one.
func coursesOf(s Survey, found *history.Result, names map[history.Place]string, dryRun bool) (*summary.Courses, error) {
	if len(found.Courses) == 0 {
		return nil, nil
	}
	out := &summary.Courses{Keys: found.CourseKeys, Order: summary.OrderForeseen}
	arrivals := map[journal.Ref]journal.Arrival{}
	ordered := false
	if !dryRun {
		var refs []journal.Ref
		for i := range found.Courses {
			for _, t := range found.Courses[i].Turns {
				refs = append(refs, refOf(t.Place))
			}
		}
		all, inOrder, err := s.Arrivals(refs)
		if err != nil {
			return nil, fmt.Errorf("find the order of arrival: %w", err)
		}
		ordered, out.Order = inOrder, summary.OrderRules
		if ordered {
			out.Order = summary.OrderCheckpoint
		}
		for _, a := range all {
			if was, ok := arrivals[a.Ref]; !ok || !was.State.Final() {
				arrivals[a.Ref] = a
			}
		}
	}
	for i := range found.Courses {
		out.Drawn = append(out.Drawn, courseOf(&found.Courses[i], names[personAt(&found.Courses[i])], arrivals, ordered))
	}
	return out, nil
}

func refOf(at history.Place) journal.Ref {
	return journal.Ref{Row: at.Row(), Consent: at.Number()}
}

// whys are the reasons, as report.json has them.
var whys = map[history.Matter]string{
	history.TooPermissive: summary.TooPermissive, history.NotLastWord: summary.NotLastWord,
	history.OutOfOrder: summary.OutOfOrder, history.Overtaken: summary.Overtaken,
}

func courseOf(c *history.Course, person string, arrivals map[journal.Ref]journal.Arrival, ordered bool) summary.Course {
	out := summary.Course{Category: c.Category, Person: person, Why: whys[c.Why], LastWord: said(c.Word), Stands: said(c.Stands), Older: c.Earlier}
	var arrived []int // turns, as they arrived
	for i, t := range c.Turns {
		turn := summary.Turn{Consent: refString(refOf(t.Place)), Decision: said(t.Decision), Outcome: outcomeOf(t.State), Arrived: t.Order}
		if t.Time != history.First && t.Time != history.Last {
			turn.Time = string(appendTime(nil, t.Time))
		}
		a, known := arrivals[refOf(t.Place)]
		if known && t.State != history.Unsendable {
			turn.Outcome, turn.Status = a.State.String(), a.Status
		}
		if known && a.State == journal.Sent && t.Order > 0 {
			arrived = append(arrived, i)
		}
		out.Turns = append(out.Turns, turn)
	}
	if ordered {
		line := func(i int) int64 { return arrivals[refOf(c.Turns[i].Place)].Line }
		slices.SortStableFunc(arrived, func(a, b int) int { return int(line(a) - line(b)) })
		for n, i := range arrived {
			out.Turns[i].Arrived = n + 1
		}
	}
	return out
}

// said is a decision as reports write it.
func said(d history.Decision) string {
	switch d {
	case history.Accept:
		return "accept"
	case history.Reject:
		return "reject"
	}
	return "none"
}

// outcomeOf is what became of a decision where the checkpoint does not say it.
func outcomeOf(s history.State) string {
	switch s {
	case history.Open:
		return journal.Pending.String()
	case history.Sent:
		return journal.Sent.String()
	case history.Held:
		return journal.Superseded.String()
	case history.Known:
		return journal.Known.String()
	case history.Unsendable:
		return "invalid"
	}
	return journal.Failed.String()
}
