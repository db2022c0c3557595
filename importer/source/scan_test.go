package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scanText finds the rows of a text that comes in pieces of a size. Its end is
// known when a piece is shorter, as it is in a feed.
func scanText(s scanner, text []byte, piece, most int) []Row {
	var all []Row
	w := &window{line: 1}
	for {
		rows := s.scan(w, make([]Row, 0, most))
		all = append(all, rows...)
		if len(rows) > 0 {
			continue
		}
		if w.eof {
			return all
		}
		keep := max(0, w.pos-s.behind())
		at := int(w.base) + len(w.data)
		n := min(piece, len(text)-at)
		data := append(bytes.Clone(w.data[keep:]), text[at:at+n]...)
		w.base += int64(keep)
		w.pos -= keep
		w.data, w.eof = data, n < piece
	}
}

// checkExtents proves what holds for the rows of any text: they are in order,
// they lie where they say, on the line that they say, and what lies between
// them is of no interest.
func checkExtents(t *testing.T, text []byte, rows []Row, idle string) {
	t.Helper()
	at := 0
	for i, r := range rows {
		off := int(r.Offset)
		require.GreaterOrEqual(t, off, at, "row %d begins in the row before it", i)
		require.LessOrEqual(t, off+len(r.Raw), len(text))
		require.Equal(t, text[off:off+len(r.Raw)], append([]byte{}, r.Raw...))
		require.EqualValues(t, 1+bytes.Count(text[:off], []byte("\n")), r.Line, "line of row %d", i)
		require.Empty(t, strings.Trim(string(text[at:off]), idle), "between row %d and the one before", i)
		at = off + len(r.Raw)
	}
	require.Empty(t, strings.Trim(string(text[at:]), idle), "after the last row")
}

// standard reads with encoding/csv up to the first error, leaving out lines of
// blanks, which it takes for records and we do not.
func standard(text []byte, delimiter byte) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = rune(delimiter)
	r.FieldsPerRecord = -1
	var records [][]string
	for at := int64(0); ; at = r.InputOffset() {
		record, err := r.Read()
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		raw := bytes.TrimSuffix(text[at:r.InputOffset()], []byte("\n"))
		line := raw[bytes.LastIndexByte(raw, '\n')+1:]
		if len(record) == 1 && isBlank(trimCR(line, '\n'), delimiter) {
			continue
		}
		records = append(records, record)
	}
}

var csvSeeds = []string{
	"", "a", "a,b\n", "a,b\r\n1,2\r\n", "\"a\",\"b\"\n", "\"a\nb\",c\n", "\"a\r\nb\",c\r\n", "\"\"\"\",\"\"\n", "a,\n,\n,,\n", "\n\n\r\n \n\t\na\n",
	"a\"b\n", "a\"b\",c\n1,2\n", "\"x\",a\"b\",c\n1,2\n", "\"a\"b\n", "\"a\n", "\"a\"\r", "a\r", "a\r\r\n", "\"a\"\r\r\n", "\r", " \"a\"\n", "\"a\" ,b\n", "x,\"y\\\"z\"\nq,r\n", "x, \"y\"\n",
	"1,\"a\\\"\",x\n2,\"b\\\"\",y\n", "\"a\n1,2\n3,\"4\"\n5,6\n", "a,b\n\"1\n2,3\n4\",5\n", "\xef\xbb\xbfa,b\n", "\xff,\"\xfe\"\n", "\x00,\"\x00\"\n", "\"a\",\n\"b\",", "\"\"",
}

