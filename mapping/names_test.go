package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const soundRow = `{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z"}`

// TestNamesThatNoRowHas: a name inside JSON that the mapping reads is there in some
// row, or the export is not the one that the mapping is for.
func TestNamesThatNoRowHas(t *testing.T) {
	t.Parallel()
	list := "each: {array: list}\nconsent:\n  category: each.name\n  action: {from: each.on, values: {\"true\": accept, \"false\": reject}}\n"
	listed := `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[{"name":"news","on":true}]}`
	for _, c := range []struct {
		name, mapping string
		rows          []string
		want          string // part of the error; empty: there is none
		hint          string
	}{
		{"all there", "consent:\n", []string{soundRow}, "", ""},
		{"no rows", "consent:\n  userId: idd\n", nil, "", ""},
		{"action", "consent:\n  action: {from: chioce, values: {\"yes\": accept}}\n", []string{soundRow, soundRow}, `m.yaml:8:18: action: no row of the export has "chioce"; did you mean "choice"?`, "the export has there: at, choice, id;"},
		{"category", "consent:\n  category: purpos\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","purpose":"news"}`}, `category: no row of the export has "purpos"; did you mean "purpose"?`, ""},
		{"another case", "consent:\n  userId: ID\n", []string{soundRow}, `userId: no row of the export has "ID"; did you mean "id"?`, ""},
		{"timestamp", "consent:\n  timestamp: {from: [att, when]}\n", []string{soundRow}, `timestamp: no row of the export has "att" or "when"`, ""},
		{"end with a default", "consent:\n  validUntil: {from: expires, default: unlimited}\n", []string{soundRow}, `validUntil: no row of the export has "expires"`, "optional: true"},
		{"end that may be missing", "consent:\n  validUntil: {from: expires, default: unlimited, optional: true}\n", []string{soundRow}, "", ""},
		{"end misspelt", "consent:\n  validUntil: unlimitd\n", []string{soundRow}, `validUntil: no row of the export has "unlimitd"; did you mean "unlimited"?`, ""},
		{"text for a column", "consent:\n  source: web\n", []string{soundRow}, `source: no row of the export has "web"`, `for the text itself say source: {const: "web"}`},
		{"lifetime", "consent:\n  validUntil: {after: {from: days, unit: d}, default: unlimited}\n", []string{soundRow}, `validUntil: no row of the export has "days"`, ""},
		{"template", "consent:\n  message: {template: \"{id} {nr}\"}\n", []string{soundRow}, `message: no row of the export has "nr"`, ""},
		{"template that may be missing", "consent:\n  message: {template: \"{id} {nr}\", optional: true}\n", []string{soundRow}, "", ""},
		{"skip", "skip: test == true\nconsent:\n", []string{soundRow}, `m.yaml:2:7: condition: no row of the export has "test"`, "before ??"},
		{"refuse", "refuse: test == true\nconsent:\n", []string{soundRow}, `no row of the export has "test"`, ""},
		{"case", "consent:\n  action: {cases: [{when: 'out == true', const: reject}, {from: choice, values: {\"yes\": accept}}]}\n", []string{soundRow}, `no row of the export has "out"`, ""},
		{"with ??", "skip: (test ?? false) == true\nconsent:\n", []string{soundRow}, "", ""},
		{"with ?? twice", "skip: (test ?? tested ?? false) == true\nconsent:\n", []string{soundRow}, "", ""},
		{"behind ??", "skip: (id ?? tested) == true\nconsent:\n", []string{soundRow}, `no row of the export has "tested"`, ""},
		{"with ?.", "skip: meta?.test == true\nconsent:\n", []string{soundRow}, "", ""},
		{"with nil", "skip: test != nil && test == true\nconsent:\n", []string{soundRow}, "", ""},
		{"with row", "skip: row[\"test\"] == true\nconsent:\n", []string{soundRow}, "", ""},
		{"one of several", "consent:\n  userId: {from: [uid, id]}\n", []string{soundRow}, "", ""},
		{"null is there", "consent:\n  message: note\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","note":null}`}, "", ""},
		{"in the second row alone", "consent:\n  message: note\n", []string{soundRow, `{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","note":"x"}`}, "", ""},
		{"in a row that is skipped", "skip: id == \"u2\"\nconsent:\n  message: note\n", []string{soundRow, `{"id":"u2","choice":"yes","at":"2024-01-01T00:00:00Z","note":"x"}`}, "", ""},
		{"below null", "consent:\n  message: meta.note\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","meta":null}`}, "", ""},
		{"below nothing", "consent:\n  message: meta.note\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","meta":{}}`}, "", ""},
		{"below null and something else", "consent:\n  message: meta.note\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","meta":null}`, `{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","meta":{"notes":1}}`}, `no row of the export has "meta.note"; did you mean "notes"?`, ""},
		{"below what is missing", "consent:\n  message: mta.note\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","meta":{"note":1}}`}, `no row of the export has "mta.note"`, ""},
		{"below a text", "consent:\n  message: id.note\n", []string{soundRow}, `no row of the export has "id.note"`, ""},
		{"in an empty list", "consent:\n  message: \"notes[0].text\"\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","notes":[]}`}, "", ""},
		{"beyond a list", "consent:\n  message: \"notes[3]\"\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","notes":["x"]}`}, "", ""},
		{"in a list", "consent:\n  message: \"notes[0].txt\"\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","notes":[{"text":"x"}]}`}, `no row of the export has "notes[0].txt"; did you mean "text"?`, ""},
		{"an element by its value", "consent:\n  message: \"notes[k=b].v\"\n", []string{
			`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","notes":[{"k":"a","v":"x"}]}`, `{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","notes":[{"k":"b","v":"x"}]}`,
		}, "", ""},
		{"no element of that value", "consent:\n  message: \"notes[k=b].v\"\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","notes":[{"k":"a","v":"x"}]}`}, `no row of the export has "notes[k=b].v"`, ""},
		{"spelled exactly so", "consent:\n  message: a.b\n", []string{`{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","a.b":1}`}, "", ""},

		{"list", list, []string{listed}, "", ""},
		{"list, misspelt", strings.Replace(list, "array: list", "array: lst", 1), []string{listed}, `m.yaml:2:15: each: no row of the export has "lst"; did you mean "list"?`, ""},
		{"list that may be missing", strings.Replace(list, "array: list", "array: lst, optional: true", 1), []string{listed}, "", ""},
		{"element's name", strings.Replace(list, "each.name", "each.nme", 1), []string{listed}, `category: no row of the export has "each.nme"; did you mean "name"?`, "the export has there: name, on;"},
		{"element's decision", strings.Replace(list, "each.on", "each.onn", 1), []string{listed}, `action: no row of the export has "each.onn"; did you mean "on"?`, ""},
		{"element's skip", strings.Replace(list, "array: list", "array: list, skip: each.implied == true", 1), []string{listed}, `no row of the export has "each.implied"`, ""},
		{"element's skip, spared", strings.Replace(list, "array: list", "array: list, skip: each.implied ?? false", 1), []string{listed}, "", ""},
		{"elements that never are", list, []string{`{"id":"u1","at":"2024-01-01T00:00:00Z","list":[]}`}, "", ""},
		{"elements of a second row of the same shape", "skip: id == \"u2\"\n" + list, []string{strings.Replace(listed, "u1", "u2", 1), listed}, "", ""},
		{"scalars", "each: {array: list}\nconsent:\n  category: each.value\n  action: {const: accept}\n", []string{`{"id":"u1","at":"2024-01-01T00:00:00Z","list":["news"]}`}, "", ""},
		{"scalars that are objects", "each: {array: list}\nconsent:\n  category: each.value\n  action: {const: accept}\n", []string{listed}, `no row of the export has "each.value"`, ""},
		{"object", "each: {object: prefs}\nconsent:\n  category: each.key\n  action: {from: each.value.on, values: {\"true\": accept}}\n", []string{`{"id":"u1","at":"2024-01-01T00:00:00Z","pref":{"news":{"on":true}}}`}, `each: no row of the export has "prefs"; did you mean "pref"?`, ""},
		{"columns", "each: {columns: {a: p.a, b: p.b}}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept}}\n", []string{`{"id":"u1","at":"2024-01-01T00:00:00Z","p":{"a":true}}`}, `each: no row of the export has "p.b"`, ""},
		{"columns that may be missing", "each: {columns: {a: p.a, b: p.b}, optional: true}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept}}\n", []string{`{"id":"u1","at":"2024-01-01T00:00:00Z","p":{"a":true}}`}, "", ""},
		{"columns that are all missing", "each: {columns: {a: p.a, b: p.b}, optional: true}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept}}\n", []string{`{"id":"u1","at":"2024-01-01T00:00:00Z","p":{"c":true}}`}, `each: no row of the export has "p.a" or "p.b"`, ""},

		{"pages", "consent:\n", []string{`{"data":[{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z"}],"total":2}`}, `no row of the export has "choice", nor any other name that the mapping reads`, "input: {rows: data}"},
		{"pages below", "consent:\n", []string{`{"result":{"people":[{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z"}]}}`}, `no row of the export has "choice"`, "input: {rows: result.people}"},
		{"rows by key", "input: {rows: people}\nconsent:\n", []string{`{"17":{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z"}}`}, `no row of the export has "choice"`, "input: {rows: people.*}"},
		{"another export", "consent:\n", []string{`{"message":"Unauthorized","status":401}`}, "nor any other name that the mapping reads", "consentimport inspect"},
	} {
		m := jsonMapper(t, c.name, c.mapping, nil)
		var out mapping.Result
		for i, row := range c.rows {
			m.Map(&mapping.Record{Row: int64(i + 1), JSON: []byte(row)}, &out)
		}
		checkUnread(t, c.name, m.Unread(), c.want, c.hint)
	}
}

