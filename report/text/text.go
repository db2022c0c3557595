// Package text writes the summary for a terminal.
package text

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// Style is how the text summary is shown.
type Style struct {
	Color bool
	Width int  // columns; 0 = 100
	Lines int  // that the summary takes at most, but for what must be said; 0 = 24
	Full  bool // nothing is left out or cut, however long it gets
}

// textLines is how many lines the text summary has at most where it is not known how
// many fit: one screen.
const textLines = 24

// Write writes the summary for a terminal: the verdict first, the command to run
// next last, and between them as much as fits on one screen.
func Write(w io.Writer, s *summary.Summary, style Style) error {
	if style.Width <= 0 {
		style.Width = 100
	}
	if style.Lines <= 0 {
		style.Lines = textLines
	}
	if style.Full {
		style.Lines = 1 << 30
	}
	p := &page{style: style, width: max(style.Width, 40)}
	lines := p.head(s)
	tail := p.tail(s, style.Lines-len(lines)-1)
	for _, section := range []func(*summary.Summary, int) []string{p.failures, p.patch, p.lint, p.decisions, p.skips} {
		room := style.Lines - len(lines) - p.rows(tail) - 2 // a blank line before it and before the tail
		if room < 2 {
			break
		}
		if more := section(s, room); len(more) > 0 {
			lines = append(append(lines, ""), more...)
		}
	}
	lines = append(append(lines, ""), tail...)
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// head is what is always shown first: verdict, danger, balance, whether there is
// something to look at, and what a dry run is signed off by.
func (p *page) head(s *summary.Summary) []string {
	text, tone := summary.Verdict(s)
	lines := p.paintAll(bold+";"+toneColour[tone], p.wrap(text, 2))
	if s.OverPermissive.Count > 0 {
		lines = append(lines, p.paintAll(red, p.wrap(summary.PermissiveText(s), 2))...)
	}
	lines = append(lines, p.paint(dim, p.fit(summary.Identity(s))), "")
	rows := []figure{{s.Rows.Read, "read"}, {s.Rows.Mapped, "mapped"}, {s.Rows.Skipped, "skipped"}, {s.Rows.Invalid, "invalid"}}
	c := s.Consents
	consents := []figure{{c.Made, "made"}, {c.Sent, "sent"}, {c.Refused, "refused"}, {c.Failed, "failed"}, {c.Pending, "pending"}, {c.Superseded, "superseded"}}
	if s.Since != nil {
		consents = append(consents, figure{c.Known, "known"})
	}
	switch {
	case s.DryRun && s.Since != nil:
		consents = []figure{{c.Made, "made"}, {c.Pending, "would be sent"}, {c.Superseded, "superseded"}, {c.Known, "known"}}
	case s.DryRun:
		consents = consents[:1]
	}
	lines = append(lines, p.figures(rows, consents)...)
	lines = append(lines,
		p.fit("subjects  "+wording.Thousands(s.Subjects)))
	for i, w := range s.LastWords {
		if i == textCategories && !p.style.Full {
			lines = append(lines, p.fit("          "+wording.Plural(int64(len(s.LastWords)-i), "more category")+" in report.html"))
			break
		}
		lines = append(lines, p.fit("last word "+lastWord(&w)))
	}
	apart := summary.Apart(s)
	for i, text := range apart {
		if i == textCategories && !p.style.Full {
			lines = append(lines, p.fit("          "+wording.Plural(int64(len(apart)-i), "more category")+" in report.html"))
			break
		}
		lines = append(lines, p.wrap("target    "+spelling.OneLine(text), 10)...)
	}
	if s.Since != nil {
		for i := range s.Since.Changes {
			lines = append(lines, p.fit("messages  "+spelling.OneLine(summary.ChangeText(&s.Since.Changes[i], s.DryRun))))
		}
	}
	if text := summary.SendingOrder(s); text != "" {
		lines = append(lines, p.wrap(text, 2)...)
	}
	if s.Courses != nil {
		lines = append(lines, p.fit("arrival   drawn for "+summary.CoursesText(s.Courses)+", in report.html"))
	}
	if !s.DryRun { // nothing was sent, so there is no pace to go by
		lines = append(lines, p.fit("time      "+summary.Pace(s)))
	}
	if n := int64(len(s.Lint)); n > 0 {
		lines = append(lines, p.fit("look at   "+wording.Plural(n, "lint finding")+", in report.html"))
	}
	if s.DryRun && s.ApprovalHash != "" {
		lines = append(lines, p.fit("approval hash "+s.ApprovalHash))
	}
	if s.OutDir != "" {
		lines = append(lines, p.fit("reports   "+filepath.Join(s.OutDir, s.Main())))
	}
	return lines
}

// textCategories is of how many categories the text says how people decided.
const textCategories = 4

// lastWord says how many people have which last word about a category.
func lastWord(w *summary.LastWord) string {
	name := w.Category
	if name == "" {
		name = "(no category)"
	}
	text := fmt.Sprintf("%s: %s accept, %s reject", spelling.OneLine(name), wording.Thousands(w.Accept), wording.Thousands(w.Reject))
	if w.Expired > 0 {
		text += ", " + wording.Thousands(w.Expired) + " expired"
	}
	if w.None > 0 {
		text += ", " + wording.Thousands(w.None) + " say nothing"
	}
	return text
}

var toneColour = map[summary.Tone]string{summary.Good: green, summary.Warn: yellow, summary.Bad: red}

// figure is a number with its name.
type figure struct {
	n    int64
	name string
}

// figures aligns the numbers of rows and consents below each other. Where the
// line gets too long, outcomes that did not occur are left out.
func (p *page) figures(rows, consents []figure) []string {
	for {
		lines := []string{balanceLine("rows", rows, consents), balanceLine("consents", consents, rows)}
		if wording.Width(lines[0]) <= p.width && wording.Width(lines[1]) <= p.width {
			return lines
		}
		if !dropZero(&consents) && !dropZero(&rows) {
			return append(p.stack("rows", rows), p.stack("consents", consents)...)
		}
	}
}

// stack writes figures one below the other: none of them may be cut.
func (p *page) stack(name string, figures []figure) []string {
	digits := 0
	for _, f := range figures {
		digits = max(digits, len(wording.Thousands(f.n)))
	}
	var lines []string
	for _, f := range figures {
		lines = append(lines, p.fit(fmt.Sprintf("%-8s  %*s %s", name, digits, wording.Thousands(f.n), f.name)))
		name = ""
	}
	return lines
}

// dropZero takes the last outcome that did not occur out of a line.
func dropZero(line *[]figure) bool {
	for i := len(*line) - 1; i > 0; i-- {
		if (*line)[i].n == 0 {
			*line = append(append([]figure{}, (*line)[:i]...), (*line)[i+1:]...)
			return true
		}
	}
	return false
}

// balanceLine writes one line of figures, each as wide as the one in the other
// line at the same place.
func balanceLine(name string, line, other []figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s", name)
	for i, f := range line {
		digits, letters := len(wording.Thousands(f.n)), len(f.name)
		if i < len(other) {
			digits = max(digits, len(wording.Thousands(other[i].n)))
			letters = max(letters, len(other[i].name))
		}
		fmt.Fprintf(&b, "  %*s %-*s", digits, wording.Thousands(f.n), letters, f.name)
	}
	return strings.TrimRight(b.String(), " ")
}

// mostGroups is how many groups of failures the text lists on one screen, whole how many
// lines one may take where nothing is cut.
const (
	mostGroups = 5
	whole      = 100
)

// failures lists the largest groups with what fixes them.
func (p *page) failures(s *summary.Summary, room int) []string {
	if len(s.FailureGroups) == 0 {
		return nil
	}
	// What to change comes right below: room is kept for it, if groups fit as well.
	if patch := len(p.patch(s, room)); patch > 0 && room-patch-1 >= 4 {
		room -= patch + 1
	}
	if p.style.Full {
		lines, _ := p.groups(s.FailureGroups, room, whole)
		return lines
	}
	lines, shown := p.groups(s.FailureGroups, room, 2)
	if cut, more := p.groups(s.FailureGroups, room, 1); more > shown {
		return cut // more of them, rather than more of each
	}
	return lines
}

// groups lists as many groups as there is room for, reason and suggestion in some
// lines each at most, and says how many these are.
func (p *page) groups(groups []summary.FailureGroup, room, perReason int) (lines []string, shown int) {
	lines = []string{p.paint(bold, "failures")}
	digits := 0
	for _, g := range groups {
		digits = max(digits, len(wording.Thousands(g.Count)))
	}
	indent := strings.Repeat(" ", digits+11)
	for _, g := range groups {
		label := fmt.Sprintf("  %*s  %5s  %-9s ", digits, wording.Thousands(g.Count), wording.Percent(g.Share), stageText(&g))
		rows := firstRows(g.Rows)
		text := g.Reason + rows
		if perReason == 1 && wording.Width(label+text) > p.width {
			text = g.Reason
		}
		block := p.hang(label, text, perReason)
		if g.Suggestion != nil {
			block = append(block, p.paintAll(dim, p.hang(indent+"→ ", g.Suggestion.Text, perReason))...)
		}
		left := 0
		if shown < len(groups)-1 {
			left = 1 // the line that counts the rest
		}
		if shown == mostGroups && !p.style.Full || len(lines)+len(block)+left > room {
			break
		}
		lines = append(lines, block...)
		shown++
	}
	if left := len(groups) - shown; left > 0 {
		lines = append(lines, p.fit(fmt.Sprintf("  … %s more in report.html", wording.Plural(int64(left), "group"))))
	}
	return lines, shown
}

// stageText says in a few letters where a group failed.
func stageText(g *summary.FailureGroup) string {
	switch {
	case g.Stage != summary.StageSend:
		return g.Stage
	case g.Status == 0:
		return "send"
	default:
		return fmt.Sprintf("%s %d", g.Stage, g.Status)
	}
}

// patch shows what to change in the mapping, when the next command runs with a
// changed one.
func (p *page) patch(s *summary.Summary, room int) []string {
	if !summary.Patched(s) || !strings.Contains(s.Next, " --mapping ") {
		return nil
	}
	var lines []string
	for i, patch := range summary.Patches(s) {
		change := strings.Split(strings.TrimSuffix(patch.Patch, "\n"), "\n")
		title := "change in the mapping"
		if i > 0 {
			title = fmt.Sprintf("change %d", i+1)
		}
		if len(lines)+len(change)+1 > room {
			return lines
		}
		lines = append(lines, p.paint(bold, title)+": "+patch.Proven())
		for _, line := range change {
			lines = append(lines, p.fit("  "+line))
		}
	}
	return lines
}

// firstRows names the first rows of a group.
func firstRows(rows []int64) string {
	if len(rows) == 0 {
		return ""
	}
	text := " (row"
	if len(rows) > 1 {
		text += "s"
	}
	for i, r := range rows {
		if i == 3 {
			return text + " …)"
		}
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(" %d", r)
	}
	return text + ")"
}

// lint lists the findings about the mapping and the data.
func (p *page) lint(s *summary.Summary, room int) []string {
	const most = 3
	perFinding := 3
	if len(s.Lint) == 0 {
		return nil
	}
	digits := 0
	for _, f := range s.Lint[:min(len(s.Lint), most)] {
		digits = max(digits, len(wording.Thousands(f.Count)))
	}
	lines := []string{p.paint(bold, "lint")}
	if p.style.Full {
		perFinding = whole
	} else if s.DryRun {
		room, perFinding = min(room, 5), 2 // the decision table follows
	}
	shown := 0
	for _, f := range s.Lint {
		block := p.hang(fmt.Sprintf("  %*s  ", digits, wording.Thousands(f.Count)), f.Message+firstRows(f.Rows), perFinding)
		if p.style.Full || perFinding == 3 {
			block = append(block, p.instances(&f, digits+4)...)
		}
		left := 0
		if shown < len(s.Lint)-1 {
			left = 1
		}
		if shown == most && !p.style.Full || len(lines)+len(block)+left > room {
			break
		}
		lines = append(lines, block...)
		shown++
	}
	if left := len(s.Lint) - shown; left > 0 {
		lines = append(lines, p.fit(fmt.Sprintf("  … %s more in report.html", wording.Plural(int64(left), "finding"))))
	}
	return lines
}

// instances are the examples of a finding: the first alone where not all is shown.
func (p *page) instances(f *summary.Finding, indent int) []string {
	var lines []string
	for i, text := range f.Examples {
		if i > 0 && !p.style.Full {
			break
		}
		lines = append(lines, p.paintAll(dim, p.hang(strings.Repeat(" ", indent)+"e.g. ", text, whole))...)
	}
	return lines
}

// decisions shows the decision table of a dry run.
func (p *page) decisions(s *summary.Summary, room int) []string {
	if !s.DryRun || len(s.Decisions) == 0 {
		return nil
	}
	lines := []string{p.paint(bold, "decisions")}
	most := 24 // of each column; whole where nothing is to be cut
	if p.style.Full {
		most = 1 << 20
	}
	category, value, action, digits := 0, 0, 0, 0
	for _, d := range s.Decisions {
		category = max(category, min(wording.Width(d.Category), most))
		value = max(value, min(wording.Width(d.Value)+2, most+2))
		action = max(action, min(wording.Width(became(d)), most, widestReason))
		digits = max(digits, len(wording.Thousands(d.Count)))
	}
	for i, d := range s.Decisions {
		if left := len(s.Decisions) - i; left > 1 && len(lines)+2 > room {
			return append(lines, p.fit(fmt.Sprintf("  … %s more in decisions.csv", wording.Plural(int64(left), "line"))))
		}
		lines = append(lines, p.fit(fmt.Sprintf("  %s  %s → %s  %*s",
			wording.Pad(wording.Clip(d.Category, most), category), wording.Pad(`"`+wording.Clip(d.Value, most)+`"`, value), wording.Pad(wording.Clip(became(d), most), action), digits, wording.Thousands(d.Count))))
	}
	return lines
}

// widestReason is up to which width reasons line up what stands behind them.
const widestReason = 60

// became says what a value became, and why where it is not a decision.
func became(d summary.Decision) string {
	if d.Reason == "" {
		return d.Decision
	}
	return d.Decision + ": " + d.Reason
}

// skips lists why rows were skipped.
func (p *page) skips(s *summary.Summary, room int) []string {
	lines := []string{}
	for i, k := range s.Skips {
		if i == 0 {
			lines = append(lines, p.paint(bold, "skipped"))
		}
		if i == 3 && !p.style.Full || len(lines)+1 > room {
			break
		}
		lines = append(lines, p.fit(fmt.Sprintf("  %*s  %s", len(wording.Thousands(s.Skips[0].Count)), wording.Thousands(k.Count), k.Reason)))
	}
	return lines
}

// tail is what is always shown last: what to do now. Notes are left out where
// there is no room for them; report.html has them all.
func (p *page) tail(s *summary.Summary, room int) []string {
	var steps []string
	// A command is neither cut nor broken: it is there to be copied.
	for _, step := range s.Steps {
		text, command := summary.SplitStep(step)
		steps = append(steps, p.wrap(text, 2)...)
		if command != "" {
			steps = append(steps, p.paint(bold, printable(command)))
		}
	}
	steps = append(steps, p.paint(bold, printable(s.Next)))
	var notes []string
	for i, n := range s.Notes {
		lines := p.wrap("note: "+n, 2)
		left := 0
		if i < len(s.Notes)-1 {
			left = 1 // the line that counts the rest
		}
		if len(notes)+len(lines)+left+p.rows(steps) > room {
			notes = append(notes, p.fit(fmt.Sprintf("… %s more in report.html", wording.Plural(int64(len(s.Notes)-i), "note"))))
			break
		}
		notes = append(notes, lines...)
	}
	return append(notes, steps...)
}
