package source

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// benchRows is how many rows the benchmarks read: about 16 MiB.
const benchRows = 150_000

// benchCSV makes an export of 12 columns and about 110 bytes a row.
func benchCSV(quoted bool) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("id,email,created,source,marketing,analytics,profiling,country,lang,version,ip,note\n")
	q := ""
	if quoted {
		q = `"`
	}
	for i := range benchRows {
		fmt.Fprintf(&b, "%d,%suser%07d@mail%d.example%s,2024-%02d-%02dT%02d:%02d:%02dZ,web,%s,%s,%s,DE,%sde-DE%s,v%d.%d,10.0.%d.%d,%s\n",
			i, q, rng.IntN(9_999_999), rng.IntN(50), q, 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60),
			yesNo(rng), yesNo(rng), yesNo(rng), q, q, rng.IntN(9), rng.IntN(20), rng.IntN(255), rng.IntN(255), q+"newsletter"+q)
	}
	return b.Bytes()
}

func yesNo(rng *rand.Rand) string {
	if rng.IntN(3) == 0 {
		return "no"
	}
	return "yes"
}

func benchFile(b *testing.B, data []byte) string {
	path := filepath.Join(b.TempDir(), "export")
	require.NoError(b, os.WriteFile(path, data, 0o600))
	b.SetBytes(int64(len(data)))
	return path
}

// compressed is data as it lies in a compressed export.
func compressed(b *testing.B, data []byte, compress func(io.Writer) (io.WriteCloser, error)) []byte {
	var out bytes.Buffer
	w, err := compress(&out)
	require.NoError(b, err)
	_, err = w.Write(data)
	require.NoError(b, err)
	require.NoError(b, w.Close())
	return out.Bytes()
}

// benchPacked is benchFile for a compressed export; its speed is that of the text.
func benchPacked(b *testing.B, data []byte, compress func(io.Writer) (io.WriteCloser, error)) string {
	path := benchFile(b, compressed(b, data, compress))
	b.SetBytes(int64(len(data)))
	return path
}

func toGzip(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
func toZstd(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }

// benchRead reads an export once a round, and takes its rows apart if it should.
func benchRead(b *testing.B, cfg Config, opts ReadOptions, split bool) {
	e, err := Open(cfg)
	require.NoError(b, err)
	defer e.Close()
	b.ReportAllocs()
	for b.Loop() {
		r, err := e.Read(e.Start(), opts)
		require.NoError(b, err)
		var cells [][]byte
		var scratch []byte
		rows := 0
		for {
			batch, err := r.Next()
			if err == io.EOF {
				break
			}
			require.NoError(b, err)
			rows += len(batch.Rows)
			if split {
				l := &e.Layouts[e.Members[batch.Member].Layout]
				for i := range batch.Rows {
					if cells, scratch, err = l.Split(batch.Rows[i].Raw, cells[:0], scratch[:0]); err != nil {
						b.Fatal(err)
					}
				}
			}
			batch.Release() // as a sweep does
		}
		require.NoError(b, r.Close())
		require.Equal(b, benchRows, rows)
	}
}

func BenchmarkRead(b *testing.B) {
	plainCSV, quotedCSV := benchCSV(false), benchCSV(true)
	b.Run("csv rows", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, plainCSV)}}, ReadOptions{NoMarks: true}, false)
	})
	b.Run("csv rows, quoted", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, quotedCSV)}}, ReadOptions{NoMarks: true}, false)
	})
	b.Run("csv rows and marks", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, plainCSV)}}, ReadOptions{}, false)
	})
	b.Run("csv rows and cells", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, plainCSV)}}, ReadOptions{NoMarks: true}, true)
	})
	b.Run("csv rows and cells, quoted", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, quotedCSV)}}, ReadOptions{NoMarks: true}, true)
	})
	b.Run("csv rows, cells, marks and sums", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, plainCSV)}}, ReadOptions{Sums: true}, true)
	})
	b.Run("csv rows and cells, gzip", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchPacked(b, plainCSV, toGzip)}}, ReadOptions{NoMarks: true}, true)
	})
	b.Run("csv rows and cells, zstd", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchPacked(b, plainCSV, toZstd)}}, ReadOptions{NoMarks: true}, true)
	})
	b.Run("encoding/csv ReuseRecord", func(b *testing.B) { benchStandard(b, plainCSV) })
	b.Run("encoding/csv ReuseRecord, quoted", func(b *testing.B) { benchStandard(b, quotedCSV) })
}

