package text

import (
	"fmt"
	"io"
	"strings"

	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// mostMoves is how many values, and categories, of each kind the text lists. JSON and page
// list more.
const mostMoves = 40

// Difference writes what differs between two imports.
func Difference(w io.Writer, d *summary.Difference) error {
	p := &difference{}
	p.line("%s", summary.DifferenceVerdict(d))
	if !d.SameExport {
		p.line("NOT THE SAME EXPORT: what differs may come from the data, not from the mapping")
	}
	for _, n := range d.Notes {
		p.line("note: %s", n)
	}
	p.line("")
	p.columns(2, [][]string{p.side("A", &d.A), p.side("B", &d.B)})
	v := &d.Values
	p.moves("values that became something else", &v.Changed)
	p.moves("values that only B has", &v.New)
	p.moves("values that only A has", &v.Gone)
	p.moves("values that became the same in other numbers", &v.Moved)
	p.people(d.People)
	rows := [][]string{{"counts", "A", "B", ""}}
	for _, c := range d.Counts {
		rows = append(rows, []string{"  " + c.Name, wording.Thousands(c.A), wording.Thousands(c.B), wording.Delta(c.A, c.B)})
	}
	p.table(rows)
	rows = [][]string{{"lint", "A", "B", ""}}
	for _, l := range d.Lint {
		rows = append(rows, []string{"  " + l.Rule, wording.Thousands(l.A), wording.Thousands(l.B), found(l)})
	}
	p.table(rows)
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write the difference: %w", err)
	}
	return nil
}

// difference is the text as it grows.
type difference struct{ strings.Builder }

func (p *difference) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *difference) columns(left int, rows [][]string) {
	p.WriteString(wording.Columns(rows, left))
}

// table writes a table that has more than its head, with a blank line before it.
func (p *difference) table(rows [][]string) {
	if len(rows) > 1 {
		p.line("")
		p.columns(1, rows)
	}
}

func (p *difference) side(name string, s *summary.Side) []string {
	kind := "import"
	if s.DryRun {
		kind = "dry run"
	}
	return []string{name, fmt.Sprintf("%s in %s, mapping %s (sha256 %.12s), approval hash %.12s", kind, spelling.OneLine(s.Dir), spelling.OneLine(s.Mapping.Name), s.Mapping.SHA256, s.ApprovalHash)}
}

func (p *difference) moves(title string, m *summary.ValueMoves) {
	if m.Values == 0 {
		return
	}
	rows := [][]string{{fmt.Sprintf("%s (%s)", title, wording.Thousands(m.Values)), "", ""}}
	for i := range m.Lines[:min(len(m.Lines), mostMoves)] {
		l := &m.Lines[i]
		rows = append(rows, []string{"  " + name(l.Category), `"` + wording.Clip(spelling.OneLine(l.Value), 60) + `"`, becoming(l.A) + " → " + becoming(l.B)})
	}
	p.line("")
	p.line("%s", rows[0][0])
	p.columns(3, rows[1:])
	if left := m.Values - int64(len(rows)-1); left > 0 {
		p.line("  … %s more", wording.Thousands(left))
	}
}

// people lists the categories whose people have other last words.
func (p *difference) people(all []summary.PeopleMoved) {
	rows := [][]string{{"people, by their last word", "accept", "reject", "over", "nothing"}}
	left := 0
	for i := range all {
		m := &all[i]
		switch {
		case !m.Differs():
		case len(rows) > mostMoves:
			left++
		default:
			a, b := m.Before(), m.After()
			rows = append(rows, []string{"  " + name(m.Category), fromTo(a.Accept, b.Accept), fromTo(a.Reject, b.Reject), fromTo(a.Expired, b.Expired), fromTo(a.None, b.None)})
		}
	}
	p.table(rows)
	if left > 0 {
		p.line("  … %s more", wording.Plural(int64(left), "category"))
	}
}

func name(category string) string {
	if category == "" {
		return "(no category)"
	}
	return wording.Clip(spelling.OneLine(category), 40)
}

// fromTo is a number before and after.
func fromTo(a, b int64) string {
	if a == b {
		return wording.Thousands(a)
	}
	return wording.Thousands(a) + " → " + wording.Thousands(b)
}

// becoming says what a value became, and how often.
func becoming(all []summary.Became) string {
	if len(all) == 0 {
		return "(not there)"
	}
	parts := make([]string, len(all))
	for i, b := range all {
		parts[i] = fmt.Sprintf("%s (%s)", b.Decision, wording.Thousands(b.Count))
	}
	return strings.Join(parts, ", ")
}

// found says whether a finding is new or gone.
func found(l summary.LintMoved) string {
	switch {
	case l.A == 0:
		return "new"
	case l.B == 0:
		return "gone"
	default:
		return wording.Delta(l.A, l.B)
	}
}
