package extsort

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// keyBytes is the size of a key of BenchmarkAgainstGNUSort; in the file it is a line of
// twice as many hex digits.
const keyBytes = 20

// BenchmarkAgainstGNUSort sorts a file of evenly spread keys, one a line, into another
// file, and has sort of the GNU coreutils do the same with as much memory: in pairs, the
// ratio is the median of theirs / ours. The files are equal, which is checked.
// CONSENTIMPORT_SORT_KEYS is how many (5,000,000), CONSENTIMPORT_SORT_MIB the memory (8).
func BenchmarkAgainstGNUSort(b *testing.B) {
	gnu, err := exec.LookPath("sort")
	if version, _ := exec.CommandContext(b.Context(), "sort", "--version").Output(); err != nil || !bytes.Contains(version, []byte("GNU")) {
		b.Skip("there is no sort of the GNU coreutils here")
	}
	keys, memory := setting(b, "CONSENTIMPORT_SORT_KEYS", 5_000_000), setting(b, "CONSENTIMPORT_SORT_MIB", 8)
	dir := b.TempDir()
	in, ours, theirs := filepath.Join(dir, "in"), filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	writeKeys(b, in, keys)
	var took, others, ratios []float64
	for b.Loop() {
		began := time.Now()
		sortKeys(b, in, ours, dir, memory)
		took = append(took, time.Since(began).Seconds())
		began = time.Now()
		c := exec.CommandContext(b.Context(), gnu, "-S", strconv.Itoa(memory)+"M", "-T", dir, "-o", theirs, in)
		c.Env = append(os.Environ(), "LC_ALL=C")
		require.NoError(b, c.Run())
		others = append(others, time.Since(began).Seconds())
		ratios = append(ratios, others[len(others)-1]/took[len(took)-1])
	}
	require.NoError(b, exec.CommandContext(b.Context(), "cmp", ours, theirs).Run(), "the files are not equal")
	middle := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(took), "ours-s")
	b.ReportMetric(middle(others), "gnu-s")
	b.ReportMetric(middle(ratios), "ratio")
}

func setting(b *testing.B, name string, usual int) int {
	if s := os.Getenv(name); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(b, err, name)
		return n
	}
	return usual
}

func writeKeys(b *testing.B, path string, n int) {
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriterSize(f, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	key, line := make([]byte, 24), make([]byte, 2*keyBytes+1)
	line[2*keyBytes] = '\n'
	for range n {
		for at := 0; at < len(key); at += 8 {
			binary.BigEndian.PutUint64(key[at:], random.Uint64())
		}
		hex.Encode(line, key[:keyBytes])
		_, err := w.Write(line)
		require.NoError(b, err)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
}

// sortKeys sorts a file of keys into another.
func sortKeys(b *testing.B, in, out, dir string, memory int) {
	f, err := os.Open(in)
	require.NoError(b, err)
	defer f.Close()
	temps := &temp{dir: dir}
	s := New(Config{Size: keyBytes, Key: keyBytes, Spread: true, Buffer: memory << 20 / 2, Temp: temps.open})
	r := bufio.NewReaderSize(f, 64<<10)
	key, line := make([]byte, keyBytes), make([]byte, 2*keyBytes+1)
	for {
		if _, err := io.ReadFull(r, line); err == io.EOF {
			break
		} else if err != nil {
			require.NoError(b, err)
		}
		if _, err := hex.Decode(key, line[:2*keyBytes]); err != nil {
			require.NoError(b, err)
		}
		if err := s.Add(key); err != nil {
			require.NoError(b, err)
		}
	}
	sorted, err := s.Sort()
	require.NoError(b, err)
	defer sorted.Close()
	reader, err := sorted.Reader()
	require.NoError(b, err)
	defer reader.Close()
	to, err := os.Create(out)
	require.NoError(b, err)
	w := bufio.NewWriterSize(to, 64<<10)
	for {
		rec, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			require.NoError(b, err)
		}
		hex.Encode(line, rec)
		if _, err := w.Write(line); err != nil {
			require.NoError(b, err)
		}
	}
	require.NoError(b, w.Flush())
	require.NoError(b, to.Close())
}