// benchStandard is the reference on the same file.
func benchStandard(b *testing.B, data []byte) {
	path := benchFile(b, data)
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(path)
		require.NoError(b, err)
		r := csv.NewReader(f)
		r.ReuseRecord = true
		rows := 0
		for {
			if _, err := r.Read(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		require.NoError(b, f.Close())
		require.Equal(b, benchRows+1, rows)
	}
}

// BenchmarkScan is the finding of rows alone, in memory.
func BenchmarkScan(b *testing.B) {
	data := benchCSV(false)
	const piece = 256 << 10
	b.SetBytes(int64(len(data) / piece * piece))
	rows := make([]Row, 0, batchRows)
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i+piece <= len(data); i += piece {
			s := &csvScanner{delimiter: ',', lineEnd: '\n', columns: 12}
			w := &window{data: data[i : i+piece], line: 1}
			if len(s.scan(w, rows)) == 0 {
				b.Fatal("no rows")
			}
		}
	}
}

// BenchmarkSplit is the taking apart of rows alone, in memory.
func BenchmarkSplit(b *testing.B) {
	for _, quoted := range []bool{false, true} {
		b.Run(fmt.Sprintf("quoted=%v", quoted), func(b *testing.B) {
			lines := bytes.Split(bytes.TrimSuffix(benchCSV(quoted), []byte("\n")), []byte("\n"))[:10_000]
			size := 0
			for _, l := range lines {
				size += len(l)
			}
			l := &Layout{Delimiter: ',', Columns: make([]string, 12)}
			var cells [][]byte
			var scratch []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range lines {
					var err error
					if cells, scratch, err = l.Split(line, cells[:0], scratch[:0]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkReadJSON reads rows of JSON in each of the ways in which they lie.
func BenchmarkReadJSON(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var lines, array bytes.Buffer
	for i := range benchRows {
		row := fmt.Sprintf(`{"id":%d,"email":"user%07d@mail.example","consents":[{"purpose":"marketing","status":"%s"}],"at":"2024-05-01T10:00:00Z"}`,
			i, rng.IntN(9_999_999), yesNo(rng))
		lines.WriteString(row + "\n")
		array.WriteString(row + ",\n")
	}
	b.Run("lines", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, lines.Bytes())}}, ReadOptions{NoMarks: true}, false)
	})
	b.Run("array", func(b *testing.B) {
		benchRead(b, Config{Paths: []string{benchFile(b, fmt.Append(nil, "[", array.String(), "]"))}}, ReadOptions{NoMarks: true}, false)
	})
	b.Run("page", func(b *testing.B) {
		benchRead(b, Config{Rows: "content", Paths: []string{benchFile(b, fmt.Append(nil, "{\n\"content\":[", array.String(), "]}"))}},
			ReadOptions{NoMarks: true}, false)
	})
}

// BenchmarkCheck digests what was read before, on all processors.
func BenchmarkCheck(b *testing.B) {
	e, err := Open(Config{Paths: []string{benchFile(b, benchCSV(false))}})
	require.NoError(b, err)
	defer e.Close()
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(b, err)
	var m Mark
	for {
		batch, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(b, err)
		m = batch.Mark
	}
	require.NoError(b, r.Close())
	for b.Loop() {
		require.NoError(b, e.Check(m))
	}
}