// FuzzCSV compares with encoding/csv: the same records wherever it finds no
// fault, and the same ones before its first fault. The pieces in which a text
// comes make no difference.
func FuzzCSV(f *testing.F) {
	for _, s := range csvSeeds {
		for _, d := range delimiters {
			f.Add([]byte(strings.ReplaceAll(s, ",", string(d))), d, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, delimiter byte, piece uint8) {
		if bytes.IndexByte(delimiters, delimiter) < 0 {
			return
		}
		want, wantErr := standard(text, delimiter)
		columns := 2
		rows := scanText(&csvScanner{delimiter: delimiter, lineEnd: '\n', columns: columns}, text, len(text)+1, 64)
		pieces := scanText(&csvScanner{delimiter: delimiter, lineEnd: '\n', columns: columns}, text, 1+int(piece), 1+int(piece)%3)
		require.Equal(t, rows, pieces)
		if bytes.Contains(text, []byte(utf8BOM)) || bytes.Contains(text, []byte(endOfFile)) {
			return // what programs left at the beginning or the end of a text is no text
		}
		idle := strings.ReplaceAll(" \t\r\n", string(delimiter), "")
		checkExtents(t, text, rows, idle)
		if bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), nil), []byte("\r")) {
			return // for encoding/csv a CR by itself is text, for us a part of the line end beside it
		}
		l := Layout{Delimiter: delimiter, Columns: make([]string, columns)}
		for i, r := range rows {
			_, _, err := l.Split(r.Raw, nil, nil)
			if i >= len(want) {
				// The record at which encoding/csv fails may be sound for us; then
				// Split has to find as many cells as it was taken for.
				if r.Reason == "" && err != nil {
					require.Regexp(t, "the header has|nothing but NUL", err.Error())
				}
				continue
			}
			require.Empty(t, r.Reason)
			require.Equal(t, err == nil, len(want[i]) == columns)
			strict := splitter{delimiter: delimiter}
			cells, _, strictErr := strict.split(r.Raw, nil, nil)
			require.NoError(t, strictErr)
			var got []string
			for _, c := range cells {
				got = append(got, strings.ReplaceAll(string(c), "\r\n", "\n"))
			}
			require.Equal(t, want[i], got, "record %d", i+1)
		}
		if wantErr == nil {
			require.Len(t, rows, len(want))
		} else {
			require.Greater(t, len(rows), len(want), "the record with the fault is missing")
		}
	})
}

var jsonSeeds = []string{
	"", "[]", "[{}]", "[{\"a\":1},{\"b\":[2]}]", "[\n{\"a\":\n{}},\n{\n]", "{\"a\":1}\n{\"b\":2}\n", "{\n\"content\": [{\"x\":1},{\"y\":2}]\n}", "{\"content\":{\"x\":1}}",
	"{\"content\":null}", "{\"con\\u0074ent\":[1,2,\"a\"]}", "[{\"content\":[1]},{\"x\":{}}]", "[\"a\\\"]\", 1, null]", "{\"a\":\"\n\"}\n{\"b\":1}", "]", "}{", "[}]", "[{]}]", "{]\n{\"a\":1}",
	"[[[[", "{\"content\":[{\"a\":1}\n{\"content\":[{\"b\":", "[1,2\n3]", "{\"content\":[{\"a\":1},\n}\n  {\"b\":2}]}", "{\"a\":{\"content\":[1]}}", "\"content\"", "{\"content\":[]}{\"content\":[{}]}",
}

// FuzzJSON finds rows in any text, in every way that JSON is read. It does not
// panic, and what lies between rows is nothing that could be a row.
func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		for kind := range uint8(6) {
			f.Add([]byte(s), kind, uint8(2))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, kind, piece uint8) {
		cfg := &Config{}
		if kind&1 != 0 {
			cfg.Rows = "content"
		}
		m := &member{lineEnd: '\n'}
		make := []func(*member, *Layout, *Config) scanner{newArrayScanner, newDocumentScanner, newLineScanner}[kind/2%3]
		rows := scanText(make(m, &Layout{}, cfg), text, len(text)+1, 64)
		pieces := scanText(make(m, &Layout{}, cfg), text, 1+int(piece), 1+int(piece)%3)
		require.Equal(t, rows, pieces)
		if cfg.Rows != "" {
			// Of a page only its rows are covered.
			for i, r := range rows {
				require.Equal(t, string(text[r.Offset:int(r.Offset)+len(r.Raw)]), string(r.Raw))
				if i > 0 {
					require.Greater(t, r.Offset, rows[i-1].Offset)
				}
			}
			return
		}
		idle := " \t\r\n,"
		if kind/2%3 == 0 {
			idle += "[]"
			if n := len(rows); n > 0 { // after it may be a value that the text ends inside of
				text = text[:int(rows[n-1].Offset)+len(rows[n-1].Raw)]
			} else {
				text = nil
			}
		}
		checkExtents(t, text, rows, idle)
	})
}

