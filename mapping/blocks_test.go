package mapping_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// statusAndPermissions is a mapping whose rows state decisions in three places.
const statusAndPermissions = `name: case
each:
  - columns: {newsletter: status}
    consent:
      action: {from: each.value, values: {subscribed: accept, unsubscribed: reject}}
  - array: permissions
    skip: {when: each.pending == true, reason: not confirmed}
    consent:
      action: {from: each.enabled, values: {"true": accept, "false": reject}}
      category: each.name
      timestamp: each.at
  - object: lists
    optional: true
consent:
  userId: id
  action: {from: each.value, values: {"in": accept, "out": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: each.key
`

// TestBlocksOfEach: several places of a row make consents, each in its own words and
// with what is common to all.
func TestBlocksOfEach(t *testing.T) {
	t.Parallel()
	spec, err := mapping.Parse("m.yaml", []byte(statusAndPermissions), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	for _, c := range []struct{ row, want string }{
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":"unsubscribed","permissions":[{"name":"sms","enabled":true,"at":"2023-01-01T00:00:00Z","pending":false},{"name":"mail","pending":true}],"lists":{"news":"out"}}`,
			"reject u1 newsletter 1714550400000; accept u1 sms 1672531200000; reject u1 news 1714550400000"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":"subscribed"}`, "accept u1 newsletter 1714550400000"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","permissions":[{"name":"sms","enabled":false,"at":"2023-01-01T00:00:00Z"}]}`, "reject u1 sms 1672531200000"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":null,"permissions":[]}`, "skipped: states no decision"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":null,"permissions":[{"name":"mail","pending":true}]}`, "skipped: not confirmed"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","lists":{"news":"out"}}`, "reject u1 news 1714550400000"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":"subscribed","permissions":[{"name":"sms","enabled":"maybe","at":"2023-01-01T00:00:00Z"}]}`, `invalid: value "maybe" of column "each.enabled" in "permissions" is not listed in values`},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":"subscribed","permissions":[{"name":"","enabled":true,"at":"2023-01-01T00:00:00Z"}]}`, "invalid: category: is required and empty"},
		{`{"id":"u1","at":"2024-05-01T08:00:00Z","status":"pending"}`, `invalid: value "pending" of column "status" is not listed in values`},
	} {
		for _, mapper := range []*mapping.Mapper{m, m.Clone()} {
			require.Contains(t, becomes(mapper, mapping.Record{Row: 1, JSON: []byte(c.row)}), c.want, c.row)
		}
	}
	require.NoError(t, m.Unread())
}

// becomes writes what a row becomes, with times.
func becomes(m *mapping.Mapper, rec mapping.Record) string {
	var out mapping.Result
	m.Map(&rec, &out)
	switch out.Status {
	case mapping.Skipped:
		return "skipped: " + out.Reason
	case mapping.Invalid:
		return strings.ReplaceAll("invalid: "+out.Reason, "action: ", "") + " " + out.Column
	}
	var made []string
	for i := range out.Consents {
		made = append(made, made1(&out.Consents[i]))
	}
	return strings.Join(made, "; ")
}

func made1(c *mapping.Consent) string {
	return strings.Join([]string{c.Action.String(), string(c.Subject()), string(c.Category), strconv.FormatInt(c.Timestamp, 10)}, " ")
}

// TestRowsWithoutAnyBlock: a row may lack what one block is made of, and not what all
// of them are.
func TestRowsWithoutAnyBlock(t *testing.T) {
	t.Parallel()
	text := strings.Replace(statusAndPermissions, "    optional: true\n", "", 1)
	spec, err := mapping.Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	require.Contains(t, becomes(m, mapping.Record{Row: 1, JSON: []byte(`{"id":"u1","at":"2024-05-01T08:00:00Z"}`)}), `invalid: has none of "status"`)
	require.Equal(t, "reject u1 news 1714550400000", becomes(m, mapping.Record{Row: 1, JSON: []byte(`{"id":"u1","at":"2024-05-01T08:00:00Z","lists":{"news":"out"}}`)}))
	require.ErrorContains(t, m.Unread(), `no row of the export has "status"`, "names of all blocks are looked for")
}

