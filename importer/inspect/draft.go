package inspect

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// draft is the mapping that is suggested, while it is built.
type draft struct {
	in    *Inspection
	s     *Suggestion
	top   *node
	notes []string // above the consent: what may be read in another way
	// otherGround are conditions of rows whose legal ground is none of consent.
	otherGround []string
	zoned       bool      // one timezone for all times stands at the top
	unsaid      string    // of these, which are empty in some rows
	blocks      []*node   // of each, for lists of refusals beside the decisions
	drafted     []*Column // these lists and columns
}

// SuggestMapping writes a mapping to start from, with comments. Wherever something
// cannot be known from the export it says DECIDE, and is no mapping until a person
// has decided; but for that it is a valid one.
func (in *Inspection) SuggestMapping() []byte {
	d := &draft{in: in, s: in.Suggest(), top: newMap()}
	name := draftName(in)
	head := []string{
		"A mapping to start from, suggested by what is in the export. Columns were chosen by",
		"their names and by what they hold: check each. Where it says " + mapping.ToDecide + ", a person must decide;",
		"run refuses the mapping until no " + mapping.ToDecide + " is left. What a value means is never guessed.",
	}
	for _, p := range in.Presets {
		head = append(head, fmt.Sprintf("The export looks like preset %s, which may be the better choice: consentimport mapping show %s", p.Name, p.Name))
	}
	d.top.set("name", plain(name)).above(head...)
	d.input()
	d.empty()
	d.zone()
	d.grounds()
	d.refusals()
	d.each()
	consent := d.top.set("consent", newMap())
	consent.above(append(d.notes, "")...)
	d.subject(consent)
	d.action(consent)
	d.category(consent)
	d.timestamp(consent)
	d.validUntil(consent)
	consent.set("source", flow("const", plain(name))).beside("what the decision came through, e.g. web, app, store")
	return d.top.document()
}

// flow is a map on one line, of keys and nodes by turns.
func flow(pairs ...any) *node {
	m := flowMap()
	for i := 0; i+1 < len(pairs); i += 2 {
		m.set(pairs[i].(string), pairs[i+1].(*node))
	}
	return m
}

// draftName is a name for the mapping, from that of the first file.
func draftName(in *Inspection) string {
	name := "export"
	if len(in.Inputs) > 0 {
		name = strings.ToLower(filepath.Base(in.Inputs[0].Path))
		name, _, _ = strings.Cut(name, ".")
	}
	name = strings.Trim(regexp.MustCompile(`[^a-z]+`).ReplaceAllString(name, "-"), "-")
	return cmp.Or(name, "export")
}

func (d *draft) input() {
	input := d.top.set("input", newMap())
	input.above("").beside("as it was detected")
	l := d.in.Layouts[0]
	input.set("format", plain(l.Format))
	if !l.Nested && len(d.in.Layouts) == 1 {
		input.set("delimiter", inQuotes(strings.ReplaceAll(l.Delimiter, "\t", `\t`)))
	}
	if !l.BOM && len(d.in.Layouts) == 1 && l.Encoding != "utf-8" {
		encoding := input.set("encoding", plain(l.Encoding))
		if d.in.Guessed != "" {
			encoding.beside("a guess: look whether names with accents come out right")
		}
	}
	if d.in.Skipped > 0 {
		input.set("skipLines", &node{text: fmt.Sprint(d.in.Skipped)}).beside("lines above the header")
	}
	if d.in.Headless {
		names := flowList()
		for _, n := range numbered(max(l.Columns, d.in.Unnamed)) {
			names.items = append(names.items, plain(n))
		}
		input.set("columns", names).beside("give them names: the rows have none")
	}
	if d.in.Paged != "" {
		where := "the files are pages that keep their rows there"
		if strings.HasSuffix(d.in.Paged, "*") {
			where = "the rows are the members of that object; $key is the key of each"
		}
		input.set("rows", plain(d.in.Paged)).beside(where)
	}
	if c := d.s.Source; c != nil && c.cell && (d.s.Form == "object" || d.s.Form == "array") {
		input.set("json", flowList(plain(c.name)))
	}
}

// empty lists the placeholders that stand for nothing.
func (d *draft) empty() {
	var found []string
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if c.shares[kindNothing] == 0 && c.Filled > 0 {
			continue
		}
		for _, s := range c.Samples {
			if k, ok := wordKind([]byte(s)); ok && k == kindNothing && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	if len(found) == 0 {
		return
	}
	slices.Sort(found)
	words := flowList(inQuotes(""))
	for _, s := range found {
		words.items = append(words.items, inQuotes(s))
	}
	d.top.set("empty", words).beside("cells that say nothing")
}

// grounds names columns that say of rows that their legal ground is another than
// consent: an accept there is none, and a refusal stays one. Where the action is read
// from one table of values, such rows get a table of their own.
//
// Where every question is whether somebody objects, there is no accept to be one.
func (d *draft) grounds() {
	if d.objections().all {
		return
	}
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if c.basis == 0 || strings.Contains(c.name, "[]") || slices.Contains(d.s.Decisions, c) {
			continue
		}
		d.notes = append(d.notes, "", fmt.Sprintf("%s names legal grounds other than consent (%s): where it does, an accept is not consent, and a refusal stays one", c.name, times(c.basis)))
		var words []string
		for v := range c.known {
			if w, ok := vocabulary.Lookup(v); ok && w.Sense == vocabulary.Basis {
				words = append(words, quoted(strings.ToLower(v)))
			}
		}
		if slices.Sort(words); len(words) > 0 {
			if c.Fill() < 1 {
				d.unsaid += fmt.Sprintf("; %s is empty in %.0f %% of the rows, which stay below: did these people consent?", c.name, max(1, 100*(1-c.Fill())))
			}
			d.otherGround = append(d.otherGround, "lower("+rowReference(c)+") in ["+strings.Join(words, ", ")+"]")
		}
	}
}

