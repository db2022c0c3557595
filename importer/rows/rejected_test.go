package rows

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/source"
)

// rejectedText is the text of rejected.* for rows that failed with a reason.
func rejectedText(l *source.Layout, reason string, raws ...string) string {
	f := NewRejected(l)
	out := f.Head()
	for i, raw := range raws {
		out = f.AppendRow(out, &source.Row{Number: int64(i + 1), Raw: []byte(raw)}, "export.csv", reason)
	}
	return string(out)
}

func TestRejectedCSVRows(t *testing.T) {
	layout := csvLayout("a,b,c", "a", "b", "c")
	for _, c := range []struct{ name, raw, reason, want string }{
		{"as written", `1,"x ""y""",3`, "bad", `1,"x ""y""",3,1,bad`},
		{"line end in a cell", "1,\"x\r\ny\",3", "bad", "1,\"x\r\ny\",3,1,bad"},
		{"too few cells", "1", "bad", "1,,,1,bad"},
		{"quoted delimiter is no cell", `1,"a,b,c"`, "bad", `1,"a,b,c",,1,bad`},
		{"too many cells", "1,2,3,4", "bad", "1,2,3,4,1,bad"},
		{"backslash before a quote", `1,"a \", b",3`, "bad", `1,"a \", b",3,1,bad`},
		{"nothing kept of the row", "", "too long", ",,,1,too long"},
		{"reason with delimiter and quote", "1,2,3", `say "x", y`, `1,2,3,1,"say ""x"", y"`},
		{"open quote", `1,"abc,3`, "never closed", `1,"abc,3,1,"never closed"`},
		{"empty cells at the end", "1,,", "bad", "1,,,1,bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := rejectedText(layout, c.reason, c.raw)
			assert.Equal(t, "a,b,c,_row,_error\n"+c.want+"\n", got)
		})
	}
}

// A row whose quote is not closed costs whoever reads the file that row alone.
func TestOpenQuoteIsClosedToItsNeighbours(t *testing.T) {
	layout := csvLayout("a,b", "a", "b")
	text := rejectedText(layout, "the quote opened on line 2 is never closed", `1,"x`, `2,"",`, `3,"y"`)
	path := filepath.Join(t.TempDir(), "rejected.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	r := csv.NewReader(strings.NewReader(strings.SplitN(text, "\n", 3)[2]))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	require.NoError(t, err)
	assert.Len(t, rows, 2)
	// Fixed by hand, the first row is one of four cells.
	fixed := strings.Replace(strings.Split(text, "\n")[1], `"x`, `"x"`, 1)
	row, err := csv.NewReader(strings.NewReader(fixed)).Read()
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "x", "1", "the quote opened on line 2 is never closed"}, row)
}

// A repaired file that is imported like an export, and fails again, has each of
// the two columns once.
func TestEarlierRepairColumnsAreReplaced(t *testing.T) {
	layout := csvLayout("a,_row,b,_error", "a", "_row", "b", "_error")
	assert.Equal(t, "a,b,_row,_error\n1,\"2,2\",1,new\n3,,2,new\n",
		rejectedText(layout, "new", `1,7,"2,2",old`, "3"))
}

func TestRejectedKeepsTheFormOfTheExport(t *testing.T) {
	layout := &source.Layout{
		Format: source.CSV, Columns: []string{"id", "name"}, Delimiter: ';', Encoding: "windows-1252",
		Preamble: []byte("Bericht für März\r\n\r\n"), Header: []byte("id;name"), LineEnd: "\r\n",
	}
	got := rejectedText(layout, "not “listed” → 漢", "1;Jürgen €")
	want, err := charmap.Windows1252.NewEncoder().String(
		"Bericht für März\r\n\r\nid;name;_row;_error\r\n1;Jürgen €;1;not “listed” ? ?\r\n")
	require.NoError(t, err)
	assert.Equal(t, want, got)

	layout.Encoding, layout.BOM = "utf-16le", true
	got = rejectedText(layout, "漢 is not listed", "1;Jürgen €")
	want, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(
		"Bericht für März\r\n\r\nid;name;_row;_error\r\n1;Jürgen €;1;漢 is not listed\r\n")
	require.NoError(t, err)
	assert.Equal(t, want, got)

	layout.Encoding, layout.BOM, layout.NoHeader, layout.Preamble = "utf-8", false, true, nil
	assert.Equal(t, "1;x;1;bad\r\n", rejectedText(layout, "bad", "1;x"))
}

