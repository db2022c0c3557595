package mapping

import (
	"strings"

	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// viewOf gathers what lint must know of a mapping.
func viewOf(s *Spec) lintSpec {
	a := actionView{columns: map[string][]string{}, values: map[string]Action{}}
	for _, block := range append([]*Spec{s}, s.more...) {
		if f := block.fields[fieldAction]; f != nil {
			a.add(block, f)
		}
	}
	a.endless = true
	for _, block := range append([]*Spec{s}, s.more...) {
		a.endless = a.endless && block.fields[fieldValidUntil] != nil && block.fields[fieldValidUntil].unlimited
	}
	var view lintSpec
	view.see(a)
	for _, block := range append([]*Spec{s}, s.more...) {
		if f := block.fields[fieldTimestamp]; f != nil {
			view.dayMonth = view.dayMonth || f.dayMonthUnclear()
		}
	}
	return view
}

// actionView is what lint must know of how a mapping reads an action.
type actionView struct {
	// columns are the columns or paths that state the action, by category; those
	// of every category stand under "".
	columns map[string][]string
	values  map[string]Action // as listed
	endless bool              // no consent has an end
}

// add gathers the columns and values of the action, those of its cases included.
func (a *actionView) add(s *Spec, f *fieldSpec) {
	for _, c := range f.cases {
		a.add(s, c)
	}
	for _, from := range f.from {
		if from.name == "each.value" {
			if s.each != nil && s.each.form == eachColumns {
				for _, c := range s.each.columns {
					for _, name := range c.names {
						a.columns[c.category] = append(a.columns[c.category], name.name)
					}
				}
			}
			continue
		}
		a.columns[""] = append(a.columns[""], strings.TrimPrefix(from.name, "each."))
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

// see judges the mapping by itself.
func (s *lintSpec) see(a actionView) {
	s.names = map[string]vocabulary.Sense{}
	for category, columns := range a.columns {
		n := vocabulary.None
		for _, column := range columns {
			if n = vocabulary.Name([]byte(column)); n != vocabulary.None {
				break
			}
		}
		s.inverted = s.inverted || n == vocabulary.Out
		if category == "" {
			s.column = n
		} else {
			s.names[category] = n
		}
		for text, action := range a.values {
			marks := doubts(n, vocabulary.Value([]byte(text)), action)
			for _, r := range [...]rule{ruleAgainst, ruleNotAgainst} {
				if marks.has(r) {
					s.faults[r]++
				}
			}
		}
	}
	for text, action := range a.values {
		marks := doubts(vocabulary.None, vocabulary.Value([]byte(text)), action)
		for _, r := range [...]rule{ruleImplied, ruleEnded, ruleOtherwise} {
			if marks.has(r) && (r != ruleEnded || a.endless) {
				s.faults[r]++
			}
		}
	}
}