func (d *draft) each() {
	s := d.s
	switch s.Form {
	case "":
		d.lists()
		return
	case "lists":
		d.eachList()
		return
	}
	each := newMap()
	blocks := d.top.set("each", each)
	if len(d.blocks) > 0 {
		blocks = list(append([]*node{each}, d.blocks...)...)
		d.top.items[len(d.top.items)-1] = blocks
	}
	blocks.above("").beside("one row, several consents")
	switch s.Form {
	case "columns":
		columns := each.set("columns", newMap()).beside("category: column; name the categories as the target shall know them")
		for i, label := range labels(s.Decisions) {
			c := s.Decisions[i]
			n := columns.set(label, d.from(c))
			switch {
			case asksOpposite(c.name):
				n.beside("its name asks the opposite: a yes there is a reject")
			case asksTwice(c.name):
				n.beside(mapping.ToDecide + ": its name turns the question round twice; what is a yes there?")
			}
		}
		if slices.ContainsFunc(s.Decisions, d.inSome) {
			each.set("optional", plainTrue()).beside("not every file has all of them")
		}
	case "split":
		each.set("split", plain(s.Source.name))
		each.set("by", inQuotes(s.Source.Pairs.By))
		each.set("pair", inQuotes(s.Source.Pairs.Pair))
	default:
		each.set(s.Form, plain(s.Source.name))
	}
	if s.Form != "columns" && s.Form != "array" {
		each.items[len(each.items)-1].beside(`categories that nobody was asked about are not choices: skip: ['lower(each.key) in ["necessary", "essential"]']`)
	}
}

func plainTrue() *node { return &node{text: "true"} }

// eachList writes a block for each list of what was accepted or rejected.
func (d *draft) eachList() {
	each := d.top.set("each", list())
	each.above("").beside("one row, several consents: a block for each list")
	defer func() { each.items = append(each.items, d.blocks...) }()
	for _, c := range d.s.Decisions {
		block := newMap()
		form := "array"
		if c.shares[kindArray] == 0 {
			form = "split"
		}
		source := block.set(form, plain(c.name))
		if listSense(c.name) == saysAccept {
			source.beside(`categories that nobody was asked about are not decisions: skip: ['lower(each.value) in ["necessary", "essential"]']`)
		}
		if form == "split" {
			block.set("by", inQuotes(","))
		}
		says := "what was accepted"
		if listSense(c.name) == saysReject {
			says = "what was rejected"
		}
		own := block.set("consent", newMap())
		own.set("action", flow("const", plain(mapping.ToDecide))).beside(fmt.Sprintf("%s: accept or reject? Its name says that it lists %s", mapping.ToDecide, says))
		each.items = append(each.items, block)
	}
}

// lists names columns that hold lists: they may say what was accepted.
func (d *draft) lists() {
	var lines []string
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if c.lists > 0.3 && c.Distinct >= 0 && !strings.Contains(c.name, "[]") && len(c.Times) == 0 {
			if c == d.s.Parts {
				continue // said at the action
			}
			lines = append(lines, "", fmt.Sprintf("%s holds lists. If it lists what was accepted, who left something out has refused it; with every category there is:", c.name))
			lines = append(lines, acceptedList(c)...)
		}
	}
	if len(lines) > 0 {
		d.notes = append(d.notes, lines...)
	}
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// single writes a text in single quotes, as patterns are easiest read.
func single(s string) *node { return &node{text: "'" + strings.ReplaceAll(s, "'", "''") + "'"} }

// inSome reports whether some files lack a column.
func (d *draft) inSome(c *Column) bool { return len(c.within) > 0 && len(c.within) < len(d.in.Layouts) }

// fill warns of a column that is often empty.
func (d *draft) fill(c *Column) string {
	if c.Fill() > 0.995 {
		return ""
	}
	return fmt.Sprintf("filled in %.0f %%", 100*c.Fill())
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
func (d *draft) from(c *Column, also ...*Column) *node {
	if len(c.Spellings)+len(also) == 0 {
		return plain(d.s.element(c))
	}
	names := flowList()
	for _, c := range append([]*Column{c}, also...) {
		names.items = append(names.items, plain(d.s.element(c)))
		for _, s := range c.Spellings {
			names.items = append(names.items, plain(s))
		}
	}
	return names
}

func (d *draft) category(consent *node) {
	s := d.s
	open := flow("const", plain(mapping.ToDecide))
	switch {
	case s.Category != nil:
		consent.set("category", flow("from", d.from(s.Category)))
	case s.Form == "array":
		consent.set("category", open).beside(mapping.ToDecide + ": no member of the elements looks like the name of a category")
	case s.Form == "lists":
		consent.set("category", plain("each.value"))
	case s.Form != "":
		consent.set("category", plain("each.key"))
	default:
		consent.set("category", open).beside(mapping.ToDecide + ": what is the decision about, e.g. newsletter? Without this line it is about everything")
	}
}
