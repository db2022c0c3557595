package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const testedMapping = `
name: tested
skip: [{when: kind == "internal", reason: a test account}]
consent:
  userId: id
  action: {from: choice, values: {"yes": accept, "no": reject, "later": }}
  timestamp: at
  validUntil: {from: until, default: unlimited}
  source: {const: web}
  category: {const: news}
tests:
`

// TestRowTests holds what a test may say against rows, and what is said where it
// does not hold.
func TestRowTests(t *testing.T) {
	for name, c := range map[string]struct{ test, fault string }{
		"all of it":           {`- {row: {id: 007, choice: "Yes", at: "2024-05-01T10:00:00+02:00", until: "", kind: ""}, consents: [{userId: "007", action: accept, timestamp: "2024-05-01T08:00:00Z", validUntil: unlimited, source: web, category: news}]}`, ""},
		"milliseconds":        {`- {row: {id: a, choice: no, at: "2024-05-01T10:00:00Z", until: "2025-05-01T10:00:00Z", kind: ""}, consents: [{action: reject, timestamp: 1714557600000, validUntil: 1746093600000}]}`, ""},
		"a zone of its own":   {`- {row: {id: a, choice: no, at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{timestamp: "2024-05-01T12:00:00+02:00"}]}`, ""},
		"skipped by a rule":   {`- {row: {id: a, choice: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: internal}, reason: test account}`, ""},
		"no statement":        {`- {row: {id: a, choice: later, at: "2024-05-01T10:00:00Z", until: "", kind: ""}, reason: no decision}`, ""},
		"invalid":             {`- {row: {id: a, choice: maybe, at: "2024-05-01T10:00:00Z", until: "", kind: ""}, reason: choice}`, ""},
		"another action":      {`- {row: {id: a, choice: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{action: reject}]}`, `consent 1: action is "accept"; the test says "reject"`},
		"another time":        {`- {row: {id: a, choice: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{timestamp: "2024-05-01T11:00:00Z"}]}`, `consent 1: timestamp is "2024-05-01T10:00:00Z"; the test says "2024-05-01T11:00:00Z"`},
		"another number":      {`- {row: {id: a, choice: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{}, {}]}`, `makes 1 consent; the test says 2`},
		"a consent, no sense": {`- {row: {id: a, choice: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: ""}, reason: silent}`, `makes 1 consent; the test says that it makes none (silent)`},
		"another reason":      {`- {row: {id: a, choice: later, at: "2024-05-01T10:00:00Z", until: "", kind: ""}, reason: expired}`, `the test says: expired`},
		"a name misspelt":     {`- {row: {id: a, choise: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{action: accept}]}` + "\n" + `- {row: {id: a, choice: "yes", at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{}]}`, `the row has "choise", which the mapping does not read; did you mean "choice"?`},
		"no consent":          {`- {row: {id: a, choice: later, at: "2024-05-01T10:00:00Z", until: "", kind: ""}, consents: [{action: accept}]}`, `makes no consent: `},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := mapping.Parse("m.yaml", []byte(testedMapping+c.test), nil)
			require.NoError(t, err)
			require.Equal(t, strings.Count(c.test, "\n")+1, spec.Tests())
			results, err := spec.RunTests()
			require.NoError(t, err)
			require.Len(t, results, spec.Tests())
			assert.Equal(t, strings.Count(testedMapping, "\n")+1, results[0].Line)
			faults := strings.Join(results[0].Faults, "\n")
			if c.fault == "" {
				assert.Empty(t, faults)
			} else {
				assert.Contains(t, faults, c.fault)
			}
		})
	}
}

// TestRowTestsOfJSON: a row may be a JSON value, whose numbers and words stay what
// they are.
func TestRowTestsOfJSON(t *testing.T) {
	spec, err := mapping.Parse("m.yaml", []byte(`
input: {format: jsonl}
each: {array: prefs}
consent:
  userId: person.id
  action: {from: each.on, values: {"true": accept, "false": reject}}
  timestamp: person.at
  validUntil: unlimited
  source: {const: web}
  category: each.id
tests:
  - name: two of them
    row:
      person: {id: 12345678901234567890, at: "2024-05-01T10:00:00Z"}
      prefs: [{id: news, on: true}, {id: calls, on: false}]
    consents:
      - {userId: "12345678901234567890", action: accept, category: news}
      - {action: reject, category: calls}
  - row: {person: {id: null, at: "2024-05-01T10:00:00Z"}, prefs: [{id: news, on: true}]}
    reason: userId
`), nil)
	require.NoError(t, err)
	results, err := spec.RunTests()
	require.NoError(t, err)
	for _, r := range results {
		assert.Empty(t, r.Faults)
	}
	assert.Equal(t, "two of them", results[0].Name)
}

// TestRowTestsHaveFileAndKey: what stands outside of the row can be given.
func TestRowTestsHaveFileAndKey(t *testing.T) {
	spec, err := mapping.Parse("m.yaml", []byte(`
input: {format: jsonl, rows: people.*}
consent:
  userId: $key
  action: {from: $file, match: "^(?:un)?subscribed", values: {subscribed: accept, unsubscribed: reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: news}
tests:
  - row: {at: "2024-05-01T10:00:00Z"}
    file: unsubscribed_1.json
    key: u1
    consents: [{userId: u1, action: reject}]
`), nil)
	require.NoError(t, err)
	results, err := spec.RunTests()
	require.NoError(t, err)
	assert.Empty(t, results[0].Faults)
}

