package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/mapping"
)

// walkOf builds an index of consents, one a row, and walks it.
func walkOf(t testing.TB, o Options, all ...mapping.Consent) *Result {
	open, _ := temps(t)
	b := NewBuilder(Config{Temp: open, Now: time.UnixMilli(1000)})
	batch := b.NewBatch()
	for i := range all {
		batch.Consent(At(int64(i+1), 1), &all[i], Fate{})
	}
	require.NoError(t, b.Add(batch))
	x, err := b.Sort()
	require.NoError(t, err)
	r, err := x.Walk(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()); require.NoError(t, x.Close()) })
	return r
}

func says(user, category string, at int64) mapping.Consent {
	return mapping.Consent{Action: mapping.Accept, Timestamp: at, ValidUntil: mapping.Unlimited, UserID: []byte(user), Category: []byte(category)}
}

func TestSpellingsOfOnePersonAreCountedAsPeople(t *testing.T) {
	r := walkOf(t, Options{},
		says("ann@example.org", "news", 1), says("Ann@Example.org", "news", 2), says("ANN@example.org", "ads", 3), // one person, three ways
		says("bob", "news", 1), says("bob ", "ads", 2),
		says("Cyd", "news", 1), says("cyd", "news", 2), // two people: only addresses are compared without regard to case
		says("dan", "news", 1), says("dan", "news", 2))
	require.EqualValues(t, 5, r.Subjects)
	require.Equal(t, Sightings{Count: 2, Rows: []int64{2, 5}}, r.Split)
}

func TestCategoriesThatLookAlikeAreTwins(t *testing.T) {
	r := walkOf(t, Options{}, says("a", "News", 1), says("b", "news", 1), says("c", "news ", 1), says("d", "ads", 1), says("e", "e-mail", 1), says("f", "E Mail", 1))
	require.Equal(t, Sightings{Count: 5, Rows: []int64{1, 2, 3, 5, 6}}, r.Twins, "both of each pair, and what has blanks around it: it is sent so")
	require.Len(t, r.LastWords, 5)
	r = walkOf(t, Options{}, says("a", "ads", 1), says("b", "cafe\u0301", 1), says("c", "caf\u00e9", 1), says("d", "cafe\u0301", 1))
	require.Equal(t, Sightings{Count: 2, Rows: []int64{2, 3}}, r.Twins, "of one Unicode form to us, of two to the target")
	require.Len(t, r.LastWords, 2)
}

func TestCategoriesBeyondAThousandAreSummed(t *testing.T) {
	var all []mapping.Consent
	for i := range maxCategories + 5 {
		all = append(all, says("a", fmt.Sprintf("c%d", i), 1))
	}
	r := walkOf(t, Options{}, all...)
	require.True(t, r.More)
	require.Len(t, r.LastWords, maxCategories+1)
	require.Equal(t, LastWord{Accept: 5}, r.LastWords[maxCategories])
}

func TestLatestThatStandsInAnInvalidRowWithholdsTheKey(t *testing.T) {
	open, _ := temps(t)
	b := NewBuilder(Config{Temp: open, Now: time.UnixMilli(1000)})
	batch := b.NewBatch()
	yes, no := says("ann", "news", 5), says("ann", "news", 9)
	no.Action = mapping.Reject
	batch.Consent(At(1, 1), &yes, Fate{})
	batch.Consent(At(2, 1), &no, Fate{State: Unsendable})
	require.NoError(t, b.Add(batch))
	x, err := b.Sort()
	require.NoError(t, err)
	defer x.Close()
	r, err := x.Walk(context.Background(), Options{Mode: Latest, Plan: true, Foresee: true})
	require.NoError(t, err)
	defer r.Close()
	require.EqualValues(t, 1, r.Withheld)
	require.Zero(t, r.Permissive.Len())
	require.EqualValues(t, 1, r.Plan.Superseded)
}

// BenchmarkIndex indexes 5 M decisions in random order, one person with a tenth of
// them, and plans how they are sent.
func BenchmarkIndex(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		open, _ := temps(b)
		builder := NewBuilder(Config{Temp: open, Now: time.Now()})
		batch := builder.NewBatch()
		var id [8]byte
		c := mapping.Consent{ValidUntil: mapping.Unlimited, Source: []byte("web"), Category: []byte("news")}
		for i := range 5_000_000 {
			n := rng.Uint64N(2_500_000)
			if rng.IntN(10) == 0 {
				n = 0
			}
			binary.BigEndian.PutUint64(id[:], n)
			c.UserID = fmt.Appendf(c.UserID[:0], "user-%x", id)
			c.Action = mapping.Action(1 + rng.IntN(2))
			c.Timestamp = rng.Int64N(1 << 40)
			batch.Consent(At(int64(i+1), 1), &c, Fate{})
			if i%1000 == 0 {
				require.NoError(b, builder.Add(batch))
			}
		}
		require.NoError(b, builder.Add(batch))
		x, err := builder.Sort()
		require.NoError(b, err)
		r, err := x.Walk(context.Background(), Options{Plan: true, Near: 512})
		require.NoError(b, err)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapSys>>20), "MiB")
		b.ReportMetric(float64(x.Disk()>>20), "disk-MiB")
		b.ReportMetric(float64(r.Plan.Pulled), "pulled")
		require.NoError(b, r.Close())
		require.NoError(b, x.Close())
	}
}

// A record keeps all that is known of a decision, whatever stands beside it, and
// decisions that differ by their times alone are in the order of these.
func TestARecordKeepsAllOfADecision(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func() entry {
			return entry{
				key:      key{subject: [2]uint64{rapid.Uint64().Draw(rt, "subject"), rapid.Uint64().Draw(rt, "rest")}, category: rapid.Uint64().Draw(rt, "category")},
				time:     rapid.OneOf(rapid.SampledFrom([]int64{First, Last, -1, 0, 1}), rapid.Int64Range(-1<<50, 1<<50)).Draw(rt, "time"),
				decision: Decision(rapid.IntRange(0, 2).Draw(rt, "decision")),
				place:    At(rapid.Int64Range(1, maxRow).Draw(rt, "row"), rapid.IntRange(1, maxNumber).Draw(rt, "number")),
				digest:   rapid.Uint64().Draw(rt, "digest"),
				spelling: rapid.Uint32().Draw(rt, "spelling"),
				state:    State(rapid.IntRange(0, int(Known)).Draw(rt, "state")),
				expired:  rapid.Bool().Draw(rt, "expired"),
				again:    rapid.Bool().Draw(rt, "again"),
				begun:    rapid.Bool().Draw(rt, "begun"),
				pass:     rapid.Uint16().Draw(rt, "pass"),
			}
		}
		a, b := draw(), draw()
		var back entry
		rec := bytes.Repeat([]byte{0xff}, recordSize)
		a.encode(rec)
		back.decode(rec)
		require.Equal(t, a, back)

		b.key = a.key
		other := make([]byte, recordSize)
		b.encode(other)
		order := bytes.Compare(rec[:keySize], other[:keySize])
		if want := cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.decision, b.decision), cmp.Compare(a.place, b.place)); want != 0 {
			require.Equal(t, want, order)
		}
	})
}
