package keyed

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// lookupOf is a lookup as a mapping declares it.
func lookupOf(t *testing.T, text string) *mapping.Lookup {
	t.Helper()
	spec, err := mapping.Parse("m.yaml", []byte("lookup: {people: {file: people, "+text+
		"}}\nconsent: {userId: people.mail, action: a, timestamp: at, validUntil: unlimited, source: {const: s}}"), nil)
	require.NoError(t, err)
	return spec.Lookups()[0]
}

// opened sorts a file; files are the temporary ones that are open.
func opened(t *testing.T, lookup *mapping.Lookup, name, text string, memory int) (table *Table, files *int, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	files = new(int)
	var mu sync.Mutex
	dir := t.TempDir()
	temp := func() (extsort.File, error) {
		f, err := os.CreateTemp(dir, "t")
		mu.Lock()
		defer mu.Unlock()
		*files++
		return f, err
	}
	table, err = Open(t.Context(), Config{Lookup: lookup, Path: path, Memory: memory, Temp: temp})
	if err == nil {
		t.Cleanup(func() { require.NoError(t, table.Close()) })
	}
	return table, files, err
}

// find looks a key up and gives the row in one text.
func find(table *Table, key string) (mapping.Found, string, string) {
	var mem []byte
	var rec mapping.Record
	found, reason := table.Find([]byte(key), &mem, &rec)
	if found != mapping.There {
		return found, "", reason
	}
	if rec.JSON != nil {
		return found, string(rec.JSON), reason
	}
	var cells []string
	for _, c := range rec.Cells {
		cells = append(cells, string(c))
	}
	return found, strings.Join(cells, "|"), reason
}

// Every row is found by its key and by no other, whether it fits into memory or not.
func TestEachRowIsFoundByItsKey(t *testing.T) {
	for name, memory := range map[string]int{"in memory": 1 << 20, "in files": 64} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			text.WriteString("mail,id,note\n")
			const n = 5000
			for _, i := range rand.Perm(n) {
				fmt.Fprintf(&text, "u%d@mail.example,k%d,\"a \"\"%s\"\"\"\n", i, i, strings.Repeat("x", i%50))
			}
			table, files, err := opened(t, lookupOf(t, "key: id"), "people.csv", text.String(), memory)
			require.NoError(t, err)
			assert.EqualValues(t, n, table.Len())
			assert.Equal(t, memory < 1000, *files > 0, "files: %d", *files)
			var wait sync.WaitGroup
			for w := range 4 { // any number of goroutines may ask
				wait.Go(func() {
					for i := w; i < n; i += 4 {
						found, row, _ := find(table, fmt.Sprintf("k%d", i))
						assert.Equal(t, mapping.There, found)
						assert.Equal(t, fmt.Sprintf("u%d@mail.example|k%d|a \"%s\"", i, i, strings.Repeat("x", i%50)), row)
						found, _, _ = find(table, fmt.Sprintf("k%d", n+i))
						assert.Equal(t, mapping.Missing, found)
					}
				})
			}
			wait.Wait()
			require.NoError(t, table.Err())
		})
	}
}

func TestKeysAreComparedAsTheyAre(t *testing.T) {
	table, _, err := opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\n 7 ,a\nAb,b\n12.0,c\n,nobody\n{X-1},d\n\u00c0,e\n", 0)
	require.NoError(t, err)
	assert.EqualValues(t, 5, table.Len(), "a row without a key is found by none")
	for key, want := range map[string]mapping.Found{
		"7": mapping.There, "007": mapping.Near, "7.0": mapping.Near, "Ab": mapping.There, "ab": mapping.Near, "12": mapping.Near, "12.0": mapping.There,
		"8": mapping.Missing, "x-1": mapping.Near, "A\u0300": mapping.Near, "0": mapping.Missing, "": mapping.Missing,
	} {
		found, _, _ := find(table, key)
		assert.Equal(t, want, found, "%q", key)
	}
}

func TestARowIsNeverTakenAtRandom(t *testing.T) {
	table, _, err := opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\n1,a\n2,b\n1,c\n2,b\n", 0)
	require.NoError(t, err)
	found, _, reason := find(table, "1")
	assert.Equal(t, mapping.Doubtful, found)
	assert.Equal(t, "people.csv has more than one row with that id (lines 2 and 4), so it is unclear which is meant", reason)
	found, row, _ := find(table, "2")
	assert.Equal(t, mapping.There, found, "the same row twice says the same")
	assert.Equal(t, "2|b", row)
}