func jsonMapper(t *testing.T, name, text string, columns []string) *mapping.Mapper {
	spec, err := mapping.Parse("m.yaml", []byte(completed(text)), nil)
	require.NoError(t, err, name)
	m, err := spec.Bind(mapping.Layout{JSON: columns == nil, Columns: columns})
	require.NoError(t, err, name)
	return m
}

func checkUnread(t *testing.T, name string, err error, want, hint string) {
	if want == "" {
		require.NoError(t, err, name)
		return
	}
	var fault *mapping.Error
	require.ErrorAs(t, err, &fault, name)
	require.Contains(t, fault.Error(), want, name)
	require.Contains(t, fault.Hint, hint, name)
	require.NotZero(t, fault.Line, name)
	require.NotZero(t, fault.Column, name)
}

// TestNamesInCells: a path into the JSON of a CSV cell leads somewhere in some row.
func TestNamesInCells(t *testing.T) {
	t.Parallel()
	text := "each: {object: prefs.consents}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept}}\n"
	for cell, want := range map[string]string{
		"": "", "null": "", `{}`: "", `{"consents":{"a":true}}`: "", `{"consent":{"a":true}}`: `each: no row of the export has "prefs.consents"`,
	} {
		m := jsonMapper(t, cell, text, []string{"id", "at", "prefs"})
		var out mapping.Result
		m.Map(&mapping.Record{Row: 1, Cells: [][]byte{[]byte("u1"), []byte("2024-01-01T00:00:00Z"), []byte(cell)}}, &out)
		checkUnread(t, cell, m.Unread(), want, "")
	}
}

