package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestHugeRows proves the limit of a row in every grammar: a row of exactly
// that size is read, a longer one is unreadable, and its neighbours are not
// touched; memory stays bounded.
func TestHugeRows(t *testing.T) {
	t.Parallel()
	fill := func(prefix, suffix string, size int) string {
		return prefix + strings.Repeat("x", size-len(prefix)-len(suffix)) + suffix
	}
	for _, g := range []struct {
		grammar                     string
		cfg                         Config
		before, between, after      string
		small, prefix, suffix, says string
	}{
		{grammar: "csv", before: "a,b\n", between: "\n", small: "1,2", prefix: "1,", says: "longer than 1 MiB"},
		{grammar: "csv", before: "a,b\r\n", between: "\r\n", small: "1,2", prefix: "1,\"", suffix: "\"", says: "longer than 1 MiB"},
		{grammar: "csv", before: "a,b\n", between: "\n", small: "1,2", prefix: "1,\"x\n", suffix: "\"", says: "longer than 1 MiB"},
		{grammar: "json-lines", between: "\n", small: `{"a":1}`, prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
		{grammar: "json-lines", cfg: Config{Rows: "content"}, between: "\n", small: `{"a":1}`, prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
		{grammar: "json-array", before: "[", between: ",\n", after: "]", small: `{"a":1}`, prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
		{grammar: "json-document", between: "\n", small: "{\n\"a\":1}", prefix: "{\n\"a\":\"", suffix: `"}`, says: "longer than 1 MiB"},
		{grammar: "json-document", cfg: Config{Rows: "content"}, before: "{\n\"content\":[", between: ",\n", after: "]}", small: `{"a":1}`, prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
		// all on one line
		{grammar: "json-array", before: "[", between: ",", after: "]", small: `{"a":1}`, prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
		{grammar: "json-document", between: "", small: "{\n\"a\":1}", prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
		{grammar: "json-document", cfg: Config{Rows: "content"}, before: "{\n\"content\":[", between: ",", after: "]}", small: `{"a":1}`, prefix: `{"a":["`, suffix: `"]}`, says: "longer than 1 MiB"},
		{grammar: "json-lines", cfg: Config{Rows: "content"}, before: "{\"content\":[]}\n{\"content\":[", between: ",", after: "]}\n", small: `{"a":1}`, prefix: `{"a":"`, suffix: `"}`, says: "longer than 1 MiB"},
	} {
		for _, size := range []int{MaxRow, 2*MaxRow + 3} {
			t.Run(fmt.Sprintf("%s/%s/%q/%d", g.grammar, g.cfg.Rows, g.prefix, size), func(t *testing.T) {
				huge := fill(g.prefix, g.suffix, size)
				text := g.before + strings.Join([]string{g.small, huge, g.small}, g.between) + g.after
				g.cfg.Paths = write(t, []byte(text))
				e := open(t, g.cfg, 300_007, batchRows)
				require.Equal(t, g.grammar, e.members[0].grammar.name)
				r, err := e.Read(e.Start(), ReadOptions{})
				require.NoError(t, err)
				defer r.Close()
				var rows []Row
				for {
					b, err := r.Next()
					if err == io.EOF {
						break
					}
					require.NoError(t, err)
					require.Less(t, len(r.window.data), 2*MaxRow)
					rows = append(rows, b.Rows...)
					if len(rows) > 2 {
						continue
					}
					rest, err := readAll(t, e, b.Next, ReadOptions{NoMarks: true})
					require.NoError(t, err)
					if len(rest) > 0 {
						require.Equal(t, b.Next.Row, rest[0].Rows[0].Number)
					}
				}
				good := 0
				for _, row := range rows {
					if row.Reason == "" {
						good++
						continue
					}
					assert.Greater(t, size, MaxRow)
				}
				if size <= MaxRow {
					require.Len(t, rows, 3)
					assert.Equal(t, 3, good)
					return
				}
				assert.GreaterOrEqual(t, good, 2)
				assert.Contains(t, rows[1].Reason, g.says)
				assert.Equal(t, g.small, string(rows[len(rows)-1].Raw))
				assert.EqualValues(t, strings.LastIndex(text, g.small), rows[len(rows)-1].Offset)
			})
		}
	}
}

// TestCloseEndsTheFeed proves that a reader that is closed early leaves no
// goroutine behind, wherever it is.
func TestCloseEndsTheFeed(t *testing.T) {
	data := bytes.Repeat([]byte("1,someone@mail.example\n"), 100_000)
	for _, p := range packings {
		e := open(t, Config{Columns: []string{"a", "b"}, Paths: write(t, p.pack(t, data))}, 4<<10, 100)
		before := runtime.NumGoroutine()
		for n := range 4 {
			r, err := e.Read(e.Start(), ReadOptions{Sums: true})
			require.NoError(t, err)
			for range n {
				_, err = r.Next()
				require.NoError(t, err)
			}
			require.NoError(t, r.Close())
			require.NoError(t, r.Close())
		}
		for i := 0; runtime.NumGoroutine() > before && i < 1000; i++ {
			time.Sleep(time.Millisecond)
		}
		assert.LessOrEqual(t, runtime.NumGoroutine(), before, p.name)
	}
}

// TestReaderAfterError proves that Next repeats its last answer.
func TestReaderAfterError(t *testing.T) {
	e := open(t, Config{Paths: write(t, []byte("[{\"a\":1},{\"a\":2}"))}, blockSize, batchRows)
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	defer r.Close()
	b, err := r.Next()
	require.NoError(t, err)
	assert.Len(t, b.Rows, 2)
	for range 3 {
		_, err = r.Next()
		require.ErrorContains(t, err, "part0 at line 1: the text ends inside an array of rows: it was cut off; get the file again")
	}
	_, ok := r.Sums()
	assert.False(t, ok)

	for text, want := range map[string]string{ // whatever stands behind an array ends the reading, and is not called a lack
		"[{\"a\":1}] x\n":                               "part0 at line 1: other text follows the end of the array; remove it, or get the file again",
		"[\n{\"a\":1}\n]\n{\"a\":2}\n":                  "part0 at line 4: other text follows the end of the array",
		"[{\"a\":1}][{\"a\":2}]\n\n\"x\"":               "part0 at line 3: other text follows the end of the array",
		"[{\"a\":1}]" + strings.Repeat(" x", blockSize): "part0 at line 1: other text follows the end of the array",
	} {
		e := open(t, Config{Paths: write(t, []byte(text))}, blockSize, batchRows)
		r, err := e.Read(e.Start(), ReadOptions{})
		require.NoError(t, err)
		rows := 0
		var b *Batch
		for b, err = r.Next(); err == nil; b, err = r.Next() {
			rows += len(b.Rows)
		}
		assert.ErrorContains(t, err, want)
		assert.Equal(t, strings.Count(text, "{")-strings.Count(text, "\n{\"a\":2}\n"), rows, text[:12])
		require.NoError(t, r.Close())
	}
	_, err = e.Read(Position{Member: 1, Line: 1, Row: 1}, ReadOptions{})
	assert.ErrorContains(t, err, "no member 1")
}

// TestGrowingArray proves that an array that was cut off can be read on from
// where it ended once it is there as a whole.
func TestGrowingArray(t *testing.T) {
	whole := []byte("[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n")
	paths := write(t, whole[:17])
	e := open(t, Config{Paths: paths}, blockSize, batchRows)
	batches, err := readAll(t, e, e.Start(), ReadOptions{})
	require.Error(t, err)
	require.Len(t, batches, 1)
	require.Len(t, batches[0].Rows, 1)
	require.NoError(t, os.WriteFile(paths[0], whole, 0o600))
	e = open(t, Config{Paths: paths}, blockSize, batchRows)
	require.NoError(t, e.Check(batches[0].Mark))
	rest, err := readAll(t, e, batches[0].Next, ReadOptions{Seed: &batches[0].Mark})
	require.NoError(t, err)
	require.Len(t, rowsOf(rest), 2)
}

// TestAnyCSV is a property over generated tables: what is written by the rules
// comes back cell by cell, from the beginning and from every row.
func TestAnyCSV(t *testing.T) {
	cell := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9 .@-]{0,8}`),
		rapid.SampledFrom([]string{"", `"`, `""`, "\n", "\r\n", "x\ny", ",", ";", "é", "\\", `\"`, " x", "x ", "😀"}),
	)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(2, 4).Draw(t, "columns")
		delimiter := rapid.SampledFrom(delimiters).Draw(t, "delimiter")
		lineEnd := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
		table := rapid.SliceOfN(rapid.SliceOfN(cell, columns, columns), 1, 30).Draw(t, "table")
		var text strings.Builder
		text.WriteString("h" + strings.Repeat(string(delimiter)+"h", columns-1) + lineEnd)
		for _, row := range table {
			for i, c := range row {
				if i > 0 {
					text.WriteByte(delimiter)
				}
				if strings.ContainsAny(c, "\"\r\n,;\t|") || i == 0 && strings.TrimSpace(c) == "" || rapid.Bool().Draw(t, "quote") {
					c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
				}
				text.WriteString(c)
			}
			text.WriteString(lineEnd)
		}
		path := dir + "/a.csv"
		require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
		e, err := Open(Config{Paths: []string{path}})
		require.NoError(t, err)
		defer e.Close()
		e.blockSize, e.batchRows = rapid.IntRange(1, 100).Draw(t, "block"), rapid.IntRange(1, 9).Draw(t, "batch")
		var rows []Row
		for r, err := mustRead(t, e, e.Start()); ; {
			require.NoError(t, err)
			b, err := r.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			rows = append(rows, b.Rows...)
		}
		require.Len(t, rows, len(table))
		l := &e.Layouts[0]
		var scratch []byte
		for i, r := range rows {
			require.Empty(t, r.Reason)
			var cells [][]byte
			cells, scratch, err = l.Split(r.Raw, nil, scratch)
			require.NoError(t, err)
			for k, c := range cells {
				require.Equal(t, table[i][k], string(c))
			}
		}
		n := rapid.IntRange(0, len(rows)-1).Draw(t, "from")
		r, err := mustRead(t, e, Position{Offset: rows[n].Offset, Line: rows[n].Line, Row: rows[n].Number})
		require.NoError(t, err)
		b, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, rows[n], b.Rows[0])
		require.NoError(t, r.Close())
	})
}

// mustRead begins to read with a property's own test handle.
func mustRead(t *rapid.T, e *Export, from Position) (*Reader, error) {
	r, err := e.Read(from, ReadOptions{})
	if err == nil {
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}

// TestSplitAllocatesNothing holds Split to its promise.
func TestSplitAllocatesNothing(t *testing.T) {
	l := &Layout{Delimiter: ',', Columns: make([]string, 3)}
	cells, scratch := make([][]byte, 0, 3), make([]byte, 0, 64)
	for _, raw := range []string{"a,b,c", `"a","b""c",d`, `a, "b",c`, "\"a\\\"b\",,\"\"\"\""} {
		raw := []byte(raw)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			var err error
			if cells, scratch, err = l.Split(raw, cells[:0], scratch[:0]); err != nil || len(cells) != 3 {
				panic("split")
			}
		}), "%s", raw)
	}
}

