package inspect

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

// asBlocks shows how a row that states one decision has others mapped as well: refusals
// in columns, and lists of decisions. None where the decision is not of one column.
func (d *draft) asBlocks(columns []*Column, lists []Candidate) []string {
	s := d.s
	if s.Form != "" || len(s.Decisions) != 1 || s.Category != nil || s.FileState || len(columns)+len(lists) == 0 {
		return nil
	}
	lines := []string{
		"each:",
		"  - " + flow("columns", flow(lastName(s.Decisions[0].name), d.from(s.Decisions[0]))).inline(),
	}
	for _, c := range columns {
		within := d.about(Candidate{Form: "columns", Columns: []*Column{c}})
		action := flow("from", plain("each.value"), "values", within.openValues(asksOpposite(c.name) || c.says[saysAccept] == 0))
		lines = append(lines, "  - "+flow("columns", flow(lastName(c.name), d.from(c)), "consent", flow("action", action)).inline())
	}
	for _, o := range lists {
		within := d.about(o)
		category := flow("const", plain(mapping.ToDecide))
		v := view{in: d.in}
		if c := v.category(o.Source.name+"[].", o.Columns); c != nil {
			category = plain(within.s.element(c))
		}
		action := flow("from", within.actionFrom(), "values", within.openValues(false))
		lines = append(lines, "  - "+flow("array", plain(o.Source.name), "consent", flow("action", action, "category", category)).inline())
	}
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	for _, o := range lists {
		if c := o.Columns[0]; flagShare(c) > 0.9 && c.known["true"] > 0 && c.known["false"] > 0 {
			rest := strings.TrimPrefix(c.name, o.Source.name+"[]")
			rule := fmt.Sprintf(`skip: ['len(%s ?? []) > 0 and not any(%[1]s ?? [], string(%s) == "true")']`, rowReference(o.Source), rest)
			lines = append(lines, "Is who agreed to nothing in "+o.Source.name+" still an accept above? If not, in the first block: "+rule)
		}
	}
	return append(lines, "and below: action: {from: each.value, …}, category: each.key. A block has a timestamp of its own where its decisions have.")
}

// about is the draft of other decisions of the same export.
func (d *draft) about(o Candidate) *draft {
	own := *d.s
	own.Candidate, own.Decisions, own.Category, own.ValidUntil = o, o.Columns, nil, nil
	return &draft{in: d.in, s: &own, zoned: d.zoned}
}

// openValues are the values of decisions on one line, as far as they are shown.
func (d *draft) openValues(opposite bool) *node {
	words, _ := d.decisionWords(d.s.Decisions)
	values := d.values(words, opposite)
	values.flow = true
	return values
}

// otherLists are lists of decisions beside the one that was chosen.
func (d *draft) otherLists() []Candidate {
	var out []Candidate
	for _, o := range d.s.Candidates {
		if o.Form == "array" && len(o.Columns) == 1 && o.score >= sureScore {
			out = append(out, o)
		}
	}
	return out
}
