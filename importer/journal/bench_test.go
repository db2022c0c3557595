package journal_test

import (
	"bytes"
	"errors"
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

// BenchmarkAppend appends to a checkpoint on a real file, from so many goroutines
// at once as requests are in flight, each waiting until its outcome is written.
// The Writer brings what was written to the medium twice a second meanwhile, as
// it does in an import; "each synced" waits for that with every outcome.
func BenchmarkAppend(b *testing.B) {
	for _, goroutines := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			benchAppend(b, goroutines, 64, func(w *journal.Writer, row int64) error { return w.Append(sent(row, 1, true)) })
		})
	}
	b.Run("64 goroutines, all refused", func(b *testing.B) {
		benchAppend(b, 64, 64, func(w *journal.Writer, row int64) error {
			return w.Append(refused(row, 1, "source is required for this profile"))
		})
	})
	b.Run("1 goroutine, each synced", func(b *testing.B) {
		benchAppend(b, 1, 1, func(w *journal.Writer, row int64) error {
			return errors.Join(w.Append(sent(row, 1, true)), w.Sync())
		})
	})
}

// benchAppend has each goroutine append some records a round.
func benchAppend(b *testing.B, goroutines, each int, put func(*journal.Writer, int64) error) {
	dir := b.TempDir()
	w := begin(b, dir)
	before := size(b, dir)
	var row atomic.Int64
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range each {
					if err := put(w, row.Add(1)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	taken := b.Elapsed()
	require.NoError(b, w.Close())
	records := row.Load()
	b.SetBytes((size(b, dir) - before) / int64(b.N))
	b.ReportMetric(float64(records)/taken.Seconds(), "records/s")
	b.ReportMetric(float64(size(b, dir)-before)/float64(records), "B/record")
}

// size is how long the checkpoint in a directory is.
func size(b *testing.B, dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, journal.Name))
	require.NoError(b, err)
	return info.Size()
}

// bulk is a checkpoint of rows with one consent each, as 64 senders would write
// it: out of order by so many rows, one in fail refused.
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
					o = refused(row, 1, "unknown source: 17")
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
	dir := bulk(b, 1<<17, 100)
	b.SetBytes(size(b, dir))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := journal.Read(journal.OS{}, dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOutcomes(b *testing.B) {
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
			var found []journal.RowOutcome
			var dst []journal.PassOutcome
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				l, err := s.Outcomes(0)
				require.NoError(b, err)
				for row := int64(1); row <= rows; row++ {
					found, err = l.Row(row, found[:0])
					dst = journal.Resolve(found, row, 1, dst[:0])
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
