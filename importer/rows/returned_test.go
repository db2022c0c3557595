package rows

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/source"
)

// rejectedOf writes the rejected.* of an export of which every row failed, and opens it
// as --repair does.
func rejectedOf(t require.TestingT, dir string, export *source.Export, edit func(string) string) *source.Export {
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	require.NoError(t, err)
	defer reader.Close()
	l := &export.Layouts[0]
	f := NewRejected(l)
	out := f.Head()
	for {
		b, err := reader.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		for i := range b.Rows {
			reason := f.fault(&b.Rows[i])
			if reason == "" {
				reason = `value "x" is not listed`
			}
			out = f.AppendRow(out, &b.Rows[i], "export", reason)
		}
	}
	if edit != nil {
		out = []byte(edit(string(out)))
	}
	path := filepath.Join(dir, "rejected")
	require.NoError(t, os.WriteFile(path, out, 0o600))
	cfg := export.Config
	cfg.Paths, cfg.Rows = []string{path}, "" // rejected.jsonl has rows, not pages
	if cfg.Columns != nil {
		cfg.Columns = append(append([]string{}, cfg.Columns...), RowColumn, ErrorColumn)
	}
	given, err := source.Open(cfg)
	require.NoError(t, err)
	return given
}

func openText(t require.TestingT, dir string, cfg source.Config, text []byte) *source.Export {
	path := filepath.Join(dir, "export")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	cfg.Paths = []string{path}
	export, err := source.Open(cfg)
	require.NoError(t, err)
	return export
}

