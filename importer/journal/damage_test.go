package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// sample writes a checkpoint that has a line of every kind and returns its text.
func sample(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	w := begin(t, dir)
	write := func(outcomes ...journal.Outcome) {
		for _, o := range outcomes {
			require.NoError(t, w.Append(o))
		}
	}
	require.NoError(t, w.Mark(mark(1, 6)))
	write(sent(1, 1, false), sent(1, 2, true), refused(2, 1, `unknown source "x\y"`), sent(3, 1, true))
	require.NoError(t, w.Sync())
	write(sent(5, 1, true), journal.Outcome{Ref: ref(4, 1), State: journal.Failed, Attempts: 8, Message: "no answer", Last: true})
	require.NoError(t, w.Mark(mark(6, 6)))
	require.NoError(t, w.End(journal.End{At: moment.Add(time.Second), State: "complete"}))
	require.NoError(t, w.Pass(journal.Pass{N: 2, Kind: journal.Retry}))
	require.NoError(t, w.Run(journal.Run{N: 2, At: moment.Add(time.Hour), Pass: 2, From: 1}))
	require.NoError(t, w.Order(journal.Order{At: moment.Add(time.Hour), What: "rate=100"}))
	write(sent(2, 1, true), journal.Outcome{Ref: ref(4, 1), State: journal.Superseded, By: ref(5, 1)})
	require.NoError(t, w.Mark(mark(7, 6)))
	require.NoError(t, w.End(journal.End{At: moment.Add(2 * time.Hour), State: "complete"}))
	gone := journal.FileDigest{Name: "rejected.csv", Bytes: 12, SHA256: strings.Repeat("ab", 32)}
	require.NoError(t, w.Purge(journal.Purge{At: moment.Add(3 * time.Hour), Tool: "1.0.0", Removed: []journal.FileDigest{gone}, Kept: []journal.FileDigest{}}))
	require.NoError(t, w.Close())
	text, err := os.ReadFile(filepath.Join(dir, journal.Name))
	require.NoError(t, err)
	for _, kind := range []string{"header", "pass", "run", "mark", "sent", "fail", "held", "end", "order", "purge", "seal"} {
		require.Contains(t, string(text), `{"`+kind+`":`)
	}
	return text
}

// put makes a directory whose checkpoint has the text.
func put(t testing.TB, text []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, journal.Name), text, 0o600))
	return dir
}

// recheck gives all lines of a text the checks that they would have been written
// with, as the documentation of the format says.
func recheck(text []byte) []byte {
	const size = len(`,"crc":"89abcdef"}` + "\n")
	var out []byte
	var crc uint32
	for line := range bytes.Lines(text) {
		body := line[:len(line)-size]
		crc = crc32.Update(crc, crc32.MakeTable(crc32.Castagnoli), body)
		out = append(out, body...)
		out = fmt.Appendf(out, `,"crc":"%08x"}`+"\n", crc)
	}
	return out
}

func damaged(t testing.TB, err error) *journal.DamagedError {
	t.Helper()
	var damaged *journal.DamagedError
	require.ErrorAs(t, err, &damaged)
	return damaged
}

func TestCutAtEveryByte(t *testing.T) {
	text := sample(t)
	require.Equal(t, text, recheck(text))
	dir := put(t, text)
	for size := len(text); size >= 0; size-- {
		cut := text[:size]
		require.NoError(t, os.Truncate(filepath.Join(dir, journal.Name), int64(size)))
		whole := bytes.LastIndexByte(cut, '\n') + 1
		s, err := journal.Read(journal.OS{}, dir)
		if whole == 0 {
			require.ErrorIs(t, err, journal.ErrEmpty, "cut at %d", size)
		} else {
			require.NoError(t, err, "cut at %d", size)
			require.EqualValues(t, bytes.Count(cut, []byte("\n")), s.Lines)
			require.EqualValues(t, whole, s.Bytes)
			require.EqualValues(t, size-whole, s.Torn)
		}
		if size%32 == 0 {
			goOn(t, cut, whole)
		}
	}
}

