package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// decisionRows are rows of every fate.
func decisionRows() []lintRow {
	rows := repeat(30, clean)
	rows = append(rows,
		lintRow{status: Invalid, reason: "the value of status is not listed", dropped: []Dropped{{Category: []byte("marketing"), Raw: []byte("maybe"), Why: Unlisted}}},
		lintRow{status: Skipped, reason: "no statement", dropped: []Dropped{{Category: []byte("marketing"), Why: NoStatement}}},
		lintRow{status: Skipped, reason: "test data", dropped: []Dropped{{Category: []byte("marketing"), Raw: []byte("yes"), Why: "test data"}}},
		lintRow{status: Skipped, reason: "an event of another kind"},
		lintRow{status: Invalid, reason: "has too few cells"},
		lintRow{status: Invalid, reason: "time has no zone", consents: said(1).consents},
	)
	rows[2].dropped = []Dropped{{Category: []byte("ads"), Why: NoStatement}}
	return rows
}

func TestDecisionTable(t *testing.T) {
	want := []Decision{
		{"marketing", "yes", DecidedAccept, "", 20},
		{"marketing", "no", DecidedReject, "", 10},
		{"", "", DecidedNothing, "an event of another kind", 1},
		{"ads", "", DecidedNothing, NoStatement, 1},
		{"marketing", "", DecidedNothing, NoStatement, 1},
		{"marketing", "yes", DecidedNothing, "test data", 1},
		{"", "", DecidedInvalid, "has too few cells", 1},
		{"marketing", "maybe", DecidedInvalid, "", 1},
		{"marketing", "yes", DecidedInvalid, "", 1},
	}
	for _, size := range []int{1, 4, 1000} {
		d := linted(lintSpec{}, LintOptions{}, decisionRows(), size).Decisions()
		assert.Equal(t, want, whole(t, d), "batches of %d", size)
		table, err := d.Table()
		require.NoError(t, err)
		assert.Equal(t, want, table, "batches of %d", size)
	}
}

// whole gives all lines of a table.
func whole(t require.TestingT, d *Decisions) (all []Decision) {
	require.NoError(t, d.Each(func(line Decision) error {
		all = append(all, line)
		return nil
	}))
	return all
}

// A table holds every value whole; the one that anybody may read is bounded, and
// shows decisions before anything else.
func TestDecisionTableInShort(t *testing.T) {
	rows := repeat(5000, func(i int) lintRow {
		return said(i, func(c *Consent) {
			c.Raw, c.Action = []byte("v"+letters(i)), Accept
			if i%1000 == 0 {
				c.Action = Reject
			}
		})
	})
	rows = append(rows, lintRow{status: Invalid, reason: "has too few cells"})
	for _, size := range []int{3, 999, 10_000} {
		d := linted(lintSpec{}, LintOptions{}, rows, size).Decisions()
		require.Len(t, whole(t, d), 5001)
		table, err := d.Table()
		require.NoError(t, err)
		require.LessOrEqual(t, len(table), maxDecisions+4)
		var total, others int64
		for i, line := range table {
			total += line.Count
			if line.Category == Others {
				others += line.Count
				assert.Equal(t, Others, line.Value)
			}
			if i > 0 {
				assert.LessOrEqual(t, slices.Index(decided[:], table[i-1].Decision), slices.Index(decided[:], line.Decision))
			}
		}
		assert.EqualValues(t, 5001, total)
		assert.EqualValues(t, 4001, others)
	}
}

// letters spells a number without digits.
func letters(n int) string {
	s := ""
	for ; n > 0; n /= 26 {
		s += string(rune('a' + n%26))
	}
	return s
}

func TestNothingShownTellsWhoSomebodyIs(t *testing.T) {
	for value, want := range map[string]string{
		"yes":                                  "yes",
		"":                                     "",
		"Partially Accepted":                   "Partially Accepted",
		"C0004":                                "C0004",
		"2024":                                 "2024",
		"20240501":                             "(number)",
		"+49 30 1234567":                       "+49 30 (number)",
		"jane.doe@acme.example":                "(e-mail address)",
		"mailto:jane@acme.example;x":           "(e-mail address)",
		"6ba7b8109dad11d180b400c04fd430c8abcd": "(id)",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8": "(id)",
		`{"id":"jane","enabled":null}`:         "(object)",
		`["jane"]`:                             "(list)",
		"no\x00\x1b[31m":                       "no  [31m",
		"d\xffj\xc3\xa0":                       "d jà",
		strings.Repeat("long ", 30):            strings.Repeat("long ", 30)[:64] + "…",
		strings.Repeat("é", 50):                strings.Repeat("é", 32) + "…",
	} {
		assert.Equal(t, want, string(appendMasked(nil, []byte(value))), "%q", value)
	}
	purpose := linted(lintSpec{}, LintOptions{}, []lintRow{said(1, func(c *Consent) { c.Category = []byte("814c073a-95f1-4fc9-8263-1ec80354c5e9") })}, 1)
	table, err := purpose.Decisions().Table()
	require.NoError(t, err)
	assert.Equal(t, "814c073a-95f1-4fc9-8263-1ec80354c5e9", table[0].Category)
	rows := repeat(50, func(i int) lintRow {
		return said(i, func(c *Consent) {
			c.Raw, c.Category = fmt.Appendf(nil, "jane%d@acme.example", i), fmt.Appendf(nil, "49301234%03d", i)
		})
	})
	table, err = linted(lintSpec{}, LintOptions{}, rows, 50).Decisions().Table()
	require.NoError(t, err)
	require.Len(t, table, 2)
	assert.Equal(t, "(number)", table[0].Category)
	assert.Equal(t, "(e-mail address)", table[0].Value)
	assert.EqualValues(t, 50, table[0].Count+table[1].Count)
}

// A value that the mapping names tells nothing of a person: a code of nine
// digits that is signed has to be told from its neighbour.
func TestWhatTheMappingNamesIsShownWhole(t *testing.T) {
	spec, err := Parse("x.yaml", []byte("name: x\nconsent: {userId: id, action: {from: a, values: {\"534120001\": accept, \"534120002\": reject}}, timestamp: t, validUntil: unlimited, source: {const: web}}\n"), nil)
	require.NoError(t, err)
	d := NewLinter(spec, LintOptions{}).Decisions()
	assert.Equal(t, "534120001", d.Shown("534120001"))
	assert.Equal(t, "(number)", d.Shown("534120003"))
}
