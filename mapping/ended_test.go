package mapping

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEndedStates: a word that says that a consent has ended is an accept where the row states
// its end, and else none, while the rest of the row counts.
func TestEndedStates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ until, word, end, want string }{
		{"unlimited", "EXPIRED", "", acceptLapsed},
		{"unlimited", " lapsed ", "", acceptLapsed},
		{"unlimited", "yes", "", "accept"},
		{"unlimited", "ended", "", "reject"},
		{"{after: 1y}", "EXPIRED", "", acceptLapsed},
		{"{after: {from: end, unit: d}}", "EXPIRED", "30", "accept"},
		{"{from: end, default: unlimited}", "EXPIRED", "", acceptLapsed},
		{"{from: end, default: unlimited}", "EXPIRED", "unlimited", acceptLapsed},
		{"{from: end, default: unlimited}", "EXPIRED", "2024-05-01T00:00:00Z", "accept"},
	} {
		spec, err := Parse("m.yaml", []byte("consent:\n  userId: id\n  timestamp: {const: 2024-01-02T03:04:05Z}\n  source: {const: x}\n"+
			"  action: {cases: [{when: 'id == \"\"', const: reject}, {from: a, values: {\"yes\": accept, EXPIRED: accept, lapsed: accept, ended: reject}}]}\n  validUntil: "+tt.until+"\n"), nil)
		require.NoError(t, err, tt.until)
		m, err := spec.Bind(Layout{Columns: []string{"id", "a", "end"}})
		require.NoError(t, err, tt.until)
		var out Result
		l := NewLinter(spec, LintOptions{Now: time.Unix(1_800_000_000, 0)})
		tally := l.NewTally()
		m.Map(&Record{Row: 1, Cells: [][]byte{[]byte("u1"), []byte(tt.word), []byte(tt.end)}}, &out)
		tally.Observe(&Record{Row: 1}, &out, make([]uint64, 1))
		l.Fold(tally)
		got, found := out.Reason, false
		for _, f := range l.Findings() {
			found = found || f.Rule == "ended-state-accepted" && len(f.Rows) == 1
		}
		assert.Equal(t, tt.want == acceptLapsed, found, "%s under %s with %q is found by lint", tt.word, tt.until, tt.end)
		if len(out.Consents) == 1 {
			got = out.Consents[0].Action.String()
		} else {
			assert.Equal(t, Skipped, out.Status)
		}
		assert.Equal(t, tt.want, got, "%s under %s with %q", tt.word, tt.until, tt.end)
	}
}
