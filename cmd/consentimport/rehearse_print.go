package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/text"
	"github.com/consentimport/consentimport/report/wording"
)

// soundSample is how many requests a prediction needs: with fewer, waiting for
// the last retries is most of the time.
const soundSample = 2000

// early says why the import of the sample ended before its end; nil when it did not.
func (t *trial) early() *importer.Stop {
	if t.stop == nil || t.stop.Kind == importer.StopLimit {
		return nil
	}
	return t.stop
}

// refusedHere counts the consents that the sandbox refused by its own judgement,
// not because a fault said so.
func (t *trial) refusedHere() int64 { return max(0, t.found.refused-t.injected) }

// exitCode is 0 when nothing is to be fixed.
func (t *trial) exitCode() int {
	if t.held.exact() && t.early() == nil && t.dry.Rows.Invalid == 0 && t.refusedHere() == 0 && t.found.failed == 0 {
		return exitComplete
	}
	return exitFailures
}

func (t *trial) verdict() (text, colour string) {
	const green, yellow, red = "1;32", "1;33", "1;31"
	switch stop := t.early(); {
	case !t.held.exact():
		return "NOT PASSED: the sandbox does not hold what the import says it sent. Do not start the real run.", red
	case stop != nil:
		return "NOT PASSED: the import of the sample ended early: " + stop.Detail + ".", red
	case t.exitCode() != exitComplete:
		return "PASSED, WITH FINDINGS: the sandbox holds every decision that was sent, exactly; fix what is below, then rehearse again.", yellow
	default:
		return "PASSED: the sandbox holds every decision that was sent, exactly. The real run can start.", green
	}
}

// predicted scales what the sample took to the whole export.
func (t *trial) predicted() (requests int64, took time.Duration) {
	settled := t.found.settled()
	if settled == 0 || t.requests == 0 {
		return t.dry.Consents.Pending, 0
	}
	share := float64(t.dry.Consents.Pending) / float64(settled)
	took = time.Duration(share * float64(t.took))
	if t.rate > 0 {
		took = max(took, time.Duration(float64(t.dry.Consents.Pending)/t.rate*float64(time.Second)))
	}
	return int64(share*float64(t.requests) + 0.5), took
}

