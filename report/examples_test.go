package report

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// People under several names have an example wherever they stand: in consents, in invalid
// rows and in values that say nothing; spelled as they are, and masked. An export that
// cannot be read once more costs the examples alone.
func TestExamplesNameBothRows(t *testing.T) {
	silent := skipped(6, "6", "no decision")
	silent.Dropped = []mapping.Dropped{{Category: []byte("ads"), Subject: []byte(" u77"), Why: mapping.NoStatement}}
	alone := consent("u9", "ads", mapping.Accept, sent)
	alone.UserID, alone.ProfileID, alone.Email = nil, []byte("P1"), []byte("x@bücher.example")
	s := &told{facts: finished(6), parts: []part{{csvLayout("x", "x"), "x.csv", []survey.Row{
		mapped(1, "1", consent("Ann@x.org", "ads", mapping.Accept, sent)),
		mapped(2, "2", consent("u1", "ads", mapping.Accept, sent), consent("u77", "ads", mapping.Accept, sent)),
		invalid(3, "3", "x", "bad", *consent("ann@x.org", "ads", mapping.Reject, sent).Consent),
		mapped(4, "4", alone),
		mapped(5, "5", consent("x@xn--bcher-kva.example", "ads", mapping.Accept, sent)),
		silent,
	}}}}
	split := func(sum *summary.Summary) summary.Finding {
		for _, f := range sum.Lint {
			if f.Rule == "identity-split" {
				return f
			}
		}
		require.Fail(t, "no identity-split")
		return summary.Finding{}
	}
	_, sum := write(t, s)
	found := split(sum)
	assert.EqualValues(t, 3, found.Count)
	assert.Equal(t, []string{
		`row 1: userId "Aaa@a.aaa"; row 3: userId "aaa@a.aaa"`,
		`row 2: userId "a99"; row 6: identifier " a99"`,
		`row 4: profileId "A9" with email "a@aaaaaa.aaaaaaa"; row 5: userId "a@aa--aaaaa-aaa.aaaaaaa"`,
	}, found.Examples)

	s.again = errors.New("gone")
	_, sum = write(t, s)
	assert.Empty(t, split(sum).Examples)
	assert.EqualValues(t, 3, split(sum).Count)
}

// What a dry run foresees of the room takes in the lines that may be wanted for suppress.csv.
func TestTheRoomOfASpoolIsForeseen(t *testing.T) {
	w := &work{}
	row := mapped(1, "x", consent("u1", "ads", mapping.Reject, outcome(journal.Refused, 400, 1, "bad")))
	w.unsaid(&row, false)
	size := int64(len(w.unsaidLines))
	s := &spool{max: 1000 * size}
	s.lines.Limit = int(10 * size)
	require.NoError(t, s.add(w.unsaidLines))
	assert.Zero(t, s.ahead(10))
	assert.Equal(t, 100*size, s.ahead(100))
	assert.Equal(t, 1000*size, s.ahead(1e9), "no more is ever kept")
}
