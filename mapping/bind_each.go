package mapping

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/consentimport/consentimport/mapping/spelling"
)

func (b *binder) bindEach(e *eachSpec) {
	b.m.eskip = b.rules(e.skip)
	if e.form != eachColumns {
		b.m.listEmpty = noDecision + ": " + columnSays(e.source.name, "is empty")
		if found := b.anyOf([]nameAt{e.source}, "each", e.optional || e.otherwise && b.m.layout.JSON); len(found) > 0 {
			b.m.list = found[0]
		}
		if b.m.list.kind == accessCell && (e.form == eachArray || e.form == eachObject) { // the whole cell is the list
			b.m.list = accessor{kind: accessCellPath, cell: b.cell(b.m.list.col), name: b.m.list.name}
		}
		if b.m.list.kind == accessLookup && (e.form == eachArray || e.form == eachObject) {
			b.m.list = b.wholeLookup(b.m.list)
		}
		for i, n := range b.m.spec.inJSON {
			if b.m.layout.JSON && n.name == e.source.name { // the whole text is the list
				b.m.list = accessor{kind: accessCellPath, cell: i, name: n.name}
			}
		}
		return
	}
	if e.star {
		b.star(e)
		return
	}
	var all []accessor
	for _, c := range e.columns {
		from := b.anyOf(c.names, "each", e.optional)
		if len(from) > 0 {
			b.m.columns = append(b.m.columns, boundColumn{[]byte(c.category), from})
		}
		all = append(all, from...)
	}
	if e.optional && e.several && len(e.columns) == 1 { // other blocks have the other decisions
		return
	}
	if e.optional && len(all) > 0 { // one at least must exist
		var names []nameAt
		for _, c := range e.columns {
			names = append(names, c.names...)
		}
		b.expect("each", names, all)
	}
	if len(b.m.columns) == 0 {
		b.lacks(e.columns[0].names[0], "each")
	}
}

// placeholder is what programs call a column without a name: pandas (its index), SheetJS,
// readr, Spark and Excel.
var placeholder = regexp.MustCompile(`^(Unnamed: \d+(\.\d+)?|__EMPTY(_\d+)?|\.\.\.\d+|_c\d+|Column\d+)$`)

// star takes every column that is not excepted.
func (b *binder) star(e *eachSpec) {
	if b.m.layout.JSON {
		b.fail(e.at, "use object: path", `columns: "*" needs a header, which JSON does not have`)
		return
	}
	for i, name := range b.m.layout.Columns {
		named := slices.Contains(e.except, name)
		excepted := named || slices.ContainsFunc(e.except, func(glob string) bool {
			ok, err := path.Match(glob, name)
			return err == nil && ok
		})
		if excepted && !named {
			b.m.read[i] |= columnPassed
		} else {
			b.m.read[i] |= columnRead // what is left out by its name is left out on purpose
		}
		switch {
		case excepted && name != "":
			continue
		case placeholder.MatchString(name):
			if !e.unnamed {
				b.fail(e.at, fmt.Sprintf("leave it out with except: [%q], or name the columns one by one with columns: {category: column}", name),
					`columns: "*": column %d of the export is called %q, as programs call a column without a name, so it is unclear what its decisions are about`, i+1, name)
			}
			continue
		case len(spelling.TrimInvisible([]byte(name))) == 0:
			if !e.unnamed {
				b.fail(e.at, `leave it out with except: [""], or name the columns one by one with columns: {category: column}`,
					`columns: "*": column %d of the export has no name, so it is unclear what its decisions are about`, i+1)
			}
			continue
		}
		if name != "_row" && name != "_error" {
			b.m.columns = append(b.m.columns, boundColumn{[]byte(name), []accessor{{kind: accessCell, col: i, name: name}}})
		}
	}
	if len(b.m.columns) == 0 {
		b.fail(e.at, "name them with columns: {category: column}", "no column is left for decisions")
	}
}
