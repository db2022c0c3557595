package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An out directory without room for the temporary files of an export is refused before
// anything is sent, with figures and what to do, also where the export is packed; one
// with enough is not.
func TestTheRoomIsCheckedBeforeTheStart(t *testing.T) {
	t.Parallel()
	small := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.Mkdir(small, 0o700))
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(small, syscall.MNT_DETACH)) })
	r := newRehearsal(t, "")
	mapping := r.write(t, "room.yaml", `name: room
consent:
  userId: id
  action: {from: said, values: {"yes": accept}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: news}
`)
	var text, packed bytes.Buffer
	text.WriteString("id,said,at\n")
	few := ""
	for i := range 1_200_000 {
		if i == 200_000 {
			few = r.write(t, "few.csv", text.String())
		}
		fmt.Fprintf(&text, "u%d,yes,1700000000\n", i)
	}
	z := gzip.NewWriter(&packed)
	_, err := z.Write(text.Bytes())
	require.NoError(t, err)
	require.NoError(t, z.Close())
	plain, zipped := r.write(t, "many.csv", text.String()), r.write(t, "many.csv.gz", packed.String())
	run := func(export, out string) finished {
		return r.here(t, nil, append(append([]string{"run", "--mapping", mapping, "--out", out, "--limit", "2", "--progress", "none"}, r.target()...), export)...)
	}
	for export, words := range map[string]string{plain: "about", zipped: "(about|more than)"} { // much of a small packed file is read at once
		got := run(export, filepath.Join(small, "import")).requireCode(t, exitRefused)
		assert.Regexp(t, `has [0-5] MiB free, and this import needs `+words+` [45][0-9] MiB there .*\((of )?1\d\d\d\d\d\d consents`, got.stderr)
		assert.Contains(t, got.stderr, "make room there")
		left, err := os.ReadDir(small)
		require.NoError(t, err)
		assert.Empty(t, left, "what was begun is gone")
	}
	assert.Empty(t, r.server.Consents())

	run(few, filepath.Join(small, "import")).requireCode(t, exitIncomplete)
	assert.EqualValues(t, 2, r.server.Stats().Stored)
}
