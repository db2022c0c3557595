package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestListsInsideOfLists: the elements are those of the inner lists, in the order of
// the document, and what holds them is each.parent.
func TestListsInsideOfLists(t *testing.T) {
	text := `
input: {format: jsonl}
each:
  array: purposes[].preferences[].options
  skip:
    - {when: each.parent.parent.status != "ACTIVE", reason: not active}
consent:
  userId: id
  action: {from: each.on, values: {"true": accept, "false": reject}}
  timestamp: each.parent.parent.at
  validUntil: unlimited
  source: {const: x}
  category: {template: "{each.parent.parent.name}/{each.parent.name}/{each.name}"}
`
	spec, err := Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	m, err := spec.Bind(Layout{JSON: true})
	require.NoError(t, err)
	for _, tt := range []struct {
		name, row string
		want      []string
		reason    string
	}{
		{"two levels", `{"id":"u1","purposes":[
			{"name":"A","status":"ACTIVE","at":"2024-01-02T03:04:05Z","preferences":[{"name":"p","options":[{"name":"x","on":true},{"name":"y","on":false}]},{"name":"q","options":[{"name":"z","on":true}]}]},
			{"name":"B","status":"WITHDRAWN","at":"2024-01-02T03:04:05Z","preferences":[{"name":"p","options":[{"name":"x","on":true}]}]},
			{"name":"C","status":"ACTIVE","at":"2024-01-02T03:04:05Z"},
			{"name":"D","status":"ACTIVE","at":"2024-01-02T03:04:05Z","preferences":[{"name":"p","options":null},{"name":"q","options":[]},{"name":"r","options":[{"name":"x","on":true}]}]}]}`,
			[]string{"accept A/p/x", "reject A/p/y", "accept A/q/z", "accept D/r/x"}, ""},
		{"no inner list", `{"id":"u1","purposes":[{"name":"C","status":"ACTIVE"}]}`, nil, "no decision"},
		{"the inner list is none", `{"id":"u1","purposes":[{"name":"C","status":"ACTIVE","preferences":{"name":"p"}}]}`, nil, "is not a list"},
		{"no list at all", `{"id":"u1"}`, nil, "purposes"},
	} {
		var out Result
		m.Map(&Record{Row: 1, JSON: []byte(tt.row)}, &out)
		var got []string
		if out.Status == Mapped {
			for i := range out.Consents {
				got = append(got, out.Consents[i].Action.String()+" "+string(out.Consents[i].Category))
			}
		}
		assert.Equal(t, tt.want, got, tt.name)
		assert.Contains(t, out.Reason, tt.reason, tt.name)
	}
	for _, wrong := range []struct{ array, name, says string }{
		{"a[].b", "each.parent.parent.x", "parent"},
		{"a[].b", "each.parent.index", "each.parent.index"},
		{"a[].b[].c[].d[].e", "each.x", "at most"},
		{"a[].b[", "each.x", "without its ]"},
	} {
		_, err := Parse("m.yaml", []byte("each: {array: \""+wrong.array+"\"}\nconsent: {userId: id, action: "+wrong.name+", timestamp: t, validUntil: unlimited, source: {const: x}}\n"), nil)
		assert.ErrorContains(t, err, wrong.says, wrong.array)
	}
}

// TestOptionalBlockMayBeAbsent: the only column of one of several blocks may be
// absent from the whole export, and no typing error in one of several columns is.
func TestOptionalBlockMayBeAbsent(t *testing.T) {
	for columns, fails := range map[string]bool{"{calls: doNotCall}": false, "{calls: doNotCall, post: doNotMail}": true} {
		spec, err := Parse("m.yaml", []byte(`
input: {format: jsonl}
each:
  - {columns: {news: status}}
  - {columns: `+columns+`, optional: true}
consent:
  userId: id
  action: {from: each.value, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: x}
  category: each.key
`), nil)
		require.NoError(t, err)
		m, err := spec.Bind(Layout{JSON: true})
		require.NoError(t, err)
		var out Result
		m.Map(&Record{Row: 1, JSON: []byte(`{"id":"u1","status":"yes","at":"2024-01-02T03:04:05Z"}`)}, &out)
		assert.Equal(t, Mapped, out.Status, out.Reason)
		assert.Equal(t, fails, m.Unread() != nil, columns)
	}
}

// TestConditionsLookIntoListsOfTheRowAndOfTheElement: any() looks at the list that is
// named, of the row and of each element by itself, and at nothing that lies around it.
func TestConditionsLookIntoListsOfTheRowAndOfTheElement(t *testing.T) {
	spec, err := Parse("m.yaml", []byte(`
input: {format: jsonl}
skip:
  - {when: 'any(marks ?? [], .is == "test")', reason: test row}
each:
  array: purposes
  skip:
    - {when: 'any(each.marks ?? [], .is == "old")', reason: old}
consent:
  userId: id
  action: {from: each.on, values: {"true": accept, "false": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: x}
  category: each.name
`), nil)
	require.NoError(t, err)
	m, err := spec.Bind(Layout{JSON: true})
	require.NoError(t, err)
	for marks, want := range map[string][]string{`[]`: {"A", "C"}, `[{"is":"old"}]`: {"A", "C"}, `[{"is":"real"},{"is":"test"}]`: nil} {
		var out Result
		m.Map(&Record{Row: 1, JSON: []byte(`{"about":{"is":"test"},"marks":` + marks + `,"id":"u1","at":"2024-01-02T03:04:05Z","purposes":[
			{"about":{"is":"old"},"name":"A","on":true,"marks":[]},
			{"name":"B","on":true,"marks":[{"is":"new"},{"is":"old"}]},
			{"about":{"is":"old"},"name":"C","on":true,"marks":[{"is":"new"}]}]}`)}, &out)
		var got []string
		for i := range out.Consents {
			got = append(got, string(out.Consents[i].Category))
		}
		assert.Equal(t, want, got, marks)
	}
}
