package mapping

import "strings"

// GivenTable stands for the file of a lookup where nobody reads one: whatever the key,
// it has the one row that a test of the mapping gives.
type GivenTable struct {
	row []byte // a JSON object; nil: no key is there
}

// Layout implements Table.
func (t *GivenTable) Layout() Layout { return Layout{JSON: true} }

// Find implements Table.
func (t *GivenTable) Find(_ []byte, _ *[]byte, rec *Record) (Found, string) {
	if t.row == nil {
		return Missing, ""
	}
	*rec = Record{JSON: t.row}
	return There, ""
}

// GivenTables are tables for the lookups of a mapping. Give says what their rows are.
type GivenTables map[string]*GivenTable

// GivenTables makes tables in which no key is found.
func (s *Spec) GivenTables() GivenTables {
	g := GivenTables{}
	for _, l := range s.lookups {
		g[l.name] = &GivenTable{}
	}
	return g
}

// has tells that a name is a column of a lookup.
func (g GivenTables) has(name string) bool {
	lookup, _, ok := strings.Cut(name, ".")
	return ok && g[lookup] != nil
}

// Tables are the tables for a Layout.
func (g GivenTables) Tables() map[string]Table {
	out := map[string]Table{}
	for name, t := range g {
		out[name] = t
	}
	return out
}

// Clear has no key be found.
func (g GivenTables) Clear() {
	for _, t := range g {
		t.row = nil
	}
}

// Give adds a column to the row of a table, by the name that it has in the mapping, such
// as profiles.email; value is JSON. It is false when no lookup has that name.
func (g GivenTables) Give(name string, value []byte) bool {
	lookup, column, ok := strings.Cut(name, ".")
	t := g[lookup]
	if !ok || t == nil {
		return false
	}
	if t.row == nil {
		t.row = append(t.row, '{')
	} else {
		t.row[len(t.row)-1] = ','
	}
	t.row = append(append(append(t.row, jsonText(column)...), ':'), value...)
	t.row = append(t.row, '}')
	return true
}
