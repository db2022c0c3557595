package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const lookups = `name: looked-up
input: {format: jsonl}
lookup:
  purposes: {file: purposes.csv, key: id, on: each.purpose}
  people: {file: people.csv, key: id, on: person}
  homes: {file: homes.jsonl, key: id, on: people.home, required: true}
skip: [people.kind == "staff"]
each: {array: choices}
consent:
  userId: people.number
  action: {from: each.state, values: {"yes": accept, "no": reject}}
  timestamp: each.at
  validUntil: unlimited
  source: homes.address.country
  category: purposes.name
`

// people is a table by its keys.
type people struct {
	layout mapping.Layout
	rows   map[string]mapping.Record
}

func (p people) Layout() mapping.Layout { return p.layout }

func (p people) Find(key []byte, mem *[]byte, rec *mapping.Record) (mapping.Found, string) {
	switch r, ok := p.rows[string(key)]; {
	case string(key) == "twice":
		return mapping.Doubtful, "people.csv has two of them"
	case string(key) == "P1":
		return mapping.Near, ""
	case ok:
		*rec = r
		return mapping.There, ""
	}
	return mapping.Missing, ""
}

func cells(texts ...string) mapping.Record {
	var rec mapping.Record
	for _, t := range texts {
		rec.Cells = append(rec.Cells, []byte(t))
	}
	return rec
}

func boundToTables(t *testing.T) *mapping.Mapper {
	t.Helper()
	spec, err := mapping.Parse("m.yaml", []byte(lookups), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{JSON: true, Tables: map[string]mapping.Table{
		"purposes": people{mapping.Layout{Columns: []string{"id", "name"}}, map[string]mapping.Record{"1": cells("1", "news"), "2": cells("2", "ads")}},
		"people": people{mapping.Layout{Columns: []string{"id", "number", "kind", "home"}}, map[string]mapping.Record{
			"p1": cells("p1", "n1", "", "h"), "p2": cells("p2", "n2", "staff", "h"), "p3": cells("p3", "n3", "", "none")}},
		"homes": people{mapping.Layout{JSON: true}, map[string]mapping.Record{"h": {JSON: []byte(`{"id":"h","address":{"country":"de"}}`)}}},
	}})
	require.NoError(t, err)
	return m
}

func mapped(m *mapping.Mapper, row string) mapping.Result {
	var res mapping.Result
	m.Map(&mapping.Record{Row: 1, JSON: []byte(row)}, &res)
	return res
}

// A lookup goes by the row, by the element, or by what another lookup before it found.
func TestLookupsByRowElementAndLookup(t *testing.T) {
	m := boundToTables(t)
	for range 2 { // the second time with a clone
		res := mapped(m, `{"person":"p1","choices":[{"purpose":2,"state":"no","at":"2024-05-01T10:00:00Z"},{"purpose":"1","state":"yes","at":"2024-05-01T10:00:00Z"}]}`)
		require.Equal(t, mapping.Mapped, res.Status, res.Reason)
		require.Len(t, res.Consents, 2)
		assert.Equal(t, []string{"n1", "ads", "de"}, []string{string(res.Consents[0].UserID), string(res.Consents[0].Category), string(res.Consents[0].Source)})
		assert.Equal(t, "news", string(res.Consents[1].Category))
		assert.Zero(t, res.Missed)
		m = m.Clone()
	}
	assert.Equal(t, mapping.Skipped, mapped(m, `{"person":"p2","choices":[]}`).Status)
}

func TestKeysThatAreNotFound(t *testing.T) {
	m := boundToTables(t)
	const choice = `"choices":[{"purpose":1,"state":"no","at":"2024-05-01T10:00:00Z"}]}`
	for row, want := range map[string]struct {
		reason string
		missed mapping.Missed
	}{
		`{"person":"p9",` + choice:    {"no userId", mapping.MissedKey},
		`{"person":"P1",` + choice:    {"no userId", mapping.MissedNear},
		`{"person":null,` + choice:    {"no userId", 0},
		`{"person":"twice",` + choice: {"cannot be told: people.csv has two of them", 0},
		`{"person":["p1"],` + choice:  {"cannot be told", 0},
		`{"person":"p3",` + choice:    {"cannot be told: homes.jsonl has no row with that id", mapping.MissedKey},
		`{"person":"p1","choices":[{"purpose":7,"state":"no","at":"2024-05-01T10:00:00Z"}]}`: {"category", mapping.MissedKey},
	} {
		res := mapped(m, row)
		assert.Equal(t, mapping.Invalid, res.Status, row)
		assert.Contains(t, res.Reason, want.reason, row)
		assert.Equal(t, want.missed, res.Missed, row)
	}
}

func TestAnApprovalCoversTheLookups(t *testing.T) {
	was, err := mapping.Parse("m.yaml", []byte(lookups), nil)
	require.NoError(t, err)
	assert.Contains(t, string(was.Canonical()), "people.csv")
	found := false
	for _, o := range was.Origins() {
		found = found || o.Field == "lookup people" && o.From == "{file: people.csv, key: id, on: person}"
	}
	assert.True(t, found, "the sheet says where the person comes from: %v", was.Origins())
}
