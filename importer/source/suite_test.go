package source

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packings are the ways in which the suite packs a file.
var packings = []struct {
	name string
	pack func(t testing.TB, data []byte) []byte
}{
	{"plain", func(_ testing.TB, data []byte) []byte { return data }},
	{"gzip", func(t testing.TB, data []byte) []byte {
		return slices.Concat(gz(t, data[:len(data)/2]), gz(t, data[len(data)/2:]))
	}},
	{"zstd", zst},
	{"zip", func(t testing.TB, data []byte) []byte { return zipOf(t, "in/a.csv", data) }},
	{"zip of gzip", func(t testing.TB, data []byte) []byte { return zipOf(t, "in/a.csv.gz", gz(t, data)) }},
	{"zip of zip", func(t testing.TB, data []byte) []byte { return zipOf(t, "b.zip", zipOf(t, "in/a.csv", data)) }},
}

func gz(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zst(t testing.TB, data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return w.EncodeAll(data, nil)
}

// zipOf makes an archive of pairs of a name and what is in it.
func zipOf(t testing.TB, pairs ...any) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i].(string))
		require.NoError(t, err)
		switch data := pairs[i+1].(type) {
		case string:
			_, err = io.WriteString(f, data)
		case []byte:
			_, err = f.Write(data)
		}
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// write makes files in a temporary directory.
func write(t testing.TB, files ...[]byte) []string {
	dir := t.TempDir()
	var paths []string
	for i, data := range files {
		path := filepath.Join(dir, fmt.Sprintf("part%d", i))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		paths = append(paths, path)
	}
	return paths
}

// open opens an export that is closed with the test. Its blocks and batches are
// small, so that rows lie across their borders.
func open(t testing.TB, cfg Config, block, rows int) *Export {
	e, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, e.Close()) })
	e.blockSize, e.batchRows = block, rows
	return e
}

// readAll reads all batches from a position on, and the error at the end.
func readAll(t testing.TB, e *Export, from Position, opts ReadOptions) ([]*Batch, error) {
	r, err := e.Read(from, opts)
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Close()) }()
	var batches []*Batch
	for {
		b, err := r.Next()
		if err == io.EOF {
			return batches, nil
		}
		if err != nil {
			return batches, err
		}
		require.NotEmpty(t, b.Rows)
		require.LessOrEqual(t, len(b.Rows), e.batchRows)
		batches = append(batches, b)
	}
}

func rowsOf(batches []*Batch) []Row {
	var rows []Row
	for _, b := range batches {
		rows = append(rows, b.Rows...)
	}
	return rows
}

// checkRows compares rows with those of a sample whose text is at hand.
func checkRows(t *testing.T, s sample, text string, rows []Row) {
	t.Helper()
	var got []string
	for _, r := range rows {
		got = append(got, string(r.Raw))
	}
	require.Equal(t, s.rows, got)
	at := 0
	for i, r := range rows {
		require.EqualValues(t, i+1, r.Number)
		key := "-"
		if r.Key != nil {
			key = string(r.Key)
		}
		if s.keys != nil {
			require.Equal(t, s.keys[i], key, "key of row %d", i+1)
		} else {
			require.Equal(t, "-", key, "key of row %d", i+1)
		}
		if want, bad := s.bad[i+1]; bad {
			require.Contains(t, r.Reason, want, "row %d", i+1)
		} else {
			require.Empty(t, r.Reason, "row %d", i+1)
		}
		require.True(t, strings.HasPrefix(text[r.Offset:], string(r.Raw)), "row %d is not at offset %d", i+1, r.Offset)
		require.GreaterOrEqual(t, int(r.Offset), at)
		require.EqualValues(t, 1+strings.Count(text[:r.Offset], "\n"), r.Line, "line of row %d", i+1)
		at = int(r.Offset) + len(r.Raw)
	}
}

func TestSuiteCoversEveryGrammar(t *testing.T) {
	for _, g := range grammars {
		assert.True(t, slices.ContainsFunc(samples, func(s sample) bool { return s.grammar == g.name }), "no sample is %s", g.name)
	}
}

