package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A file that is written over between two readings of it is found out where it changed,
// whatever is read of it and from where.
func TestAFileThatChangesBetweenTwoReadings(t *testing.T) {
	var text bytes.Buffer
	text.WriteString("id,action\n")
	for i := 0; text.Len() < 6*witnessed+witnessed/2; i++ {
		fmt.Fprintf(&text, "%09d,yes\n", i)
	}
	path := filepath.Join(t.TempDir(), "e.csv")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	e, err := Open(Config{Paths: []string{path}})
	require.NoError(t, err)
	defer e.Close()

	readAll := func(from Position, opts ReadOptions) (rows int64, next Position, err error) {
		r, err := e.Read(from, opts)
		require.NoError(t, err)
		defer r.Close()
		for {
			b, err := r.Next()
			if err != nil {
				return rows, next, err
			}
			rows += int64(len(b.Rows))
			if next == (Position{}) {
				next = b.Next
			}
		}
	}
	all, second, err := readAll(Position{}, ReadOptions{NoMarks: true})
	require.ErrorIs(t, err, io.EOF)
	change := func(at int, to string) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte(to), int64(at))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	for name, at := range map[string]int{"a piece in the middle": witnessed + witnessed/2, "the last one, which is short": 6*witnessed + witnessed/4} {
		at += bytes.Index(text.Bytes()[at:], []byte("yes"))
		for from, opts := range map[Position]ReadOptions{{}: {}, second: {NoMarks: true}} {
			_, _, err = readAll(from, opts)
			require.ErrorIs(t, err, io.EOF, name)
			change(at, "no ")
			got, _, err := readAll(from, opts)
			require.ErrorIs(t, err, errOther, name)
			assert.Contains(t, err.Error(), path)
			assert.LessOrEqual(t, got, int64(at+witnessed)/14, "not many rows from there on")
			assert.Less(t, got, all)
			change(at, "yes")
		}
	}
}