// TestNamesAreSoughtTogether: what any clone has seen is there for all of them, and so
// is what the rows of any form of JSON have.
func TestNamesAreSoughtTogether(t *testing.T) {
	t.Parallel()
	text := "consent:\n  message: note\n"
	m, other := jsonMapper(t, "", text, nil), jsonMapper(t, "", text, nil)
	mapping.ShareNames([]*mapping.Mapper{jsonMapper(t, "", "consent:\n", strings.Split(plainColumns, "|")), m, other})
	clones := []*mapping.Mapper{m.Clone(), m.Clone(), other.Clone()}
	var out mapping.Result
	clones[0].Map(&mapping.Record{Row: 1, JSON: []byte(soundRow)}, &out)
	checkUnread(t, "first", m.Unread(), `no row of the export has "note"`, "")
	checkUnread(t, "other", other.Unread(), `no row of the export has "note"`, "")
	clones[2].Map(&mapping.Record{Row: 2, JSON: []byte(`{"note":"x"}`)}, &out)
	for _, c := range append(clones, m, other) {
		require.NoError(t, c.Unread())
		require.False(t, c.Seeking())
	}
}

// TestUnreadNamesNobody: keys that are people's are in no message.
func TestUnreadNamesNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ row, hint string }{
		{`{"at":1,"id":2,"choise":{},"ann@mail.example":{"x":1},"+4930123456":1,"client0098765":1,"Jürgen":1}`, "the export has there: at, choise, id;"},
		{`{"0012345":{"choice":1},"choise":1}`, "rows: *"},
	} {
		m := jsonMapper(t, "", "consent:\n", nil)
		var out mapping.Result
		m.Map(&mapping.Record{Row: 1, JSON: []byte(c.row)}, &out)
		var fault *mapping.Error
		require.ErrorAs(t, m.Unread(), &fault)
		require.Contains(t, fault.Hint, c.hint)
		for _, person := range []string{"ann", "4930", "12345", "98765", "rgen"} {
			require.NotContains(t, fault.Error()+fault.Hint, person)
		}
	}
}

