package decode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// example is a cell and what it says.
type example struct {
	name      string
	text      string
	want      []string // key=value
	last      string   // the last of them, when all would be too many
	created   int64
	updated   int64 // when it is not as created
	days      int
	undecided string // a part of the reason
	err       error
}

// said writes down the elements of a cell.
func said(c *Cell) []string {
	var all []string
	for _, e := range c.Elements {
		all = append(all, fmt.Sprintf("%s=%s", e.Key, e.Value))
	}
	return all
}

// run decodes the examples as they are, and as databases and web pages escape
// them, into one cell that each finds dirty.
func run(t *testing.T, name string, examples []example) {
	t.Helper()
	decode, ok := Lookup(name)
	require.True(t, ok)
	var cell Cell
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			for form, text := range map[string]string{"as it is": e.text, "padded": " \t" + e.text + "\r\n"} {
				before := strings.Clone(text)
				raw := []byte(text)
				err := decode(raw, &cell)
				assert.Equal(t, before, string(raw), "the text was changed")
				if e.err != nil {
					assert.ErrorIs(t, err, e.err, form)
				} else {
					assert.NoError(t, err, form)
				}
				if e.undecided == "" {
					assert.Empty(t, cell.Undecided, form)
				} else {
					assert.Contains(t, cell.Undecided, e.undecided, form)
				}
				got := said(&cell)
				if e.last != "" {
					require.NotEmpty(t, got)
					assert.Equal(t, e.last, got[len(got)-1], form)
				} else {
					assert.Equal(t, e.want, got, form)
				}
				if err == nil && cell.Undecided == "" {
					updated := e.updated
					if updated == 0 {
						updated = e.created
					}
					assert.Equal(t, e.created, cell.Created, form)
					assert.Equal(t, updated, cell.Updated, form)
					assert.Equal(t, e.days, cell.Days, form)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	names := Names()
	require.NotEmpty(t, names)
	for _, name := range names {
		_, ok := Lookup(name)
		assert.True(t, ok, name)
	}
	_, ok := Lookup("TCF")
	assert.False(t, ok)
}

// TestEveryDecoderIsWhole: a decoder is a file, a line in the table, vectors, a fuzz
// test with seeds and a line in the README. All that is missing is named at once.
func TestEveryDecoderIsWhole(t *testing.T) {
	var tests, fuzz strings.Builder
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		if tests.Write(text); f == "fuzz_test.go" {
			fuzz.Write(text)
		}
	}
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(readme), "| decoder |")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	var missing []string
	for _, name := range Names() {
		for where, has := range map[string]bool{
			"vectors, run(t, %q, …), in a test of mapping/decode": strings.Contains(tests.String(), fmt.Sprintf("run(t, %q,", name)),
			"seeds, fuzz(f, %q, …), in fuzz_test.go":              strings.Contains(fuzz.String(), fmt.Sprintf("fuzz(f, %q,", name)),
			"a line in the decoders of mapping/README.md for %q":  strings.Contains(table, "`"+name+"`"),
		} {
			if !has {
				missing = append(missing, fmt.Sprintf(where, name))
			}
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		assert.Fail(t, "missing:\n"+strings.Join(missing, "\n"))
	}
}

// What every decoder says to cells that are not its own.
func TestEveryDecoder(t *testing.T) {
	for _, name := range Names() {
		decode, _ := Lookup(name)
		var cell Cell
		t.Run(name, func(t *testing.T) {
			for _, empty := range []string{"", " ", "\t\r\n"} {
				require.NoError(t, decode([]byte(empty), &cell))
				assert.Equal(t, "the cell is empty", cell.Undecided)
				assert.Empty(t, cell.Elements)
			}
			for _, junk := range []string{
				"x", "yes", "true", "false", "1", "2", "null", "N/A", "NULL", "{", "}", "[]", "[", `"`, `""`, "=", ":", ",", ",,", "!", "~", "&", ";", "%", "%zz",
				"12:30", "0:30", "a=b", "a:b", "a:1", "person@example.org", "2024-05-01T10:00:00Z", "Mozilla/5.0 (X11; Linux x86_64)",
				"https://example.org/?a=true&b=false", `{"a":1}`, `{"a":"b"}`, `{"a":true`, `{"a":true,}x`, `{a:true}}`, `["a"]`, `{"a":{"b":true}}`,
				"\x00\x01\x02", "\xff\xfe", strings.Repeat("9", 1000), strings.Repeat("A", 1000), strings.Repeat("{", 1000), strings.Repeat("[", 100_000),
			} {
				err := decode([]byte(junk), &cell)
				assert.True(t, err != nil || cell.Undecided != "", "%.40q became %v", junk, said(&cell))
				assert.Empty(t, cell.Elements, "%.40q", junk)
			}
			err := decode(bytes.Repeat([]byte("a"), maxText+1), &cell)
			assert.ErrorIs(t, err, errTooLong)
			for _, secret := range []string{"person@example.org", "action:jane,doe:jane", "groups=jane:9", "!jane=doe", `{"jane":"doe"}`} {
				if err := decode([]byte(secret), &cell); err != nil {
					assert.NotContains(t, err.Error(), "jane")
					assert.NotContains(t, err.Error(), "person")
				}
				assert.NotContains(t, cell.Undecided, "jane")
			}
		})
	}
}

// Elements of one cell must not write over each other, nor over those of
// another cell, when the cells are used again and again.
func TestCellsAreReused(t *testing.T) {
	klaro, _ := Lookup("klaro")
	yes, _ := Lookup("cookieyes")
	var a, b Cell
	for range 3 {
		require.NoError(t, klaro([]byte(`%7B%22a%5Cu0062%22%3Atrue%2C%22cd%22%3Afalse%7D`), &a))
		require.NoError(t, yes([]byte(`consent%3Ayes%2Caction%3Ayes%2Czz%3Ano`), &b))
		assert.Equal(t, []string{"ab=true", "cd=false"}, said(&a))
		assert.Equal(t, []string{"zz=false"}, said(&b))
	}
}

func TestContradictionsAndRepetitions(t *testing.T) {
	decode, _ := Lookup("klaro")
	var cell Cell
	require.NoError(t, decode([]byte(`{"a":true,"b":false,"a":true}`), &cell))
	assert.Equal(t, []string{"a=true", "b=false"}, said(&cell))
	assert.ErrorIs(t, decode([]byte(`{"a":true,"b":false,"a":false}`), &cell), errTwice)
	assert.Empty(t, cell.Elements)

	many := func(last string) []byte {
		text := []byte{'{'}
		for i := range 500 {
			text = fmt.Appendf(text, `"k%d":true,`, i)
		}
		return append(text, last+"}"...)
	}
	require.NoError(t, decode(many(`"k7":true`), &cell))
	assert.Len(t, cell.Elements, 500)
	assert.ErrorIs(t, decode(many(`"k7":false`), &cell), errTwice)
}

// The longest cells that are looked at all take a moment at most.
func TestHostileCellsAreBounded(t *testing.T) {
	fill := func(begin, part, end string) []byte {
		return []byte(begin + strings.Repeat(part, (maxText-len(begin)-len(end))/len(part)) + end)
	}
	texts := [][]byte{
		fill("", "%25", ""), fill("", "&amp;", ";"), fill(`"`, `\\`, `"`), fill("{", `"a":true,`, "}"), fill("{", `a:{},`, "}"), fill(`{"a":`, "[", ""),
		fill("groups=", "a:1,", "&interactionCount=1"), fill("groups=", "groups=", ""), fill("", "interactionCount=1; ", "groups=a:1"), fill("!", "a=true!", ""),
		fill("action:yes,", "a:no,", ""), fill(",", "a,", ""), fill("notice_gdpr_prefs=", "0,", ":"), fill("C", "_", ""), fill("DB", "_", "~1YNN"), fill("DBACNYA", "~", ""),
		fill("[", `["consent"],`, "]"), fill("", "ad_storage=granted&", ""), fill("", "cmplz_marketing=allow;", ""),
	}
	for _, name := range Names() {
		decode, _ := Lookup(name)
		var cell Cell
		for _, text := range texts {
			start := time.Now()
			err := decode(text, &cell)
			assert.Less(t, time.Since(start), 2*time.Second, "%s %.20q", name, text)
			assert.LessOrEqual(t, len(cell.Elements), maxElements)
			assert.LessOrEqual(t, cap(cell.buf), 16*maxText)
			if err != nil || cell.Undecided != "" {
				assert.Empty(t, cell.Elements)
			}
		}
	}
}