// TestShrinkingFile proves that a file which is cut while it is read is an
// error, and that what is appended meanwhile is not read.
func TestShrinkingFile(t *testing.T) {
	data := bytes.Repeat([]byte("1,someone@mail.example\n"), 10_000)
	for change, says := range map[int]string{-100: "became shorter while it was read", +100: ""} {
		paths := write(t, data)
		e := open(t, Config{Columns: []string{"a", "b"}, Paths: paths}, 4<<10, 100)
		grown := append(bytes.Clone(data), data[:100]...)
		require.NoError(t, os.WriteFile(paths[0], grown[:len(data)+change], 0o600))
		batches, err := readAll(t, e, e.Start(), ReadOptions{})
		if says != "" {
			require.ErrorContains(t, err, says)
			continue
		}
		require.NoError(t, err)
		assert.Len(t, rowsOf(batches), 10_000)
		assert.EqualValues(t, len(data), batches[len(batches)-1].Mark.Bytes)
	}
}

// TestCloseWakesNext proves that a closed reader does not look like one that
// has come to the end.
func TestCloseWakesNext(t *testing.T) {
	e := open(t, Config{Columns: []string{"a"}, Paths: write(t, bytes.Repeat([]byte("x\n"), 100_000))}, 64, 10)
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		for {
			if _, err := r.Next(); err != nil {
				ended <- err
				return
			}
		}
	}()
	require.NoError(t, r.Close())
	assert.ErrorIs(t, <-ended, errClosed)
}

// TestLinesOfPagesAreGoneTo proves that reading on at the beginning of a line
// does not read the text before it again, and within a page does.
func TestLinesOfPagesAreGoneTo(t *testing.T) {
	text := "{\"id\":1}\n{\"content\":[{\"id\":2},{\"id\":3}]}\n{\"id\":4}\n"
	e := open(t, Config{Rows: "content", Paths: write(t, []byte(text))}, 4<<10, 10)
	batches, err := readAll(t, e, e.Start(), ReadOptions{})
	require.NoError(t, err)
	for _, r := range rowsOf(batches)[1:] {
		again, err := (&feed{e: e, from: Position{Offset: r.Offset}}).rescan(&e.members[0])
		require.NoError(t, err)
		assert.Equal(t, r.Number == 2 || r.Number == 3, again, "row %d", r.Number)
	}
}
