package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// resolve finds a name: false when the export lacks it.
func (b *binder) resolve(n nameAt) (accessor, bool) {
	name := n.name
	switch {
	case name == "$file":
		return accessor{kind: accessFile, name: name}, true
	case name == "$row":
		return accessor{kind: accessRow, name: name}, true
	case name == "$key" && b.m.layout.JSON:
		return accessor{kind: accessRowKey, name: name}, true
	case b.m.spec.each != nil && strings.HasPrefix(name, "each."):
		return b.element(n), true
	}
	if at, rest := b.lookup(name); at >= 0 {
		return b.inLookup(at, n, rest)
	}
	return b.column(n)
}

// column finds a name of the row: false when the export lacks it.
func (b *binder) column(n nameAt) (accessor, bool) {
	name := n.name
	if first, _, _ := strings.Cut(name, "."); slices.Contains(b.m.layout.Taken, first) {
		b.fail(n.at, "", "repaired rows do not have the export's own %q, but what an import found under that name: rename it in a copy of the export, and import that as what is new against this import", first)
		return accessor{}, true
	}
	if b.m.layout.JSON && len(b.m.layout.Columns) > 0 {
		return b.position(n)
	}
	if cell, rest := b.textInside(name); b.m.layout.JSON && rest != nil {
		return accessor{kind: accessCellPath, cell: cell, at: jsonvalue.Place{Path: rest}, name: name}, true
	}
	if b.m.layout.JSON {
		p, err := jsonvalue.ParsePath(name)
		if err != nil {
			b.fail(n.at, "", "%v", err)
			return accessor{}, true
		}
		a := accessor{kind: accessDoc, at: jsonvalue.Place{Path: p}, name: name}
		if _, member := p.First(); len(p) > 1 || !member {
			a.at.Exact = name
		}
		return a, true
	}
	if col := b.header(n, name); col >= 0 {
		return accessor{kind: accessCell, col: col, name: name}, true
	}
	p, err := jsonvalue.ParsePath(name)
	if err != nil || len(p) < 2 {
		return accessor{}, false
	}
	first, ok := p.First()
	if !ok {
		return accessor{}, false
	}
	col := b.header(n, first)
	if col < 0 {
		return accessor{}, false
	}
	return accessor{kind: accessCellPath, cell: b.cell(col), at: jsonvalue.Place{Path: p[1:]}, name: name}, true
}

// position finds a value of rows that are arrays, by the name of its column: false
// when the mapping gives none of that name.
func (b *binder) position(n nameAt) (accessor, bool) {
	col, below := b.header(n, n.name), jsonvalue.Path(nil)
	if p, err := jsonvalue.ParsePath(n.name); col < 0 && err == nil && len(p) > 1 {
		if first, ok := p.First(); ok {
			col, below = b.header(n, first), p[1:]
		}
	}
	if col < 0 {
		return accessor{}, false
	}
	p, err := jsonvalue.ParsePath(fmt.Sprintf("[%d]", col))
	if err != nil {
		b.fail(n.at, "", "%v", err) // cannot be
	}
	return accessor{kind: accessDoc, at: jsonvalue.Place{Path: append(p, below...)}, name: n.name}, true
}

// header finds a header cell; a header that has it twice is a fault.
func (b *binder) header(n nameAt, name string) int {
	at := slices.Index(b.m.layout.Columns, name)
	if at >= 0 && slices.Contains(b.m.layout.Columns[at+1:], name) {
		whose := "the export"
		if b.m.inside != nil {
			whose = b.m.inside.file
		}
		b.fail(n.at, "rename one of them in "+whose+", or remove the column from the mapping", "%s has two columns %q, so it is unclear which one is meant", whose, name)
	}
	if at >= 0 && b.m.read != nil { // nil: of the file of a lookup
		b.m.read[at] |= columnRead
	}
	return at
}

// textInside finds the value of a JSON row that holds JSON as a text, if the name lies
// inside of one that input.json names: its number, and the way on from there, which
// is empty for the name itself, and nil where there is none.
func (b *binder) textInside(name string) (cell int, rest jsonvalue.Path) {
	longest := 0
	for i, n := range b.m.spec.inJSON {
		below, ok := strings.CutPrefix(name, n.name)
		if !ok || below == "" || below[0] != '.' && below[0] != '[' || len(n.name) < longest {
			continue
		}
		if p, err := jsonvalue.ParsePath(strings.TrimPrefix(below, ".")); err == nil {
			cell, rest, longest = i, p, len(n.name)
		}
	}
	return cell, rest
}

