// Package html writes the pages that people read: report.html, approval.html, the index
// of several imports, and what differs between two. Each is one file that loads nothing.
package html

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

const (
	// The page lists this much at most; whatever there are of it, the page
	// does not grow further. report.json and the lists have the rest.
	maxCards    = 12 // groups of failures in full, with suggestions
	maxGroups   = 88 // more of them, as lines of a table
	maxPeople   = 200
	maxBars     = 80
	maxValues   = 200
	maxFindings = 40 // of each kind
	maxRefs     = 24
	maxSkips    = 20
	maxInputs   = 50
	maxPasses   = 20
	// foldedAfter is from which line on a long table is folded.
	foldedAfter = 20
)

// reportPage is what the template of report.html shows.
type reportPage struct {
	shell
	*summary.Summary
	Verdict    string
	Order      string
	Tone       summary.Tone
	Permissive string
	Identity   string
	Pace       string

	Refs     []string
	MoreRefs int64

	Meaning []summary.Finding // may mean that decisions are not what people said
	Minor   []summary.Finding
	More    int // findings that are not listed

	Groups     []groupCard
	MoreGroups []groupCard

	Values    []valueLine
	MoreTable int

	People      people
	MorePeople  int
	Apart       []string // where the target does not have the last words
	MoreApart   int
	Changes     []string // of what people get, against imports before
	MoreChanges int

	Drawn   []course
	Flow    *flow
	Bars    []decisionBar
	MoreBar int
	Decided *columns
	Pulse   *throughput
	Answers []label
	Lists   []listed
}

// groupCard is a group of failures with its share as a bar.
type groupCard struct {
	summary.FailureGroup
	N     int
	Where string
	Width float64
}

// listed is a file beside the page.
type listed struct{ Name, What string }

// Name is the page of an import.
const Name = "report.html"

// Write writes report.html: the summary as one self-contained page that loads nothing
// from elsewhere, with a policy in it that says so to the browser.
func Write(w io.Writer, s *summary.Summary) error {
	return render(w, "report", newReportPage(s))
}

// newReportPage lays out a summary, what weighs most first.
func newReportPage(s *summary.Summary) *reportPage {
	text, tone := summary.Verdict(s)
	p := &reportPage{
		Summary: s, Verdict: sentence(text), Order: summary.SendingOrder(s), Tone: tone, Identity: summary.Identity(s), Pace: summary.Pace(s),
		Drawn: newCourses(s), Flow: newFlow(s), Decided: newColumns(s.Decided), Pulse: newThroughput(s),
	}
	if s.OverPermissive.Count > 0 {
		p.Permissive = summary.PermissiveText(s)
		p.Refs = s.OverPermissive.Consents[:min(len(s.OverPermissive.Consents), maxRefs)]
		p.MoreRefs = s.OverPermissive.Count - int64(len(p.Refs))
	}
	for _, f := range s.Lint {
		kind := &p.Minor
		if summary.ChangesMeaning(f.Rule) {
			kind = &p.Meaning
		}
		if len(*kind) < maxFindings {
			*kind = append(*kind, f)
		} else {
			p.More++
		}
	}
	for i, g := range s.FailureGroups {
		card := groupCard{g, i + 1, where(&g), max(g.Share*chartWidth, 2)}
		switch {
		case i < maxCards:
			p.Groups = append(p.Groups, card)
		case i < maxCards+maxGroups+1: // and the sum of the others
			p.MoreGroups = append(p.MoreGroups, card)
		}
	}
	p.Values = valueLines(s.Decisions[:min(len(s.Decisions), maxValues)])
	p.MoreTable = max(len(s.Decisions)-maxValues, 0)
	p.People, p.MorePeople = newPeople(s.LastWords)
	if s.Since != nil {
		changes := s.Since.Changes[:min(len(s.Since.Changes), maxPeople)]
		for i := range changes {
			p.Changes = append(p.Changes, summary.ChangeText(&changes[i], s.DryRun))
		}
		p.MoreChanges = len(s.Since.Changes) - len(changes)
	}
	p.Apart = summary.Apart(s)
	p.Apart, p.MoreApart = p.Apart[:min(len(p.Apart), maxPeople)], max(len(p.Apart)-maxPeople, 0)
	p.Bars, p.MoreBar = decisionBars(s)
	for status, count := range s.HTTP.ByStatus {
		name := status
		if status == "0" {
			name = "no answer"
		}
		p.Answers = append(p.Answers, label{Name: name, N: wording.Thousands(count)})
	}
	slices.SortFunc(p.Answers, func(a, b label) int { return strings.Compare(a.Name, b.Name) })
	for _, name := range s.Files {
		if name != Name {
			p.Lists = append(p.Lists, listed{name, whatIsIn(name)})
		}
	}
	p.shell = newShell("Import of "+exportName(s), p.contents())
	return p
}

