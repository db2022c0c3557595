package source

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	csv := gz(t, []byte(strings.Repeat("a,b\n1,2\n", 1000)))
	var encrypted bytes.Buffer
	w := zip.NewWriter(&encrypted)
	_, err := w.CreateRaw(&zip.FileHeader{Name: "a.csv", Flags: 1, Method: zip.Store})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var odd bytes.Buffer
	w = zip.NewWriter(&odd)
	raw, err := w.CreateRaw(&zip.FileHeader{Name: "a.csv", Method: 97, CompressedSize64: 3, UncompressedSize64: 9})
	require.NoError(t, err)
	_, err = raw.Write([]byte("abc"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	ok := file("ok.csv", "a,b\n1,2\n")
	big := "a,b\n" + strings.Repeat("12345678,someone@mail.example\n", 5000)

	cases := []struct {
		name string
		cfg  Config
		says []string
	}{
		{"no file", Config{}, []string{"no export file was given"}},
		{"missing", Config{Paths: []string{filepath.Join(dir, "gone.csv")}}, []string{"gone.csv does not exist"}},
		{"one of several missing", Config{Paths: []string{ok, filepath.Join(dir, "gone.csv")}}, []string{"gone.csv does not exist"}},
		{"directory", Config{Paths: []string{dir}}, []string{"is a directory; give the files of the export"}},
		{"device", Config{Paths: []string{os.DevNull}}, []string{"is not a regular file", "give - instead"}},
		{"empty", Config{Paths: []string{file("empty.csv", "")}}, []string{"empty.csv is empty"}},
		{"blank", Config{Paths: []string{file("blank.csv", "\n \r\n\t\n")}}, []string{"blank.csv is empty"}},
		{"only a BOM", Config{Paths: []string{file("bom.csv", "\xef\xbb\xbf")}}, []string{"bom.csv is empty"}},
		{"empty gzip", Config{Paths: []string{file("empty.gz", string(gz(t, nil)))}}, []string{"empty.gz is empty"}},
		{"cut gzip", Config{Paths: []string{file("cut.gz", string(csv[:15]))}}, []string{"cut.gz: the gzip data is cut off", "get the file again"}},
		{"gzip in gzip", Config{Paths: []string{file("twice.gz", string(gz(t, csv)))}}, []string{"compressed twice (gzip in gzip)"}},
		{"zip in gzip", Config{Paths: []string{file("zip.gz", string(gz(t, zipOf(t, "a.csv", "a\n"))))}}, []string{"compressed twice (zip in gzip)"}},
		{"xlsx", Config{Paths: []string{file("book.csv", string(zipOf(t, "[Content_Types].xml", "", "xl/a.xml", "x")))}}, []string{"book.csv is an Excel or Office file; save it as CSV"}},
		{"xls", Config{Paths: []string{file("book.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")}}, []string{"book.xls is an old Excel workbook; save it as CSV"}},
		{"bzip2", Config{Paths: []string{file("a.bz2", "BZh91AY")}}, []string{"bzip2; unpack it first"}},
		{"tar", Config{Paths: []string{file("a.tar", "a.csv"+strings.Repeat("\x00", 252)+"ustar\x00")}}, []string{"tar archive; unpack it first"}},
		{"tar in gzip", Config{Paths: []string{file("a.tgz", string(gz(t, []byte("a.csv"+strings.Repeat("\x00", 252)+"ustar\x00"))))}}, []string{"a.tgz: what is in the gzip file is a tar archive"}},
		{"UTF-32", Config{Paths: []string{file("a.txt", "\xff\xfe\x00\x00a\x00\x00\x00")}}, []string{"UTF-32; convert it to UTF-8"}},
		{"empty zip", Config{Paths: []string{file("none.zip", string(zipOf(t)))}}, []string{"none.zip contains no file with rows"}},
		{"zip of nothing useful", Config{Paths: []string{file("mac.zip", string(zipOf(t, "__MACOSX/._a.csv", "x", ".DS_Store", "x", "d/", "", "e.csv", "")))}}, []string{"contains no file with rows; left out, because they are empty: ", "mac.zip: e.csv"}},
		{"damaged zip", Config{Paths: []string{file("cut.zip", string(zipOf(t, "a.csv", "a,b\n")[:40]))}}, []string{"cut.zip is a damaged or incomplete zip archive"}},
		{"encrypted zip", Config{Paths: []string{file("secret.zip", encrypted.String())}}, []string{"a.csv is encrypted; unpack"}},
		{"unknown zip method", Config{Paths: []string{file("odd.zip", odd.String())}}, []string{"a.csv uses zip method 97"}},
		{"zip of zip of zip", Config{Paths: []string{file("deep.zip", string(zipOf(t, "1.zip", zipOf(t, "2.zip", zipOf(t, "a.csv", "a\n")))))}}, []string{"2.zip is nested too deep"}},
		{"picture in a zip", Config{Paths: []string{file("pic.zip", string(zipOf(t, "a.csv", "a\n", "logo.png", "\x89PNG\r\n")))}}, []string{"pic.zip: logo.png is a picture"}},
		{"header that is not UTF-8", Config{Paths: []string{file("latin.csv", "Pr\xe9nom,b\n1,2\n")}}, []string{"latin.csv: read header on line 1", "invalid UTF-8 at byte 3", "looks like windows-1252, so its encoding has to be set"}},
		{"header with an open quote", Config{Paths: []string{file("open.csv", "a,\"b\n1,2\n")}}, []string{"read header on line 1: the quote opened on line 1 is never closed"}},
		{"header that never ends", Config{Paths: []string{file("long.csv", strings.Repeat("a", 5<<20))}}, []string{"read header on line 1: the row is longer than 1 MiB"}},
		{"header of NULs that never ends", Config{Paths: []string{file("nul.csv", strings.Repeat("\x00", 5<<20))}}, []string{"read header on line 1: the row is longer than 1 MiB"}},
		{"blanks without end", Config{Paths: []string{file("blanks.csv", strings.Repeat("  \n", 1<<20))}}, []string{"its first 1 MiB is blank"}},
		{"a blank line without end", Config{Paths: []string{file("blankline.csv", strings.Repeat(" ", 3<<20))}}, []string{"its first 1 MiB is blank"}},
		{"a preamble without end", Config{SkipLines: 9, Paths: []string{file("preamble.csv", strings.Repeat(strings.Repeat("x", 1<<18)+"\n", 12))}}, []string{"line 4 above the header makes the preamble longer than 1 MiB; check skipLines"}},
		{"the same file twice", Config{Paths: []string{ok, ok}}, []string{"ok.csv and", "contain the same rows", "give only one of them"}},
		{"the same file and its compressed form", Config{Paths: []string{ok, file("ok.csv.gz", string(gz(t, []byte("a,b\n1,2\n"))))}}, []string{"ok.csv.gz contain the same rows"}},
		{"the same file in an archive", Config{Paths: []string{ok, file("ok.zip", string(zipOf(t, "x.csv", "a,b\n1,2\n")))}}, []string{"ok.zip: x.csv contain the same rows"}},
		{"the same file in another encoding", Config{Paths: []string{ok, file("ok16.csv", "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00")}}, []string{"ok16.csv contain the same rows"}},
		{"a large file and its compressed form", Config{Paths: []string{file("big.csv", big), file("big.csv.zst", string(zst(t, []byte(big))))}}, []string{"big.csv.zst contain the same rows"}},
		{"zip of papers", Config{Paths: []string{file("papers.zip", string(zipOf(t, "README.txt", "hello", "_SUCCESS", "")))}}, []string{"papers.zip contains no file with rows; left out, because they are not exports: ", "README.txt"}},
		{"gzip with more behind its zeros", Config{Paths: []string{file("more.csv.gz", string(gz(t, []byte("a,b\n1,2\n")))+"\x00\x00\x00"+string(gz(t, []byte("3,4\n"))))}}, []string{"the gzip data is followed by something that is not gzip data"}},
		{"format", Config{Format: "xml", Paths: []string{ok}}, []string{`format "xml" is unknown; use csv or jsonl`}},
		{"delimiter", Config{Delimiter: "ab", Paths: []string{ok}}, []string{`delimiter "ab" is not usable`}},
		{"quote for a delimiter", Config{Delimiter: `"`, Paths: []string{ok}}, []string{"is not usable"}},
		{"encoding", Config{Encoding: "latin-99", Paths: []string{ok}}, []string{`encoding "latin-99" is unknown`, "windows-1252"}},
		{"encoding that cannot be read", Config{Encoding: "iso-2022-kr", Paths: []string{ok}}, []string{"cannot be read; convert the file to UTF-8"}},
		{"skipLines", Config{SkipLines: -1, Paths: []string{ok}}, []string{"skipLines is -1"}},
		{"skipLines past the end", Config{SkipLines: 9, Paths: []string{ok}}, []string{"ok.csv is empty"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e, err := Open(c.cfg)
			require.Error(t, err)
			assert.Nil(t, e)
			for _, s := range c.says {
				assert.ErrorContains(t, err, s)
			}
			assert.LessOrEqual(t, strings.Count(err.Error(), "\n"), 1)
		})
	}
	_, err = Open(Config{Paths: []string{filepath.Join(dir, "gone")}})
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// TestTwinsThatAreNone opens files that begin alike, or hold no rows, and are not the
// same.
func TestTwinsThatAreNone(t *testing.T) {
	same := "a,b\n" + strings.Repeat("12345678,someone@mail.example\n", 5000)
	for name, files := range map[string][][]byte{
		"headers alone":          {[]byte("a,b\n"), []byte("a,b\n"), []byte("a,b\n1,2\n")},
		"empty arrays":           {[]byte("[]"), []byte("[]")},
		"the last byte":          {[]byte(same + "1,x\n"), []byte(same + "1,y\n")},
		"one goes on":            {[]byte(same), []byte(same + "1,y\n")},
		"one goes on, packed":    {gz(t, []byte(same)), zst(t, []byte(same+"1,y\n"))},
		"short, and one goes on": {[]byte("a,b\n1,2\n"), []byte("a,b\n1,2\n3,4\n")},
	} {
		t.Run(name, func(t *testing.T) { open(t, Config{Paths: write(t, files...)}, blockSize, batchRows) })
	}
}

// TestOpenEnds ends opening, whatever it is at, with the context.
func TestOpenEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	cancel(stop)
	big := []byte("a,b\n" + strings.Repeat("12345678,someone@mail.example\n", 5000))
	for name, paths := range map[string][]string{
		"file": write(t, big), "archive": write(t, zipOf(t, "a.csv", big)), "archive in an archive": write(t, zipOf(t, "a.zip", zipOf(t, "b.csv", big))),
	} {
		_, err := Open(Config{Paths: paths, Remote: &Remote{Context: ctx}})
		require.ErrorIs(t, err, stop, name)
	}
	e := open(t, Config{Paths: write(t, big, append(bytes.Clone(big), "1,2\n"...))}, blockSize, batchRows)
	e.Config.Remote = &Remote{Context: ctx}
	require.ErrorIs(t, e.refuseTwins(), nil, "sizes tell them apart")
	e = open(t, Config{Paths: write(t, big, gz(t, append(bytes.Clone(big), "1,2\n"...)))}, blockSize, batchRows)
	e.Config.Remote = &Remote{Context: ctx}
	require.ErrorIs(t, e.refuseTwins(), stop)
}

// TestPadding reads packed files that were filled up with zeros to the end of a block.
func TestPadding(t *testing.T) {
	for _, zeros := range []int{1, 2, 500, 200_000} {
		packed := append(slices.Concat(gz(t, []byte("a,b\n1,2\n")), gz(t, []byte("3,4\n"))), make([]byte, zeros)...)
		for name, data := range map[string][]byte{"gzip": packed, "gzip in zip": zipOf(t, "a.csv.gz", packed), "zip": append(zipOf(t, "a.csv", "a,b\n1,2\n3,4\n"), make([]byte, min(zeros, 5000))...)} {
			e := open(t, Config{Paths: write(t, data)}, blockSize, batchRows)
			batches, err := readAll(t, e, e.Start(), ReadOptions{Sums: true})
			require.NoError(t, err, "%s, %d zeros", name, zeros)
			assert.Len(t, rowsOf(batches), 2)
			assert.EqualValues(t, len(data), batches[len(batches)-1].Mark.Bytes, name)
		}
	}
}

// TestPartsInOrder reads numbered parts by their numbers, in an archive and as files,
// whatever a shell made of their order.
func TestPartsInOrder(t *testing.T) {
	var members []any
	for _, n := range []string{"p/part-10.csv", "p/part-2.csv", "p/part-1.csv", "q/part-3.csv", "p-1/part-11.csv", "p/part-01.csv"} {
		members = append(members, n, "a,b\n"+n+",x\n")
	}
	e := open(t, Config{Paths: write(t, zipOf(t, members...))}, blockSize, batchRows)
	var names []string
	for _, m := range e.members {
		names = append(names, m.path[strings.Index(m.path, ": ")+2:])
	}
	assert.Equal(t, []string{"p/part-1.csv", "p/part-01.csv", "p/part-2.csv", "p/part-10.csv", "p-1/part-11.csv", "q/part-3.csv"}, names)

	for _, c := range []struct{ given, want []string }{
		{[]string{"e-1.csv", "e-10.csv", "e-2.csv"}, []string{"e-1.csv", "e-2.csv", "e-10.csv"}},
		{[]string{"e-10.csv", "e-2.csv"}, []string{"e-2.csv", "e-10.csv"}},
		{[]string{"2024-01.csv", "2023-12.csv"}, []string{"2023-12.csv", "2024-01.csv"}},
		{[]string{"old.csv", "new.csv"}, []string{"old.csv", "new.csv"}},
		{[]string{"a-10.csv", "a-9.csv", "b.csv"}, []string{"a-9.csv", "a-10.csv", "b.csv"}},
		{[]string{"99999999999999999999.csv", "100000000000000000000.csv", "3.csv"}, []string{"3.csv", "99999999999999999999.csv", "100000000000000000000.csv"}},
		{[]string{"one.csv"}, []string{"one.csv"}},
		{nil, nil},
	} {
		given := slices.Clone(c.given)
		assert.Equal(t, c.want, InOrder(given))
		assert.Equal(t, c.given, given, "what was given is as it was")
	}
}

// TestBeside leaves out of an archive what stands beside an export, says so, and keeps
// whatever is named as data is.
func TestBeside(t *testing.T) {
	out := []string{"out/_SUCCESS", "out/_committed_123", "out/.part-0.csv.crc", "out/a.csv.md5", "SHA256SUMS", "README.txt", "README", "readme-first.html", "LICENSE", "docs/Notice.md", "_delta_log/0000.json"}
	in := []string{"README.csv", "_consents.csv", "data", "data.txt", "out/part-0.csv", "out/part-1.json"}
	var members []any
	for _, n := range out {
		members = append(members, n, "left out "+n)
	}
	for _, n := range in {
		members = append(members, n, "a,b\n"+n+",x\n")
	}
	paths := write(t, zipOf(t, members...))
	e := open(t, Config{Paths: paths}, blockSize, batchRows)
	assert.Len(t, e.Members, len(in))
	var left []string
	for _, b := range e.Beside {
		left = append(left, strings.TrimPrefix(b, paths[0]+": "))
	}
	assert.ElementsMatch(t, out, left)
	assert.Regexp(t, "^left out, because they are not exports: .+, .+, .+ and 8 more$", e.LeftOut())
}

// TestEmptyMembers names the files of an archive that have nothing in them; what a system
// leaves in an archive is not one.
func TestEmptyMembers(t *testing.T) {
	paths := write(t, zipOf(t, "a.csv", "a,b\n1,2\n", "b.csv", "", "c.csv", "\ufeff\n\n", "d/", "", "d/head.csv", "a,b\n", "__MACOSX/._a.csv", "", ".DS_Store", "",
		"in.zip", zipOf(t, "x.csv", ""), "none.zip", zipOf(t)))
	e := open(t, Config{Paths: paths}, blockSize, batchRows)
	assert.Len(t, e.Members, 2)
	names := strings.ReplaceAll(strings.Join(e.Empty, ", "), paths[0]+": ", "")
	assert.Equal(t, "b.csv, c.csv, in.zip: x.csv, in.zip, none.zip", names)
	assert.Equal(t, "left out, because they are empty: "+strings.Join(e.Empty[:3], ", ")+" and 2 more", e.LeftOut())
	assert.Empty(t, open(t, Config{Paths: write(t, zipOf(t, "a.csv", "a\n1\n", "d/", ""))}, blockSize, batchRows).LeftOut())
}

// TestScalarsInAFileNamedJSON: lines that may be a column of CSV as well as JSON are what
// the file's name says.
func TestScalarsInAFileNamedJSON(t *testing.T) {
	dir := t.TempDir()
	for text, rows := range map[string]int{"null\nnull\n": 2, "null": 1, "\n1\r\n\r\n-2.5\r\n": 2, "\"a\"\ntrue\n": 2, "\"id\",\"b\"\n1,2\n": 0, "id\n1\n": 0, "12\n1,2\n": 0} {
		for name, json := range map[string]bool{"a.jsonl": true, "a.NDJSON": true, "a.json": true, "a.json.gz": true, "a.csv": false, "json": false} {
			path := filepath.Join(dir, name)
			data := []byte(text)
			if strings.HasSuffix(name, ".gz") {
				data = gz(t, data)
			}
			require.NoError(t, os.WriteFile(path, data, 0o600))
			e := open(t, Config{Paths: []string{path}}, blockSize, batchRows)
			if !json || rows == 0 {
				assert.Equal(t, CSV, e.Layouts[0].Format, "%s: %q", name, text)
				continue
			}
			assert.Equal(t, JSONL, e.Layouts[0].Format, "%s: %q", name, text)
			batches, err := readAll(t, e, e.Start(), ReadOptions{})
			require.NoError(t, err)
			require.Len(t, batches, 1)
			assert.Len(t, batches[0].Rows, rows, "%s: %q", name, text)
		}
	}
}

// TestHeaderOnly proves that a file without rows is an export of no rows.
func TestHeaderOnly(t *testing.T) {
	for _, text := range []string{"a,b\n", "a,b", "a,b\r\n\r\n", "[]", "[\n]\n"} {
		e := open(t, Config{Paths: write(t, []byte(text))}, blockSize, batchRows)
		batches, err := readAll(t, e, e.Start(), ReadOptions{})
		require.NoError(t, err)
		assert.Empty(t, batches, "%q", text)
	}
}

// TestSeveralFiles reads files and archives of several members one after the
// other, in order, each with the header that it has.
func TestSeveralFiles(t *testing.T) {
	archive := zipOf(t,
		"2024/b.csv", "id,mail\n3,c\n",
		"__MACOSX/2024/._b.csv", "junk",
		"2024/.DS_Store", "junk",
		"2024/", "",
		"2024/a.csv.gz", gz(t, []byte("id,mail\n2,b\n")),
		"2024/empty.csv", "",
		`2024\c.csv`, "id;mail;x\n4;d;\n",
		"days.zip", zipOf(t, "e/../../d2.csv", "id,mail\n6,f", "d1.csv", "id,mail\n5,e\n"),
		"z.jsonl", "{\"id\":7}\n",
	)
	paths := write(t, []byte("id,mail\n1,a"), archive, zst(t, []byte("{\"id\":8}\n")))
	e := open(t, Config{Paths: paths}, 64, 2)
	var names []string
	for _, m := range e.Members {
		names = append(names, m.Name)
	}
	assert.Equal(t, []string{"part0", "a.csv.gz", "b.csv", "c.csv", "d1.csv", "d2.csv", "z.jsonl", "part2"}, names)
	assert.Len(t, e.Layouts, 3)
	var kinds []string
	for _, in := range e.Inputs {
		kinds = append(kinds, in.Compression)
	}
	assert.Equal(t, []string{"none", "zip", "zstd"}, kinds)

	batches, err := readAll(t, e, e.Start(), ReadOptions{Sums: true})
	require.NoError(t, err)
	var got []string
	read := int64(0)
	for _, b := range batches {
		for _, r := range b.Rows {
			got = append(got, rendered(&e.Layouts[e.Members[b.Member].Layout], r))
		}
		assert.GreaterOrEqual(t, b.Read, read)
		read = b.Read
		assert.NoError(t, e.Check(b.Mark))
		rest, err := readAll(t, e, b.Next, ReadOptions{Seed: &b.Mark})
		require.NoError(t, err)
		assert.Len(t, rowsOf(rest), 8-int(b.Next.Row-1))
	}
	assert.Equal(t, []string{"1|a", "2|b", "3|c", "4|d|", "5|e", "6|f", `{"id":7}`, `{"id":8}`}, got)
	assert.Equal(t, e.Size(), read)
	assert.Equal(t, int64(len("id,mail\n1,a")), batches[0].Read)
}

// TestDamage proves that damage is an error with the file and the place, after
// the rows before it.
func TestDamage(t *testing.T) {
	var text bytes.Buffer
	text.WriteString("id,mail\n")
	for range 50_000 {
		text.WriteString("12345678,someone@mail.example\n")
	}
	flipped := func(data []byte) []byte {
		data = bytes.Clone(data)
		data[len(data)/2] ^= 0x55
		return data
	}
	stored := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.CreateHeader(&zip.FileHeader{Name: "a.csv", Method: zip.Store})
		require.NoError(t, err)
		_, err = f.Write(text.Bytes())
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}()
	checked := func() []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithEncoderCRC(true))
		require.NoError(t, err)
		_, err = io.Copy(w, bytes.NewReader(text.Bytes()))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}()
	packed := gz(t, text.Bytes())
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"cut gzip":             {packed[:len(packed)-5], "the gzip data is cut off"},
		"gzip and then text":   {append(bytes.Clone(packed), "what is this"...), "the gzip data is followed by something that is not gzip data"},
		"flipped byte in gzip": {flipped(packed), "gzip data"},
		"cut zstd":             {checked[:len(checked)-5], "the zstd data is cut off"},
		"flipped byte in zstd": {flipped(checked), "zstd data"},
		"flipped byte in zip":  {flipped(stored), "the zip archive is damaged here"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Paths: write(t, c.data)}
			e, err := Open(cfg)
			if err != nil {
				require.ErrorContains(t, err, "part0")
				require.ErrorContains(t, err, c.says)
				return
			}
			defer e.Close()
			_, err = readAll(t, e, e.Start(), ReadOptions{})
			require.ErrorContains(t, err, cfg.Paths[0])
			require.ErrorContains(t, err, "at byte")
			require.ErrorContains(t, err, c.says)
		})
	}
}

// TestUnpackingTrap proves that an archive in an archive that unpacks to far
// more than itself is refused before it fills the disk.
func TestUnpackingTrap(t *testing.T) {
	inner := append([]byte("PK\x03\x04"), make([]byte, 100<<10)...)
	paths := write(t, zipOf(t, "bomb.zip", inner))
	e := &Export{verified: map[Mark]*digest{}, spoolExtra: 1000}
	err := e.add(paths[0])
	require.ErrorContains(t, err, "bomb.zip is an archive that unpacks to far more than the file around it")
	require.NoError(t, e.Close())
}