// TestLimitDoesNotDependOnPieces holds rows of about the size that is allowed
// against each other, read in pieces of several sizes.
func TestLimitDoesNotDependOnPieces(t *testing.T) {
	t.Parallel()
	for _, shape := range []struct{ before, after string }{
		{"", ""}, {"1,\"", "\""}, {"1,\"\n", "\""}, {"\"a\",", ""}, {"1,\"", ""}, {"\"", "\"\"\""}, {"1,\"x\\\"", "\",2"},
	} {
		for size := MaxRow; size <= MaxRow+2; size++ {
			for _, end := range []string{"", "\r", "\r\n\"3\",z"} {
				text := []byte(shape.before + strings.Repeat("x", size-len(shape.before)-len(shape.after)) + shape.after + end)
				scan := func(piece int) []Row {
					return scanText(&csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}, text, piece, 10)
				}
				whole := scan(len(text) + 1)
				for _, piece := range []int{MaxRow + 2, len(text)} {
					require.Equal(t, whole, scan(piece), "%q…%q%q of %d bytes, in pieces of %d", shape.before, shape.after, end, size, piece)
				}
			}
		}
	}
}

// TestUnclosedQuote proves that a forgotten quote in a large file costs one row,
// little memory, and no time to speak of.
func TestUnclosedQuote(t *testing.T) {
	const lines = 100_000
	var b bytes.Buffer
	b.WriteString("id,mail,note\n")
	for i := range lines {
		switch i {
		case lines / 2:
			b.WriteString("7,\"forgotten@x.example,a note\n")
		default:
			b.WriteString("12345678,someone@mail.example,a note that is a little longer than the other cells are\n")
		}
	}
	e := open(t, Config{Paths: write(t, b.Bytes())}, blockSize, batchRows)
	start := time.Now()
	r, err := e.Read(e.Start(), ReadOptions{NoMarks: true})
	require.NoError(t, err)
	defer r.Close()
	rows := 0
	var bad []Row
	for {
		batch, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		rows += len(batch.Rows)
		require.Less(t, len(r.window.data), MaxRow+2*blockSize)
		for _, row := range batch.Rows {
			if row.Reason != "" {
				bad = append(bad, row)
			}
		}
	}
	assert.Equal(t, lines, rows)
	require.Len(t, bad, 1)
	assert.EqualValues(t, lines/2+1, bad[0].Number)
	assert.Equal(t, `7,"forgotten@x.example,a note`, string(bad[0].Raw))
	assert.Contains(t, bad[0].Reason, "the quote opened on line 50002 is not closed")
	assert.Less(t, time.Since(start), 20*time.Second)
}

// TestMalformedTakesLinearTime reads text that is nothing but faults.
func TestMalformedTakesLinearTime(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	fill := func(s string) []byte { return bytes.Repeat([]byte(s), size/len(s)) }
	m := &member{lineEnd: '\n'}
	for name, c := range map[string]struct {
		text []byte
		s    scanner
	}{
		"open quotes":          {fill("a,\"b\n"), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"doubled open quotes":  {fill("a,\"b\"\"\n"), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"backslashes":          {fill("a,\"b\\\"\n"), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"open then doubled":    {append([]byte("a,\"b\n"), fill("\"\"\"\"\n")...), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"quotes and blanks":    {fill("\"a\" x,\\\"\n"), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"open objects":         {append([]byte("["), fill("{\n")...), newArrayScanner(m, nil, &Config{})},
		"open objects, pages":  {fill("{\n"), newDocumentScanner(m, nil, &Config{Rows: "content"})},
		"open strings":         {fill("{\"\n"), newDocumentScanner(m, nil, &Config{})},
		"closing brackets":     {append([]byte("["), fill("}\n")...), newArrayScanner(m, nil, &Config{})},
		"joined lines":         {fill("{}{"), newLineScanner(m, nil, &Config{})},
		"joined values":        {fill("{}"), newLineScanner(m, nil, &Config{})},
		"one line":             {append([]byte("["), fill("{")...), newArrayScanner(m, nil, &Config{})},
		"one line of CSV":      {fill("a"), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"one quote":            {append([]byte("\""), fill("a")...), &csvScanner{delimiter: ',', lineEnd: '\n', columns: 2}},
		"unclosed among pairs": {append([]byte("[{\n"), fill("{\"a\":1},\n")...), newArrayScanner(m, nil, &Config{})},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			rows := scanText(c.s, c.text, blockSize, batchRows)
			assert.NotEmpty(t, rows)
			assert.Less(t, time.Since(start), 15*time.Second)
			t.Log(len(rows), time.Since(start))
		})
	}
}
