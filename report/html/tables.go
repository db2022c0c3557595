package html

import (
	"cmp"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// valueLine is a line of the decision table. First begins a category.
type valueLine struct {
	summary.Decision
	Category string
	First    bool
}

// valueLines orders the decision table by what the values became, then by category; in
// each, what is frequent comes first.
func valueLines(table []summary.Decision) []valueLine {
	lines := make([]valueLine, len(table))
	for i, d := range table { // sorted by decision and category
		lines[i] = valueLine{d, category(d.Category), false}
	}
	same := func(a, b *valueLine) bool {
		return a.Decision.Decision == b.Decision.Decision && a.Category == b.Category
	}
	for from := 0; from < len(lines); {
		to := from + 1
		for to < len(lines) && same(&lines[from], &lines[to]) {
			to++
		}
		slices.SortStableFunc(lines[from:to], func(a, b valueLine) int { return cmp.Compare(b.Count, a.Count) })
		lines[from].First = true
		from = to
	}
	return lines
}

// becameClass is the colour of what a value became.
func becameClass(decision string) string {
	switch decision {
	case mapping.DecidedAccept, mapping.DecidedReject:
		return decision
	case mapping.DecidedInvalid:
		return "invalid"
	default:
		return "silent"
	}
}

// people are the persons of each category by their last word.
type people struct {
	Says  []segment // the words that occur, n being how many people in all
	Lines []peopleLine
}

// peopleLine is one category. Counts are those of the words that occur anywhere.
type peopleLine struct {
	Category string
	All      int64
	Counts   []int64
	Shapes   []shape
}

// lastWords are the parts of the people of a category, in the order in which all
// pictures have them.
func lastWords(w *summary.LastWord) []segment {
	return []segment{
		{"accept", "accept", w.Accept}, {"reject", "reject", w.Reject},
		{"expired", "accept that is over", w.Expired}, {"silent", "nothing that can be read", w.None},
	}
}

// Head is a word as the head of a column.
func (s segment) Head() string {
	switch s.Class {
	case "expired":
		return "Over"
	case "silent":
		return "Nothing"
	default:
		return strings.ToUpper(s.Name[:1]) + s.Name[1:]
	}
}

// newPeople draws the last words per category, the most people first.
func newPeople(all []summary.LastWord) (p people, more int) {
	var sum summary.LastWord
	var most int64 = 1
	all = slices.Clone(all)
	count := func(w *summary.LastWord) int64 { return w.Accept + w.Reject + w.Expired + w.None }
	for i := range all {
		w := &all[i]
		most = max(most, count(w))
		sum.Accept, sum.Reject, sum.Expired, sum.None = sum.Accept+w.Accept, sum.Reject+w.Reject, sum.Expired+w.Expired, sum.None+w.None
	}
	slices.SortStableFunc(all, func(a, b summary.LastWord) int { return cmp.Compare(count(&b), count(&a)) })
	if len(all) > maxPeople {
		all, more = all[:maxPeople], len(all)-maxPeople
	}
	occurs := lastWords(&sum)
	for _, x := range occurs {
		if x.N > 0 {
			p.Says = append(p.Says, x)
		}
	}
	for i := range all {
		w := &all[i]
		l := peopleLine{Category: category(w.Category), All: count(w)}
		segments := lastWords(w)
		for k, x := range segments {
			if occurs[k].N > 0 {
				l.Counts = append(l.Counts, x.N)
			}
		}
		l.Shapes = bar(segments, l.All, most)
		p.Lines = append(p.Lines, l)
	}
	return p, more
}

// TopPeople are the lines that are shown; the rest of a long table is folded.
func (p *reportPage) TopPeople() *people {
	return &people{p.People.Says, p.People.Lines[:min(len(p.People.Lines), foldedAfter)]}
}

// RestPeople are the lines that are folded; nil: none.
func (p *reportPage) RestPeople() *people {
	if len(p.People.Lines) <= foldedAfter {
		return nil
	}
	return &people{p.People.Says, p.People.Lines[foldedAfter:]}
}

// decisionBar is a line of the decisions per category, with its picture.
type decisionBar struct {
	summary.ByDecision
	Category string
	NotSent  int64
	Shapes   []shape
}

// decisionBars draws the decisions per category, each bar as long as its count
// among all.
func decisionBars(s *summary.Summary) (bars []decisionBar, more int) {
	shown := slices.Clone(s.ByDecision)
	if len(shown) > maxBars {
		slices.SortStableFunc(shown, func(a, b summary.ByDecision) int { return cmp.Compare(b.Made, a.Made) })
		shown, more = shown[:maxBars], len(shown)-maxBars
	}
	var most int64 = 1
	for _, d := range shown {
		most = max(most, d.Made)
	}
	for _, d := range shown {
		bars = append(bars, decisionBar{d, category(d.Category), d.Made - d.Sent, bar(outcomes(&d.Consents, s.DryRun), d.Made, most)})
	}
	return bars, more
}

// TopBars are the lines that are shown.
func (p *reportPage) TopBars() []decisionBar { return p.Bars[:min(len(p.Bars), foldedAfter)] }

// RestBars are the lines that are folded.
func (p *reportPage) RestBars() []decisionBar { return p.Bars[min(len(p.Bars), foldedAfter):] }

// bar draws segments side by side, as long as their count is among the most.
func bar(segments []segment, n, most int64) (shapes []shape) {
	if n == 0 {
		return nil
	}
	width := max(float64(n)/float64(most)*chartWidth, 4)
	for _, x := range layOut(segments, 0, 0, width, barHeight) {
		if x.W > 0 {
			shapes = append(shapes, x)
		}
	}
	return shapes
}

// barHeight is how high a bar in a table is, px.
const barHeight = 10
