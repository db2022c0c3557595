// Package html writes the pages that people read: report.html, approval.html. Each
// is one file that loads nothing.
package html

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

//go:embed html.tmpl
var htmlText string

//go:embed html.css
var htmlStyle string

const (
	// The page lists this much at most; whatever there are of it, the page
	// does not grow further. report.json and failures.csv have the rest.
	htmlGroups     = 12 // in full, with suggestions
	htmlMoreGroups = 88 // as lines of a table
	htmlCategories = 40
	htmlDecisions  = 200
	htmlFindings   = 40
	htmlRefs       = 24
	htmlSkips      = 20
	htmlInputs     = 50
	htmlPasses     = 20
)

// htmlTemplate parses the page once, when it is first needed.
var htmlTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("report.html").Funcs(template.FuncMap{
		"n":       wording.Thousands,
		"plural":  wording.Plural,
		"size":    wording.Size,
		"toInt64": func(n int) int64 { return int64(n) },
		"percent": wording.Percent,
		"clock":   wording.Clock,
		"lapse":   wording.Lapse,
		"base":    wording.Base,
		"rows":    rowList,
		// A command breaks between its words only, not within --a-flag.
		"step":   parted,
		"became": becameClass,
		"ms":     func(x float64) string { return wording.Lapse(x / 1000) },
		"words":  func(s string) []string { return strings.Split(s, " ") },
		"css":    func() template.CSS { return template.CSS(htmlStyle) },
	}).Parse(htmlText)
})

// htmlPage is what the template shows.
type htmlPage struct {
	*summary.Summary
	Policy     string // Content-Security-Policy
	Title      string
	Verdict    string
	Tone       summary.Tone
	Permissive string
	Identity   string
	Pace       string

	Flow     *flow
	Decided  *columns
	Pulse    *throughput
	Bars     []decisionBar
	MoreBars int

	Groups     []groupCard
	MoreGroups []groupCard
	Refs       []string
	MoreRefs   int64
	MoreLint   int
	Table      []valueGroup
	MoreTable  int
	Answers    []label
}

// decisionBar is a line of the decisions per category, with its picture.
type decisionBar struct {
	summary.ByDecision
	NotSent int64
	Shapes  []shape
}

// groupCard is a group of failures with its share as a bar.
type groupCard struct {
	summary.FailureGroup
	Where string
	Width float64
}

