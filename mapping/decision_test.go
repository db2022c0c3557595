package mapping

import (
	"fmt"
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
		{"", "", "invalid: has too few cells", 1},
		{"", "", "skipped: an event of another kind", 1},
		{"ads", "", "no statement", 1},
		{"marketing", "", "no statement", 1},
		{"marketing", "maybe", "invalid", 1},
		{"marketing", "no", "reject", 10},
		{"marketing", "yes", "accept", 20},
		{"marketing", "yes", "invalid", 1},
		{"marketing", "yes", "skipped: test data", 1},
	}
	hash := ""
	for _, size := range []int{1, 4, 1000} {
		d := linted(lintSpec{}, LintOptions{}, decisionRows(), size).Decisions()
		assert.Equal(t, want, d.Table(), "batches of %d", size)
		assert.Regexp(t, "^[0-9a-f]{64}$", d.Hash())
		if hash != "" {
			assert.Equal(t, hash, d.Hash(), "batches of %d", size)
		}
		hash = d.Hash()
	}
}

// The hash changes with every change of what is signed.
func TestDecisionHash(t *testing.T) {
	hashes := map[string]string{}
	for name, change := range map[string]func(rows []lintRow) []lintRow{
		"as it is":               func(r []lintRow) []lintRow { return r },
		"one row more":           func(r []lintRow) []lintRow { return append(r, said(31)) },
		"another decision":       func(r []lintRow) []lintRow { r[1].consents[0].Action = Reject; return r },
		"another category":       func(r []lintRow) []lintRow { r[1].consents[0].Category = []byte("ads"); return r },
		"another value":          func(r []lintRow) []lintRow { r[1].consents[0].Raw = []byte("Yes"); return r },
		"another reason to skip": func(r []lintRow) []lintRow { r[33].reason = "x"; return r },
	} {
		h := linted(lintSpec{}, LintOptions{}, change(decisionRows()), 5).Decisions().Hash()
		assert.Empty(t, hashes[h], "%s has the hash of another", name)
		hashes[h] = name
	}
	rows := decisionRows()
	rows[1].consents[0].UserID = []byte("somebody else")
	assert.Equal(t, "as it is", hashes[linted(lintSpec{}, LintOptions{}, rows, 5).Decisions().Hash()], "who said it is no part of the table")
}

// An export with ever new values fills the table and no more, the first ones
// first, however the batches fall.
func TestDecisionTableIsBounded(t *testing.T) {
	rows := repeat(5000, func(i int) lintRow {
		return said(i, func(c *Consent) { c.Raw = []byte("v" + letters(i)) })
	})
	hash := ""
	for _, size := range []int{3, 999, 10_000} {
		d := linted(lintSpec{}, LintOptions{}, rows, size).Decisions()
		table := d.Table()
		require.LessOrEqual(t, len(table), maxDecisions+2)
		var total, others int64
		for _, line := range table {
			total += line.Count
			if line.Category == Others {
				others += line.Count
				assert.Equal(t, Others, line.Value)
			}
		}
		assert.EqualValues(t, 5000, total)
		assert.EqualValues(t, 4000, others)
		if hash != "" {
			assert.Equal(t, hash, d.Hash())
		}
		hash = d.Hash()
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
	assert.Equal(t, "814c073a-95f1-4fc9-8263-1ec80354c5e9", purpose.Decisions().Table()[0].Category)
	rows := repeat(50, func(i int) lintRow {
		return said(i, func(c *Consent) {
			c.Raw, c.Category = fmt.Appendf(nil, "jane%d@acme.example", i), fmt.Appendf(nil, "49301234%03d", i)
		})
	})
	table := linted(lintSpec{}, LintOptions{}, rows, 50).Decisions().Table()
	require.Len(t, table, 2)
	assert.Equal(t, "(number)", table[0].Category)
	assert.Equal(t, "(e-mail address)", table[0].Value)
	assert.EqualValues(t, 50, table[0].Count+table[1].Count)
}