// TestBlocksOfColumns: CSV has blocks as JSON has.
func TestBlocksOfColumns(t *testing.T) {
	t.Parallel()
	text := `name: case
each:
  - {split: accepted, by: "|", consent: {action: {const: accept}}}
  - {split: refused, by: "|", consent: {action: {const: reject}}}
consent: {userId: id, timestamp: at, validUntil: unlimited, source: {const: web}, category: each.value}
`
	spec, err := mapping.Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{Columns: []string{"id", "at", "accepted", "refused"}})
	require.NoError(t, err)
	row := func(cells ...string) mapping.Record {
		rec := mapping.Record{Row: 1}
		for _, c := range cells {
			rec.Cells = append(rec.Cells, []byte(c))
		}
		return rec
	}
	require.Equal(t, "accept u1 a 1714550400000; reject u1 b 1714550400000; reject u1 c 1714550400000", becomes(m, row("u1", "2024-05-01T08:00:00Z", "a", "b|c")))
	require.Equal(t, "reject u1 b 1714550400000", becomes(m, row("u1", "2024-05-01T08:00:00Z", "", "b")))
	require.Contains(t, becomes(m, row("u1", "2024-05-01T08:00:00Z", "", "")), "skipped: states no decision")
	require.NotEmpty(t, mapping.Schema())
}

// TestBlocksThatCannotBe are refused with their places.
func TestBlocksThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ each, want string }{
		{"each: []\n", "m.yaml:2:1: each has no block"},
		{"each: [{split: a}, {by: x}]\n", "m.yaml:2:20: each takes exactly one of"},
		{"each: [{split: a}, {split: b, consent: {category: each.id}}]\n", "each.id is unknown"},
		{"each: [{split: a}, {split: b, consent: {categorie: each.key}}]\n", `unknown key "categorie"`},
		{"each: [{split: a}, {split: b, consent: {category: {const: \"\"}}}]\n", "category is empty"},
		{"each: [{split: a}, {split: b, consent: }]\n", "consent has no value"},
		{"each: [{array: a, consent: {category: each.id}}, {split: b}]\n", ""},
	} {
		_, err := mapping.Parse("m.yaml", []byte(completed(c.each+"consent:\n")), nil)
		if c.want == "" {
			require.NoError(t, err, c.each)
			continue
		}
		require.ErrorContains(t, err, c.want, c.each)
	}
	_, err := mapping.Parse("m.yaml", []byte("name: x\neach: [{split: a, consent: {action: {const: reject}}}, {split: b}]\nconsent: {userId: id, timestamp: at, validUntil: unlimited, source: {const: web}}\n"), nil)
	require.ErrorContains(t, err, "consent has no action, which every consent needs", "the second block has none")
}

// TestNamesOfAllBlocks are looked for, by every clone.
func TestNamesOfAllBlocks(t *testing.T) {
	t.Parallel()
	text := "name: case\neach:\n  - {array: a, consent: {category: each.x}}\n  - {array: b, consent: {category: each.y}}\n" +
		"consent: {userId: id, action: {const: reject}, timestamp: at, validUntil: unlimited, source: {const: web}}\n"
	for row, want := range map[string]string{
		`{"id":"u1","at":"2024-05-01T08:00:00Z","a":[{"x":"n"}],"b":[{"y":"m"}]}`: "",
		`{"id":"u1","at":"2024-05-01T08:00:00Z","a":[{"x":"n"}],"c":[{"y":"m"}]}`: `"b"`,
		`{"id":"u1","at":"2024-05-01T08:00:00Z","a":[{"x":"n"}],"b":[{"z":"m"}]}`: `"each.y"`,
	} {
		spec, err := mapping.Parse("m.yaml", []byte(text), nil)
		require.NoError(t, err)
		m, err := spec.Bind(mapping.Layout{JSON: true})
		require.NoError(t, err)
		var out mapping.Result
		m.Clone().Map(&mapping.Record{Row: 1, JSON: []byte(row)}, &out)
		if want == "" {
			require.NoError(t, m.Unread())
			require.False(t, m.Seeking())
			continue
		}
		require.ErrorContains(t, m.Unread(), "no row of the export has "+want)
	}
}
