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
		got, err := Decide([]byte(undecidedText), c.value, c.decision)
		require.NoError(t, err, c.value)
		assert.Equal(t, strings.Replace(undecidedText, c.old, c.want, 1), string(got))
	}
	flow := "consent: {action: {from: a, values: {yes: accept, \"no\": DECIDE}}}\n"
	got, err := Decide([]byte(flow), "no", "")
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(flow, "DECIDE", "null", 1), string(got))
	got, err = Decide([]byte(flow), "perhaps", "DECIDE")
	require.NoError(t, err)
	assert.Contains(t, string(got), `{"perhaps": DECIDE, yes: accept`)
}

func TestWhatCannotBeDecided(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "name: a\n", "consent: {action: {values: {}}}\n", "consent: [\n", "consent: {action: {const: accept}}\n",
		"consent: {action: {values: &a {yes: {x: y}}}}\n"} {
		_, err := Decide([]byte(text), "yes", "accept")
		assert.Error(t, err, text)
	}
	_, err := Decide([]byte(undecidedText), "yes", "yes\nskip: []")
	assert.Error(t, err)
	choices, err := Choices([]byte(undecidedText))
	require.NoError(t, err)
	assert.Equal(t, []Choice{{"yes", "accept"}, {"Zürich: no", "DECIDE"}, {"opt out", "reject"}, {"maybe", ""}, {"true", "DECIDE"}}, choices)
}

func FuzzDecide(f *testing.F) {
	f.Add(undecidedText, "yes", "reject")
	f.Add("consent: {action: {values: {a: , b: accept}}}", "a", "accept")
	f.Fuzz(func(t *testing.T, text, value, decision string) {
		got, err := Decide([]byte(text), value, decision)
		if err != nil {
			return
		}
		choices, err := Choices(got)
		require.NoError(t, err)
		assert.Contains(t, choices, Choice{value, decision})
	})
}