// Write writes the summary as one self-contained page: no script, nothing from
// elsewhere, and a policy in it that says so to the browser.
func Write(w io.Writer, s *summary.Summary) error {
	t, err := htmlTemplate()
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	if err := t.Execute(w, newHTMLPage(s)); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// stylePolicy allows the page its one style, by digest, and nothing else.
func stylePolicy() string {
	sum := sha256.Sum256([]byte(htmlStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// newHTMLPage lays out a summary.
func newHTMLPage(s *summary.Summary) *htmlPage {
	text, tone := summary.Verdict(s)
	p := &htmlPage{
		Summary: s, Policy: stylePolicy(), Title: "Import of " + exportName(s),
		Tone: tone, Identity: summary.Identity(s), Pace: summary.Pace(s),
		Flow: newFlow(s), Decided: newColumns(s.Decided), Pulse: newThroughput(s),
	}
	p.Verdict = sentence(text)
	if s.OverPermissive.Count > 0 {
		p.Permissive = summary.PermissiveText(s)
		p.Refs = s.OverPermissive.Consents[:min(len(s.OverPermissive.Consents), htmlRefs)]
		p.MoreRefs = s.OverPermissive.Count - int64(len(p.Refs))
	}
	p.Bars, p.MoreBars = decisionBars(s)
	for i, g := range s.FailureGroups {
		card := groupCard{g, where(&g), max(g.Share*chartWidth, 2)}
		switch {
		case i < htmlGroups:
			p.Groups = append(p.Groups, card)
		case i < htmlGroups+htmlMoreGroups+1: // and the sum of the others
			p.MoreGroups = append(p.MoreGroups, card)
		}
	}
	p.MoreLint = max(len(s.Lint)-htmlFindings, 0)
	p.Table = valueGroups(s.Decisions[:min(len(s.Decisions), htmlDecisions)])
	p.MoreTable = max(len(s.Decisions)-htmlDecisions, 0)
	for status, count := range s.HTTP.ByStatus {
		name := status
		if status == "0" {
			name = "no answer"
		}
		p.Answers = append(p.Answers, label{Name: name, N: wording.Thousands(count)})
	}
	slices.SortFunc(p.Answers, func(a, b label) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// decisionBars draws the decisions per category, each bar as long as its count
// among all.
func decisionBars(s *summary.Summary) (bars []decisionBar, more int) {
	shown := slices.Clone(s.ByDecision)
	if len(shown) > htmlCategories {
		slices.SortStableFunc(shown, func(a, b summary.ByDecision) int { return int(min(max(b.Made-a.Made, -1), 1)) })
		more = len(shown) - htmlCategories
		shown = shown[:htmlCategories]
	}
	var most int64 = 1
	for _, d := range shown {
		most = max(most, d.Made)
	}
	for _, d := range shown {
		width := max(float64(d.Made)/float64(most)*chartWidth, 4)
		b := decisionBar{ByDecision: d, NotSent: d.Made - d.Sent}
		for _, x := range layOut(outcomes(&d.Consents, s.DryRun), 0, 0, width, 10) {
			if x.W > 0 {
				b.Shapes = append(b.Shapes, x)
			}
		}
		bars = append(bars, b)
	}
	return bars, more
}

// valueGroup is the part of the decision table about one decision and category.
type valueGroup struct {
	Decision string
	Category string
	Lines    []summary.Decision
}

// valueGroups groups the decision table by what the values became and by
// category; in each, what is frequent comes first.
func valueGroups(table []summary.Decision) []valueGroup {
	var groups []valueGroup
	for _, d := range table { // sorted by decision and category
		if n := len(groups); n == 0 || groups[n-1].Decision != d.Decision || groups[n-1].Category != d.Category {
			groups = append(groups, valueGroup{Decision: d.Decision, Category: d.Category})
		}
		last := &groups[len(groups)-1]
		last.Lines = append(last.Lines, d)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.Lines, func(a, b summary.Decision) int { return cmp.Compare(b.Count, a.Count) })
	}
	return groups
}

// becameClass is the colour of what a value became.
func becameClass(decision string) string {
	switch decision {
	case mapping.DecidedAccept, mapping.DecidedReject:
		return decision
	case mapping.DecidedInvalid:
		return "failed"
	default:
		return "skipped"
	}
}

// Outcomes gives those that occurred, for the legend of the bars.
func (p *htmlPage) Outcomes() []label {
	var occurred []label
	for _, x := range outcomes(&p.Consents, false) {
		if x.n > 0 {
			occurred = append(occurred, label{Class: x.class, Name: x.name})
		}
	}
	return occurred
}

// Findings gives the findings that the page lists.
func (p *htmlPage) Findings() []summary.Finding { return p.Lint[:min(len(p.Lint), htmlFindings)] }

// Skipped gives the reasons that the page lists.
func (p *htmlPage) Skipped() []summary.Skip { return p.Skips[:min(len(p.Skips), htmlSkips)] }

// Exports gives the inputs that the page lists.
func (p *htmlPage) Exports() []summary.Input { return p.Inputs[:min(len(p.Inputs), htmlInputs)] }

// LastPasses gives the passes that the page lists.
func (p *htmlPage) LastPasses() []summary.Pass { return p.Passes[max(0, len(p.Passes)-htmlPasses):] }

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

// exportName names the export in the title.
func exportName(s *summary.Summary) string {
	switch len(s.Inputs) {
	case 0:
		return "an export"
	case 1:
		return wording.Base(s.Inputs[0].Path)
	default:
		return fmt.Sprintf("%s and %d more", wording.Base(s.Inputs[0].Path), len(s.Inputs)-1)
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