// A key that many rows have costs no more than another, in rows kept and in memory of a look;
// what is said of it is the same wherever the rows lie.
func TestAKeyOfManyRowsIsBounded(t *testing.T) {
	const many = 60_000
	var same, differ, spelled strings.Builder
	for i := range many {
		same.WriteString("u1,a\n")
		fmt.Fprintf(&differ, "u1,p%d\n", i)
		key := []byte("abcdefghijklmnopq")
		for bit := range key {
			if i>>bit&1 == 1 {
				key[bit] -= 'a' - 'A'
			}
		}
		fmt.Fprintf(&spelled, "%s,p%d\n", key, i)
	}
	for name, memory := range map[string]int{"in memory": 1 << 30, "in files": 64} {
		t.Run(name, func(t *testing.T) {
			table, _, err := opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\n"+same.String()+"u2,b\n", memory)
			require.NoError(t, err)
			assert.Less(t, table.rows.Size(), int64(200), "of equal rows one is kept")
			found, row, _ := find(table, "u1")
			assert.Equal(t, mapping.There, found)
			assert.Equal(t, "u1|a", row)

			table, _, err = opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\nu2,b\n"+differ.String(), memory)
			require.NoError(t, err)
			assert.Less(t, table.rows.Size(), int64(200), "two rows tell that there is more than one")
			found, _, reason := find(table, "u1")
			assert.Equal(t, mapping.Doubtful, found)
			assert.Contains(t, reason, "(lines 3 and 4)")
			found, row, _ = find(table, "u2")
			assert.Equal(t, mapping.There, found)
			assert.Equal(t, "u2|b", row)

			table, _, err = opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\n"+spelled.String(), memory)
			require.NoError(t, err)
			var b buffer
			var mem []byte
			var rec mapping.Record
			for key, want := range map[string]mapping.Found{"abcdefghijklmnopq": mapping.There, "ABCDEFGHIJKLMNOPQ": mapping.Near, "ABCdefghijklmnopq": mapping.There} {
				b.form = mapping.SpellingKey([]byte(key), b.form[:0])
				found, _, err := table.find(&b, []byte(key), &mem, &rec)
				require.NoError(t, err)
				assert.Equal(t, want, found, key)
			}
			assert.Less(t, cap(b.piece), 64<<10, "a range is gone through in pieces")
		})
	}
}

// Rows longer than a piece, and keys too, are found like others.
func TestLongRowsAreFound(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,mail\n")
	for i := range 30 {
		fmt.Fprintf(&text, "%d%s,%s\n", i, strings.Repeat("k", i*2000), strings.Repeat("m", pieceSize-30+i*3))
	}
	table, _, err := opened(t, lookupOf(t, "key: id"), "people.csv", text.String(), 64)
	require.NoError(t, err)
	for i := range 30 {
		found, row, _ := find(table, fmt.Sprintf("%d%s", i, strings.Repeat("k", i*2000)))
		assert.Equal(t, mapping.There, found, i)
		assert.Len(t, row, len(fmt.Sprint(i))+i*2000+1+pieceSize-30+i*3, i)
	}
	require.NoError(t, table.Err())
}

// A file that is cut off is not a full disk: the error says what to do, and no hint tells to
// make room for it.
func TestADamagedFileIsNoFullDisk(t *testing.T) {
	_, _, err := opened(t, lookupOf(t, "key: id"), "people.json", `[{"id":"1"},{"id":"2"`, 0)
	require.ErrorContains(t, err, "people.json at line 1: the text ends inside an array of rows: it was cut off; get the file again")
	var b *blocked.Error
	require.ErrorAs(t, err, &b)
	assert.Equal(t, blocked.None, b.Cure)
	assert.Empty(t, b.Hint)
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	table, _, err := opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\n1,a\n2,b\n3,c\n3,d\n", 0)
	require.NoError(t, err)
	var mem []byte
	rec := mapping.Record{Cells: make([][]byte, 0, 4)}
	var b buffer
	keys := [][]byte{[]byte("1"), []byte("9"), []byte("02")}
	assert.Zero(t, testing.AllocsPerRun(200, func() {
		for _, k := range keys {
			b.form, mem = append(b.form[:0], k[len(k)-1:]...), mem[:0]
			_, _, _ = table.find(&b, k, &mem, &rec)
		}
	}), "the form of a key aside")
}

