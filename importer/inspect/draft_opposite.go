package inspect

import (
	"slices"
	"strings"
)

// objections says which of the decisions that are mapped answer whether somebody objects.
type objections struct {
	all                bool   // every one does
	when               string // holds for those that do, where others do not
	opposite, straight []*Column
}

// some reports whether some do and others do not.
func (o objections) some() bool { return o.when != "" }

// objections tells by the names of columns and members or, where one column states the
// decisions about every category, by the names of the categories.
func (d *draft) objections() (o objections) {
	s := d.s
	var keys []string
	switch s.Form {
	case "columns", "object":
		names := labels(s.Decisions)
		for i, c := range s.Decisions {
			if asksOpposite(c.name) {
				keys = append(keys, quoted(names[i]))
				o.opposite = append(o.opposite, c)
			} else {
				o.straight = append(o.straight, c)
			}
		}
		o.all = len(o.opposite) > 0 && len(o.straight) == 0
		if !o.all && len(keys) > 0 {
			o.when = "each.key in [" + strings.Join(keys, ", ") + "]"
		}
	case "", "array":
		if len(s.Decisions) == 0 {
			return o
		}
		o.opposite, o.straight = s.Decisions, s.Decisions
		o.all = onlyObjections(s)
		if o.all || s.Category == nil || slices.ContainsFunc(s.Decisions, func(c *Column) bool { return flagShare(c) == 0 }) {
			return o
		}
		for name := range s.Category.known {
			if namesObjection(name) {
				keys = append(keys, quoted(strings.ToLower(name)))
			}
		}
		slices.Sort(keys)
		if o.all = len(keys) > 0 && len(keys) == len(s.Category.known); !o.all && len(keys) > 0 {
			o.when = "lower(" + d.reference(s.Category) + ") in [" + strings.Join(keys, ", ") + "]"
		}
	}
	return o
}

// turned writes two tables of values, where some decisions answer the opposite of what
// others do.
func (d *draft) turned(action *node, o objections) {
	action.above(d.others()...)
	cases := action.set("cases", list())
	for _, turned := range []bool{true, false} {
		of, one := o.straight, newMap()
		if turned {
			of = o.opposite
			one.set("when", single(o.when)).beside("their names ask the opposite")
		}
		d.decided(one, of, turned)
		cases.items = append(cases.items, one)
	}
}

// onlyObjections reports whether a yes in every column of decisions is a reject.
func onlyObjections(s *Suggestion) bool {
	return len(s.Decisions) > 0 && !slices.ContainsFunc(s.Decisions, func(c *Column) bool { return !asksOpposite(c.name) })
}
