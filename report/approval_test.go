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
)

// decisionList is a table that is there already, shown as it is.
type decisionList []Decision

func tableOf(lines ...Decision) DecisionTable { return decisionList(lines) }

func (l decisionList) Each(give func(Decision) error) error {
	for _, d := range l {
		if err := give(d); err != nil {
			return err
		}
	}
	return nil
}
func (l decisionList) Table() ([]Decision, error)    { return l, nil }
func (l decisionList) Shown(value string) string     { return value }
func (l decisionList) Named(string) bool             { return false }
func (l decisionList) ApprovalHash() (string, error) { return strings.Repeat("a", 64), nil }

// messy is a table of values that are hard to write down.
func messy() decisionList {
	return decisionList{
		{Category: "news", Value: "=yes, \"indeed\"", Decision: "accept", Count: 5923},
		{Category: "news", Value: "yes\r\nplease", Decision: "accept", Count: 2},
		{Category: "news", Value: "\u202esey", Decision: "accept", Count: 1},
		{Category: "", Value: "no", Decision: "reject", Count: 4},
		{Category: "news", Value: "", Decision: "nothing", Count: 3, Reason: "no statement"},
		{Category: "news", Value: "maybe", Decision: "invalid", Count: 9},
	}
}

// The file that gets signed holds every value as the export has it, and is
// enough to approve exactly that.
func TestASignedTableApprovesItself(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writeDecisions(&b, messy()))
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
		first, all, err := signed.Unsigned(messy(), 10)
		require.NoError(t, err)
		assert.Empty(t, first, name)
		assert.Zero(t, all, name)
	}
	signed, err := ReadSigned(&b)
	require.NoError(t, err)
	for _, d := range []Decision{
		{Category: "news", Value: "maybe", Decision: "accept"}, {Category: "news", Value: "no", Decision: "reject"},
		{Category: "", Value: "no", Decision: "accept"}, {Category: "news", Value: "yes please", Decision: "accept"},
	} {
		first, all, err := signed.Unsigned(append(messy(), d), 10)
		require.NoError(t, err)
		assert.Equal(t, []Decision{d}, first)
		assert.EqualValues(t, 1, all)
	}
	for _, bad := range []string{"", "category,value\na,b\n", "category,value,decision\na,b\n", "category,value,decision\n\"a,b,accept\n"} {
		_, err := ReadSigned(strings.NewReader(bad))
		assert.Error(t, err, "%q", bad)
	}
}

// No accept and no reject is ever left out of the sheet, however many there are;
// nothing that could not be seen on paper hides in it.
func TestTheSheetHidesNoDecision(t *testing.T) {
	table := messy()
	for i := range 2000 {
		table = append(table, Decision{Category: fmt.Sprintf("c%d", i%7), Value: fmt.Sprintf("value-%d-", i), Decision: []string{"accept", "reject", "nothing"}[i%3], Count: 1})
	}
	slices.SortStableFunc(table, func(a, b Decision) int { return strings.Compare(a.Decision, b.Decision) })
	s := dryRun()
	var b bytes.Buffer
	require.NoError(t, writeApproval(&b, s, &Options{Decisions: table}))
	page := b.String()
	var nothing int
	for _, d := range table {
		switch {
		case !strings.HasPrefix(d.Value, "value-"):
		case d.Decision == "nothing":
			if strings.Contains(page, ">"+d.Value+"<") {
				nothing++
			}
		default:
			require.True(t, strings.Contains(page, ">"+d.Value+"<"), d.Value)
		}
	}
	assert.Equal(t, sheetNothing-1, nothing, "and the empty one")
	assert.True(t, strings.Contains(page, "467 more values"), "the rest is counted")
	assert.True(t, strings.Contains(page, `yes\r\nplease`))
	assert.True(t, strings.Contains(page, `\u202esey`))
	assert.True(t, strings.Contains(page, s.ApprovalHash))
	assert.Equal(t, strings.Count(page, "<ul>"), strings.Count(page, "</ul>"))
	accept, reject, says := strings.Index(page, `id="accept"`), strings.Index(page, `id="reject"`), strings.Index(page, `id="nothing"`)
	assert.True(t, accept < reject && reject < says, "accepts first")
	assert.False(t, strings.Contains(page, "maybe"), "what is invalid is no part of what is approved")
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
		require.NoError(t, l.Decisions().Each(func(Decision) error { lines++; return nil }))
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
