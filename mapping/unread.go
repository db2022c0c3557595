package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// Unread says which name the mapping reads and no row has, as an *Error; nil when
// there is none. It is to be asked when the Mapper and its clones have seen all rows.
func (m *Mapper) Unread() error {
	for _, in := range m.joinedMappers() {
		if err := in.Unread(); err != nil {
			return err
		}
	}
	if m.sought.missing.Load() == 0 {
		return nil
	}
	nothing := int(m.sought.missing.Load()) == len(m.sought.readings)
	for _, r := range m.sought.readings {
		if r.unread() {
			return m.unread(r, nothing)
		}
	}
	return nil
}

// joinedMappers read the rows of the files that are looked up in, over all blocks.
func (m *Mapper) joinedMappers() []*Mapper {
	var all []*Mapper
	for _, block := range append([]*Mapper{m}, m.more...) {
		for _, j := range block.joins {
			all = append(all, j.in)
		}
	}
	return all
}

// unread reports whether no row has any of the names. Where the rows led no further
// than to something empty, nobody can tell what it would have held.
func (r *reading) unread() bool {
	if r.found.Load() {
		return false
	}
	for i := range r.led {
		if r.led[i].Load()%2 != 1 { // -1, or an even number: nothing says that it is missing
			return false
		}
	}
	return true
}

// unread makes the message about a reading; all says that nothing was found of what
// the mapping reads.
func (m *Mapper) unread(r *reading, all bool) error {
	n := r.names[0]
	e := &Error{File: m.spec.file, Line: n.at.line, Column: n.at.column}
	var quoted []string
	for _, name := range r.names {
		quoted = append(quoted, fmt.Sprintf("%q", name.name))
	}
	who := "no row of the export has"
	if m.inside != nil {
		who, all = "no row of "+m.inside.file+" that was looked up has", false
	}
	e.Message = fmt.Sprintf("%s: %s %s", r.what, who, strings.Join(quoted, " or "))
	there, deeper := m.around(r)
	text := ""
	if all {
		e.Message += ", nor any other name that the mapping reads"
	} else {
		_, last := cutLast(n.name)
		meant := spelling.DidYouMean(last, withUnlimited(r.what, there))
		e.Message += meant
		if meant == "" {
			text = theText(r.what, n.name)
		}
	}
	const way = "a name that may be missing from all rows is one with optional: true, or before ?? in a condition"
	switch {
	case deeper != "":
		e.Hint = fmt.Sprintf("the rows seem to lie deeper: say input: {rows: %s}", deeper)
	case all:
		e.Hint = "consentimport inspect EXPORT says what the file is, and which preset fits"
	case len(there) > 0:
		whose := "the export has"
		if m.inside != nil {
			whose = m.inside.file + " has"
		}
		e.Hint = whose + " there: " + quoteAll(there, 40) + "; " + way
	default:
		e.Hint = way
	}
	e.Hint += text
	return e
}

// cutLast parts a path before its last member.
func cutLast(path string) (before, last string) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// around looks at the sampled rows for the names that are there instead of one that
// is not, and for the place where the rows lie, should it be deeper in them.
func (m *Mapper) around(r *reading) (there []string, deeper string) {
	path, err := jsonvalue.ParsePath(strings.TrimPrefix(r.names[0].name, "each."))
	if err != nil {
		return nil, ""
	}
	element := strings.HasPrefix(r.names[0].name, "each.")
	m.sought.mu.Lock()
	defer m.sought.mu.Unlock()
	for _, text := range m.sought.samples {
		var d jsonvalue.Doc
		if d.Parse(text) != "" {
			continue
		}
		nodes := []int{0}
		if element {
			nodes = m.firstElements(&d)
		}
		for _, n := range nodes {
			steps, _ := d.Trace(n, path)
			if at := d.Find(n, path[:steps]); at != jsonvalue.None {
				there = append(there, memberNames(&d, at)...)
			}
		}
		if deeper == "" && !element {
			deeper = rowsBelow(&d, 0, m.spec.input.Rows, path, 3)
		}
	}
	slices.Sort(there)
	return slices.Compact(there), deeper
}

// firstElements are the first elements of the list in a sampled row.
func (m *Mapper) firstElements(d *jsonvalue.Doc) []int {
	var nodes []int
	if list := d.Find(0, m.list.at.Path); list != jsonvalue.None && d.Kind(list) >= jsonvalue.Array {
		for c := list + 1; c < d.Next(list) && len(nodes) < 8; c = d.Next(c) {
			nodes = append(nodes, c)
		}
	}
	return nodes
}

// memberNames lists the names of an object as far as they look like names, and not
// like people, who may be names too.
func memberNames(d *jsonvalue.Doc, n int) []string {
	var names []string
	if d.Kind(n) != jsonvalue.Object {
		return nil
	}
	var arena []byte
	for c := n + 1; c < d.Next(n) && len(names) < 100; c = d.Next(c) {
		if name := string(d.Key(c, &arena)); isName(name) {
			names = append(names, name)
		}
	}
	return names
}

// isName reports whether a text looks like the name of a thing.
func isName(s string) bool {
	digits, letters := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if digits++; digits > maxDigits {
				return false
			}
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == '-', r == '$', r == '.', r == ' ', r == ':', r == '/':
			digits = 0
			letters++
		default:
			return false
		}
	}
	return letters > 0 && len(s) <= 40
}

// rowsBelow finds the list in whose objects a path leads somewhere, or the object that
// has such objects under keys of their own; "" when there is none. At is the way to n.
func rowsBelow(d *jsonvalue.Doc, n int, at string, path jsonvalue.Path, depth int) string {
	if depth == 0 || d.Kind(n) != jsonvalue.Object {
		return ""
	}
	join := func(key string) string { return strings.TrimPrefix(at+"."+key, ".") }
	leads := func(n int) bool {
		if d.Kind(n) != jsonvalue.Object {
			return false
		}
		_, end := d.Trace(n, path)
		return end == jsonvalue.Found
	}
	var arena []byte
	for c := n + 1; c < d.Next(n); c = d.Next(c) {
		key := string(d.Key(c, &arena))
		named := isName(key) && !strings.ContainsAny(key, ".[")
		switch {
		case leads(c) && !named:
			return join("*")
		case !named:
		case d.Kind(c) == jsonvalue.Array:
			if first := d.Element(c, 0); first != jsonvalue.None && leads(first) {
				return join(key)
			}
		default:
			if found := rowsBelow(d, c, join(key), path, depth-1); found != "" {
				return found
			}
		}
	}
	return ""
}
