package journal_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

func BenchmarkAppend(b *testing.B) {
	w := begin(b, b.TempDir())
	defer w.Close()
	row := int64(0)
	for b.Loop() {
		row++
		if err := w.Append(sent(row, 1, true)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

func BenchmarkAppend64(b *testing.B) {
	w := begin(b, b.TempDir())
	defer w.Close()
	var row atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				n := row.Add(1)
				if n > int64(b.N) {
					return
				}
				if err := w.Append(sent(n, 1, true)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// bulk writes a checkpoint of rows with one or two consents each, as 64 senders
// would: a few rows out of order, one in fail rejected.
func bulk(b *testing.B, dir string, rows, fail int) {
	w := begin(b, dir)
	rng := rand.New(rand.NewPCG(1, 2))
	const window = 64
	var wg sync.WaitGroup
	for from := 1; from <= rows; from += window {
		for _, i := range rng.Perm(window) {
			row := int64(from + i)
			wg.Go(func() {
				o := sent(row, 1, true)
				if fail > 0 && row%int64(fail) == 0 {
					o = rejected(row, 1, "unknown source: 17")
				}
				if err := w.Append(o); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		if from%(window*64) == 1 {
			require.NoError(b, w.Mark(mark(int64(from+window), int64(from+2*window))))
		}
	}
	require.NoError(b, w.Close())
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	bulk(b, dir, 1<<19, 100)
	info, err := os.Stat(filepath.Join(dir, journal.Name))
	require.NoError(b, err)
	b.SetBytes(info.Size())
	for b.Loop() {
		if _, err := journal.Read(journal.OS{}, dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLedger(b *testing.B) {
	for name, fail := range map[string]int{"whole": 0, "failures": 10} {
		b.Run(name, func(b *testing.B) {
			const rows = 1 << 19
			dir := b.TempDir()
			bulk(b, dir, rows, fail)
			s, err := journal.Read(journal.OS{}, dir)
			require.NoError(b, err)
			var dst []journal.PassOutcome
			n := 0
			for b.Loop() {
				l, err := s.Ledger(0)
				require.NoError(b, err)
				for row := int64(1); row <= rows; row++ {
					dst, err = l.Outcomes(row, 1, dst[:0])
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				_ = l.Close()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
