package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

// refusals asks about columns that hold refusals beside the decisions that were chosen:
// lists of suppressions, do-not flags. Whoever is in them has said no, whatever the
// decision says. A list whose elements state them becomes a block of its own, and so does
// a column where the decisions lie in blocks already.
func (d *draft) refusals() {
	s := d.s
	if s.open() || s.FileState {
		return // a person has to choose among them
	}
	var names []string
	var lists []Candidate
	var columns, asked []*Column
	for _, o := range s.Candidates {
		for _, c := range o.Columns {
			if slices.Contains(s.Decisions, c) || c == s.Source || slices.Contains(names, c.name) || slices.Contains(columns, c) || o.Source != nil && (o.Source == s.Source || slices.Contains(d.drafted, o.Source)) {
				continue
			}
			switch {
			case c.says[saysReject] == 0 && (!asksOpposite(c.name) || flagShare(c) == 0 || c.says[saysAccept] > 0):
			case o.Form == "array" && s.Form != "" && len(o.Columns) == 1:
				d.drafted = append(d.drafted, o.Source)
				lists = append(lists, o)
			case o.Source == nil && s.Form != "" && !strings.Contains(c.name, "[]"):
				d.drafted = append(d.drafted, c)
				columns = append(columns, c)
			default:
				if names = append(names, c.name); o.Source == nil {
					asked = append(asked, c)
				}
			}
		}
	}
	slices.SortStableFunc(lists, func(a, b Candidate) int { return d.order(a.Source) - d.order(b.Source) })
	for _, o := range lists {
		d.blocks = append(d.blocks, d.refusalBlock(o))
	}
	for _, c := range columns {
		d.blocks = append(d.blocks, d.refusalColumn(c))
	}
	if len(names) == 0 {
		return
	}
	more := ""
	if len(names) > maxShownValues {
		more = fmt.Sprintf(" and %d more", len(names)-maxShownValues)
		names = names[:maxShownValues]
	}
	rule := list()
	rule.items = append(rule.items, plain(mapping.ToDecide))
	text := []string{"", mapping.ToDecide + ": these hold refusals as well: " + strings.Join(names, ", ") + more + "."}
	if blocks := d.asBlocks(asked[:min(len(asked), maxShownValues)], nil); blocks != nil {
		text = append(append(text, "If they refuse what is mapped below, skip the rows that they refuse, or map them by blocks in place of this rule:"), blocks...)
	} else {
		text = append(text, "If they refuse what is mapped below, make each a list of blocks with one for them, or skip the rows that they refuse;")
	}
	d.top.set("skip", rule).above(append(text, "If the decision below knows them already, remove this rule.")...)
}

// refusalColumn drafts the block of each for a column that holds refusals.
func (d *draft) refusalColumn(c *Column) *node {
	within := d.about(Candidate{Form: "columns", Columns: []*Column{c}})
	block := newMap()
	block.set("columns", newMap()).set(mapping.ToDecide, d.from(c)).beside(mapping.ToDecide + ": it holds refusals; of which category? Remove this block if the decisions above know them already")
	if d.inSome(c) {
		block.set("optional", plainTrue())
	}
	consent := block.set("consent", newMap())
	// Where nothing is an accept, a no is not one either: nobody is held, nobody complained.
	within.decided(consent.set("action", newMap()), within.s.Decisions, within.objections().all || c.says[saysAccept] == 0)
	if d.s.Form == "array" || d.s.Form == "lists" || d.s.Category != nil {
		consent.set("category", plain("each.key"))
	}
	if len(d.s.Times) != 1 || d.s.Times[0].Of != "" || d.s.Times[0].Rejects || slices.ContainsFunc(d.s.Times[0].Columns, func(t *Column) bool { return strings.Contains(t.name, "[]") }) {
		consent.set("timestamp", within.timeField(nil)).above(mapping.ToDecide + ": when did somebody refuse?")
	}
	d.endless(consent)
	return block
}

// endless says that refusals have no end, where that of the decisions lies in a list that
// is not theirs.
func (d *draft) endless(consent *node) {
	if c := d.s.ValidUntil; c != nil && d.s.element(c) != c.name {
		consent.set("validUntil", plain("unlimited"))
	}
}

// order is where a column stands among all.
func (d *draft) order(c *Column) int {
	return slices.IndexFunc(d.in.Columns, func(o Column) bool { return o.name == c.name })
}

// refusalBlock drafts the block of each for a list of refusals, with what the elements
// of that list say: its own action, category and time.
func (d *draft) refusalBlock(of Candidate) *node {
	within := d.about(of)
	block := newMap()
	block.set("array", plain(of.Source.name)).beside("it holds refusals beside the decisions above: remove this block if these know them already")
	consent := block.set("consent", newMap())
	within.decided(consent.set("action", newMap()), of.Columns, within.objections().all)
	about, times := within.inElement()
	consent.set("category", flow("const", plain(mapping.ToDecide))).beside(mapping.ToDecide + ": about which of the above?" + about)
	consent.set("timestamp", within.timeField(times))
	d.endless(consent)
	return block
}

// inElement looks through the members of the elements of a list beside their decision:
// what a category may be read from, and the time where it can only be that one.
func (d *draft) inElement() (about string, times []*Column) {
	var others []string
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		rest, ok := strings.CutPrefix(c.name, d.s.Source.name+"[].")
		switch {
		case !ok || strings.Contains(rest, "[]") || c.Filled == 0 || slices.Contains(d.s.Decisions, c):
		case len(c.Times) > 0:
			if classOf(c) == timeOwn && !isExpiry(c.name) {
				times = append(times, c)
			}
		case c.shares[kindObject]+c.shares[kindArray] == 0 && len(others) < 3:
			others = append(others, d.s.element(c))
		}
	}
	if len(others) > 0 {
		about = " Or is it about what " + strings.Join(others, ", ") + " names? Then: category: {from: " + others[0] + "}"
	}
	if len(times) > 1 {
		times = nil
	}
	return about, times
}