// TestRowsWithoutTheDecision: a JSON row that has none of the names which the decision
// is read from says nothing by that; it is another kind of row.
func TestRowsWithoutTheDecision(t *testing.T) {
	without := `{"id":"u1","at":"2024-01-01T00:00:00Z"}`
	none := `invalid: has none of "choice"`
	array := "each: {array: list}\nconsent:\n  category: each.name\n  action: {from: each.on, values: {\"true\": accept, \"false\": reject}}\n"
	checkRuled(t, []ruled{
		{"no decision", "", "consent:\n", without, none},
		{"null", "", "consent:\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","choice":null}`, "skipped: states no decision"},
		{"empty", "", "consent:\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","choice":""}`, "skipped: states no decision"},
		{"one of several", "", "consent:\n  action: {from: [choice, status], values: {\"yes\": accept}}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","status":null}`, "skipped: states no decision"},
		{"none of several", "", "consent:\n  action: {from: [choice, status], values: {\"yes\": accept}}\n", without, `invalid: has none of "choice", "status"`},
		{"that may be missing", "", "consent:\n  action: {from: choice, values: {\"yes\": accept}, optional: true}\n", without, "skipped: states no decision"},
		{"a default", "", "consent:\n  action: {from: choice, values: {\"yes\": accept}, default: reject}\n", without, none},
		{"a default for null", "", "consent:\n  action: {from: choice, values: {\"yes\": accept}, default: reject}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","choice":null}`, "reject u1 news"},
		{"else accepted", "", "consent:\n  action: {cases: [{when: out == true, const: reject}, {const: accept}]}\n", without, `invalid: has none of "out"`},
		{"else accepted, null", "", "consent:\n  action: {cases: [{when: out == true, const: reject}, {const: accept}]}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","out":null}`, "accept u1 news"},
		{"else accepted, spared", "", "consent:\n  action: {cases: [{when: (out ?? false) == true, const: reject}, {const: accept}]}\n", without, "accept u1 news"},
		{"always rejected", "", "consent:\n  action: {const: reject}\n", without, "reject u1 news"},
		{"template", "", "consent:\n  action: {template: \"{a}{b}\", values: {xy: accept}}\n", without, `invalid: has none of "a", "b"`},
		{"an error page", "", "consent:\n", `{"message":"Too Many Requests","status":429}`, none},
		{"element", "", array, `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[{"name":"news","on":true},{"name":"ads"}]}`, `invalid: has none of "each.on"`},
		{"element, null", "", array, `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[{"name":"news","on":true},{"name":"ads","on":null}]}`, "accept u1 news"},
		{"list", "", array, without, `invalid: has none of "list"`},
		{"list, null", "", array, `{"id":"u1","at":"2024-01-01T00:00:00Z","list":null}`, "skipped: states no decision"},
		{"list, empty", "", array, `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[]}`, "skipped: states no decision"},
		{"list that may be missing", "", strings.Replace(array, "array: list", "array: list, optional: true", 1), without, "skipped: states no decision"},
		{"object", "", strings.Replace(array, "array: list", "object: list", 1), without, `invalid: has none of "list"`},
		{"split", "", "each: {split: list}\nconsent:\n  category: each.value\n  action: {const: accept}\n", without, `invalid: has none of "list"`},
		{"accepted list", "", "each: {array: list, all: \"a,b\"}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", without, `invalid: has none of "list"`},
		{"accepted list, empty", "", "each: {array: list, all: \"a,b\"}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[]}`, "reject u1 a; reject u1 b"},
		{"accepted list that may be missing", "", "each: {array: list, all: \"a,b\", optional: true}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", without, "skipped: states no decision"},
		{"decoder", "", "each: {tcf: list}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", without, `invalid: has none of "list"`},
		{"row instead of elements", "", "each: {array: list, otherwise: row}\nconsent:\n", soundRow, "accept u1 news"},
		{"row instead of elements, without", "", "each: {array: list, otherwise: row}\nconsent:\n", without, none},
		{"columns", "", "each: {columns: {a: p.a, b: p.b}}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", without, `invalid: has none of "p.a", "p.b"`},
		{"columns, one", "", "each: {columns: {a: p.a, b: p.b}}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","p":{"b":false}}`, "reject u1 b"},
		{"columns, null", "", "each: {columns: {a: p.a, b: p.b}}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","p":{"b":null}}`, "skipped: states no decision"},
		{"columns that may be missing", "", "each: {columns: {a: p.a, b: p.b}, optional: true}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", without, "skipped: states no decision"},
		{"cell", "id|at|p", "each: {object: p.prefs}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept}}\n", `u1|2024-01-01T00:00:00Z|{"pref":{}}`, `invalid: has none of "p.prefs"`},
		{"cell, empty", "id|at|p", "each: {object: p.prefs}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"true\": accept}}\n", `u1|2024-01-01T00:00:00Z|`, "skipped: states no decision"},
		{"column", plainColumns, "consent:\n", "u1||2024-01-01T00:00:00Z|", "skipped: states no decision"},
	})
}

// TestNamesAreSoughtInTime: names that are looked for cost nothing once they are
// found, and next to nothing while rows are of one shape.
func TestNamesAreSoughtInTime(t *testing.T) {
	m := jsonMapper(t, "", "consent:\n  message: {from: note, optional: false}\n", nil)
	var out mapping.Result
	row := mapping.Record{Row: 1, JSON: []byte(soundRow)}
	m.Map(&row, &out)
	require.True(t, m.Seeking())
	require.Zero(t, testing.AllocsPerRun(100, func() {
		out.Reset()
		m.Map(&row, &out)
	}), fmt.Sprint(out.Reason))
}
