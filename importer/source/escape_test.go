package source

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mysqlCell writes a cell as MySQL's SELECT … INTO OUTFILE does; quoted with FIELDS
// ENCLOSED BY.
func mysqlCell(text string, delimiter byte, quoted bool) string {
	if text == "" {
		return `\N`
	}
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; c {
		case '\\', '\n', '\r', '"', delimiter:
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	if quoted {
		return `"` + b.String() + `"`
	}
	return b.String()
}

// FuzzEscaped reads what a database wrote: each cell comes back as it was. In any other
// text the pieces in which it comes make no difference, and a row that is sound for the
// scanner is one for Split.
func FuzzEscaped(f *testing.F) {
	for _, s := range []string{"a", `{"a":"b"}`, "a\nb", "a\r\nb", `C:\new`, `\N`, `\`, `a\`, "a,b;c\td", `""`, "\x00", " ", "\r", `"\`, `\"`, "x,\\\ny\n", `a\\,b`} {
		for quoted := range uint8(2) {
			f.Add(s, "x"+s, quoted, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, a, b string, quoted, piece uint8) {
		delimiter := delimiters[int(piece)%len(delimiters)]
		row := mysqlCell(a, delimiter, quoted&1 != 0) + string(delimiter) + mysqlCell(b, delimiter, quoted&2 != 0)
		l := Layout{Delimiter: delimiter, Escape: '\\', Columns: []string{"a", "b"}}
		if strings.HasSuffix(b, "\r") && quoted&2 == 0 {
			return // an escaped CR before LF is one line end to us, as on Windows: such a row has too many cells
		}
		text := []byte(row + "\n" + row + "\r\nend" + string(delimiter))
		rows := scanText(&csvScanner{delimiter: delimiter, lineEnd: '\n', escape: '\\', columns: 2}, text, len(text)+1, 64)
		require.Len(t, rows, 3, "%q", text)
		for _, r := range rows[:2] {
			cells, _, err := l.Split(r.Raw, nil, nil)
			require.NoError(t, err)
			for i, want := range []string{a, b} {
				if want == `\N` && string(r.Raw) != "" {
					continue // written \\N it is text, and read so
				}
				require.Equal(t, want, string(cells[i]), "%q", row)
			}
		}

		any := []byte(a + "\n" + b)
		scan := func(size, most int) []Row {
			return scanText(&csvScanner{delimiter: delimiter, lineEnd: '\n', escape: '\\', columns: 2}, any, size, most)
		}
		whole := scan(len(any)+1, 64)
		require.Equal(t, whole, scan(1+int(piece), 1+int(piece)%3))
		at := 0
		for _, r := range whole {
			require.GreaterOrEqual(t, int(r.Offset), at)
			require.True(t, bytes.HasPrefix(any[r.Offset:], r.Raw))
			at = int(r.Offset) + len(r.Raw)
			if _, _, err := l.Split(r.Raw, nil, nil); r.Reason == "" && err != nil {
				require.Regexp(t, "the header has|nothing but NUL", err.Error())
			}
		}
	})
}

// FuzzSpans holds the places of cells against what they say.
func FuzzSpans(f *testing.F) {
	for _, s := range append(csvSeeds, `u2, "b,x@x.example", maybe,2,old error`, `1,"a\", b",3`, `x\,y,"z\""`) {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, escaped bool) {
		for _, columns := range []int{1, 2, 3, 5} {
			l := Layout{Delimiter: ',', Columns: make([]string, columns)}
			if escaped {
				l.Escape = '\\'
			}
			cells, _, err := l.splitQuoted(raw, nil, nil, columns)
			spans, spansErr := l.Spans(raw, nil)
			require.Equal(t, err, spansErr)
			require.Len(t, spans, len(cells))
			at := 0
			for i, s := range spans {
				require.Equal(t, at, s.From)
				at = s.To + 1
				text := raw[s.From:s.To]
				if bytes.IndexByte(text, '"') < 0 && bytes.IndexByte(text, '\\') < 0 {
					require.Equal(t, string(text), string(cells[i]))
				}
			}
			if err == nil {
				require.Equal(t, len(raw)+1, at)
			}
		}
	})
}
