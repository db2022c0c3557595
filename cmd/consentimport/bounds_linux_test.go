package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever is given in the place of a file that a person makes — one line without an
// end, a bomb, a device, nests without a bottom — is refused with a sentence about that
// file, at once and in little memory, and nothing is sent.
func TestNothingIsReadWithoutABound(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
	const size = 16 << 20
	var gz, zst bytes.Buffer
	z := gzip.NewWriter(&gz)
	s, err := zstd.NewWriter(&zst)
	require.NoError(t, err)
	block := bytes.Repeat([]byte("a"), 1<<20)
	sparse := func(name, begin string) string { // NUL bytes that take no room on the disk
		path := r.write(t, name, begin)
		require.NoError(t, os.Truncate(path, 4<<30))
		return path
	}
	line, err := os.Create(filepath.Join(r.dir, "line.txt"))
	require.NoError(t, err)
	for range size >> 20 {
		for _, w := range []interface{ Write([]byte) (int, error) }{z, s, line} {
			_, err := w.Write(block)
			require.NoError(t, err)
		}
	}
	require.NoError(t, z.Close())
	require.NoError(t, s.Close())
	require.NoError(t, line.Close())
	given := map[string]string{
		"a line without an end": line.Name(),
		"a bomb of gzip":        r.write(t, "line.gz", gz.String()),
		"a bomb of zstd":        r.write(t, "line.zst", zst.String()),
		"a device":              "/dev/zero",
		"a sparse file":         sparse("sparse", ""),
		"a quote left open":     r.write(t, "quote.csv", "category,value,decision\nmail,\""+strings.Repeat("a\n", 4<<20)),
		"a list left open":      r.write(t, "deep", strings.Repeat("[", 1<<20)),
		"a map left open":       r.write(t, "deeper", "name: x\nconsent: "+strings.Repeat("{a: ", 1<<18)),
	}
	plain := filepath.Join(r.dir, "plain.yaml")
	places := map[string]func(path string) []string{
		"--suppress":        func(path string) []string { return r.args("--suppress", path) },
		"--suppress-column": func(path string) []string { return r.args("--suppress", path, "--suppress-column", "value") },
		"--approved":        func(path string) []string { return r.args("--approved", path) },
		"--mapping":         func(path string) []string { return []string{"run", "--sandbox", "--mapping", path, r.export} },
		"mapping check":     func(path string) []string { return []string{"mapping", "check", path} },
		"mapping test":      func(path string) []string { return []string{"mapping", "test", path} },
		"mapping try":       func(path string) []string { return []string{"mapping", "try", path, r.export} },
		"the key": func(path string) []string {
			return append([]string{"run", "--mapping", plain, "--api-key-file", path}, append(r.target(), r.export)...)
		},
	}
	for place, args := range places {
		for what, path := range given {
			t.Run(place+" is "+what, func(t *testing.T) {
				t.Parallel()
				p := r.program
				if place == "the key" {
					p.env = nil
				}
				peak := p.watchPeak(t)
				child := p.start(t, args(path)...)
				f := child.wait(t)
				used := child.cmd.ProcessState
				if f.code == exitComplete && what == "a quote left open" && place == "--suppress" {
					return // a list of lines, most of them an a
				}
				assert.Equal(t, exitRefused, f.code, f.stderr)
				assert.LessOrEqual(t, len(f.stderr), 1500, "one or two lines")
				assert.Less(t, peak(), int64(256<<10), "KiB")
				assert.Less(t, (used.UserTime() + used.SystemTime()).Seconds(), 10.0)
			})
		}
	}
	t.Cleanup(func() { assert.LessOrEqual(t, r.server.Stats().Requests, int64(1)) })
}
