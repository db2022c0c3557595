package report

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// The file that gets signed holds every value as the export has it, and is
// enough to approve exactly that.
func TestASignedTableApprovesItself(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writeDecisions(&b, reporttest.Messy()))
	assert.Equal(t, "category,value,decision,count,reason\n"+
		"news,\"=yes, \"\"indeed\"\"\",accept,5923,\nnews,\"yes\r\nplease\",accept,2,\nnews,\u202esey,accept,1,\n,no,reject,4,\nnews,,nothing,3,no statement\nnews,maybe,invalid,9,\n", b.String())
	for name, text := range map[string]string{
		"as it was written":   b.String(),
		"saved with a BOM":    "\ufeff" + b.String(),
		"in another order":    "decision,count,value,category\naccept,1,\"=yes, \"\"indeed\"\"\",news\naccept,1,\"yes\nplease\",news\naccept,1,\u202esey,news\nreject,1,no,\n",
		"with semicolons":     "category;value;decision\nnews;\"=yes, \"\"indeed\"\"\";accept\nnews;\"yes\nplease\";accept\nnews;\u202esey;accept\n;no;reject\n",
		"more than was asked": b.String() + "ads,yes,accept,1,\n",
	} {
		signed, err := ReadSigned(strings.NewReader(text))
		require.NoError(t, err, name)
		first, all, err := signed.Unsigned(reporttest.Messy(), 10)
		require.NoError(t, err)
		assert.Empty(t, first, name)
		assert.Zero(t, all, name)
	}
	signed, err := ReadSigned(&b)
	require.NoError(t, err)
	for _, d := range []summary.Decision{
		{Category: "news", Value: "maybe", Decision: "accept"}, {Category: "news", Value: "no", Decision: "reject"},
		{Category: "", Value: "no", Decision: "accept"}, {Category: "news", Value: "yes please", Decision: "accept"},
	} {
		first, all, err := signed.Unsigned(append(reporttest.Messy(), d), 10)
		require.NoError(t, err)
		assert.Equal(t, []summary.Decision{d}, first)
		assert.EqualValues(t, 1, all)
	}
	for _, bad := range []string{"", "category,value\na,b\n", "category,value,decision\na,b\n", "category,value,decision\nnews,j\xe4,accept\n", "category,value,decision\n\"a,b,accept\n"} {
		_, err := ReadSigned(strings.NewReader(bad))
		assert.Error(t, err, "%q", bad)
	}
}

// A table larger than memory comes back whole, sorted, each line once.
func TestOverflowGivesBackWhatItTook(t *testing.T) {
	dir := t.TempDir()
	o := NewOverflow(journal.OS{}, dir)
	want := map[string]int64{}
	sorted := func(m map[string]int64) iter.Seq2[string, int64] {
		return func(yield func(string, int64) bool) {
			for _, k := range slices.Sorted(maps.Keys(m)) {
				if !yield(k, m[k]) {
					return
				}
			}
		}
	}
	run := func(n int) map[string]int64 {
		m := map[string]int64{}
		for i := range 50 {
			key := fmt.Sprintf("key %d\x00", (i*7+n*31)%911)
			m[key] += int64(i + 1)
			want[key] += int64(i + 1)
		}
		return m
	}
	for n := range 3 * maxRuns {
		require.NoError(t, o.Add(sorted(run(n))))
	}
	assert.LessOrEqual(t, len(o.runs), maxRuns+1)
	last := run(1000)
	for range 2 { // it is read more than once
		got, keys := map[string]int64{}, []string{}
		require.NoError(t, o.Merge(sorted(last), func(key string, count int64) error {
			got[key] = count
			keys = append(keys, key)
			return nil
		}))
		assert.Equal(t, want, got)
		assert.True(t, slices.IsSorted(keys))
		assert.Len(t, keys, len(got), "each once")
	}
	o.Close()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// The table of mapping uses it when there is more than fits into memory.
func TestATableLargerThanMemoryIsWhole(t *testing.T) {
	spec, err := mapping.Parse("m.yaml", []byte("consent: {userId: id, action: {from: a, values: {yes: accept}}, timestamp: t, validUntil: unlimited, source: {const: web}}\n"), nil)
	require.NoError(t, err)
	hash := func(overflow mapping.Overflow) (string, int) {
		l := mapping.NewLinter(spec, mapping.LintOptions{Overflow: overflow})
		tally := l.NewTally()
		for row := range int64(4000) {
			raw := fmt.Appendf(nil, "%d %s", row%3999, strings.Repeat("x", 10_000))
			tally.Observe(&mapping.Record{Row: row + 1}, &mapping.Result{Consents: []mapping.Consent{{UserID: []byte("u"), Raw: raw, Action: mapping.Accept}}}, []uint64{1})
			l.Fold(tally)
		}
		h, err := l.ApprovalHash()
		require.NoError(t, err)
		lines := 0
		require.NoError(t, l.Decisions().Each(func(summary.Decision) error { lines++; return nil }))
		found := false
		for _, f := range l.Findings() {
			found = found || f.Rule == "decisions-from-free-text"
		}
		assert.True(t, found)
		return h, lines
	}
	o := NewOverflow(journal.OS{}, t.TempDir())
	defer o.Close()
	inMemory, lines := hash(nil)
	spilled, same := hash(o)
	require.NotEmpty(t, o.runs, "it was to spill")
	assert.Equal(t, inMemory, spilled)
	assert.Equal(t, 3999, lines)
	assert.Equal(t, lines, same)
}
