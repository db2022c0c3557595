package rows

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// What is kept is not mapped again and is what mapping gives; what cannot be kept, or read
// back, is mapped.
func TestWhatIsKeptIsNotMappedAgain(t *testing.T) {
	const many = 20_000
	files, passes := place(t, people(many))
	reading, err := files.Reading(users(t, ""), nil, passes[0])
	require.NoError(t, err)
	results := func(kept []*Kept, visit Visit) (all []string) {
		reader, err := files.Export().Read(source.Position{}, source.ReadOptions{})
		require.NoError(t, err)
		defer reader.Close()
		sweep := Sweep{Files: files, Reading: reading, Kept: kept}
		show := Visit(func(b *Batch) func() error {
			return func() error {
				for i := range b.Len() {
					r := b.Result(i, reading)
					c := &r.Consents[0]
					all = append(all, fmt.Sprintf("%d %v %s %v %d %s", b.Number(i), r.Status, c.UserID, c.Action, c.Timestamp, c.Raw))
				}
				return nil
			}
		})
		require.NoError(t, sweep.Run(t.Context(), reader, show.And(visit)))
		return all
	}
	none := func(*Batch) func() error { return nil }
	want := results(nil, none)
	require.Len(t, want, many)
	for what, c := range map[string]struct {
		limit int64
		spoil func(path string, k *Kept)
		again func(n int64) bool
	}{
		"all of it":                {1 << 30, nil, func(n int64) bool { return n == many/2 }},
		"as far as it goes":        {50_000, nil, func(n int64) bool { return n > many/2 && n < many }},
		"where nothing fits":       {0, nil, func(n int64) bool { return n == many }},
		"after it was closed":      {1 << 30, func(_ string, k *Kept) { assert.NoError(t, k.Close()) }, func(n int64) bool { return n == many }},
		"where a disk has lost it": {1 << 30, func(path string, _ *Kept) { require.NoError(t, os.Truncate(path, 10)) }, func(n int64) bool { return n > many/2 && n <= many }},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kept")
			k := &Kept{Limit: c.limit, Temp: func() (extsort.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }, memory: 1}
			results(nil, func(b *Batch) func() error {
				return func() error { k.Add(b, func(i int) bool { return b.Number(i)%2 == 0 }); return nil }
			})
			k.End()
			if c.spoil != nil {
				c.spoil(path, k)
			}
			before := files.Mappings()
			assert.Equal(t, want, results([]*Kept{k}, none))
			assert.True(t, c.again(files.Mappings()-before), "%d of %d rows are mapped", files.Mappings()-before, many)
			assert.NoError(t, k.Close())
		})
	}
	for _, limit := range []int64{1 << 30, 50_000} { // found when it is full, or at the end
		full := &Kept{Limit: limit, Temp: func() (extsort.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) }, memory: 1}
		results(nil, func(b *Batch) func() error { return func() error { full.Add(b, nil); return nil } })
		full.End()
		assert.Nil(t, full.spool, "what a full disk has of it is given back")
		assert.Equal(t, want, results([]*Kept{full}, none), "a disk that is full")
	}
	path := filepath.Join(t.TempDir(), "kept")
	for at := range 20 { // bits of the first block that a disk has changed
		k := &Kept{Limit: 20_000, memory: 1, Temp: func() (extsort.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }}
		results(nil, func(b *Batch) func() error { return func() error { k.Add(b, nil); return nil } })
		k.End()
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		text[keptSum+at*97] ^= 1 << (at % 8)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		require.Equal(t, want, results([]*Kept{k}, none), "byte %d", at*97)
		require.NoError(t, k.Close())
	}
}

// keeping gives a Kept whose file is somewhere below a directory of the test; made counts
// its files.
func keeping(t *testing.T, made *int) *Kept {
	dir := t.TempDir()
	return &Kept{Limit: 1 << 30, memory: 1, Temp: func() (extsort.File, error) { *made++; return os.CreateTemp(dir, "kept") }}
}