// goOn opens a checkpoint that was cut, of which so many bytes are whole lines,
// and writes on.
func goOn(t *testing.T, cut []byte, whole int) {
	dir := put(t, cut)
	w, s, err := journal.Open(journal.OS{}, dir)
	if whole == 0 {
		require.ErrorIs(t, err, journal.ErrEmpty)
		w, err = journal.Create(journal.OS{}, dir, header())
		require.NoError(t, err, "nothing was sent, so an import may begin")
		require.NoError(t, w.Close())
		return
	}
	require.NoError(t, err)
	require.NoError(t, w.Pass(journal.Pass{N: len(s.Passes) + 1}))
	require.NoError(t, w.Run(journal.Run{N: len(s.Runs) + 1, Pass: len(s.Passes) + 1}))
	require.NoError(t, w.Append(sent(100, 1, true)))
	require.NoError(t, w.Close())
	after, err := os.ReadFile(filepath.Join(dir, journal.Name))
	require.NoError(t, err)
	require.Equal(t, string(cut[:whole]), string(after[:whole]), "what was whole stays")
	then, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	require.Equal(t, s.Total.Sent+1, then.Total.Sent)
	require.Zero(t, then.Torn)
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	text := sample(t)
	for _, c := range []struct {
		name   string
		step   int // every so manieth byte; the checks do not care which bit it is
		change func(byte) byte
	}{
		{"lowest bit", 1, func(b byte) byte { return b ^ 1 }},
		{"case", 3, func(b byte) byte { return b ^ 0x20 }},
		{"highest bit", 7, func(b byte) byte { return b ^ 0x80 }},
		{"NUL", 7, func(byte) byte { return 0 }},
		{"line feed", 3, func(byte) byte { return '\n' }},
		{"digit", 3, func(byte) byte { return '7' }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := put(t, text)
			f, err := os.OpenFile(filepath.Join(dir, journal.Name), os.O_WRONLY, 0)
			require.NoError(t, err)
			defer f.Close()
			for at := len(text) - 1; at >= 0; at -= c.step {
				bad := c.change(text[at])
				if bad == text[at] {
					continue
				}
				_, err := f.WriteAt([]byte{bad}, int64(at))
				require.NoError(t, err)
				_, err = journal.Read(journal.OS{}, dir)
				if newer := (*journal.VersionError)(nil); !errors.As(err, &newer) {
					require.EqualValues(t, 1+bytes.Count(text[:at], []byte("\n")), damaged(t, err).Line, "byte %d", at)
				}
				if at%256 == 0 {
					leftAlone(t, dir)
				}
				_, err = f.WriteAt(text[at:at+1], int64(at))
				require.NoError(t, err)
			}
			_, err = journal.Read(journal.OS{}, dir)
			require.NoError(t, err)
		})
	}
}

