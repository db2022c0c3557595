package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const undecidedText = `# über alles
name: acme   # ours
consent:
  userId: id
  action:
    from: optin   # the column
    values:
      # what the form offered
      "yes": accept # 12 times
      "Zürich: no": DECIDE   # DECIDE: accept or reject? (3 times)
      'opt out': 'reject'
      maybe:      # says nothing
      true: DECIDE
  timestamp: at
`

// A decision changes one word of the file, whatever stands around it.
func TestADecisionChangesOneWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ value, decision, old, want string }{
		{"yes", "reject", `"yes": accept # 12`, `"yes": reject # 12`},
		{"yes", "", `"yes": accept # 12`, `"yes": # 12`},
		{"Zürich: no", "accept", `no": DECIDE   #`, `no": accept   #`},
		{"opt out", "DECIDE", `'opt out': 'reject'`, `'opt out': DECIDE`},
		{"maybe", "accept", `maybe:      # says`, `maybe: accept # says`},
		{"true", "", "true: DECIDE\n", "true:\n"},
		{`new "one"`, "reject", `      "yes"`, "      \"new \\\"one\\\"\": reject\n      \"yes\""},
		{"# <b>", "", `      "yes"`, "      \"# \\u003cb\\u003e\": null\n      \"yes\""},
	} {
		got, err := Decide([]byte(undecidedText), "consent.action", c.value, c.decision)
		require.NoError(t, err, c.value)
		assert.Equal(t, strings.Replace(undecidedText, c.old, c.want, 1), string(got))
	}
	flow := "consent: {action: {from: a, values: {yes: accept, \"no\": DECIDE}}}\n"
	got, err := Decide([]byte(flow), "consent.action", "no", "")
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(flow, "DECIDE", "null", 1), string(got))
	got, err = Decide([]byte(flow), "consent.action", "perhaps", "DECIDE")
	require.NoError(t, err)
	assert.Contains(t, string(got), `{"perhaps": DECIDE, yes: accept`)
}

func TestWhatCannotBeDecided(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "name: a\n", "consent: {action: {values: {}}}\n", "consent: [\n", "consent: {action: {const: accept}}\n",
		"consent: {action: {values: &a {yes: {x: y}}}}\n"} {
		_, err := Decide([]byte(text), "consent.action", "yes", "accept")
		assert.Error(t, err, text)
	}
	_, err := Decide([]byte(undecidedText), "consent.action", "yes", "yes\nskip: []")
	assert.Error(t, err)
	places, err := Deciding([]byte(undecidedText))
	require.NoError(t, err)
	require.Len(t, places, 1)
	assert.Equal(t, Where{Path: "consent.action", Line: 9, Table: true,
		Choices: []Choice{{"yes", "accept"}, {"Zürich: no", "DECIDE"}, {"opt out", "reject"}, {"maybe", ""}, {"true", "DECIDE"}}}, places[0])
}

const manyPlaces = `each:
  - columns: {a: x}
    consent:
      action:
        from: each.value
        values: {"1": accept, "0": DECIDE}
  - array: list
    consent: {action: accept_or_reject}
  - array: other
consent:
  action:
    cases:
      - when: each.key in ["dnd"]   # asks the opposite
        from: each.value
        values:
          "1": reject
      - from: each.value
        values:
          "1": accept
      - {when: kind == "x", const: reject}
`

// Each table of blocks and cases is decided by itself.
func TestEachPlaceIsDecidedByItself(t *testing.T) {
	t.Parallel()
	places, err := Deciding([]byte(manyPlaces))
	require.NoError(t, err)
	assert.Equal(t, []Where{
		{Path: "each[0].consent.action", Line: 6, Table: true, Choices: []Choice{{"1", "accept"}, {"0", "DECIDE"}}},
		{Path: "each[1].consent.action", Line: 8, Says: "takes accept and reject as they stand in accept_or_reject"},
		{Path: "consent.action.cases[0]", Line: 16, When: `each.key in ["dnd"]`, Table: true, Choices: []Choice{{"1", "reject"}}},
		{Path: "consent.action.cases[1]", Line: 19, Table: true, Choices: []Choice{{"1", "accept"}}},
		{Path: "consent.action.cases[2]", Line: 20, When: `kind == "x"`, Says: "is reject whatever the row says"},
	}, places)
	for path, want := range map[string]string{
		"each[0].consent.action":  strings.Replace(manyPlaces, `"1": accept, "0"`, `"1": DECIDE, "0"`, 1),
		"consent.action.cases[0]": strings.Replace(manyPlaces, `"1": reject`, `"1": DECIDE`, 1),
		"consent.action.cases[1]": strings.Replace(manyPlaces, "\"1\": accept\n", "\"1\": DECIDE\n", 1),
	} {
		got, err := Decide([]byte(manyPlaces), path, "1", ToDecide)
		require.NoError(t, err, path)
		assert.Equal(t, want, string(got), path)
	}
	for _, path := range []string{"each[1].consent.action", "consent.action.cases[2]", "consent.action", "each[9].consent.action", ""} {
		_, err := Decide([]byte(manyPlaces), path, "1", "accept")
		assert.ErrorIs(t, err, errByHand, path)
	}
}

func FuzzDecide(f *testing.F) {
	f.Add(undecidedText, "consent.action", "yes", "reject")
	f.Add(manyPlaces, "consent.action.cases[1]", "1", "reject")
	f.Add("consent: {action: {values: {a: , b: accept}}}", "consent.action", "a", "accept")
	f.Fuzz(func(t *testing.T, text, path, value, decision string) {
		got, err := Decide([]byte(text), path, value, decision)
		if err != nil {
			return
		}
		places, err := Deciding(got)
		require.NoError(t, err)
		for _, p := range places {
			if p.Path == path {
				assert.Contains(t, p.Choices, Choice{value, decision})
				return
			}
		}
		assert.Fail(t, "the place is gone")
	})
}
