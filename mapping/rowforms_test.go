package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const listMapping = `name: case
input: {format: jsonl, columns: [id, prefs, at]}
each: {object: prefs.channels}
consent:
  userId: id
  action: {from: each.value, values: {"true": accept, "false": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: each.key
`

// TestRowsThatAreLists: input.columns names the values of rows that are JSON lists.
func TestRowsThatAreLists(t *testing.T) {
	t.Parallel()
	spec, err := mapping.Parse("m.yaml", []byte(listMapping), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	for row, want := range map[string]string{
		`["u1",{"channels":{"mail":true,"sms":false}},"2024-05-01T08:00:00Z"]`: "accept u1 mail 1714550400000; reject u1 sms 1714550400000",
		`["u1",{"channel":{"mail":true}},"2024-05-01T08:00:00Z"]`:              `invalid: has none of "prefs.channels"`,
		`["u1",null,"2024-05-01T08:00:00Z"]`:                                   `invalid: has none of "prefs.channels"`,
		`["u1",{"channels":null},"2024-05-01T08:00:00Z"]`:                      "skipped: states no decision",
		`["u1",{"channels":{"mail":true}}]`:                                    "invalid: has 2 values, input.columns has 3",
		`["u1",{"channels":{"mail":true}},"2024-05-01T08:00:00Z",1]`:           "invalid: has 4 values, input.columns has 3",
		`{"id":"u1"}`: "invalid: is not a JSON list, as input.columns says",
		`"u1"`:        "invalid: is not a JSON list, as input.columns says",
		`[`:           "invalid: is not valid JSON",
	} {
		require.Contains(t, becomes(m, mapping.Record{Row: 1, JSON: []byte(row)}), want, row)
	}
	spec, err = mapping.Parse("m.yaml", []byte(`name: case
input: {columns: [id, prefs, at]}
consent: {userId: idd, action: {const: reject}, timestamp: at, validUntil: unlimited, source: {const: web}}
`), nil)
	require.NoError(t, err)
	_, err = spec.Bind(mapping.Layout{JSON: true})
	require.ErrorContains(t, err, `the export has no column "idd"; did you mean "id"?`)
}

// TestRowsThatAreSingleValues: with one column, a row may be the value itself. What is
// read of a row outlives the next one.
func TestRowsThatAreSingleValues(t *testing.T) {
	t.Parallel()
	spec, err := mapping.Parse("m.yaml", []byte(`name: case
input: {rows: mails, columns: [mail]}
consent: {email: mail, action: {const: reject}, timestamp: {const: 2024-05-01T08:00:00Z}, validUntil: unlimited, source: {const: web}, category: {const: all}}
`), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	var out mapping.Result
	var kept []mapping.Consent
	rows := []string{`"ann@mail.example"`, `["bob@mail.example"]`, `12`, `"c\u0061t@mail.example"`, `null`, `{}`, `["a","b"]`, `""`}
	want := []string{"ann@mail.example", "bob@mail.example", "12", "cat@mail.example"}
	for i, row := range rows {
		m.Map(&mapping.Record{Row: int64(i + 1), JSON: []byte(row)}, &out)
		if i >= len(want) {
			require.Equal(t, mapping.Invalid, out.Status, row)
			continue
		}
		require.Equal(t, mapping.Mapped, out.Status, out.Reason)
		kept = append(kept, out.Consents...)
	}
	for i := range want {
		require.Equal(t, want[i], string(kept[i].Email))
	}
}

// TestKeysOfRows: the rows of an object have its keys, which a repaired row carries
// with it.
func TestKeysOfRows(t *testing.T) {
	t.Parallel()
	text := `name: case
input: {rows: contacts.*}
skip: $key == "9"
consent: {userId: $key, action: {from: choice, values: {"yes": accept, "no": reject}}, timestamp: at, validUntil: unlimited, source: {const: web}, category: {const: news}}
`
	spec, err := mapping.Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	row := func(key, more string) mapping.Record {
		rec := mapping.Record{Row: 1, JSON: []byte(`{"choice":"no","at":"2024-05-01T08:00:00Z"` + more + `}`)}
		if key != "-" {
			rec.Key = []byte(key)
		}
		return rec
	}
	require.Equal(t, "reject 47 news 1714550400000", becomes(m, row("47", "")))
	require.Equal(t, "reject 48 news 1714550400000", becomes(m, row("-", `,"_key":"48"`)))
	require.Contains(t, becomes(m, row("9", "")), "skipped")
	require.Contains(t, becomes(m, row("-", "")), "invalid: userId")
	require.Contains(t, becomes(m, row("", "")), "invalid: userId")
	_, err = spec.Bind(mapping.Layout{Columns: []string{"choice", "at"}})
	require.ErrorContains(t, err, `has no column "$key"`)

	for _, c := range []struct{ old, new, want string }{
		{"contacts.*", "contacts", "$key: rows have keys where they are the members of an object"},
		{"contacts.*", "contacts*", "m.yaml:2:15: rows: "},
		{"contacts.*", "a.*.b", "m.yaml:2:15: rows: "},
		{"contacts.*", "'*.*'", "m.yaml:2:15: rows: "},
	} {
		_, err := mapping.Parse("m.yaml", []byte(strings.Replace(text, c.old, c.new, 1)), nil)
		require.ErrorContains(t, err, c.want)
	}
}