// TestNobodyFixedIt gives rejected.* back as it was: rows that could not be read are
// not repaired, the others may be read under another mapping.
func TestNobodyFixedIt(t *testing.T) {
	sjis := func(s string) string {
		out, err := japanese.ShiftJIS.NewEncoder().String(s)
		require.NoError(t, err)
		return out
	}
	for _, c := range []struct {
		name    string
		cfg     source.Config
		text    string
		sound   []int64 // rows that could be read
		unfixed []int64
	}{
		{"too few cells", source.Config{}, "a,b,c\n1,2\n1,2,3\n1\n", []int64{2}, []int64{1, 3}},
		{"too many cells", source.Config{}, "a,b\n1,2,3\n1,2\n1,2,\n1,2,,\n", []int64{2}, []int64{1, 3, 4}},
		{"too many, quoted", source.Config{}, "a,b\n1,\"2,x\",\"3\ny\"\n", nil, []int64{1}},
		{"open quotes", source.Config{}, "a,b\n1,\"x\n2,y\n\"3\nz\",\"q\n4,5\n6,\"7\"8\n9,p\"q\n", []int64{2, 4}, []int64{1, 3, 5, 6}},
		{"the header again", source.Config{}, "a,b\n1,2\na,b\n", []int64{1}, []int64{2}},
		{"not UTF-8", source.Config{}, "a,b\n1,\xe9\n2,é\n", []int64{2}, []int64{1}},
		{"half a character", source.Config{Encoding: "shift_jis"}, "a,b\n1," + sjis("日本") + "\n2,\x81\n", []int64{1}, []int64{2}},
		{"too long", source.Config{}, "a,b,c\n1,2,3\n1," + strings.Repeat("x", 2<<20) + ",3\n4,5\n", []int64{1}, []int64{2, 3}},
		{"no header", source.Config{Columns: []string{"a", "b"}}, "1,2,3\n1,2\n1\n", []int64{2}, []int64{1, 3}},
		{"escapes", source.Config{Escape: `\`}, "a,b\n1\\,x,2,3\n1,\"x\\\"\n1\n4,5\n", []int64{4}, []int64{1, 2, 3}},
		{"mixed line ends", source.Config{}, "a,b\n1,2\r3,4\n5,6\n", []int64{2}, []int64{1}},
		{"CR", source.Config{}, "a,b\r1\r2,3\r", []int64{2}, []int64{1}},
		{"a row that has a repair's columns", source.Config{}, "a,b,_row,_error\n1,2,7,old\n1,7,old\n1,2,3,8,old\n", []int64{1}, []int64{2, 3}},
		{"JSON that is not", source.Config{}, "{\"a\":1}\n{\"a\":NaN}\n[1]\n\"x\"\n{\"a\":1}}\n{\"b\":\"\xe9\"}\n", []int64{1}, []int64{2, 3, 4, 5, 6}},
		{"JSON too long", source.Config{}, "{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", 2<<20) + "\"}\n", []int64{1}, []int64{2}},
		{"all broken", source.Config{}, "{\"a\":NaN}\n{\"a\":\n", nil, []int64{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			export := openText(t, dir, c.cfg, []byte(c.text))
			defer export.Close()
			given := rejectedOf(t, dir, export, nil)
			defer given.Close()
			repaired, unfixed, err := Returned(given, export)
			require.NoError(t, err)
			assert.Equal(t, c.sound, numbersOf(repaired))
			var left []int64
			f := NewRejected(&export.Layouts[0])
			origin, err := newStream(export, nil)
			require.NoError(t, err)
			defer origin.reader.Close()
			for _, u := range unfixed {
				left = append(left, u.Number)
				row, err := origin.at(u.Number)
				require.NoError(t, err)
				assert.Equal(t, f.fault(row.Row), u.Reason, "the reason is the one it had")
			}
			assert.Equal(t, c.unfixed, left)
		})
	}
}

func numbersOf(rows []Repaired) []int64 {
	var out []int64
	for _, r := range rows {
		out = append(out, r.Number)
	}
	return out
}

// TestSomebodyFixedIt takes what was repaired, however the file was saved.
func TestSomebodyFixedIt(t *testing.T) {
	for _, c := range []struct {
		name, text string
		edit       func(string) string
		want       []string // the rows that come of it
		unfixed    string
		fails      string
	}{
		{"a missing cell", "a,b,c\n1,2\n", func(s string) string { return strings.Replace(s, "1,2,,", "1,2,3,", 1) }, []string{`1,2,3,1,"has 2 cells, the header has 3"`}, "", ""},
		{"a surplus cell", "a,b\n1,2,3\n", func(s string) string { return strings.Replace(s, "1,2,3,", "1,2,", 1) }, []string{`1,2,1,"has 3 cells, the header has 2"`}, "", ""},
		{"an open quote", "a,b\n1,\"x\n", func(s string) string { return strings.Replace(s, "\"x,", "x,", 1) }, []string{`1,x,1,"the quote opened on line 2 is never closed"`}, "", ""},
		{"the text of _raw", "{\"a\":NaN}\n{\"a\":\n", func(s string) string { return strings.Replace(s, "NaN", "1", 1) }, []string{`{"a":1,"_row":1}`}, "is not a JSON object", ""},
		{"the text of _raw, of a row with a key", `{"contacts":{"48":{"a":1},"50":{"a":nope}}}`, func(s string) string { return strings.Replace(s, "nope", "2", 1) }, []string{`{"a":1,"_row":1,"_key":"48","_error":"value \"x\" is not listed"}`, `{"a":2,"_row":2,"_key":"50"}`}, "", ""},
		{"members beside _raw", "{\"a\":NaN}\n", func(s string) string { return strings.Replace(s, `"_row"`, `"a":2,"_row"`, 1) }, []string{`{"a":2,"_row":1,"_error":"is not a JSON object","_raw":"{\"a\":NaN}"}`}, "", ""},
		{"a list", `{"rows":[["u1","x"],["u2","no"]]}`, func(s string) string { return strings.Replace(s, `\"x\"`, `\"no\"`, 1) }, []string{`{"_row":1,"_raw":["u1","no"]}`, `{"_row":2,"_raw":["u2","no"]}`}, "", ""},
		{"a list, written as one", `{"rows":[["u1","x"]]}`, func(s string) string { return `{"_row":1,"_error":"","_raw":["u1", "no"]}` + "\n" }, []string{`{"_row":1,"_raw":["u1","no"]}`}, "", ""},
		{"a single value", `{"rows":["u1;"]}`, func(s string) string { return strings.Replace(s, "u1;", "u1", 1) }, []string{`{"_row":1,"_raw":"u1"}`}, "", ""},
		{"a single value, written as one", `{"rows":["u1;"]}`, func(s string) string { return `{"_row":1,"_raw":"u1"}` + "\n" }, []string{`{"_row":1,"_raw":"u1"}`}, "", ""},
		{"a list under a key", `{"rows":{"48":["x"]}}`, func(s string) string { return strings.Replace(s, `\"x\"`, `\"no\"`, 1) }, []string{`{"_row":1,"_key":"48","_raw":["no"]}`}, "", ""},
		{"a list that is broken now", `{"rows":[["u1","x"]]}`, func(s string) string { return strings.Replace(s, `\"x\"]`, `\"no\"`, 1) }, nil, "the text in _raw is not valid JSON", ""},
		{"members beside a list", `{"rows":[["u1","x"]]}`, func(s string) string { return strings.Replace(s, `"_row"`, `"id":"u1","_row"`, 1) }, nil, "is a list in the export, and the list has to stand in _raw alone", ""},
		{"quotes that a spreadsheet adds", "a,b,c\n1,2\n", func(s string) string { return strings.Replace(s, "1,2,,1", `"1","2","","1"`, 1) }, nil, "has 2 cells, the header has 3", ""},
		{"_error misspelt", "a,b,c\n1,2\n", func(s string) string { return strings.Replace(s, "_error", "_eror", 1) }, nil, "has 2 cells, the header has 3", ""},
		{"no _error", "a,b,c\n1,2\n", func(string) string { return "a,b,c,_row\n1,2,,1\n" }, nil, "has 2 cells, the header has 3", ""},
		{"columns moved, one added", "a,b,c\n1,2\n", func(string) string { return "_row,note,c,b,a\n1,look,,2,1\n" }, nil, "has 2 cells, the header has 3", ""},
		{"columns moved, and repaired", "a,b,c\n1,2\n", func(string) string { return "_row,c,b,a\n1,3,2,1\n" }, []string{"1,3,2,1"}, "", ""},
		{"another _error", "a,b,c\n1,2\n", func(s string) string { return s[:strings.LastIndex(s, ",\"")] + ",\n" }, nil, "has 2 cells, the header has 3", ""},
		{"something else is wrong now", "a,b,c\n1,2\n", func(s string) string { return strings.Replace(s, "1,2,,", "1,2,3,4,5,", 1) }, nil, "has 7 cells, the header has 5", ""},
		{"_raw is still no object", "{\"a\":NaN}\n", func(s string) string { return strings.Replace(s, "NaN", "Nan", 1) }, nil, "the text in _raw is not a JSON object", ""},
		{"no number", "a,b\n1,2,3\n", func(s string) string { return "a,b,_row,_error\n1,2,3,x,y,z\n" }, nil, "", "line 2: has 6 cells, the header has 4, and there is no telling which row it repairs"},
		{"a row that is none", "a,b\n1,2,3\n", func(s string) string { return "a,b,_row,_error\n1,2,9,x\n" }, nil, "", "line 2: the export has no row 9"},
		{"twice", "a,b\n1,2,3\n", func(s string) string { return "a,b,_row,_error\n1,2,1,x\n1,2,1,x\n" }, nil, "", "lines 2 and 3 both repair row 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := source.Config{}
			if strings.Contains(c.text, "contacts") {
				cfg.Rows = "contacts.*"
			}
			if strings.Contains(c.text, "rows") {
				cfg.Rows, cfg.Columns = "rows", []string{"id", "choice"}
				if strings.Contains(c.text, "48") {
					cfg.Rows = "rows.*"
				}
			}
			export := openText(t, dir, cfg, []byte(c.text))
			defer export.Close()
			given := rejectedOf(t, dir, export, c.edit)
			defer given.Close()
			repaired, unfixed, err := Returned(given, export)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			var got []string
			for _, r := range repaired {
				got = append(got, string(r.Raw))
			}
			assert.Equal(t, c.want, got)
			if c.unfixed == "" {
				assert.Empty(t, unfixed)
			} else if assert.Len(t, unfixed, 1) {
				assert.Equal(t, c.unfixed, unfixed[0].Reason)
			}
		})
	}
}

// TestReturnedRowsAreWhatTheyWere gives back the rejected.csv of any text at all: what
// could be read comes back as it was, and what could not does not come back.
func TestReturnedRowsAreWhatTheyWere(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 4).Draw(t, "columns")
		text := rapid.StringMatching(`([a-c0-9 ,";\\]{0,12}\n?){0,8}`).Draw(t, "text")
		header := "h1,h2,h3,h4"[:columns*3-1]
		cfg := source.Config{Format: "csv", Delimiter: ","}
		if rapid.Bool().Draw(t, "escape") {
			cfg.Escape = `\`
		}
		export := openText(t, dir, cfg, []byte(header+"\n"+text))
		defer export.Close()
		given := rejectedOf(t, dir, export, nil)
		defer given.Close()
		repaired, unfixed, err := Returned(given, export)
		require.NoError(t, err)

		origin, err := newStream(export, nil)
		require.NoError(t, err)
		defer origin.reader.Close()
		back := map[int64]string{}
		for _, r := range repaired {
			back[r.Number] = string(r.Raw)
		}
		left := map[int64]bool{}
		for _, u := range unfixed {
			left[u.Number] = true
		}
		f := NewRejected(&export.Layouts[0])
		for n := int64(1); ; n++ {
			row, err := origin.at(n)
			require.NoError(t, err)
			if row.Row == nil {
				require.Len(t, back, int(n)-1-len(left), "rows that the export does not have")
				return
			}
			if f.fault(row.Row) == "" {
				require.Equal(t, fmt.Sprintf(`%s,%d,"value ""x"" is not listed"`, f.closed(bytes.Clone(row.Row.Raw)), n), back[n])
			} else {
				require.True(t, left[n], "row %d, %q, is still what it was", n, row.Row.Raw)
			}
		}
	})
}
