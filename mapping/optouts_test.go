package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOptOutsThatAreNotRead: a column in which people opted out, and that the mapping does
// not read, is found where it says yes, whatever became of its row.
func TestOptOutsThatAreNotRead(t *testing.T) {
	t.Parallel()
	const rest = "consent:\n  userId: id\n  timestamp: {const: 2024-01-02T03:04:05Z}\n  validUntil: unlimited\n  source: {const: x}\n  category: each.key\n" +
		"  action: {from: each.value, values: {\"yes\": accept, \"no\": reject, \"\": }}\n"
	for _, tt := range []struct {
		column, cell, mapping string
		found                 bool
	}{
		{"Opted out of email: News", "true", "each: {columns: {a: a}}\n", true},
		{"Do Not SMS", "Yes", "each: {columns: {a: a}}\n", true},
		{"HasOptedOutOfEmail", "1", "each: {columns: {a: a}}\n", true},
		{"NoMail", "x", "each: {columns: {a: a}}\n", true},
		{"unsubscribed", " TRUE ", "each: {columns: {a: a}}\nskip: id == \"u1\"\n", true},
		{"E-Mail Widerspruch", "ja", "each: {columns: {a: a}}\n", true},
		{"Werbung: Widerspruch", "J", "each: {columns: {a: a}}\n", true},
		{"Do Not SMS", "No", "each: {columns: {a: a}}\n", false},
		{"Do Not SMS", "", "each: {columns: {a: a}}\n", false},
		{"Payment declined", "yes", "each: {columns: {a: a}}\n", false},
		{"not_opted_out", "yes", "each: {columns: {a: a}}\n", false},
		{"Opt-in", "yes", "each: {columns: {a: a}}\n", false},
		{"Do Not SMS", "Yes", "each: {columns: {a: a, sms: Do Not SMS}}\n", false},
		{"Do Not SMS", "Yes", "each: {columns: \"*\", except: [id, \"Do *\"]}\n", false},
		{"Do Not SMS", "Yes", "each: {columns: {a: a}}\nskip: row[\"Do Not SMS\"] == \"Yes\"\n", false},
		{"Do Not SMS", "Yes", "each:\n  - columns: {a: a}\n  - columns: {sms: Do Not SMS}\n", false},
		// Under a name of consents, what says by itself that somebody left.
		{"SMS Marketing Consent", "UNSUBSCRIBED", "each: {columns: {a: a}}\n", true},
		{"email_subscription_status", "Unsubscribed", "each: {columns: {a: a}}\n", true},
		{"Email status", "opted_out", "each: {columns: {a: a}}\n", true},
		{"push_subscribe", "unsubscribed", "each: {columns: {a: a}}\n", true},
		{"Consent", "withdrawn", "each: {columns: {a: a}}\n", true},
		{"SMS Marketing Consent", "NEVER_SUBSCRIBED", "each: {columns: {a: a}}\n", false},
		{"SMS Marketing Consent", "SUBSCRIBED", "each: {columns: {a: a}}\n", false},
		{"Accepts SMS Marketing", "no", "each: {columns: {a: a}}\n", false},
		{"Payment accepted", "declined", "each: {columns: {a: a}}\n", false},
		{"Order Status", "rejected", "each: {columns: {a: a}}\n", false},
		{"SMS Marketing Consent", "UNSUBSCRIBED", "each: {columns: {a: a, sms: SMS Marketing Consent}}\n", false},
		// What a pattern leaves out may be more than somebody thought of.
		{"Ads_News", "false", "each: {columns: \"*\", except: [id, \"*_*\"]}\n", true},
		{"Ads_News", "UNSUBSCRIBED", "each: {columns: \"*\", except: [id, \"*_*\"]}\n", true},
		{"Ads_News", "true", "each: {columns: \"*\", except: [id, \"*_*\"]}\n", false},
		{"Ads_News", "Weekly", "each: {columns: \"*\", except: [id, \"*_*\"]}\n", false},
		{"Ads_News", "false", "each: {columns: \"*\", except: [id, \"*_*\", Ads_News]}\n", false},
		{"Ads_News", "no", "each:\n  - {columns: \"*\", except: [id, \"*_*\"]}\n  - columns: {news: Ads_News}\n", false},
	} {
		spec, err := Parse("m.yaml", []byte(tt.mapping+rest), nil)
		require.NoError(t, err, tt.mapping)
		m, err := spec.Bind(Layout{Columns: []string{"id", "a", tt.column}})
		require.NoError(t, err, tt.mapping)
		l := NewLinter(spec, LintOptions{Now: time.Unix(1_800_000_000, 0)})
		tally := l.NewTally()
		var out Result
		for row, id := range []string{"u1", "u2"} {
			rec := &Record{Row: int64(row + 1), Cells: [][]byte{[]byte(id), []byte("yes"), []byte(tt.cell)}}
			if m.Map(rec, &out); id == "u2" {
				rec.Cells[2] = nil
				m.Map(rec, &out)
			}
			tally.Observe(rec, &out, make([]uint64, 2))
		}
		l.Fold(tally)
		var rows []int64
		for _, f := range l.Findings() {
			if f.Rule == "opt-out-unread" {
				rows = f.Rows
			}
		}
		if tt.found {
			assert.Equal(t, []int64{1}, rows, "%s: %s under %s", tt.column, tt.cell, strings.TrimSpace(tt.mapping))
		} else {
			assert.Empty(t, rows, "%s: %s under %s", tt.column, tt.cell, strings.TrimSpace(tt.mapping))
		}
	}
}