// leftAlone checks that a damaged checkpoint is neither gone on with, nor
// changed, nor taken for none.
func leftAlone(t *testing.T, dir string) {
	before, err := os.ReadFile(filepath.Join(dir, journal.Name))
	require.NoError(t, err)
	_, _, err = journal.Open(journal.OS{}, dir)
	damaged(t, err)
	_, err = journal.Create(journal.OS{}, dir, header())
	require.ErrorIs(t, err, journal.ErrExists, "never a silent start")
	after, err := os.ReadFile(filepath.Join(dir, journal.Name))
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestMovedLinesAreRefused(t *testing.T) {
	text := sample(t)
	var lines [][]byte
	for line := range bytes.Lines(text) {
		lines = append(lines, line)
	}
	read := func(t *testing.T, parts ...[][]byte) error {
		var all []byte
		for _, p := range parts {
			all = append(all, bytes.Join(p, nil)...)
		}
		_, err := journal.Read(journal.OS{}, put(t, all))
		return err
	}
	for i := range lines {
		if i+1 < len(lines) { // without the last line it is an older copy
			damaged(t, read(t, lines[:i], lines[i+1:]))
			damaged(t, read(t, lines[:i], lines[i+1:i+2], lines[i:i+1], lines[i+2:]))
		}
		damaged(t, read(t, lines[:i], lines[i:i+1], lines[i:]))
		damaged(t, read(t, lines, lines[i:i+1]))
	}
	damaged(t, read(t, lines, [][]byte{[]byte("\n")}))
	damaged(t, read(t, lines, [][]byte{[]byte("{}\n")}))
}

// A line that was changed together with all checks is still refused, by the
// seal below it.
func TestSealsHoldWithoutChecks(t *testing.T) {
	text := sample(t)
	forged := recheck(bytes.Replace(text, []byte(`"refused","status":400`), []byte(`"refused","status":413`), 1))
	require.NotEqual(t, text, forged)
	damaged := damaged(t, func() error { _, err := journal.Read(journal.OS{}, put(t, forged)); return err }())
	assert.Contains(t, damaged.What, "seal")
}

func TestOtherFilesAreRefused(t *testing.T) {
	text := sample(t)
	first := text[:bytes.IndexByte(text, '\n')+1]
	for name, file := range map[string]struct {
		text []byte
		want string
	}{
		"a CSV file":          {[]byte("id,mail\n1,a\n"), "not written by consentimport"},
		"one without an end":  {[]byte("id,mail"), "not written by consentimport"},
		"other JSON lines":    {[]byte(`{"id":1}` + "\n"), "not written by consentimport"},
		"an empty line":       {[]byte("\n"), "not written by consentimport"},
		"no header":           {recheck(text[len(first):]), "not written by consentimport"},
		"a header twice":      {recheck(append(bytes.Clone(text), first...)), "only header"},
		"a header of nothing": {recheck([]byte(`{"header":{},"crc":"00000000"}` + "\n")), "no version"},
		"a run of no pass":    {recheck(append(bytes.Clone(first), `{"run":{"n":1,"pass":1},"crc":"00000000"}`+"\n"...)), "does not follow"},
		"an outcome of no run": {recheck(append(bytes.Clone(first), `{"sent":"1.1","n":1,"crc":"00000000"}`+"\n"...)),
			"belongs to a run"},
		"pass 2 first":    {recheck(append(bytes.Clone(first), `{"pass":{"n":2},"crc":"00000000"}`+"\n"...)), "begins pass 2"},
		"an unknown kind": {recheck(append(bytes.Clone(first), `{"note":1,"crc":"00000000"}`+"\n"...)), "unknown kind"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := journal.Read(journal.OS{}, put(t, file.text))
			assert.Contains(t, damaged(t, err).What, file.want)
		})
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	text := bytes.Replace(sample(t), []byte(`"version":1,"tool":"1.0.0"`), []byte(`"version":2,"tool":"1.9.0"`), 1)
	for _, text := range [][]byte{text, recheck(text)} {
		dir := put(t, text)
		_, _, err := journal.Open(journal.OS{}, dir)
		var newer *journal.VersionError
		require.ErrorAs(t, err, &newer)
		assert.Equal(t, 2, newer.Version)
		assert.Contains(t, err.Error(), "1.9.0")
		_, err = journal.Create(journal.OS{}, dir, header())
		assert.ErrorIs(t, err, journal.ErrExists)
	}
}

// An older copy of the file is intact by itself: what tells it from the newer
// one is the digest that was filed.
func TestOlderCopyHasAnotherDigest(t *testing.T) {
	text := sample(t)
	newer, err := journal.Read(journal.OS{}, put(t, text))
	require.NoError(t, err)
	end := bytes.Index(text, []byte(`{"pass":{"n":2`))
	older, err := journal.Read(journal.OS{}, put(t, text[:end]))
	require.NoError(t, err)
	assert.NotEqual(t, newer.SHA256, older.SHA256)
	assert.NotEqual(t, newer.Sealed, older.Sealed)
	assert.Zero(t, newer.Unsealed)
}

func TestMissingCheckpoint(t *testing.T) {
	dir := t.TempDir()
	_, _, err := journal.Open(journal.OS{}, dir)
	assert.ErrorIs(t, err, journal.ErrNone)
	_, err = journal.Read(journal.OS{}, filepath.Join(dir, "no", "such"))
	assert.ErrorIs(t, err, journal.ErrNone)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "looking leaves nothing behind")
}
