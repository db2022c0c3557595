package extsort

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// temp opens files in a directory of the test and removes them when they are closed.
type temp struct {
	dir  string
	n    int
	wrap func(File) File
}

type removed struct{ *os.File }

func (r removed) Close() error { return errors.Join(r.File.Close(), os.Remove(r.Name())) }

func (t *temp) open() (File, error) {
	f, err := os.CreateTemp(t.dir, "run")
	if err != nil {
		return nil, err
	}
	t.n++
	if t.wrap != nil {
		return t.wrap(removed{f}), nil
	}
	return removed{f}, nil
}

func (t *temp) requireEmpty(tb testing.TB) {
	tb.Helper()
	left, err := filepath.Glob(filepath.Join(t.dir, "*"))
	require.NoError(tb, err)
	require.Empty(tb, left, "files that are left")
}

func readAll(tb testing.TB, s *Sorted) (out [][]byte) {
	r, err := s.Reader()
	require.NoError(tb, err)
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return out
		}
		require.NoError(tb, err)
		out = append(out, bytes.Clone(rec))
	}
}

// addSpread adds what spread has, which for records of other sizes is nothing.
func addSpread(s *Sorter, spread *Spread) error {
	if !s.cfg.Spread || s.cfg.Size < 8 {
		return nil
	}
	return s.AddSpread(spread)
}