// A row that is taken back is that row as that mapping has read it in that form, in sweeps
// over the export and over a repaired file, of whatever sweep it was kept.
func TestWhatIsKeptIsOfTheRowAndItsReading(t *testing.T) {
	const many = 3000
	rng := rand.New(rand.NewPCG(3, 9))
	some := func() (numbers []int64) {
		for n := int64(1); n <= many; n++ {
			if rng.IntN(3) == 0 {
				numbers = append(numbers, n)
			}
		}
		return numbers
	}
	files, passes := place(t, strings.ReplaceAll(people(many), "7,yes", "7,perhaps"), fixed(some()...), fixed(some()...))
	var readings []*Reading // of each pass under each mapping
	for _, p := range passes {
		for _, more := range []string{"", "  category: {const: news}\n", "  category: {const: ads}\n  message: {template: \"row {id}\"}\n"} {
			r, err := files.Reading(users(t, more), nil, p)
			require.NoError(t, err)
			readings = append(readings, r)
		}
	}
	type asked struct {
		row     int64
		reading int
	}
	// sweep asks for some readings of some rows, and gives what each of them became.
	sweep := func(over *Reading, seed uint64, kept []*Kept, visit func(*Batch)) map[asked]Result {
		rng, all := rand.New(rand.NewPCG(seed, 1)), map[asked]Result{}
		s := &Sweep{Files: files, Reading: over, Kept: kept, Plan: func(b *Batch) error {
			for i := range b.Len() {
				for _, r := range readings {
					if rng.IntN(4) == 0 {
						b.Want(i, r)
					}
				}
			}
			return nil
		}}
		require.NoError(t, sweepOver(t, s, func(b *Batch) func() error {
			return func() error {
				visit(b)
				for i := range b.Len() {
					for n, r := range readings {
						if res := b.Result(i, r); res != nil {
							all[asked{b.Number(i), n}] = copied(res)
						}
					}
				}
				return nil
			}
		}))
		return all
	}
	overs := []*Reading{nil, readings[3], readings[6]} // the export, and each repaired file
	for n := range uint64(6) {
		var kept []*Kept
		for _, seed := range []uint64{10 + n, 20 + n} {
			made := 0
			k := keeping(t, &made)
			sweep(overs[rng.IntN(3)], seed, kept, func(b *Batch) { k.Add(b, nil) })
			k.End()
			kept = append(kept, k)
		}
		over := overs[n%3]
		want := sweep(over, n, nil, func(*Batch) {})
		before := files.Mappings()
		reused := 0
		assert.Equal(t, want, sweep(over, n, kept, func(b *Batch) { reused += b.reused }))
		assert.Positive(t, reused, "of %d", files.Mappings()-before)
		for _, k := range kept {
			require.NoError(t, k.Close())
		}
	}
}

// copied is a result that outlives its batch.
func copied(r *Result) Result {
	packed, _ := (&mapping.Result{Status: r.Status, Reason: r.Reason, Column: r.Column, Missed: r.Missed, Consents: r.Consents, Dropped: r.Dropped}).Pack(nil)
	var res mapping.Result
	_, _ = res.Unpack(packed)
	return Result{Status: res.Status, Reason: res.Reason, Column: res.Column, Missed: res.Missed, Consents: res.Consents, Dropped: res.Dropped}
}

// Of rows that became very much no more is kept than has room in memory, and once it was
// closed nothing is.
func TestWhatIsKeptIsBounded(t *testing.T) {
	const each = 1000 << 10
	files := 0
	k := keeping(t, &files)
	b := &Batch{n: 20, Src: &source.Batch{}}
	long := make([]byte, each) // it does not pack
	_, _ = rand.NewChaCha8([32]byte{}).Read(long)
	for i := range b.n {
		b.Src.Rows = append(b.Src.Rows, source.Row{Number: int64(i + 1)})
		b.at = append(b.at, i)
		b.made = append(b.made, made{by: &bound{}, result: Result{Consents: []mapping.Consent{{Message: long}}}})
	}
	b.at = append(b.at, b.n)
	k.Add(b, nil)
	assert.LessOrEqual(t, cap(k.text), 2*(keptBatch+each))
	k.End()
	require.Len(t, k.blocks, 1)
	assert.EqualValues(t, keptBatch/each+1, k.blocks[0].last)
	require.NoError(t, k.Close())

	full := &Kept{Limit: 1 << 30, Temp: func() (extsort.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) }}
	full.Add(b, nil)
	full.Add(b, nil) // the first is written by now
	assert.True(t, full.full && full.spool == nil, "what a full disk has of it is given back at once")

	files = 0
	k = keeping(t, &files)
	require.NoError(t, k.Close())
	k.Add(b, nil)
	k.End()
	assert.Zero(t, files, "made when it was closed")
}

// BenchmarkKept keeps rows and takes them back; "mapped" is to map them once more.
func BenchmarkKept(b *testing.B) {
	export := filepath.Join(b.TempDir(), "export.csv")
	require.NoError(b, os.WriteFile(export, []byte(people(100_000)), 0o600))
	opened, err := source.Open(source.Config{Paths: []string{export}})
	require.NoError(b, err)
	defer opened.Close()
	files, err := OpenFiles(opened, "", nil)
	require.NoError(b, err)
	spec, err := mapping.Parse("m.yaml", []byte(userMapping), nil)
	require.NoError(b, err)
	reading, err := files.Reading(spec, nil, journal.Pass{N: 1, Kind: journal.Import})
	require.NoError(b, err)
	sweep := func(visit Visit, kept ...*Kept) {
		reader, err := opened.Read(source.Position{}, source.ReadOptions{NoMarks: true})
		require.NoError(b, err)
		defer reader.Close()
		require.NoError(b, (&Sweep{Files: files, Reading: reading, Kept: kept, Workers: 1}).Run(b.Context(), reader, visit))
	}
	none := func(*Batch) func() error { return nil }
	keep := func() *Kept {
		k := &Kept{Limit: 1 << 30, Temp: func() (extsort.File, error) { return os.CreateTemp(b.TempDir(), "kept") }}
		sweep(func(batch *Batch) func() error { return func() error { k.Add(batch, nil); return nil } })
		k.End()
		return k
	}
	b.Run("mapped", func(b *testing.B) {
		for b.Loop() {
			sweep(none)
		}
	})
	b.Run("mapped and kept", func(b *testing.B) {
		for b.Loop() {
			_ = keep().Close()
		}
	})
	b.Run("taken back", func(b *testing.B) {
		k := keep()
		for b.Loop() {
			sweep(none, k)
		}
		_ = k.Close()
	})
}
