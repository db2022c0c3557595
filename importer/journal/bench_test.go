package journal_test

import (
	"bytes"
	"fmt"
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

// bulk is a checkpoint of rows with one consent each, as 64 senders would write
// it: out of order by so many rows, one in fail rejected.
func bulk(b *testing.B, rows, fail int) (dir string) {
	dir = b.TempDir()
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
	return dir
}

func BenchmarkRead(b *testing.B) {
	dir := bulk(b, 1<<19, 100)
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
	const rows = 1 << 19
	for _, c := range []struct {
		name string
		dir  func(*testing.B) string
	}{
		{"single", func(b *testing.B) string { return bulk(b, rows, 0) }},
		{"failures", func(b *testing.B) string { return bulk(b, rows, 10) }},
		{"runs", func(b *testing.B) string { return runs(b, rows) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := journal.Read(journal.OS{}, c.dir(b))
			require.NoError(b, err)
			var dst []journal.PassOutcome
			n := 0
			for b.Loop() {
				l, err := s.Ledger(0)
				require.NoError(b, err)
				for row := int64(1); row <= rows; row++ {
					dst, err = l.Outcomes(row, 1, dst[:0])
					if err != nil || dst[0].State == journal.Pending {
						b.Fatal(row, err)
					}
					n++
				}
				_ = l.Close()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// runs is a checkpoint of rows that were sent 64 at a time.
func runs(b *testing.B, rows int) (dir string) {
	text := sample(b)
	text = text[:bytes.IndexByte(text, '\n')+1]
	const crc = `,"crc":"00000000"}` + "\n"
	text = append(text, `{"pass":{"n":1}`+crc+`{"run":{"n":1,"pass":1}`+crc...)
	for from := 1; from <= rows; from += 64 {
		text = fmt.Appendf(text, `{"sent":"%d.1-%d.1","n":64`+crc, from, from+63)
		if from%4096 == 1 {
			text = fmt.Appendf(text, `{"mark":{"low":{"row":%d},"high":%d}`+crc, from+64, from+63)
		}
	}
	return put(b, recheck(text))
}
