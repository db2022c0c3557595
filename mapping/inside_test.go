package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// TestJSONInsideOfJSON: a value that holds JSON as a text is read as if it stood there
// without its quotes.
func TestJSONInsideOfJSON(t *testing.T) {
	t.Parallel()
	text := `name: case
input: {json: [prefs, meta.payload, meta.payload.deep]}
each: {object: prefs}
consent:
  userId: meta.payload.id
  action: {from: each.value, values: {"true": accept, "false": reject}}
  timestamp: meta.payload.deep.at
  validUntil: unlimited
  source: {const: web}
  category: each.key
`
	spec, err := mapping.Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	meta := `"meta":{"payload":"{\"id\":\"u1\",\"deep\":\"{\\\"at\\\":\\\"2024-05-01T08:00:00Z\\\"}\"}"}`
	for row, want := range map[string]string{
		`{"prefs":"{\"news\":true,\"ads\":false}",` + meta + `}`: "accept u1 news 1714550400000; reject u1 ads 1714550400000",
		`{"prefs":{"news":true},` + meta + `}`:                   "accept u1 news 1714550400000",
		`{"prefs":"",` + meta + `}`:                              "skipped: states no decision",
		`{"prefs":null,` + meta + `}`:                            "skipped: states no decision",
		`{` + meta + `}`:                                         `invalid: has none of "prefs"`,
		`{"prefs":"{\"news\":tru}",` + meta + `}`:                `invalid: column "prefs" is not valid JSON`,
		`{"prefs":"[{\\\"news\\\":true}]",` + meta + `}`:         `its quotes stand behind backslashes; databases write so: set input.escape: "\\"`,
		`{"prefs":"[true]",` + meta + `}`:                        "invalid: column \"prefs\" does not hold an object",
		`{"prefs":"{\"news\":true}","meta":{}}`:                  "invalid: userId",
	} {
		m, err := spec.Bind(mapping.Layout{JSON: true})
		require.NoError(t, err)
		require.Contains(t, becomes(m, mapping.Record{Row: 1, JSON: []byte(row)}), want, row)
	}
	m, err := spec.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	for range 3 { // of one shape, whatever stands inside
		becomes(m, mapping.Record{Row: 1, JSON: []byte(`{"prefs":"{\"news\":true}","meta":{"payload":"{\"idd\":1,\"deep\":\"{}\"}"}}`)})
	}
	require.ErrorContains(t, m.Unread(), `no row of the export has "meta.payload.id"`)
	becomes(m, mapping.Record{Row: 2, JSON: []byte(`{"prefs":"{\"news\":true}","meta":{"payload":"{\"id\":1,\"deep\":\"{\\\"at\\\":1}\"}"}}`)})
	require.NoError(t, m.Unread())

	m = jsonMapper(t, "", "input: {json: [prefs, extra]}\neach: {object: prefs}\nconsent:\n  category: each.key\n", nil)
	becomes(m, mapping.Record{Row: 1, JSON: []byte(`{"id":1,"choice":"yes","at":1,"prefs":"{}"}`)})
	require.ErrorContains(t, m.Unread(), `m.yaml:2:23: input.json: no row of the export has "extra"`)

	spec, err = mapping.Parse("m.yaml", []byte(completed("input: {json: [pref]}\nconsent:\n")), nil)
	require.NoError(t, err)
	_, err = spec.Bind(mapping.Layout{Columns: []string{"id", "choice", "at", "prefs"}})
	require.ErrorContains(t, err, `m.yaml:2:16: input.json: the export has no column "pref"; did you mean "prefs"?`)
	spec, err = mapping.Parse("m.yaml", []byte(completed("input: {json: [a.b, a]}\nconsent:\n")), nil)
	require.NoError(t, err)
	_, err = spec.Bind(mapping.Layout{JSON: true})
	require.ErrorContains(t, err, "lies in a text that the list names behind it")
}

// TestMapsOfMaps: a decision stands two levels down, under two names.
func TestMapsOfMaps(t *testing.T) {
	t.Parallel()
	mapper := func(each string) *mapping.Mapper {
		return jsonMapper(t, each, "each: {"+each+"}\nconsent:\n  category: {template: \"{each.parent.key}/{each.key}\"}\n  action: {from: each.value, values: {\"true\": accept, \"false\": reject}}\n", nil)
	}
	row := func(prefs string) mapping.Record {
		return mapping.Record{Row: 1, JSON: []byte(`{"id":"u1","at":"2024-05-01T08:00:00Z","prefs":` + prefs + `}`)}
	}
	m := mapper("object: prefs.*")
	for prefs, want := range map[string]string{
		`{"news":{"mail":true,"sms":false},"ads":{"mail":false}}`: "accept u1 news/mail 1714550400000; reject u1 news/sms 1714550400000; reject u1 ads/mail 1714550400000",
		`{"news":null,"ads":{}}`:                                  "skipped: states no decision",
		`{}`:                                                      "skipped: states no decision",
		`{"news":true}`:                                           `invalid: column "prefs" does not hold an object`,
		`[]`:                                                      `invalid: column "prefs" does not hold an object`,
		`{"news":{"mail":true,"mail":false}}`:                     "invalid: column \"prefs\" lists a category twice",
		`{"":{"mail":true}}`:                                      "invalid: column \"prefs\" has a member without a name",
	} {
		require.Contains(t, becomes(m, row(prefs)), want, prefs)
	}
	m = mapper("object: prefs.*.channels")
	require.Equal(t, "accept u1 news/mail 1714550400000", becomes(m, row(`{"news":{"channels":{"mail":true}}}`)))
	require.Contains(t, becomes(m, row(`{"news":{"channel":{"mail":true}}}`)), `invalid: column "prefs" has a member without "channels"`)
	m = jsonMapper(t, "", "each: {array: prefs.*.list}\nconsent:\n  category: {template: \"{each.parent.key}-{each.id}\"}\n  action: {from: each.on, values: {\"true\": accept, \"false\": reject}}\n", nil)
	require.Equal(t, "reject u1 a-1 1714550400000; accept u1 b-1 1714550400000", becomes(m, row(`{"a":{"list":[{"id":1,"on":false}]},"b":{"list":[{"id":1,"on":true}]}}`)))

	for _, c := range []struct{ each, want string }{
		{"object: prefs.*.*", "one * stands for the members of an object"},
		{"object: prefs.*x", "one * stands for the members of an object"},
		{"object: \"prefs.*.a[\"", "without its ]"},
		{"object: prefs", ""},
	} {
		_, err := mapping.Parse("m.yaml", []byte(completed("each: {"+c.each+"}\nconsent:\n  category: each.parent.key\n")), nil)
		if c.each == "object: prefs" { // a path inside of each member, then
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
	}
}
