package importer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/mapping"
)

// TestExportsOfWhichNothingComes: only rows that make or state a decision are worth a
// run.
func TestExportsOfWhichNothingComes(t *testing.T) {
	t.Parallel()
	skipped := rows.Result{Status: mapping.Skipped, Reason: "says nothing"}
	invalid := rows.Result{Status: mapping.Invalid, Reason: "is wrong"}
	for _, c := range []struct {
		of   []rows.Result
		want string
	}{
		{nil, "has no rows"},
		{[]rows.Result{skipped, skipped}, "all 2 are skipped, the first because: says nothing"},
		{[]rows.Result{invalid}, "all 1 are invalid, the first because: is wrong"},
		{[]rows.Result{skipped, invalid, skipped}, "2 are skipped, the first because: says nothing; 1 are invalid, the first because: is wrong"},
		{[]rows.Result{skipped, {Status: mapping.Mapped}}, ""},
		{[]rows.Result{invalid, {Status: mapping.Invalid, Reason: "has no time", Consents: []mapping.Consent{{Action: mapping.Reject}}}}, ""},
	} {
		var seen checked
		for i := range c.of {
			seen.add(&c.of[i])
		}
		err := seen.refusal()
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
		require.True(t, IsRefused(err))
	}
}