func TestARowThatCannotBeReadIsNotMissing(t *testing.T) {
	table, _, err := opened(t, lookupOf(t, "key: id"), "people.csv", "id,mail\n1,a\n2\n", 0)
	require.NoError(t, err)
	found, _, reason := find(table, "2")
	assert.Equal(t, mapping.Doubtful, found)
	assert.Contains(t, reason, "people.csv has no row with that id that can be read, and 1 that cannot, the first on line 3")
	found, _, _ = find(table, "1")
	assert.Equal(t, mapping.There, found)
}

func TestFilesAreReadAsExportsAre(t *testing.T) {
	for name, c := range map[string]struct{ file, lookup, text, key, want string }{
		"JSON lines":           {"p.jsonl", "key: id", `{"id":7,"mail":"a"}` + "\n" + `{"id":"8","mail":"b"}` + "\n", "7", `{"id":7,"mail":"a"}`},
		"a page":               {"p.json", "key: attributes.id, input: {rows: included}", `{"included":[{"attributes":{"id":"x"}}]}`, "x", `{"attributes":{"id":"x"}}`},
		"an object of objects": {"p.json", "key: $key, input: {rows: people.*}", `{"people":{"u1":{"mail":"a"},"u2":{"mail":"b"}}}`, "u2", `{"mail":"b"}`},
		"UTF-16":               {"p.csv", "key: id", "\xff\xfei\x00d\x00;\x00m\x00\n\x001\x00;\x00\xe4\x00\n\x00", "1", "1|ä"},
		"windows-1252":         {"p.csv", "key: id, input: {encoding: windows-1252}", "id;m\n1;\xe4\n", "1", "1|ä"},
		"no header":            {"p.csv", "key: id, input: {columns: [id, mail], delimiter: \",\"}", "1,a\n2,b\n", "2", "2|b"},
		"no rows":              {"p.csv", "key: id", "id,mail\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			lookup := lookupOf(t, c.lookup)
			path := filepath.Join(t.TempDir(), c.file)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			in := lookup.Input()
			table, err := Open(t.Context(), Config{Lookup: lookup, Path: path, Source: source.Config{
				Format: in.Format, Delimiter: in.Delimiter, Encoding: in.Encoding, Columns: in.Columns, Rows: in.Rows,
			}})
			require.NoError(t, err)
			_, row, reason := find(table, c.key)
			assert.Equal(t, c.want, row, reason)
			require.NoError(t, table.Close())
		})
	}
}

func TestFilesThatCannotServeAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ lookup, text, says string }{
		"no such key":   {"key: idd", "id,mail\n1,a\n", `people.csv|m.yaml:1:.*key: people has no column "idd"; did you mean "id"`},
		"the key twice": {"key: id", "id,id\n1,2\n", `people has two columns "id"`},
		"empty":         {"key: id", "", "empty"},
	} {
		_, _, err := opened(t, lookupOf(t, c.lookup), "people.csv", c.text, 0)
		require.Error(t, err, name)
		assert.Regexp(t, c.says, err.Error(), name)
		assert.ErrorAs(t, err, new(*blocked.Error), name)
	}
	lookup := lookupOf(t, "key: id")
	_, err := Open(t.Context(), Config{Lookup: lookup, Path: "https://files.example/p.csv"})
	assert.ErrorContains(t, err, "lies elsewhere")
	_, err = Open(t.Context(), Config{Lookup: lookup, Path: t.TempDir()})
	assert.ErrorContains(t, err, "not a regular file")
	_, err = Open(t.Context(), Config{Lookup: lookup, Path: filepath.Join(t.TempDir(), "none.csv")})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// What cannot be read back is said, and is no missing row.
func TestALostTemporaryFileIsNoMissingRow(t *testing.T) {
	var kept []*os.File
	lookup := lookupOf(t, "key: id")
	path := filepath.Join(t.TempDir(), "people.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,mail\n"+strings.Repeat("x", 9)+",a\ny,b\n"), 0o600))
	table, err := Open(t.Context(), Config{Lookup: lookup, Path: path, Memory: 4, Temp: func() (extsort.File, error) {
		f, err := os.CreateTemp(t.TempDir(), "t")
		kept = append(kept, f)
		return f, err
	}})
	require.NoError(t, err)
	require.NotEmpty(t, kept)
	for _, f := range kept {
		require.NoError(t, f.Truncate(0))
	}
	found, _, reason := find(table, "y")
	assert.Equal(t, mapping.Doubtful, found)
	assert.Contains(t, reason, "nothing could be looked up")
	require.ErrorContains(t, table.Err(), "look a row up in "+path)
	require.NoError(t, table.Close())
}