// textsInside makes a cell of each value that input.json names, in their order. One
// that the export lacks is a fault.
func (b *binder) textsInside() {
	for _, n := range b.m.spec.inJSON {
		a, ok := b.column(n)
		switch {
		case !ok:
			b.lacks(n, "input.json")
		case a.kind == accessCellPath && a.cell >= len(b.m.cells):
			b.fail(n.at, "", "input.json: %q lies in a text that the list names behind it", n.name)
		case b.m.layout.JSON:
			b.m.cells = append(b.m.cells, jsonCell{inside: &a, name: n.name})
			b.expect("input.json", []nameAt{n}, []accessor{a})
		}
	}
}

// cell registers a CSV column that holds JSON.
func (b *binder) cell(col int) int {
	for i := range b.m.cells {
		if b.m.cells[i].col == col {
			return i
		}
	}
	b.m.cells = append(b.m.cells, jsonCell{col: col, name: b.m.layout.Columns[col]})
	return len(b.m.cells) - 1
}

func (b *binder) element(n nameAt) accessor {
	kind, path, up, message := b.m.spec.each.elementName(strings.TrimPrefix(n.name, "each."))
	if message != "" {
		b.fail(n.at, "", "%s", message)
	}
	a := accessor{kind: kind, at: jsonvalue.Place{Path: path}, up: up, name: n.name}
	if kind == accessElement {
		a.cell = slices.Index(b.elementNames, n.name)
		if a.cell < 0 {
			a.cell = len(b.elementNames)
			b.elementNames = append(b.elementNames, n.name)
			b.m.elementValues = append(b.m.elementValues, elementValue{})
		}
	}
	return a
}

func (b *binder) lacks(n nameAt, what string) {
	if b.lacksLookup(n, what) {
		return
	}
	columns := b.m.layout.Columns
	if l := b.m.inside; l != nil {
		b.fail(n.at, "its columns: "+quoteAll(columns, 40), "%s: %s has no column %q%s", what, l.file, n.name, spelling.DidYouMean(n.name, columns))
		return
	}
	if slices.ContainsFunc(columns, isDatum) {
		b.fail(n.at, "where the export has no header, name its columns in the mapping: input: {columns: [...]}",
			"%s: the export has no column %q: its first line looks like a row, not like a header", what, n.name)
		return
	}
	hint := "the export's columns: " + quoteAll(columns, 40)
	if len(columns) == 1 {
		hint = "the export has one column, " + quoteAll(columns, 1) + "; if the header stands further below, say how many lines are above it: input: {skipLines: …}; if these are several columns, what stands between them: input: {delimiter: …}"
	}
	meant := spelling.DidYouMean(n.name, withUnlimited(what, columns))
	if meant == "" {
		hint += theText(what, n.name)
	}
	b.fail(n.at, hint, "%s: the export has no column %q%s", what, n.name, meant)
}

// withUnlimited adds to names what a validUntil may be beside them.
func withUnlimited(what string, names []string) []string {
	if what == "validUntil" {
		return append(slices.Clone(names), "unlimited")
	}
	return names
}

// theText says how a field that takes any text gets one: source: web reads a column.
func theText(what, name string) string {
	switch what {
	case "source", "category", "message", "reason", "method":
		return fmt.Sprintf("; for the text itself say %s: {const: %q}", what, name)
	}
	return ""
}

// isDatum tells that a cell of a header is what a row says of a person: an address, a
// time, a long number. It is not repeated in a message.
func isDatum(column string) bool {
	digits := 0
	for _, r := range column {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return strings.Contains(column, "@") || digits >= 8
}

// anyOf resolves candidates of which at least one must exist, unless optional.
func (b *binder) anyOf(names []nameAt, what string, optional bool) []accessor {
	var out []accessor
	for _, n := range names {
		if n.name == "" { // a parameter that was left empty
			continue
		}
		a, ok := b.resolve(n)
		if !ok {
			b.m.missing = append(b.m.missing, n.name)
			continue
		}
		out = append(out, a)
	}
	switch {
	case optional || b.err != nil:
	case len(out) > 0:
		b.expect(what, names, out)
	case len(names) > 0 && names[0].name != "":
		b.lacks(names[0], what)
	}
	return out
}