// print writes what the rehearsal found, the verdict first.
func (t *trial) print(w io.Writer, style text.Style) error {
	p := labelled{width: max(cmp.Or(style.Width, pageWidth), 40)}
	text, colour := t.verdict()
	p.add("", text)
	if style.Color {
		p.paint(colour)
	}
	p.add("", "")
	d := t.dry
	p.add("export", fmt.Sprintf("%s, %s, %s", wording.Plural(d.Rows.Read, "row"), wording.Plural(d.Consents.Made, "consent"), wording.Plural(d.Subjects, "subject")))
	if d.Since != nil {
		p.add("", fmt.Sprintf("of these %s known from the import before, %s overtaken by it or by newer ones, %s to be sent", wording.Thousands(d.Consents.Known), wording.Thousands(d.Consents.Superseded), wording.Thousands(d.Consents.Pending)))
	}
	which := "all rows"
	if t.sample < d.Rows.Read {
		which = "the first " + wording.Plural(t.sample, "row")
	}
	p.add("rehearsed", fmt.Sprintf("%s, %s, against a sandbox with %s", which, wording.Plural(t.found.settled(), "consent"), cmp.Or(t.faults, "no faults")))
	if t.cutAfter > 0 {
		p.add("killed", fmt.Sprintf("after %s: the process was killed (kill -9), then the import was resumed", wording.Plural(t.cutAfter, "request")))
	} else {
		p.add("killed", "not tested: the whole sample was sent before the kill")
	}
	p.add("sandbox", t.heldText())
	t.forecast(&p)
	t.fix(&p)
	if t.keep != "" {
		p.add("kept in", t.keep)
	}
	label := "then"
	for _, step := range d.Steps {
		text, command := summary.SplitStep(step)
		p.add(label, text)
		if command != "" {
			p.verbatim(strings.Repeat(" ", labelWidth) + command) // not wrapped either
		}
		label = ""
	}
	_, err := io.WriteString(w, p.text.String())
	if err == nil && d.Next != "" {
		_, err = fmt.Fprintf(w, "\nnext:\n  %s\n", d.Next) // not wrapped, so that it can be copied
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func (t *trial) heldText() string {
	h := t.held
	if h.exact() {
		again := "none came twice"
		if h.repeats > 0 {
			again = wording.Thousands(h.repeats) + " came twice, after a lost answer or the kill"
		}
		return fmt.Sprintf("holds all of the %s sent, in order per person and category; none is missing, %s", wording.Plural(h.held, "decision"), again)
	}
	return fmt.Sprintf("holds %s of %s sent; %s missing, %s that were not sent or are out of order",
		wording.Thousands(h.held), wording.Plural(t.found.sent, "decision"), wording.Thousands(h.missing), wording.Thousands(h.strange))
}

// forecast says how long the real run takes and what it will meet.
func (t *trial) forecast(p *labelled) {
	requests, took := t.predicted()
	switch {
	case took == 0:
		p.add("forecast", "none: nothing was sent")
	default:
		perSecond := float64(t.requests) / t.took.Seconds()
		text := fmt.Sprintf("about %s for %s, at the %s requests/s of this rehearsal (median answer %s", span(max(took, time.Second)), wording.Plural(requests, "request"), wording.Thousands(int64(perSecond+0.5)), t.lag.Round(time.Millisecond))
		if t.rate > 0 {
			text += fmt.Sprintf(", --rate %g", t.rate)
		}
		text += ")"
		text += t.inDays(requests, took)
		if t.requests < soundSample {
			text += "; a rough estimate, because the sample is small"
		}
		p.add("forecast", text)
	}
	p.add("expect", fmt.Sprintf("%s (counted)", wording.Plural(t.dry.Rows.Invalid, "invalid row")))
	scaled := t.refusedHere()
	if n := t.found.settled(); n > 0 {
		scaled = int64(float64(scaled)*float64(t.dry.Consents.Pending)/float64(n) + 0.5)
	}
	p.add("", fmt.Sprintf("%s refused, by what the sandbox checks itself (an estimate: the target's own rules are not known). This rehearsal injected %s more", wording.Plural(scaled, "consent"), wording.Plural(t.injected, "refusal")))
	if t.found.failed > 0 {
		p.add("", fmt.Sprintf("%s of the sample failed: no usable answer in %d attempts", wording.Plural(t.found.failed, "consent"), importer.DefaultAttempts))
	}
}

// inDays says how many days it takes with --between and --per-day; "" without them.
func (t *trial) inDays(requests int64, took time.Duration) string {
	if t.when == (importer.Timetable{}) {
		return ""
	}
	length := t.when.Hours.Length()
	days := int64((took + length - 1) / length)
	limits := ""
	if length < 24*time.Hour {
		limits = " in the hours of --between (" + span(length) + " a day)"
	}
	if n := t.when.PerDay; n > 0 {
		days = max(days, (requests+n-1)/n)
		limits += " with --per-day " + wording.Thousands(n)
	}
	if days <= 1 {
		return "; 1 day" + limits
	}
	return "; " + wording.Thousands(days) + " days" + limits
}

// fix names what is worth fixing first.
func (t *trial) fix(p *labelled) {
	stop := t.early()
	switch {
	case len(t.dry.FailureGroups) > 0:
		g := t.dry.FailureGroups[0]
		text := fmt.Sprintf("%s: %s", wording.Plural(g.Count, "time"), g.Reason)
		if g.Column != "" && !strings.Contains(g.Reason, g.Column) {
			text += fmt.Sprintf(" (column %s)", g.Column)
		}
		p.add("fix first", text)
		if g.Suggestion == nil {
			return
		}
		p.add("", "→ "+g.Suggestion.Text)
		for line := range strings.SplitSeq(strings.TrimRight(g.Suggestion.Patch, "\n"), "\n") {
			if line != "" {
				p.verbatim(strings.Repeat(" ", labelWidth+2) + line)
			}
		}
	case stop != nil && stop.Kind == importer.StopBudget:
		p.add("fix first", "more consents fail than --max-failures allows: look at failures.csv with --keep DIR")
	case t.refusedHere() > 0 || t.found.failed > 0:
		p.add("fix first", "see failures.csv of the rehearsal with --keep DIR")
	case len(t.dry.Lint) > 0:
		l := t.dry.Lint[0]
		p.add("look at", fmt.Sprintf("%s (%s): %s", l.Rule, wording.Plural(l.Count, "time"), l.Message))
	}
}

// labelled sets text in two columns: a label, and lines broken at the width.
type labelled struct {
	text  strings.Builder
	width int
}

const labelWidth = 11

func (p *labelled) add(label, text string) {
	indent := labelWidth
	if label == "" && p.text.Len() == 0 {
		indent = 0 // the verdict
	}
	line := wording.Pad(label, indent)
	begun := false
	for word := range strings.FieldsSeq(text) {
		if begun && wording.Width(line)+1+wording.Width(word) > p.width {
			p.verbatim(line)
			line, begun = strings.Repeat(" ", indent), false
		}
		if begun {
			line += " "
		}
		line, begun = line+word, true
	}
	p.verbatim(line)
}

func (p *labelled) verbatim(line string) { p.text.WriteString(strings.TrimRight(line, " ") + "\n") }

// paint gives all that is there so far a colour.
func (p *labelled) paint(code string) {
	text := strings.TrimSuffix(p.text.String(), "\n")
	p.text.Reset()
	for line := range strings.SplitSeq(text, "\n") {
		p.text.WriteString("\x1b[" + code + "m" + line + "\x1b[0m\n")
	}
}
