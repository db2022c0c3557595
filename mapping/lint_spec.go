package mapping

import (
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// viewOf gathers what lint must know of a mapping.
func viewOf(s *Spec) lintSpec {
	view := lintSpec{names: map[string]vocabulary.Sense{}}
	blocks := append([]*Spec{s}, s.more...)
	endless := true
	for _, block := range blocks {
		f := block.fields[fieldValidUntil]
		endless = endless && f != nil && f.unlimited
	}
	for _, block := range blocks {
		if f := block.fields[fieldAction]; f != nil {
			view.seeField(block, f, nil, endless)
			for _, c := range f.cases {
				if c.assumes() {
					view.faults[ruleAssumed]++
				}
			}
		}
		if f := block.fields[fieldTimestamp]; f != nil {
			view.dayMonth = view.dayMonth || f.dayMonthUnclear()
			view.bothOrders = view.bothOrders || f.bothOrders()
		}
	}
	return view
}

// actionView is what lint must know of one table of values: that of an action, or of
// one of its cases.
type actionView struct {
	// columns are the columns or paths that state the action, by category; those
	// of every category stand under "".
	columns map[string][]string
	out     []string          // categories of which a yes says that somebody refused, whatever their column is called
	values  map[string]Action // as listed
	endless bool              // no consent has an end
}

// refused are the categories whose elements say what somebody refused: those of a list that
// is called so, or of one whose lack of a name is taken for an accept.
func (e *eachSpec) refused(values map[string]Action) (categories []string) {
	out := vocabulary.Name([]byte(e.source.name)) == vocabulary.Out
	for text, action := range values {
		out = out || e.all != nil && action == Accept && vocabulary.Value([]byte(text)) == vocabulary.No
	}
	switch {
	case !out:
	case e.all == nil:
		categories = []string{""}
	default:
		for _, p := range e.all {
			categories = append(categories, p.key)
		}
	}
	return categories
}

// seeField judges an action and its cases, each table of values by itself: what a yes
// means in one block or case says nothing of another. Taken are categories that a case
// above is for.
func (s *lintSpec) seeField(block *Spec, f *fieldSpec, taken func(category string) bool, endless bool) {
	for _, c := range f.cases {
		above, only := taken, onlyFor(c.when)
		if only == nil && c.when != nil {
			s.seeField(block, c, func(string) bool { return true }, endless) // what the rows of this case are about, their names do not say
			continue
		}
		s.seeField(block, c, func(category string) bool {
			return above != nil && above(category) || only != nil && category != "" && !only(category)
		}, endless)
		taken = func(category string) bool {
			return above != nil && above(category) || only == nil || category != "" && only(category)
		}
	}
	a := actionView{columns: map[string][]string{}, values: map[string]Action{}, endless: endless}
	for _, from := range f.from {
		if from.name == "each.value" {
			if block.each != nil && block.each.form == eachColumns {
				for _, c := range block.each.columns {
					for _, name := range c.names {
						if taken == nil || !taken(c.category) {
							a.columns[c.category] = append(a.columns[c.category], name.name)
						}
					}
				}
			}
			continue
		}
		if taken == nil || !taken("") {
			a.columns[""] = append(a.columns[""], strings.TrimPrefix(from.name, "each."))
		}
	}
	for _, v := range f.values {
		switch {
		case v.nothing:
		case v.to == "accept":
			a.values[v.from] = Accept
		case v.to == "reject":
			a.values[v.from] = Reject
		}
	}
	if e := block.each; e != nil && e.form != eachColumns && slices.ContainsFunc(f.from, func(from nameAt) bool { return from.name == "each.value" }) {
		a.out = e.refused(a.values)
	}
	s.see(a)
}

// onlyFor says for which categories a case is, where its condition asks nothing else;
// nil where it asks something of the row.
func onlyFor(when *condition.Condition) func(category string) bool {
	if when == nil {
		return nil
	}
	for _, r := range when.Refs() {
		if !r.Each || r.Name != "key" {
			return nil
		}
	}
	when = when.Clone()
	return func(category string) bool {
		holds, err := when.Holds(func(int) condition.Operand {
			return condition.Operand{Kind: jsonvalue.String, Text: []byte(category)}
		})
		return holds && err == nil
	}
}

// dayMonthUnclear reports whether a pattern of the field leaves it open which of
// two numbers is the day.
func (f *fieldSpec) dayMonthUnclear() bool {
	for _, c := range f.cases {
		if c.dayMonthUnclear() {
			return true
		}
	}
	return f.times != nil && f.times.DayMonthUnclear()
}

// bothOrders reports whether the field, or one case of it, tries the day before the
// month and the other way round.
func (f *fieldSpec) bothOrders() bool {
	return slices.ContainsFunc(f.cases, (*fieldSpec).bothOrders) || f.times != nil && f.times.BothOrders()
}

// see judges a table of values.
func (s *lintSpec) see(a actionView) {
	if s.names == nil {
		s.names = map[string]vocabulary.Sense{}
	}
	judge := func(category string, n vocabulary.Sense) {
		s.inverted = s.inverted || n == vocabulary.Out
		own := n
		// Where tables differ about a category, its name alone is no reason to doubt.
		if was, seen := s.names[category]; seen && was != n {
			n = vocabulary.None
		}
		s.names[category] = n
		for text, action := range a.values {
			marks := doubts(own, []byte(text), action)
			for _, r := range [...]rule{ruleAgainst, ruleNotAgainst} {
				if marks.has(r) {
					s.faults[r]++
				}
			}
		}
	}
	for category, columns := range a.columns {
		n := vocabulary.None
		for _, column := range columns {
			if n = vocabulary.Name([]byte(column)); n != vocabulary.None {
				break
			}
		}
		judge(category, n)
	}
	for _, category := range a.out {
		judge(category, vocabulary.Out)
	}
	for text, action := range a.values {
		marks := doubts(vocabulary.None, []byte(text), action)
		for _, r := range [...]rule{ruleImplied, ruleEnded, ruleOtherwise} {
			if marks.has(r) && (r != ruleEnded || a.endless) {
				s.faults[r]++
			}
		}
	}
}