// contents lists the sections that the page has.
func (p *reportPage) contents() []chapter {
	var all []chapter
	for _, c := range []struct {
		here      bool
		id, title string
	}{
		{true, "next", "What to do now"},
		{p.Permissive != "", "permissive", "Too permissive"},
		{len(p.Meaning) > 0, "meaning", "May change the meaning"},
		{len(p.Groups) > 0, "failures", "What failed"},
		{len(p.Values) > 0, "values", "What each value became"},
		{len(p.People.Lines) > 0, "people", "People, by their last word"},
		{len(p.Drawn) > 0, "arrival", "Order of arrival"},
		{true, "balance", "From rows to outcomes"},
		{len(p.Bars) > 0, "decisions", "Decisions per category"},
		{p.Decided != nil, "decided", "When people decided"},
		{p.Pulse != nil, "pulse", "How the import went"},
		{len(p.Minor) > 0, "lint", "Also worth a look"},
		{len(p.Skips) > 0, "skips", "Why rows were skipped"},
		{true, "identity", "What, how, and where to"},
		{len(p.Lists) > 0, "files", "The lists"},
	} {
		if c.here {
			all = append(all, chapter{c.id, c.title})
		}
	}
	return all
}

// Outcomes gives those that occurred, for the legend of the bars.
func (p *reportPage) Outcomes() []label {
	var occurred []label
	for _, x := range outcomes(&p.Consents, p.DryRun) {
		if x.N > 0 {
			occurred = append(occurred, label{Class: x.Class, Name: x.Name})
		}
	}
	return occurred
}

// Skipped gives the reasons that the page lists.
func (p *reportPage) Skipped() []summary.Skip { return p.Skips[:min(len(p.Skips), maxSkips)] }

// Exports gives the inputs that the page lists.
func (p *reportPage) Exports() []summary.Input { return p.Inputs[:min(len(p.Inputs), maxInputs)] }

// LastPasses gives the passes that the page lists.
func (p *reportPage) LastPasses() []summary.Pass { return p.Passes[max(0, len(p.Passes)-maxPasses):] }

// Has says whether a list lies beside the page.
func (p *reportPage) Has(name string) bool { return slices.Contains(p.Files, name) }

// Rejected names the file of rows to fix, or "".
func (p *reportPage) Rejected() string {
	for _, name := range p.Files {
		if strings.HasPrefix(name, "rejected") {
			return name
		}
	}
	return ""
}

// whatIsIn says what a file of the out directory holds.
func whatIsIn(name string) string {
	for _, x := range []struct{ begins, what string }{
		{"approval.html", "the sheet to sign"},
		{"decisions.csv", "what each value became, whole"},
		{"successes.csv", "each consent that was sent"},
		{"failures.csv", "each row and consent that failed, and why"},
		{"rejected", "the rows that failed, to fix and import again"},
		{"superseded.csv", "each consent held back for good, and by which one"},
		{"suppressed.csv", "accepts left out because their people opted out elsewhere"},
		{"suppress.csv", "people whom the target allows more than they said, with their identifiers"},
		{"report.json", "this report for scripts"},
	} {
		if strings.HasPrefix(name, x.begins) {
			return x.what
		}
	}
	return ""
}

// where says at which stage a group failed.
func where(g *summary.FailureGroup) string {
	switch {
	case g.Stage == summary.StageMap:
		return "at mapping"
	case g.Stage == summary.StageOther:
		return "all other groups"
	case g.Status == 0:
		return "no answer"
	default:
		return fmt.Sprintf("HTTP %d", g.Status)
	}
}

// sentence turns the capitals with which a verdict begins on a terminal into
// those of a headline.
func sentence(verdict string) string {
	head, rest, ok := strings.Cut(verdict, ": ")
	if !ok {
		return verdict
	}
	return head[:1] + strings.ToLower(head[1:]) + ": " + rest
}

// stepParts is a step as the page sets it.
type stepParts struct{ Text, Command string }

func parted(step string) stepParts {
	text, command := summary.SplitStep(step)
	return stepParts{text, command}
}

// rowList names rows for the page, behind a label in the singular. Their numbers
// are names, not counts: without separators, as in the files.
func rowList(label string, rows []int64) string {
	var b strings.Builder
	b.WriteString(label)
	if len(rows) > 1 {
		b.WriteString("s")
	}
	b.WriteString(" ")
	for i, r := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 5 {
			b.WriteString("…")
			break
		}
		b.WriteString(strconv.FormatInt(r, 10))
	}
	return b.String()
}