// What comes out is what went in, in order, whatever the sizes, in memory and by
// any number of runs and levels; it can be read again; and no file is left.
func TestSortedEqualsASliceThatWasSorted(t *testing.T) {
	levels := 0
	rapid.Check(t, func(rt *rapid.T) {
		dir := temp{dir: t.TempDir()}
		cfg := Config{Key: rapid.IntRange(1, 20).Draw(rt, "key"), Buffer: rapid.SampledFrom([]int{200, 3000, 1 << 20}).Draw(rt, "buffer"), Temp: dir.open, Spread: rapid.Bool().Draw(rt, "spread")}
		if rapid.Bool().Draw(rt, "fixed") {
			cfg.Size = cfg.Key + rapid.IntRange(0, 9).Draw(rt, "size")
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		want := make([][]byte, rapid.IntRange(0, 1500).Draw(rt, "n"))
		s := New(cfg)
		var spread Spread
		greatest := rapid.Bool().Draw(rt, "some are the greatest that there are")
		for i := range want {
			n := cfg.Size
			if n == 0 {
				n = cfg.Key + rng.IntN(40)
			}
			want[i] = make([]byte, n)
			for k := range want[i] {
				want[i][k] = byte(rng.IntN(3)) // many are equal at first
			}
			if cfg.Spread {
				want[i][0] = byte(rng.IntN(256))
			}
			if greatest && rng.IntN(2) == 0 {
				copy(want[i], bytes.Repeat([]byte{0xff}, n))
			}
			if cfg.Spread && cfg.Size >= 8 && rng.IntN(2) == 0 {
				copy(spread.Add(binary.BigEndian.Uint64(want[i]), cfg.Size), want[i])
			} else {
				require.NoError(t, s.Add(want[i]))
			}
			if rng.IntN(100) == 0 {
				require.NoError(t, addSpread(s, &spread))
			}
		}
		require.NoError(t, addSpread(s, &spread))
		slices.SortFunc(want, bytes.Compare)
		sorted, err := s.Sort()
		require.NoError(t, err)
		require.EqualValues(t, len(want), sorted.Len())
		levels = max(levels, dir.n)
		for range 2 {
			got := readAll(t, sorted)
			require.True(t, slices.IsSortedFunc(got, func(a, b []byte) int { return bytes.Compare(a[:cfg.Key], b[:cfg.Key]) }))
			slices.SortFunc(got, bytes.Compare) // records that are equal by their key have no order
			require.Equal(t, len(want), len(got))
			for i := range want {
				require.Equal(t, want[i], got[i])
			}
		}
		for n := 1; n <= MaxParts; n *= 2 { // the parts, all read at a time, are the whole
			all := [][]byte{}
			readers := make([]*Reader, n)
			for i := range readers {
				readers[i], err = sorted.Part(i, n)
				require.NoError(t, err)
			}
			parts := make([][][]byte, n)
			for left := n; left > 0; {
				left = 0
				for i, r := range readers {
					if rec, err := r.Next(); err != io.EOF {
						require.NoError(t, err)
						parts[i] = append(parts[i], bytes.Clone(rec))
						left++
					}
				}
			}
			for i := range readers {
				readers[i].Close()
				all = append(all, parts[i]...)
			}
			require.True(t, slices.IsSortedFunc(all, func(a, b []byte) int { return bytes.Compare(a[:cfg.Key], b[:cfg.Key]) }))
			slices.SortFunc(all, bytes.Compare)
			require.Equal(t, want, all)
		}
		require.NoError(t, sorted.Close())
		dir.requireEmpty(t)
	})
	require.Greater(t, levels, 1, "no merge of more than one level was seen")
}

func TestWhatFitsIntoMemoryNeverTouchesTheDisk(t *testing.T) {
	s := New(Config{Size: 8, Key: 8, Temp: func() (File, error) { return nil, errors.New("a file") }})
	for i := range 100_000 {
		require.NoError(t, s.Add(binary.BigEndian.AppendUint64(nil, uint64(i*7919%100_003))))
	}
	sorted, err := s.Sort()
	require.NoError(t, err)
	require.Zero(t, sorted.Disk())
	require.NoError(t, sorted.Close())
}

func TestARecordOfAnotherSizeIsRefused(t *testing.T) {
	s := New(Config{Size: 8, Key: 8})
	require.Error(t, s.Add(make([]byte, 7)))
	s = New(Config{Key: 8})
	require.Error(t, s.Add(make([]byte, 7)))
	require.Error(t, s.Add(make([]byte, maxRecord+1)))
}

// failing is a file in which the n-th step fails.
type failing struct {
	File
	left *int
}

var errDisk = errors.New("the disk is full")

func (f failing) step() bool { *f.left--; return *f.left < 0 }

func (f failing) Write(b []byte) (int, error) {
	if f.step() {
		return len(b) / 2, errDisk
	}
	return f.File.Write(b)
}

func (f failing) Read(b []byte) (int, error) {
	if f.step() {
		return 0, errDisk
	}
	return f.File.Read(b)
}

func (f failing) ReadAt(b []byte, at int64) (int, error) {
	if f.step() {
		return 0, errDisk
	}
	return f.File.ReadAt(b, at)
}

func (f failing) Seek(at int64, whence int) (int64, error) {
	if f.step() {
		return 0, errDisk
	}
	return f.File.Seek(at, whence)
}

// Whatever step of the disk fails, the error comes out and no file is left.
func TestAFailingDiskIsAnErrorAtEveryStep(t *testing.T) {
	rec := make([]byte, 64)
	sortAll := func(dir *temp) error {
		s := New(Config{Size: 64, Key: 64, Buffer: 8 << 10, Temp: dir.open})
		for i := range 8000 {
			binary.BigEndian.PutUint64(rec, uint64(i*7919%8009))
			if err := s.Add(rec); err != nil {
				return errors.Join(err, s.Close())
			}
		}
		sorted, err := s.Sort()
		if err != nil {
			return err
		}
		defer sorted.Close()
		r, err := sorted.Reader()
		if err != nil {
			return err
		}
		defer r.Close()
		for {
			if _, err := r.Next(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	failed := 0
	for n := 0; ; n += 1 + n/20 {
		left := n
		dir := &temp{dir: t.TempDir(), wrap: func(f File) File { return failing{f, &left} }}
		err := sortAll(dir)
		dir.requireEmpty(t)
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errDisk, "step %d", n)
		failed++
	}
	require.Greater(t, failed, 20)
}

// A block that was damaged on the disk is an error, never other records.
func TestADamagedBlockIsAnError(t *testing.T) {
	errs := 0
	for at := range int64(200) {
		var file File
		dir := &temp{dir: t.TempDir(), wrap: func(f File) File { file = f; return f }}
		s := New(Config{Key: 4, Buffer: 600, Temp: dir.open})
		for i := range 40 {
			require.NoError(t, s.Add(binary.BigEndian.AppendUint32([]byte{}, uint32(i*31%41))))
		}
		sorted, err := s.Sort()
		require.NoError(t, err)
		var b [1]byte
		_, err = file.(removed).ReadAt(b[:], at)
		if err == io.EOF {
			require.NoError(t, sorted.Close())
			break
		}
		require.NoError(t, err)
		_, err = file.(removed).WriteAt([]byte{b[0] ^ 0x55}, at)
		require.NoError(t, err)
		var got []uint32
		r, err := sorted.Reader()
		for err == nil {
			var rec []byte
			if rec, err = r.Next(); err == nil {
				got = append(got, binary.BigEndian.Uint32(rec))
			}
		}
		if err == io.EOF { // a byte that says nothing, such as how much memory to keep
			require.Len(t, got, 40, "byte %d", at)
			require.True(t, slices.IsSorted(got), "byte %d", at)
		} else {
			errs++
		}
		require.NoError(t, sorted.Close())
	}
	require.Greater(t, errs, 100)
}

// BenchmarkSort is the sort of 5 M records of the size that the history has.
func BenchmarkSort(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	rec := make([]byte, 56)
	for b.Loop() {
		dir := &temp{dir: b.TempDir()}
		s := New(Config{Size: 56, Key: 40, Spread: true, Temp: dir.open})
		for range 5_000_000 {
			for at := 0; at < 40; at += 8 {
				binary.BigEndian.PutUint64(rec[at:], rng.Uint64())
			}
			require.NoError(b, s.Add(rec))
		}
		sorted, err := s.Sort()
		require.NoError(b, err)
		r, err := sorted.Reader()
		require.NoError(b, err)
		for err == nil {
			_, err = r.Next()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapSys>>20), "MiB")
		b.ReportMetric(float64(sorted.Disk()>>20), "disk-MiB")
		require.NoError(b, sorted.Close())
	}
}

// Records are found by what they begin with, in memory and in runs, in one part and in
// many, as one who reads all of them finds them.
func TestFindGivesWhatBeginsSo(t *testing.T) {
	for _, spread := range []bool{false, true} {
		for _, buffer := range []int{1 << 20, 64 << 10, 4 << 10} {
			rng := rand.New(rand.NewPCG(7, uint64(buffer)))
			files := &temp{dir: t.TempDir()}
			s := New(Config{Size: 24, Key: 16, Spread: spread, Buffer: buffer, Temp: files.open})
			want := map[string]int{}
			var sought []uint64
			for range 9000 {
				p := rng.Uint64()
				times := 1 + rng.IntN(3)
				if rng.IntN(500) == 0 {
					times = 3000 // over several blocks
				}
				isSought := rng.IntN(100) == 0
				if isSought {
					sought = append(sought, p)
				}
				for range times {
					rec := binary.BigEndian.AppendUint64(nil, p)
					rec = binary.BigEndian.AppendUint64(rec, rng.Uint64())
					rec = binary.BigEndian.AppendUint64(rec, rng.Uint64())
					require.NoError(t, s.Add(rec))
					if isSought {
						want[string(rec)]++
					}
				}
			}
			sought = append(sought, 0, 1<<64-1, sought[0])
			sorted, err := s.Sort()
			require.NoError(t, err)
			for range 2 {
				got := map[string]int{}
				require.NoError(t, sorted.Find(sought, func(rec []byte) { got[string(rec)]++ }))
				require.Equal(t, want, got, "spread %v, buffer %d", spread, buffer)
				r, err := sorted.Reader() // between them it is read
				require.NoError(t, err)
				for range 100 {
					_, err := r.Next()
					require.NoError(t, err)
				}
				r.Close()
			}
			require.NoError(t, sorted.Close())
		}
	}
	s := New(Config{Key: 8})
	sorted, err := s.Sort()
	require.NoError(t, err)
	require.ErrorIs(t, sorted.Find(nil, nil), errors.ErrUnsupported)
}
