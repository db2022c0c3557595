package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// With latest, a decision is held back for good by the last word of its key, which may
// stand in an invalid row. When the repair of that row makes the decision that was held back
// the last word again, the import has not sent it: that is no success, and what is printed
// leads to its import.
func TestALastWordThatARepairHasLeftUnsentIsNoSuccess(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	last := exportRow(1, "ann", "mail", "no")
	others := exportRow(3, "bob", "mail", "yes")
	at := func(when, decision string) string {
		return fmt.Sprintf("2,ann,ann@people.example,mail,%s,%s", decision, when)
	}
	r.write(t, "export.csv", exportHeader+last+at("some day", "no")+"\n"+others)
	got := r.here(t, nil, r.args("--history", "latest")...).requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "nothing is sent for 1 person-category pair")
	assert.Contains(t, r.read(t, "export.csv.import/report.html"), "nothing is sent for 1 person-category pair")
	assert.Equal(t, []string{"3 bob accept"}, r.arrivals())

	const earlier = "2023-01-01T00:00:00Z"
	got = r.repair(t, at(earlier, "yes")+",2,\n", "--mapping", filepath.Join(r.dir, "plain.yaml")).requireCode(t, exitFailures)
	s := summaryIn(t, r.out())
	assert.EqualValues(t, 1, s.Withheld)
	assert.Zero(t, s.Failures())
	assert.Contains(t, got.stdout, "COMPLETE, BUT NOT EVERY LAST WORD: 1 consent sent, and none for 1 person-category pair")
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
	assert.Equal(t, []string{"3 bob accept"}, r.arrivals(), "what was held back stays so")

	for _, step := range summaryIn(t, r.out()).Steps {
		if _, command, ok := strings.Cut(step, "\n"); ok {
			code, out := r.typed(t, command)
			require.Zero(t, code, out)
		}
	}
	copied := filepath.Join(r.dir, "repaired-export.csv")
	text, err := os.ReadFile(copied)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, []byte(strings.Replace(string(text), at("some day", "no"), at(earlier, "yes"), 1)), 0o600))
	code, out := r.typed(t, summaryIn(t, r.out()).Next)
	require.Zero(t, code, out)
	assert.Equal(t, []string{"3 bob accept", "1 ann reject"}, r.arrivals())
}
