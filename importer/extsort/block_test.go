package extsort

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What a block is opened to is what was put into it, and whatever was done to its bytes
// behind the check sum's back is an error or other records, never a panic.
func TestABlockOpensToWhatWasPutIntoIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.SampledFrom([]int{8, 9, 15, 16, 24, 52, 56, 64, 100}).Draw(rt, "size")
		few := rapid.IntRange(1, 256).Draw(rt, "values of a byte")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		records := make([]byte, size*rapid.IntRange(1, 300).Draw(rt, "n"))
		for i := range records {
			records[i] = byte(rng.IntN(few))
		}
		block := appendBlock([]byte("before"), records, size)[len("before"):]
		require.EqualValues(t, len(block)-blockHead, binary.LittleEndian.Uint32(block))
		require.EqualValues(t, len(records), binary.LittleEndian.Uint32(block[4:]))
		stored := slices.Grow(bytes.Clone(block[blockHead:]), slack)
		got, err := openBlock(nil, stored, len(records), size)
		require.NoError(t, err)
		require.Equal(t, records, got)

		for range 20 {
			wrong := append([]byte{}, stored[:rng.IntN(len(stored)+1)]...)
			cut, n := len(wrong) < len(stored), len(records)+rng.IntN(3)-1
			if !cut && n == len(records) || rng.IntN(2) == 0 && len(wrong) > 0 {
				for range 1 + rng.IntN(4) {
					wrong[rng.IntN(len(wrong))] ^= byte(rng.IntN(256))
				}
				cut, n = false, len(records)
			}
			_, err := openBlock(got, slices.Grow(wrong, slack), n, size)
			if cut || n != len(records) {
				require.Error(t, err)
			}
		}
	})
}

// BenchmarkBlock stores and opens blocks of records as the history has them, in order,
// beside S2 for the same ones, with which records of different sizes are stored.
func BenchmarkBlock(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	categories := [5]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
	all := make([][]byte, 1<<20)
	for i := range all {
		rec := make([]byte, 56)
		binary.BigEndian.PutUint64(rec, rng.Uint64())
		binary.BigEndian.PutUint64(rec[8:], rng.Uint64())
		binary.BigEndian.PutUint64(rec[16:], categories[rng.IntN(5)])
		binary.BigEndian.PutUint64(rec[24:], 1<<63+1.7e12+rng.Uint64N(1e11)) // three years
		binary.BigEndian.PutUint64(rec[32:], 1<<62+rng.Uint64N(1e7)<<20)
		binary.BigEndian.PutUint64(rec[40:], rng.Uint64())
		all[i] = rec
	}
	slices.SortFunc(all, bytes.Compare)
	records := bytes.Join(all[:blockSize/56], nil)
	for name, size := range map[string]int{"trimmed": 56, "s2": 0} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(records)))
			var block, back []byte
			for b.Loop() {
				block = slices.Grow(appendBlock(block[:0], records, size), slack)
				var err error
				if back, err = openBlock(back, block[blockHead:], len(records), size); err != nil {
					b.Fatal(err)
				}
			}
			require.Equal(b, records, back)
			b.ReportMetric(float64(len(block))/float64(len(records)), "stored/records")
		})
	}
}
