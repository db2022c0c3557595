package summary

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/report/wording"
)

// Tone says how a verdict is meant.
type Tone string

// The tones of a verdict.
const (
	Good Tone = "good"
	Warn Tone = "warn"
	Bad  Tone = "bad"
)

// Verdict says in one line how the import ended.
func Verdict(s *Summary) (text string, tone Tone) {
	failures := s.Failures()
	switch {
	case s.State == Unbalanced:
		return "UNBALANCED: " + s.Detail, Bad
	case s.State != Complete:
		left := ""
		if s.Consents.Pending > 0 && !s.DryRun {
			left = "; " + wording.Plural(s.Consents.Pending, "consent") + " of the rows read so far not sent"
		}
		return "INCOMPLETE: " + s.Detail + left, Warn
	case s.DryRun && s.Consents.Made == 0:
		return fmt.Sprintf("DRY RUN: no row makes a consent: %s, %s skipped, %s invalid",
			wording.Plural(s.Rows.Read, "row"), wording.Thousands(s.Rows.Skipped), wording.Thousands(s.Rows.Invalid)), Bad
	case s.DryRun && s.OverPermissive.Count > 0:
		text := "DRY RUN: WOULD END TOO PERMISSIVE: " + wording.Plural(s.Consents.Pending, "consent") + " would be sent"
		if failures > 0 {
			text += ", " + wording.Plural(s.Rows.Invalid, "row") + " cannot"
		}
		return text, Bad
	case s.DryRun && failures > 0:
		return fmt.Sprintf("DRY RUN: %s of %s can be imported, %s cannot",
			wording.Thousands(s.Consents.Pending), wording.Plural(s.Consents.Made, "consent"), wording.Plural(s.Rows.Invalid, "row")), Warn
	case s.DryRun:
		return fmt.Sprintf("DRY RUN: %s would be sent, nothing is wrong", wording.Plural(s.Consents.Pending, "consent")), Good
	case s.OverPermissive.Count > 0:
		text := "COMPLETE, BUT TOO PERMISSIVE: " + wording.Plural(s.Consents.Sent, "consent") + " sent"
		if failures > 0 { // with --history rows nothing has to
			text += ", " + failed(s) + " failed"
		}
		return text, Bad
	case failures > 0:
		return fmt.Sprintf("COMPLETE WITH FAILURES: %s sent, %s failed", wording.Plural(s.Consents.Sent, "consent"), failed(s)), Warn
	case s.Withheld > 0:
		return fmt.Sprintf("COMPLETE, BUT NOT EVERY LAST WORD: %s sent, and none for %s", wording.Plural(s.Consents.Sent, "consent"), wording.Plural(s.Withheld, "person-category pair")), Warn
	default:
		return fmt.Sprintf("COMPLETE: every row is accounted for, %s sent", wording.Plural(s.Consents.Sent, "consent")), Good
	}
}

// failed says what failed, rows and consents apart.
func failed(s *Summary) string {
	var parts []string
	if n := s.Rows.Invalid; n > 0 {
		parts = append(parts, wording.Plural(n, "row"))
	}
	if n := s.Consents.Refused + s.Consents.Failed; n > 0 {
		parts = append(parts, wording.Plural(n, "consent"))
	}
	return strings.Join(parts, " and ")
}

// PermissiveText says what over-permissive means for this import.
func PermissiveText(s *Summary) string {
	left, act := " did not arrive", "act on suppress.csv first"
	switch byRows := s.History == "rows" && s.Overtaken > 0; {
	case byRows && s.Failures() == 0:
		left = " arrived before an older accept"
	case byRows:
		left = " did not arrive, or arrived before an older accept"
	}
	if s.DryRun {
		return wording.Plural(s.OverPermissive.Count, "reject") + " cannot be sent, or would arrive too early, and an accept of the same person would be the last to arrive: fix the rows, or act on suppress.csv"
	}
	if s.State == Incomplete { // most of them are only waiting for their turn
		left, act = " have not arrived yet", "continue soon, or act on suppress.csv"
		if s.OverPermissive.Count == 1 {
			left = " has not arrived yet"
		}
	}
	return wording.Plural(s.OverPermissive.Count, "reject") + left + ", and the target still has an accept: " + act
}

// Identity says in one line what went where.
func Identity(s *Summary) string {
	var parts []string
	switch len(s.Inputs) {
	case 0:
	case 1:
		parts = append(parts, fmt.Sprintf("%s (%s)", wording.Base(s.Inputs[0].Path), wording.Size(s.Inputs[0].Bytes)))
	default:
		var bytes int64
		for _, in := range s.Inputs {
			bytes += in.Bytes
		}
		parts = append(parts, fmt.Sprintf("%s and %d more (%s)", wording.Base(s.Inputs[0].Path), len(s.Inputs)-1, wording.Size(bytes)))
	}
	parts = append(parts, "mapping "+s.Mapping.Name)
	if s.Target.Org != "" {
		to := s.Target.Org + "/" + s.Target.Project
		if s.Target.Sandbox {
			to = "sandbox"
		}
		parts = append(parts, "to "+to+" ("+s.Target.Dialect+" dialect)")
	}
	return strings.Join(parts, " · ")
}

// Pace says how long it took and how much work it was. A dry run has no pace: it
// reads much faster than any target answers.
func Pace(s *Summary) string {
	if s.DryRun {
		return ""
	}
	parts := []string{wording.Lapse(s.ElapsedSeconds)}
	if s.ConsentsPerSecond > 0 {
		parts = append(parts, wording.Thousands(int64(s.ConsentsPerSecond+0.5))+" consents/s")
	}
	if s.Runs > 1 {
		parts = append(parts, wording.Plural(int64(s.Runs), "run"))
	}
	if s.HTTP.Retries > 0 {
		parts = append(parts, wording.Plural(s.HTTP.Retries, "retry"))
	}
	if s.HTTP.ThrottledSeconds >= 1 {
		parts = append(parts, "throttled "+wording.Lapse(s.HTTP.ThrottledSeconds))
	}
	return strings.Join(parts, " · ")
}

// DifferenceVerdict says in one line what differs between two imports.
func DifferenceVerdict(d *Difference) string {
	v := &d.Values
	if !d.Differs {
		return fmt.Sprintf("NO DIFFERENCE: %s became the same, and people have the same last words", wording.Plural(v.Same, "value"))
	}
	moved := 0
	for i := range d.People {
		if d.People[i].Differs() {
			moved++
		}
	}
	var parts []string
	for _, x := range []struct {
		n    int64
		noun string
		what string
	}{
		{v.Changed.Values, "value", "became something else"}, {v.New.Values, "value", "new"}, {v.Gone.Values, "value", "gone"},
		{v.Moved.Values, "value", "became the same in other numbers"}, {int64(moved), "category", "in which people have other last words"},
	} {
		if x.n > 0 {
			parts = append(parts, wording.Plural(x.n, x.noun)+" "+x.what)
		}
	}
	return "DIFFERENT: " + strings.Join(parts, ", ")
}

// SendingOrder says where the order of sending leaves something that somebody should know.
func SendingOrder(s *Summary) string {
	switch {
	case s.History == "rows" && s.Overtaken > 0:
		return fmt.Sprintf("--history rows: the rows do not stand in the order of their times; of %s the last to arrive is not the last word", wording.Plural(s.Overtaken, "person-category pair"))
	case s.Withheld > 0:
		return fmt.Sprintf("--history latest: nothing is sent for %s, whose last word was refused, stands in an invalid row, or was held back for a row that was repaired since", wording.Plural(s.Withheld, "person-category pair"))
	}
	return ""
}
