package source

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
)

// TestTraps reads small files, each with one of the oddities that real exports
// have. Rows are written with | between the cells of a CSV row, as they are for
// JSON, and as !reason where they cannot be read or taken apart.
func TestTraps(t *testing.T) {
	utf16 := func(s string) string {
		b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(s)
		require.NoError(t, err)
		return b
	}
	cases := []struct {
		name      string
		cfg       Config
		text      string
		columns   []string
		delimiter byte
		encoding  string
		lineEnd   string
		rows      []string
		fails     string
	}{
		{name: "JSON lines that begin with an array", text: "[{\"id\":0}]\n \n{\"id\":1}\n[2]\n", rows: []string{`[{"id":0}]`, `{"id":1}`, "[2]"}},
		{name: "JSON lines that begin with a number", text: "-1.5\n{\"id\":1}\n", rows: []string{"-1.5", `{"id":1}`}},
		{name: "arrays, a line each", text: "[{\"id\":0}]\n[{\"id\":1}]\n", rows: []string{`{"id":0}`, `{"id":1}`}},
		{name: "JSON lines that begin with a text", text: "\"x\"\r\n{\"id\":1}\r\n", lineEnd: "\r\n", rows: []string{`"x"`, `{"id":1}`}},
		{name: "BOM is not part of the first name", text: "\xef\xbb\xbfemail,id\na,1\n", columns: []string{"email", "id"}, rows: []string{"a|1"}},
		{name: "BOM before a quoted header", text: "\xef\xbb\xbf\"email\",\"id\"\na,1\n", columns: []string{"email", "id"}, rows: []string{"a|1"}},
		{name: "BOM and CRLF", text: "\xef\xbb\xbfemail;id\r\na;1\r\n", columns: []string{"email", "id"}, delimiter: ';', lineEnd: "\r\n", rows: []string{"a|1"}},
		{name: "UTF-16 with BOM", text: utf16("email\tnom\r\na\té€😀\r\n"), columns: []string{"email", "nom"}, delimiter: '\t', encoding: "utf-16le", lineEnd: "\r\n", rows: []string{"a|é€😀"}},
		{name: "UTF-16 without BOM", text: utf16("email,nom\na,é\n")[2:], columns: []string{"email", "nom"}, encoding: "utf-16le", rows: []string{"a|é"}},
		{name: "UTF-16 by option", cfg: Config{Encoding: "utf-16be"}, text: "\x04\x3f\x04\x3e\x04\x3b\x00,\x04\x3f\x00\n\x04\x3e\x00,\x04\x3b", columns: []string{"пол", "п"}, encoding: "utf-16be", rows: []string{"о|л"}},
		{name: "windows-1252 by option", cfg: Config{Encoding: "cp1252"}, text: "nom,prix\nCaf\xe9,5\x80\n", columns: []string{"nom", "prix"}, encoding: "windows-1252", rows: []string{"Café|5€"}},
		{name: "windows-1252 taken for UTF-8", text: "nom,prix\nCaf\xe9,5\nok,6\n", rows: []string{"!invalid UTF-8 at byte 4 of the row; the file looks like windows-1252, so its encoding has to be set", "ok|6"}},
		{name: "Polish, guessed", cfg: Config{Guess: true}, text: "id,imi\xea\n1,\xa3ukasz \xaf\xf3\xb3\xe6\n", columns: []string{"id", "imię"}, encoding: "windows-1250", rows: []string{"1|Łukasz Żółć"}},
		{name: "a fault in UTF-8", text: "a,b\n1,é\n2,è\n3,\xe9\n", encoding: "utf-8", rows: []string{"1|é", "2|è", "!invalid UTF-8 at byte 3 of the row; if the file is not UTF-8, its encoding has to be set, e.g. windows-1252"}},
		{name: "a BOM wins over the option", cfg: Config{Encoding: "windows-1252"}, text: "\xef\xbb\xbfnom\né\n", encoding: "utf-8", columns: []string{"nom"}, rows: []string{"é"}},
		{name: "semicolons, with commas in the text", text: "id;\"name, first\";date\n1;\"x, y\";2\n", columns: []string{"id", "name, first", "date"}, delimiter: ';', rows: []string{"1|x, y|2"}},
		{name: "pipes", text: "a|b\n1|2\n", columns: []string{"a", "b"}, delimiter: '|', rows: []string{"1|2"}},
		{name: "a tie is broken by the lines below", text: "a,b;c\n1;2,5\n3;4,5,6\n", columns: []string{"a,b", "c"}, delimiter: ';', rows: []string{"1|2,5", "3|4,5,6"}},
		{name: "one column", text: "email\na@x.example\n", columns: []string{"email"}, rows: []string{"a@x.example"}},
		{name: "sep= is a preamble", text: "sep=;\r\na;b,c,d\r\n1;2\r\n", columns: []string{"a", "b,c,d"}, delimiter: ';', lineEnd: "\r\n", rows: []string{"1|2"}},
		{name: "sep= with a delimiter of its own", text: "SEP=:\na:b\n1:2\n", columns: []string{"a", "b"}, delimiter: ':', rows: []string{"1|2"}},
		{name: "a set delimiter wins over sep=", cfg: Config{Delimiter: `\t`}, text: "sep=;\na\tb;c\n1\t2\n", columns: []string{"a", "b;c"}, delimiter: '\t', rows: []string{"1|2"}},
		{name: "lone CR ends lines", text: "a,b\r1,\"x\ry\"\r\r2,z", columns: []string{"a", "b"}, lineEnd: "\r", rows: []string{"1|x\ry", "2|z"}},
		{name: "CRLF inside quotes", text: "a,b\r\n1,\"x\r\ny\"\r\n", columns: []string{"a", "b"}, lineEnd: "\r\n", rows: []string{"1|x\r\ny"}},
		{name: "CR CR LF", text: "a,b\r\r\n1,x\r\r\n2,\"y\"\r\r\n3,\"p\"\"q\"\r\r\n\r\r\n4,z", columns: []string{"a", "b"}, lineEnd: "\r\r\n", rows: []string{"1|x", "2|y", "3|p\"q", "4|z"}},
		{name: "LF CR", text: "a,b\n\r1,x\n\r\"2\",\"y\"\n\r\n\r3,z\n\r", columns: []string{"a", "b"}, lineEnd: "\n", rows: []string{"1|x", "2|y", "3|z"}},
		{name: "CR, with LF in cells", text: "a,b\r1,\"x\ny\"\r2,z\r", columns: []string{"a", "b"}, lineEnd: "\r", rows: []string{"1|x\ny", "2|z"}},
		{name: "CR, and LF in a cell of the header", text: "a,\"b\nc\"\r1,x\r", columns: []string{"a", "b\nc"}, lineEnd: "\r", rows: []string{"1|x"}},
		{name: "CR first and LF later", text: "a,b\r1,x\r2,y\n3,z\r", fails: "read header on line 1: it contains a carriage return (CR), but other lines end with LF: its line ends are mixed"},
		{name: "LF first and CR later", text: "a,b\n1,x\r2,y\n3,z\n", rows: []string{"!has 3 cells, the header has 2: a carriage return (CR) is in it, so line ends are mixed", "3|z"}},
		{name: "LF first and CR after a quote", text: "a,b\n1,\"x\"\r2,y\n3,z\n", rows: []string{"!after the cell that begins on line 2 is a line end of a different kind (CR or LF) than the other lines have", "3|z"}},
		{name: "CR LF in a text whose beginning has CR alone", text: "a,b\r" + strings.Repeat("1,x\r", 20000) + "2,y\r\n3,z\r\n", lineEnd: "\r", rows: append(slices.Repeat([]string{"1|x"}, 20000), "2|y", "3|z")},
		{name: "a quote that opens nothing, and CR", text: "a,b\r1,5\" wide\r2,y\r", lineEnd: "\r", rows: []string{"!line 2 has a quote inside a cell that does not begin with one", "2|y"}},
		{name: "JSON lines that end with CR", text: "{\"a\":\"x\\\"\"}\r{\"a\":2}\r", lineEnd: "\r", rows: []string{`{"a":"x\""}`, `{"a":2}`}},
		{name: "JSON lines that end with CR CR LF", text: "{\"a\":1}\r\r\n{\"a\":2}\r\r\n", lineEnd: "\r\r\n", rows: []string{`{"a":1}`, `{"a":2}`}},
		{name: "two BOMs", text: "\xef\xbb\xbf\xef\xbb\xbfa,b\n1,2\n", columns: []string{"a", "b"}, rows: []string{"1|2"}},
		{name: "two BOMs of UTF-16", text: "\xff\xfe" + utf16("a,b\n1,é\n"), columns: []string{"a", "b"}, encoding: "utf-16le", rows: []string{"1|é"}},
		{name: "a BOM after sep=", text: "\xef\xbb\xbfsep=;\r\n\xef\xbb\xbfa;b\r\n1;2\r\n", columns: []string{"a", "b"}, delimiter: ';', rows: []string{"1|2"}},
		{name: "two BOMs before JSON", text: "\xef\xbb\xbf\xef\xbb\xbf{\"a\":1}\n", rows: []string{`{"a":1}`}},
		{name: "sep= in quotes", text: "\"sep=;\"\na;b,c\n1;2\n", columns: []string{"a", "b,c"}, delimiter: ';', rows: []string{"1|2"}},
		{name: "sep= with empty cells behind it", text: "\"sep=;\";;\na;b,c;d\n1;2;3\n", columns: []string{"a", "b,c", "d"}, delimiter: ';', rows: []string{"1|2|3"}},
		{name: "sep= of UTF-16 with a tab", text: utf16("sep=\t\r\na\tb\r\n1\tü\r\n"), columns: []string{"a", "b"}, delimiter: '\t', rows: []string{"1|ü"}},
		{name: "sep= with a tab written out", text: "sep=\\t\na\tb;c\n1\t2\n", columns: []string{"a", "b;c"}, delimiter: '\t', rows: []string{"1|2"}},
		{name: "sep= without a delimiter", text: "sep=\na;b\n1;2\n", fails: `line 1, "sep=", sets a delimiter that is not one ASCII character`},
		{name: "sep= with a delimiter that is none", text: "sep=§\na;b\n1;2\n", fails: "skip the line (skipLines: 1) and set the delimiter"},
		{name: "Hive's delimiter", text: "a\x01b,c\n1\x012\n", columns: []string{"a", "b,c"}, delimiter: 1, rows: []string{"1|2"}},
		{name: "a delimiter at the end of each row", text: "a,b\n1,x,\n2,y,,,\n3,z,,!\n", rows: []string{"!has 3 cells, the header has 2: the last cell is empty, so the row ends with a delimiter that the header does not have",
			"!has 5 cells, the header has 2: the last 3 cells are empty, so the row ends with delimiters that the header does not have", "!has 4 cells, the header has 2"}},
		{name: "a delimiter at the end of the header", text: "a,b,\n1,x\n2,y,\n", rows: []string{"!has 2 cells, the header has 3: the last column has no name, so the header ends with a delimiter that the row does not have", "2|y|"}},
		{name: "MySQL's JSON", cfg: Config{Escape: `\`}, text: "a,b\n1,\"{\\\"news\\\": true, \\\"x\\\":\\\"p\\\\nq\\\"}\"\n2,\\N\n\"\\N\",\"\"\n", rows: []string{`1|{"news": true, "x":"p\nq"}`, "2|", "|"}},
		{name: "MySQL without quotes", cfg: Config{Escape: `\`}, text: "a\tb\n1\tx\\\ty\\\nz \"q\" \\\\\n2\tC:\\new\n", delimiter: '\t', rows: []string{"1|x\ty\nz \"q\" \\", "2|C:\\new"}},
		{name: "MySQL's lines of Windows", cfg: Config{Escape: `\`}, text: "a,b\r\n1,x\\\r\ny\r\n2,z\r\n", lineEnd: "\r\n", rows: []string{"1|x\r\ny", "2|z"}},
		{name: "an escape at the very end", cfg: Config{Escape: `\`}, text: "a,b\n1,x\\", rows: []string{"1|x\\"}},
		{name: "an escaped quote that is never closed", cfg: Config{Escape: `\`}, text: "a,b\n1,\"x\\\"\n2,y\n", rows: []string{"!the quote opened on line 2 is never closed", "2|y"}},
		{name: "text after a quote, with an escape", cfg: Config{Escape: `\`}, text: "a,b\n1,\"x\"y\n2,\"y\"\r\n", rows: []string{"!the quote opened on line 2 is not closed, or text follows its closing quote", "2|y"}},
		{name: "doubled quotes beside an escape", cfg: Config{Escape: `\`}, text: "a,b\n1,\"x\"\"y\\\\\"\n", rows: []string{"1|x\"y\\"}},
		{name: "another escape", cfg: Config{Escape: "^"}, text: "a,b\n1,x^,y\\\n", rows: []string{"1|x,y\\"}},
		{name: "an escape that is none", cfg: Config{Escape: "ab"}, text: "a,b\n", fails: `escape "ab" is not usable`},
		{name: "the delimiter as escape", cfg: Config{Escape: ";", Delimiter: ";"}, text: "a;b\n", fails: `escape ";" is not usable`},
		{name: "a BOM before a row", text: "a,b\n1,2\n\xef\xbb\xbf3,4\n\xef\xbb\xbf\"5\",6\n", rows: []string{"1|2", "3|4", "5|6"}},
		{name: "a BOM before a JSON line", text: "{\"a\":1}\n\xef\xbb\xbf{\"a\":2}\n", rows: []string{`{"a":1}`, `{"a":2}`}},
		{name: "DOS's end of file", text: "a,b\n1,2\n\x1a", rows: []string{"1|2"}},
		{name: "DOS's end of file is a row elsewhere", text: "a\n\x1a\n2\n", rows: []string{"\x1a", "2"}},
		{name: "filled up with NUL", text: "a,b\n1,2\n\x00\x00\x00\x00", rows: []string{"1|2", "!holds nothing but NUL bytes: the file was filled up with them, or what was here is lost"}},
		{name: "a backslash before a delimiter", text: "a,b\n1,x\\,y\n2,x\\\nz\n", rows: []string{`!has 3 cells, the header has 2: a backslash comes before a delimiter, as databases write one that belongs to a cell: set input.escape: "\\"`, "2|x\\", "!has 1 cell, the header has 2"}},
		{name: "a backslash before a line end", text: "a,b,c\n2,x\\\nz,3\n", rows: []string{`!has 2 cells, the header has 3: it ends with a backslash, as databases write a line end that belongs to a cell: set input.escape: "\\"`, "!has 2 cells, the header has 3"}},
		{name: "JSON lines, two in one", text: "{\"a\":1}\n{\"a\":\"}{\"}{\"b\":{}}{\"c\":3}\n{\"d\":4}{broken\n", rows: []string{`{"a":1}`, `{"a":"}{"}`, `{"b":{}}`, `{"c":3}`, `{"d":4}`, `{broken`}},
		{name: "mixed line ends", text: "a,b\r\n1,x\n2,y\r\n", columns: []string{"a", "b"}, lineEnd: "\r\n", rows: []string{"1|x", "2|y"}},
		{name: "PHP's backslash before a quote", text: "a,b\n1,\"x\\\"y\"\n2,\"p\\\"q\\\"\"\"\"\n3,z\n", rows: []string{`1|x\"y`, `2|p\"q\""`, "3|z"}},
		{name: "a backslash before a quote in a bare cell", text: "a\tb\n1\t{\\\"x\\\": 1}\n2\tz\n", rows: []string{`!line 2 has a quote behind a backslash in a cell without quotes, as databases write one: set input.escape: "\\"`, "2|z"}},
		{name: "a backslash at the end of a cell is no escape", text: "a,b\n\"C:\\\",x\n2,z\n", rows: []string{`C:\|x`, "2|z"}},
		{name: "PHP's backslash with the wrong count", text: "a,b\n1,\"x\\\"y\",3\n2,z\n", rows: []string{"!the quote opened on line 2 is not closed, or text follows its closing quote", "2|z"}},
		{name: "Mailchimp's backslash before a comma", text: "a,b\n1,\"x\\, y\"\n2,x\\, y\n", rows: []string{`1|x\, y`, `!has 3 cells, the header has 2: a backslash comes before a delimiter, as databases write one that belongs to a cell: set input.escape: "\\"`}},
		{name: "a quote that is never closed", text: "a,b\n1,\"x\n2,y\n3,z\n", rows: []string{"!the quote opened on line 2 is never closed", "2|y", "3|z"}},
		{name: "a quote that the next row closes", text: "a,b\n1,\"x\n2,\"y\"\n3,z\n", rows: []string{"!the quote opened on line 2 is not closed, or text follows its closing quote", "2|y", "3|z"}},
		{name: "a quote forgotten in the second line of a row", text: "a,b\n\"1\nx\",\"y\n2,z\n", rows: []string{"!the quote opened on line 3 is never closed", "2|z"}},
		{name: "ragged rows", text: "a,b,c\n1,2\n1,2,3,\n1,2,3\n", rows: []string{"!has 2 cells, the header has 3", "!has 4 cells, the header has 3: the last cell is empty, so the row ends with a delimiter that the header does not have", "1|2|3"}},
		{name: "a footer", text: "a,b\n1,2\n\nTotal: 1\n", rows: []string{"1|2", "!has 1 cell, the header has 2"}},
		{name: "blank lines", text: "\n \na,b\n\n1,2\n\t \n\r\n3,4\n\n", columns: []string{"a", "b"}, rows: []string{"1|2", "3|4"}},
		{name: "a line of delimiters is a row", text: "a\tb\n\t\n1\t2\n", delimiter: '\t', rows: []string{"|", "1|2"}},
		{name: "the header again", text: "a,b\n1,2\na,b\n3,4\n\xef\xbb\xbfa,b\n5,6\n", rows: []string{"1|2", "!the row repeats the header", "3|4", "!the row repeats the header", "5|6"}},
		{name: "a preamble", cfg: Config{SkipLines: 2}, text: "Consents\nfrom \"May\n\na,b\n1,2\n", columns: []string{"a", "b"}, rows: []string{"1|2"}},
		{name: "headers are kept to the letter", text: "id, E-Mail ,id,\u00a0Date,\"a\"\"b\"\n1,2,3,4,5\n", columns: []string{"id", " E-Mail ", "id", "\u00a0Date", `a"b`}, rows: []string{"1|2|3|4|5"}},
		{name: "a header over two lines", text: "a,\"b\nc\"\n1,2\n", columns: []string{"a", "b\nc"}, rows: []string{"1|2"}},
		{name: "blanks before a quote", text: "a, \"b\"\n1, \"x, y\"\n2,  \t\"z\"\n", columns: []string{"a", "b"}, rows: []string{"1|x, y", "2|z"}},
		{name: "no header", cfg: Config{Columns: []string{"id", "name"}}, text: "1;a,b\n2;c\n3;d;e\n", columns: []string{"id", "name"}, delimiter: ';', rows: []string{"1|a,b", "2|c", "!has 3 cells, input.columns has 2"}},
		{name: "NUL in a cell", text: "a,b\n1,\x00\n", rows: []string{"1|\x00"}},
		{name: "JSON lines with BOM", text: "\xef\xbb\xbf{\"a\":1}\r\n{\"a\":2}\r\n", lineEnd: "\r\n", rows: []string{`{"a":1}`, `{"a":2}`}},
		{name: "JSON lines, one malformed", text: "{\"a\":1}\n{\"a\":\n\n{\"a\":3,}\n", rows: []string{`{"a":1}`, `{"a":`, `{"a":3,}`}},
		{name: "JSON lines of UTF-16", text: utf16("{\"a\":\"é\"}\n"), encoding: "utf-16le", rows: []string{`{"a":"é"}`}},
		{name: "a pretty-printed object", text: "{\n \"a\": 1\n}\n", rows: []string{"{\n \"a\": 1\n}"}},
		{name: "an empty array", text: " [ ]\n", rows: nil},
		{name: "an array with trailing commas", text: "[{\"a\":1},\n{\"a\":2},\n]", rows: []string{`{"a":1}`, `{"a":2}`}},
		{name: "a page", cfg: Config{Rows: "content"}, text: `{"content":[{"a":1},{"a":2}],"totalPages":1}`, rows: []string{`{"a":1}`, `{"a":2}`}},
		{name: "rows without pages, though pages were named", cfg: Config{Rows: "content"}, text: "{\"a\":1}\n{\"a\":2}", rows: []string{`{"a":1}`, `{"a":2}`}},
		{name: "CSV that begins with a bracket", text: "[id],{x}\n1,2\n", columns: []string{"[id]", "{x}"}, rows: []string{"1|2"}},
		{name: "JSON lines though it looks like CSV", cfg: Config{Format: "jsonl"}, text: "a,b\n1,2\n", rows: []string{"a,b", "1,2"}},
		{name: "CSV though it looks like JSON", cfg: Config{Format: "csv"}, text: "{\"a\"},b\n1,2\n", fails: "read header on line 1: line 1 has a quote inside a cell"},
		{name: "JSON lines that are said to be CSV", cfg: Config{Format: "csv"}, text: "{\"a\":1,\"b\":2}\n", fails: "looks like JSON, and is said to be CSV: leave the format out, or make it jsonl"},
		{name: "an array that is said to be CSV", cfg: Config{Format: "csv"}, text: "[{\"a\":1}]\n", fails: "looks like JSON, and is said to be CSV"},
		{name: "a printed object that is said to be CSV", cfg: Config{Format: "csv"}, text: "{\n  \"a\": 1\n}\n", fails: "looks like JSON, and is said to be CSV"},
		{name: "a JSON text sequence", text: "\x1e{\"a\":1,\"b\":\"x\"}\n\x1e{\"a\":2}\n", fails: "take the record separators (0x1E) out"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Paths = write(t, []byte(c.text))
			e, err := Open(c.cfg)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			defer e.Close()
			l := &e.Layouts[0]
			if c.columns != nil {
				assert.Equal(t, c.columns, l.Columns)
			}
			if c.delimiter != 0 {
				assert.Equal(t, string(c.delimiter), string(l.Delimiter))
			}
			if c.encoding != "" {
				assert.Equal(t, c.encoding, l.Encoding)
			}
			if c.lineEnd != "" {
				assert.Equal(t, c.lineEnd, l.LineEnd)
			}
			batches, err := readAll(t, e, e.Start(), ReadOptions{})
			require.NoError(t, err)
			var got []string
			for _, r := range rowsOf(batches) {
				got = append(got, rendered(l, r))
			}
			assert.Equal(t, c.rows, got)
		})
	}
}

// rendered writes a row as the table of TestTraps does.
func rendered(l *Layout, r Row) string {
	if r.Reason != "" {
		return "!" + r.Reason
	}
	if l.Format == JSONL {
		return string(r.Raw)
	}
	cells, _, err := l.Split(r.Raw, nil, nil)
	if err != nil {
		return "!" + err.Error()
	}
	var texts []string
	for _, c := range cells {
		texts = append(texts, string(c))
	}
	return strings.Join(texts, "|")
}