// TestSuite reads each sample in each encoding and packing, whole and from
// every position, and proves that the marks do not depend on either.
func TestSuite(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		for _, lineEnd := range []string{"\n", "\r\n"} {
			s := s
			s.text = strings.ReplaceAll(s.text, "\n", lineEnd)
			s.rows = slices.Clone(s.rows)
			for i := range s.rows {
				s.rows[i] = strings.ReplaceAll(s.rows[i], "\n", lineEnd)
			}
			for i, enc := range encodings {
				for j, p := range packings {
					if i > 0 && j > 1 || lineEnd != "\n" && i+j > 0 {
						continue // a packing does not know what it packs
					}
					name := fmt.Sprintf("%s/%q/%s/%s", s.name, lineEnd, enc.name, p.name)
					t.Run(name, func(t *testing.T) {
						raw, err := enc.encode(s.text)
						require.NoError(t, err)
						cfg := s.config
						cfg.Encoding = enc.label
						cfg.Paths = write(t, p.pack(t, raw))
						suite(t, s, cfg)
					})
				}
			}
		}
	}
}

func suite(t *testing.T, s sample, cfg Config) {
	whole := open(t, cfg, 4<<10, 64)
	require.Equal(t, s.grammar, whole.members[0].grammar.name)
	batches, err := readAll(t, whole, whole.Start(), ReadOptions{Sums: true})
	require.NoError(t, err)
	want := rowsOf(batches)
	checkRows(t, s, s.text, want)
	end := batches[len(batches)-1].Mark
	require.EqualValues(t, whole.Size(), end.Bytes)

	for _, size := range []int{1, 17} {
		e := open(t, cfg, size, 1+size/8)
		batches, err := readAll(t, e, e.Start(), ReadOptions{})
		require.NoError(t, err)
		require.Equal(t, want, rowsOf(batches), "blocks of %d bytes", size)
		for _, b := range batches {
			require.NoError(t, e.Check(b.Mark))
			if b.Mark.Bytes == end.Bytes && b.Mark.Open == end.Open {
				require.Equal(t, end, b.Mark)
			}
		}
		if size != 17 {
			continue
		}
		for _, b := range batches {
			rest, err := readAll(t, e, b.Next, ReadOptions{Seed: &b.Mark})
			require.NoError(t, err)
			require.Equal(t, want[b.Next.Row-1:], append([]Row{}, rowsOf(rest)...), "after row %d", b.Next.Row-1)
			if len(rest) > 0 && rest[len(rest)-1].Mark.Bytes == end.Bytes {
				require.Equal(t, end.Sum, rest[len(rest)-1].Mark.Sum)
			}
		}
	}
	for i, r := range want {
		rest, err := readAll(t, whole, Position{Offset: r.Offset, Line: r.Line, Row: r.Number}, ReadOptions{})
		require.NoError(t, err)
		require.Equal(t, want[i:], rowsOf(rest), "from row %d", i+1)
		require.Equal(t, end, rest[len(rest)-1].Mark)
	}
}

// TestSuiteCut reads what is left of each sample when it is cut at every byte:
// the rows before the cut are as they were.
func TestSuiteCut(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		for i, enc := range encodings[1:3] {
			if i > 0 && s.name != "csv" {
				continue // the encodings are cut at every byte as well, but one grammar will do
			}
			t.Run(s.name+"/"+enc.name, func(t *testing.T) {
				raw, err := enc.encode(s.text)
				require.NoError(t, err)
				cfg := s.config
				cfg.Format = "csv"
				if s.grammar != "csv" {
					cfg.Format = "jsonl"
				}
				cfg.Paths = write(t, raw)
				e := open(t, cfg, 4<<10, 64)
				batches, err := readAll(t, e, e.Start(), ReadOptions{})
				require.NoError(t, err)
				want := rowsOf(batches)
				for n := range raw {
					require.NoError(t, os.WriteFile(cfg.Paths[0], raw[:n], 0o600))
					cut, err := Open(cfg)
					if err != nil {
						continue // there was no header left, or nothing at all
					}
					cut.blockSize, cut.batchRows = 11, 5
					batches, err := readAll(t, cut, cut.Start(), ReadOptions{})
					require.NoError(t, cut.Close())
					if !s.cutOK {
						require.NoError(t, err)
					}
					text := decodedLength(enc.name, n)
					for i, r := range rowsOf(batches) {
						if i+1 >= len(want) || want[i+1].Offset > text {
							break // it is the row that was cut, or reading goes on in it
						}
						if _, malformed := s.bad[i+1]; malformed {
							break // how far it goes depends on what comes after it
						}
						require.Equal(t, want[i], r, "cut at %d", n)
					}
				}
			})
		}
	}
}

// decodedLength is a lower bound of the text in n raw bytes.
func decodedLength(encoding string, n int) int64 {
	if strings.HasPrefix(encoding, "utf-16") {
		return int64(n/2 - 1)
	}
	return int64(n - 3)
}