func TestRejectedJSONRows(t *testing.T) {
	layout := &source.Layout{Format: source.JSONL, Encoding: "utf-8", LineEnd: "\n"}
	for _, c := range []struct{ name, raw, want string }{
		{"object", `{"id": 12345678901234567890}`, `{"id": 12345678901234567890,"_row":1,"_error":"<bad> \"x\""}`},
		{"empty object", `{ }`, `{ "_row":1,"_error":"<bad> \"x\""}`},
		{"pretty-printed", "{\r\n  \"a\": \"x\\ny\"\n}", `{    "a": "x\ny" ,"_row":1,"_error":"<bad> \"x\""}`},
		{"repaired before", `{"_row":7,"a":{"_row":1,"x":"_error\"}"},"_error":"old, {"}`, `{"a":{"_row":1,"x":"_error\"}"},"_row":1,"_error":"<bad> \"x\""}`},
		{"only repair members", `{"_row": 7, "_error" : "old"}`, `{"_row":1,"_error":"<bad> \"x\""}`},
		{"array", `[1]`, `{"_row":1,"_error":"<bad> \"x\"","_raw":"[1]"}`},
		{"not JSON", "{\"a\": \"x\ty", `{"_row":1,"_error":"<bad> \"x\"","_raw":"{\"a\": \"x\ty"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := rejectedText(layout, `<bad> "x"`, c.raw)
			assert.Equal(t, c.want+"\n", got)
			assert.True(t, json.Valid([]byte(got)), got)
		})
	}
}

// Each row of rejected.csv begins with the bytes of the export and, when it can
// be read at all, has _row and _error in their columns.
func TestRejectedRowsAreByteTrue(t *testing.T) {
	columns := []string{"a", "b", "c", "d"}
	layout := csvLayout("a,b,c,d", columns...)
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(rapid.StringMatching(`[a-z ,"\n=]*`), 1, len(columns)).Draw(t, "cells")
		var b strings.Builder
		w := csv.NewWriter(&b)
		require.NoError(t, w.Write(cells))
		w.Flush()
		raw := strings.TrimSuffix(b.String(), "\n")
		reason := rapid.StringMatching(`[a-z ,"]+`).Draw(t, "reason")

		text := strings.TrimPrefix(rejectedText(layout, reason, raw), "a,b,c,d,_row,_error\n")
		require.True(t, strings.HasPrefix(text, raw))
		row, err := csv.NewReader(strings.NewReader(text)).Read()
		require.NoError(t, err)
		require.Len(t, row, len(columns)+2)
		require.Equal(t, cells, row[:len(cells)])
		require.Equal(t, []string{"1", reason}, row[len(columns):])
	})
}

// csvLayout is a layout of CSV in UTF-8.
func csvLayout(header string, columns ...string) *source.Layout {
	return &source.Layout{
		Format: source.CSV, Columns: columns, Delimiter: ',', Encoding: "utf-8",
		Header: []byte(header), LineEnd: "\n",
	}
}

// The cells of an earlier repair are found by the reader's own grammar: no cell of the
// export goes with them.
func TestEarlierRepairColumnsInLenientRows(t *testing.T) {
	layout := csvLayout("id,mail,state,_row,_error", "id", "mail", "state", "_row", "_error")
	assert.Equal(t, "id,mail,state,_row,_error\n"+`u2, "b,x@x.example", maybe,1,new`+"\n",
		rejectedText(layout, "new", `u2, "b,x@x.example", maybe,2,old error`))
	assert.Equal(t, "id,mail,state,_row,_error\n"+`u2,"open,maybe,1,"new"`+"\n",
		rejectedText(layout, "new", `u2,"open,maybe,2,"old ""error"""`))
}

// A reason in quotes stays one cell under an escape character.
func TestReasonUnderAnEscape(t *testing.T) {
	layout := csvLayout("a,b", "a", "b")
	layout.Escape = '\\'
	text := rejectedText(layout, `set escape: "\"`, `1,x\,y`)
	again := csvLayout("a,b,_row,_error", "a", "b", "_row", "_error")
	again.Escape = '\\'
	cells, _, err := again.Split([]byte(strings.Split(text, "\n")[1]), nil, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "x,y", "1", `set escape: "\"`}, texts(cells))
}

func texts(cells [][]byte) []string {
	var out []string
	for _, c := range cells {
		out = append(out, string(c))
	}
	return out
}
