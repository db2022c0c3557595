package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func (d *draft) action() {
	s := d.s
	switch {
	case s.FileState:
		d.line(1, "action:")
		d.line(2, "from: $file # only the names of the files state it")
		d.line(2, `match: '^([^_.\s]*)'`)
		d.values(d.fileWords())
	case len(s.Decisions) == 0 && s.Source == nil:
		d.line(1, "# %s: which column says what somebody decided? None has words such as yes, opted_in or DENIED.", toDecide)
		for _, c := range d.datedDecisions() {
			d.line(1, "# %s holds times, and its name sounds like a decision at that time", c.name)
		}
		d.line(1, "action:")
		d.line(2, "from: %s", toDecide)
		d.values(nil)
	case s.ownWords():
		d.line(1, "action: %s # its values are accept and reject already", scalar(s.Decisions[0].name))
	default:
		d.line(1, "action:")
		d.line(2, "from: %s", s.actionFrom(d))
		d.values(d.decisionWords())
	}
}

// ownWords reports whether the export is in the words of the target already.
func (s *Suggestion) ownWords() bool {
	if s.Form != "" || len(s.Decisions) != 1 || !strings.EqualFold(s.Decisions[0].name, "action") || s.Decisions[0].Others > 0 {
		return false
	}
	for _, v := range s.Decisions[0].Values {
		if v.Value != "accept" && v.Value != "reject" {
			return false
		}
	}
	return len(s.Decisions[0].Values) > 0
}

// actionFrom is where a mapping reads the decision.
func (s *Suggestion) actionFrom(d *draft) string {
	switch s.Form {
	case "", "array":
		return d.from(s.Decisions[0])
	default:
		return "each.value"
	}
}

// element is how a mapping names a value of an array's element.
func (s *Suggestion) element(c *Column) string {
	if s.Form == "array" {
		if rest, ok := strings.CutPrefix(c.name, s.Source.name+"[]"); ok {
			return "each" + rest
		}
	}
	return c.name
}

// from is a column as a mapping takes it: in all its spellings, and with the
// columns that stand for it in other files.
func (d *draft) from(c *Column, also ...*Column) string {
	if len(c.Spellings)+len(also) == 0 {
		return scalar(d.s.element(c))
	}
	var names []string
	for _, c := range append([]*Column{c}, also...) {
		names = append(names, scalar(c.name))
		for _, s := range c.Spellings {
			names = append(names, scalar(s))
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// values writes the table of values, every one of them open.
func (d *draft) values(found []ValueCount) {
	d.line(2, "values: # accept or reject; a value that says nothing keeps an empty place, one that is not listed makes its row invalid")
	if len(found) == 0 {
		d.line(3, "%s: %s # %s: accept or reject?", toDecide, toDecide, toDecide)
	}
	for _, v := range found {
		count := ""
		if v.Count > 0 {
			count = fmt.Sprintf(" (%d times)", v.Count)
		}
		d.line(3, "%s: %s # %s: accept or reject?%s", quoted(v.Value), toDecide, toDecide, count)
	}
}

// decisionWords are the values of the decision columns; those that differ in
// case alone are one, as they are for values.
func (d *draft) decisionWords() []ValueCount {
	var all []ValueCount
	add := func(value string, n int64) {
		for i := range all {
			if strings.EqualFold(all[i].Value, value) {
				all[i].Count += n
				return
			}
		}
		all = append(all, ValueCount{value, n})
	}
	others := 0
	for _, c := range d.s.Decisions {
		others += c.Others
		for _, v := range c.Values {
			add(v.Value, v.Count)
		}
	}
	slices.SortStableFunc(all, func(a, b ValueCount) int { return cmp.Compare(b.Count, a.Count) })
	if others > 0 {
		d.line(2, "# Values that are not shown here: %d; a dry run lists the rows that have them.", others)
	}
	if len(all) == 0 && d.s.Source != nil { // decoders and lists of pairs
		for _, w := range []string{"true", "false", "yes", "no"} {
			if d.s.Form == "split" == (len(w) < 4) {
				all = append(all, ValueCount{w, 0})
			}
		}
	}
	return all
}

// fileWords are the states in the names of the files.
func (d *draft) fileWords() []ValueCount {
	var all []ValueCount
	for _, m := range d.in.Members {
		word, _, _ := strings.Cut(strings.ToLower(m.Name), "_")
		if i := slices.IndexFunc(all, func(v ValueCount) bool { return v.Value == word }); i >= 0 {
			all[i].Count += m.Rows
		} else {
			all = append(all, ValueCount{word, m.Rows})
		}
	}
	return all
}

// datedDecisions are columns such as unsubscribed_at: that there is a time says
// what was decided.
func (d *draft) datedDecisions() []*Column {
	var out []*Column
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if len(c.Times) > 0 && scoreOf(c.name, []hint{{"optin", 1}, {"opted", 1}, {"optout", 1}, {"subscri", 1}, {"withdraw", 1}, {"revoke", 1}, {"consent", 1}}) > 0 {
			out = append(out, c)
		}
	}
	return out
}
