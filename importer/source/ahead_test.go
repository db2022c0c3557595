package source

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was digested before an export was opened is what Check would have digested: each byte
// counts, and what is another file by then, or was written to, is digested anew.
func TestDigestsAhead(t *testing.T) {
	t.Parallel()
	text := append([]byte("id,when\n"), bytes.Repeat([]byte("u1,2024-01-01T00:00:00Z\n"), (2*chunkSize+1000)/24)...)
	require.Equal(t, 2, len(text)/chunkSize)
	type files struct{ a, b string }
	// begin is an export of two files, and the mark of all of it.
	begin := func(t *testing.T) (files, Mark) {
		dir := t.TempDir()
		f := files{filepath.Join(dir, "part-1.csv"), filepath.Join(dir, "part-2.csv")}
		require.NoError(t, os.WriteFile(f.a, text, 0o600))
		require.NoError(t, os.WriteFile(f.b, text[:len(text)-24], 0o600))
		old := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(f.a, old, old))
		require.NoError(t, os.Chtimes(f.b, old, old))
		return f, Mark{Input: 1, Bytes: int64(len(text) - 24), Sum: plainDigest([][]byte{text, text[:len(text)-24]})}
	}
	open := func(t *testing.T, f files) *Export {
		e, err := Open(Config{Paths: []string{f.a, f.b}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		return e
	}
	digested := func(t *testing.T, f files) *Ahead {
		a := DigestAhead([]string{f.b, f.a})
		a.working.Wait()
		for _, c := range a.chunks {
			require.True(t, c.done)
		}
		require.Len(t, a.chunks, 4)
		return a
	}
	// flip changes a byte of a file; keep: and lets it look as old as it was.
	flip := func(t *testing.T, path string, at int, keep bool) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte{text[at] ^ 1}, int64(at))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		if keep {
			require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		}
	}

	t.Run("unchanged, and it is what is used", func(t *testing.T) {
		t.Parallel()
		f, m := begin(t)
		a, e := digested(t, f), open(t, f)
		require.NoError(t, e.CheckAfter(a, m))
		a.chunks[3].sum[0]++
		require.ErrorAs(t, e.CheckAfter(a, m), new(*ChangedError))
		require.NoError(t, e.Check(m))
	})
	for name, at := range map[string]int{"first": 0, "at the edge of a chunk": 2*chunkSize - 1, "behind the last whole chunk": len(text) - 30} {
		t.Run("a byte changed before, "+name, func(t *testing.T) {
			t.Parallel()
			f, m := begin(t)
			flip(t, f.b, at, true)
			require.ErrorAs(t, open(t, f).CheckAfter(digested(t, f), m), new(*ChangedError))
		})
	}
	t.Run("a byte changed meanwhile", func(t *testing.T) {
		t.Parallel()
		f, m := begin(t)
		a := digested(t, f)
		flip(t, f.a, chunkSize, false)
		require.ErrorAs(t, open(t, f).CheckAfter(a, m), new(*ChangedError))
	})
	t.Run("another file meanwhile, as old and as long", func(t *testing.T) {
		t.Parallel()
		f, m := begin(t)
		a := digested(t, f)
		info, err := os.Stat(f.a)
		require.NoError(t, err)
		require.NoError(t, os.Rename(f.a, f.a+".old"))
		require.NoError(t, os.WriteFile(f.a, text, 0o600))
		flip(t, f.a, 1, false)
		require.NoError(t, os.Chtimes(f.a, info.ModTime(), info.ModTime()))
		require.ErrorAs(t, open(t, f).CheckAfter(a, m), new(*ChangedError))
	})
	t.Run("grown", func(t *testing.T) {
		t.Parallel()
		f, m := begin(t)
		require.NoError(t, os.WriteFile(f.b, append(text[:len(text)-24:len(text)-24], "u2,2024-01-01T00:00:00Z\n"...), 0o600))
		require.NoError(t, open(t, f).CheckAfter(digested(t, f), m))
	})
	t.Run("little was read", func(t *testing.T) {
		t.Parallel()
		f, _ := begin(t)
		a := planAhead([]string{f.a, f.b})
		a.want(0, chunkSize+5)
		a.begin()
		require.NoError(t, open(t, f).CheckAfter(a, Mark{Bytes: chunkSize + 5, Sum: plainDigest([][]byte{text[:chunkSize+5]})}))
		for i, c := range a.chunks {
			require.Equal(t, i == 0, c.done, "chunk %d", i)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		f, m := begin(t)
		a := DigestAhead([]string{f.a, f.b})
		a.Stop()
		require.NoError(t, open(t, f).CheckAfter(a, m), "what was not digested is")
	})
	t.Run("files are missing, are directories or elsewhere", func(t *testing.T) {
		t.Parallel()
		a := DigestAhead([]string{filepath.Join(t.TempDir(), "none.csv"), t.TempDir(), "https://example.invalid/a.csv"})
		a.Stop()
		assert.Empty(t, a.chunks)
	})
}
