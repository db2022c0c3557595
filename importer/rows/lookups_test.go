package rows

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

func TestTemporaryFilesOfLookupsLieInTheOutDirectoryAndAreGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	l := lookups{dir: dir}
	f, err := l.temp()
	require.NoError(t, err)
	_, err = f.Write([]byte("people"))
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	if runtime.GOOS != "windows" { // where an open file keeps its name, and modes are others
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		assert.Empty(t, entries, "a crash leaves nothing")
	}
	require.NoError(t, f.Close())
	require.NoError(t, l.close())
	entries, err = os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)

	elsewhere := lookups{} // nobody has an out directory
	f, err = elsewhere.temp()
	require.NoError(t, err)
	own := elsewhere.own
	require.DirExists(t, own)
	require.NoError(t, f.Close())
	require.NoError(t, elsewhere.close())
	assert.NoDirExists(t, own)
}

func TestALookupFileIsSoughtFromItsMapping(t *testing.T) {
	abs := filepath.Join(t.TempDir(), "p.csv")
	for _, c := range []struct{ mapping, file, want string }{
		{"some/where/m.yaml", "data/p.csv", filepath.Join("some", "where", "data", "p.csv")},
		{"m.yaml", "p.csv", "p.csv"},
		{"some/where/m.yaml", filepath.ToSlash(abs), abs},
		{"some/where/m.yaml", "https://files.example/p.csv", "https://files.example/p.csv"},
	} {
		spec, err := mapping.Parse(c.mapping, []byte("lookup: {p: {file: \""+c.file+"\", key: id}}\nconsent: {userId: p.mail, action: a, timestamp: at, validUntil: unlimited, source: {const: s}}"), nil)
		require.NoError(t, err)
		path, sum := PathOf(spec, spec.Lookups()[0])
		assert.Equal(t, c.want, path)
		assert.Empty(t, sum)
		spec.Lookups()[0].Locate("x.csv", "ab")
		path, sum = PathOf(spec, spec.Lookups()[0])
		assert.Equal(t, "x.csv ab", path+" "+sum)
	}
}
