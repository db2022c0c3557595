package importer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// TestExportsOfWhichNothingComes: only rows that make or state a decision are worth a
// run.
func TestExportsOfWhichNothingComes(t *testing.T) {
	t.Parallel()
	skipped := survey.Row{Status: mapping.Skipped, Reason: "says nothing"}
	invalid := survey.Row{Status: mapping.Invalid, Reason: "is wrong"}
	for _, c := range []struct {
		rows []survey.Row
		want string
	}{
		{nil, "has no rows"},
		{[]survey.Row{skipped, skipped}, "all 2 are skipped, the first because: says nothing"},
		{[]survey.Row{invalid}, "all 1 are invalid, the first because: is wrong"},
		{[]survey.Row{skipped, invalid, skipped}, "2 are skipped, the first because: says nothing; 1 are invalid, the first because: is wrong"},
		{[]survey.Row{skipped, {Status: mapping.Mapped}}, ""},
		{[]survey.Row{invalid, {Status: mapping.Invalid, Reason: "has no time", Readable: []mapping.Consent{{Action: mapping.Reject}}}}, ""},
	} {
		var seen checked
		for i := range c.rows {
			seen.add(&c.rows[i])
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