// TestRowTestsOfBareRows: a row may be a list or a text where input.columns names cells.
func TestRowTestsOfBareRows(t *testing.T) {
	for columns, row := range map[string]string{"id, at": `[u1, "2024-05-01T10:00:00Z"]`, "id": "u1"} {
		at := "at"
		if columns == "id" {
			at = `{const: "2024-05-01T10:00:00Z"}`
		}
		spec, err := mapping.Parse("m.yaml", []byte("input: {columns: ["+columns+"]}\nconsent: {userId: id, action: {const: reject}, timestamp: "+at+
			", validUntil: unlimited, source: {const: web}, category: {const: news}}\ntests:\n  - row: "+row+"\n    consents: [{userId: u1, action: reject, timestamp: 1714557600000}]\n"), nil)
		require.NoError(t, err, columns)
		results, err := spec.RunTests()
		require.NoError(t, err, columns)
		assert.Empty(t, results[0].Faults, columns)
	}
}

// TestRowTestsAreRefused names the place of what is not a test.
func TestRowTestsAreRefused(t *testing.T) {
	for test, want := range map[string]string{
		`- {consents: [{action: accept}]}`:               "m.yaml:12:3: a test needs the row",
		`- {row: {id: a}}`:                               "either the consents that the row makes, or the reason",
		`- {row: {id: a}, consents: [{}], reason: x}`:    "either the consents that the row makes, or the reason",
		`- {row: {id: a}, consents: []}`:                 "either the consents that the row makes, or the reason",
		`- {row: [a], reason: x}`:                        "row must be a map",
		`- {row: {id: a}, consents: [{actoin: accept}]}`: `did you mean "action"`,
		`- {row: {id: a}, reasons: x}`:                   `did you mean "reason"`,
		`- {row: {id: a}, consents: [{action: DECIDE}]}`: "DECIDE stands where",
	} {
		_, err := mapping.Parse("m.yaml", []byte(testedMapping+test), nil)
		assert.ErrorContains(t, err, want, test)
	}
	spec, err := mapping.Parse("m.yaml", []byte(testedMapping+`- {row: {id: a, choise: "yes"}, reason: x}`), nil)
	require.NoError(t, err)
	_, err = spec.RunTests()
	assert.ErrorContains(t, err, `did you mean "choise"`, "a column that no test has")
}

// TestTestsAreNotSigned: tests change nothing of what somebody signs.
func TestTestsAreNotSigned(t *testing.T) {
	bare, err := mapping.Parse("m.yaml", []byte(strings.TrimSuffix(testedMapping, "tests:\n")), nil)
	require.NoError(t, err)
	tested, err := mapping.Parse("m.yaml", []byte(testedMapping+`- {row: {id: a}, reason: x}`), nil)
	require.NoError(t, err)
	assert.Equal(t, string(bare.Canonical()), string(tested.Canonical()))
}

// TestPresetsCarryTests: what a preset says of rows holds, so that a copy of it can be
// changed and tested.
func TestPresetsCarryTests(t *testing.T) {
	tested := 0
	for _, p := range mapping.Presets() {
		spec, err := mapping.Parse(p.Name+".yaml", p.Source, exampleFlags(t, p.Name))
		require.NoError(t, err, p.Name)
		if spec.Tests() == 0 {
			continue
		}
		tested++
		results, err := spec.RunTests()
		require.NoError(t, err, p.Name)
		for i, r := range results {
			assert.Empty(t, r.Faults, "%s, test %d", p.Name, i+1)
		}
	}
	assert.Greater(t, tested, 30)
}

// TestFlatRowsMayBeJSON: where the mapping does not say what its rows are, flat ones are cells
// unless all tests hold of JSON values alone; a mistake is told as one of cells.
func TestFlatRowsMayBeJSON(t *testing.T) {
	const text = `consent:
  userId: id
  action: {from: said, values: {"yes": accept}}
  timestamp: at
  validUntil: unlimited
  source: {const: s}
tests:
`
	const lacking = `  - row: {"said": "maybe"}
    reason: not listed in values
`
	run := func(input, tests string) (faults int, err error) {
		spec, err := mapping.Parse("m.yaml", []byte(input+text+tests), nil)
		require.NoError(t, err)
		results, err := spec.RunTests()
		for _, r := range results {
			faults += len(r.Faults)
		}
		return faults, err
	}
	faults, err := run("", lacking)
	require.NoError(t, err, "as JSON no row needs to have every name")
	require.Zero(t, faults)
	_, err = run("input: {format: csv}\n", lacking)
	require.ErrorContains(t, err, `userId: the rows of the tests have no column "id"`)
	_, err = run("", lacking+"  - row: {said: \"yes\"}\n    reason: something else\n")
	require.ErrorContains(t, err, `userId: the rows of the tests have no column "id"`, "what does not hold of JSON either is told as of cells")
	faults, err = run("", "  - row: {id: u1, said: \"yes\", at: \"2024-05-01T00:00:00Z\"}\n    consents: [{action: accept, userId: u1}]\n")
	require.NoError(t, err)
	require.Zero(t, faults)
}
