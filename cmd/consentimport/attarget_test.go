package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/summary"
)

// The people of a category are counted by what the target has of them beside what they
// said last, as the sandbox has it, and the difference is accounted for.
func TestWhatTheTargetHasIsHeldAgainstTheLastWords(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=eve")
	r.write(t, "export.csv", exportHeader+
		at(1, "ann", "mail", "yes", 10)+
		at(2, "bob", "mail", "yes", 10)+
		at(3, "bob", "mail", "no", 20)+
		at(4, "cyd", "mail", "yes", 10)+
		at(5, "cyd", "mail", "maybe", 20)+ // invalid
		at(6, "eve", "mail", "no", 10)+ // refused
		at(7, "eve", "ads", "yes", 10)+ // refused
		at(8, "ann", "news", "no", 10))
	got := r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	s := summaryIn(t, r.out())
	assert.Equal(t, []summary.Standing{
		{Category: "ads", None: 1}, {Category: "mail", Accept: 2, Reject: 1, None: 1}, {Category: "news", Reject: 1},
	}, s.AtTarget)
	last := map[string]map[string]string{}
	for c := range r.server.All {
		if last[c.Category] == nil {
			last[c.Category] = map[string]string{}
		}
		last[c.Category][c.UserID] = c.Action.String()
	}
	assert.Equal(t, map[string]map[string]string{"mail": {"ann": "accept", "bob": "reject", "cyd": "accept"}, "news": {"ann": "reject"}}, last)
	assert.Contains(t, got.stdout, "mail: the target has 2 at accept, 1 at reject, 1 at nothing; 1 consent refused, 1 row")
	assert.NotContains(t, got.stdout, "news: the target has")
	page, err := os.ReadFile(filepath.Join(r.out(), "report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "mail: the target has 2 at accept")
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}
