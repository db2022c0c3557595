package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// smallDisk mounts a file system of that size. Each that is filled is used once: a process
// that another test is just starting may hold a file of it open for a while, and with that
// the room of what was removed.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	small := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.Mkdir(small, 0o700))
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(small, syscall.MNT_DETACH)) })
	return small
}

// An out directory without room for the temporary files of an export is refused before
// anything is sent, with figures and what to do, also where the export is packed, by a run
// and by a dry run; one with enough is not.
func TestTheRoomIsCheckedBeforeTheStart(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	mapping := r.write(t, "room.yaml", `name: room
consent:
  userId: id
  email: mail
  action: {from: said, values: {"yes": accept}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: news}
`)
	var text, packed bytes.Buffer
	text.WriteString("id,mail,said,at\n")
	few := ""
	for i := range 1_200_000 {
		if i == 200_000 {
			few = r.write(t, "few.csv", text.String())
		}
		fmt.Fprintf(&text, "u%d,,yes,1700000000\n", i)
	}
	z := gzip.NewWriter(&packed)
	_, err := z.Write(text.Bytes())
	require.NoError(t, err)
	require.NoError(t, z.Close())
	plain, zipped := r.write(t, "many.csv", text.String()), r.write(t, "many.csv.gz", packed.String())
	named := r.write(t, "named.csv", strings.ReplaceAll(text.String(), ",,", ",somebody@people.example,"))
	run := func(export, out string) finished {
		return r.here(t, nil, append(append([]string{"run", "--mapping", mapping, "--out", out, "--limit", "2", "--progress", "none"}, r.target()...), export)...)
	}
	dryRun := func(export, out string) finished {
		return r.here(t, nil, "run", "--dry-run", "--mapping", mapping, "--out", out, "--progress", "none", export)
	}
	for _, c := range []struct {
		name   string
		do     func(export, out string) finished
		export string
		words  string
		left   int
	}{
		{"run", run, plain, `this import needs about [45][0-9] MiB there .*\(1\d{6} consents\)`, 0},
		// Much of a small packed file is read at once.
		{"run of a packed file", run, zipped, `this import needs (about|more than) [45][0-9] MiB there .*\((of )?1\d{6} consents`, 0},
		{"dry run", dryRun, plain, `the dry run needs about [45][0-9] MiB there for its temporary files \(1\d{6} decisions\)`, 1},
		{"dry run of a packed file", dryRun, zipped, `the dry run needs (about|more than) [45][0-9] MiB there .*\((of )?1\d{6} decisions`, 1},
		{"dry run with addresses", dryRun, named, `the dry run needs about 6[0-9] MiB there`, 1},
	} {
		small := smallDisk(t, "6m")
		got := c.do(c.export, filepath.Join(small, "import")).requireCode(t, exitRefused)
		assert.Regexp(t, `^error: `+small+`/import has [0-5] MiB free, and `+c.words, got.stderr, c.name)
		assert.Regexp(t, `(?m)^hint: make room there, or .* --out`, got.stderr, c.name)
		left, err := os.ReadDir(small)
		require.NoError(t, err)
		assert.Len(t, left, c.left, "what a run has begun is gone")
		temporary, err := filepath.Glob(filepath.Join(small, "import", ".*.tmp"))
		require.NoError(t, err)
		assert.Empty(t, temporary, c.name)
	}
	assert.Empty(t, r.server.Consents())

	small := smallDisk(t, "6m")
	dryRun(few, filepath.Join(small, "dry-run")).requireCode(t, exitComplete)
	run(few, filepath.Join(small, "import")).requireCode(t, exitIncomplete)
	assert.EqualValues(t, 2, r.server.Stats().Stored)
}

// A join of shards, and what an import is held against, are refused before anything of
// them is written where there is no room.
func TestTheRoomForJoinsAndDeltasIsChecked(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 3000, "")
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	var shards []string
	for _, shard := range []string{"1/2", "2/2"} {
		dir := filepath.Join(r.dir, "shard"+shard[:1])
		r.here(t, nil, r.args("--out", dir, "--shard", shard)...).requireCode(t, exitComplete)
		shards = append(shards, dir)
	}
	sent := r.server.Stats().Stored
	for _, c := range []struct {
		words string
		args  func(out string) []string
	}{
		{`the join of these shards needs about 1 MiB there for its checkpoint and its temporary files \(3000 consents\)`,
			func(out string) []string { return append(append([]string{"report"}, shards...), "--out", out) }},
		{`what the import in .* has sent needs about 1 MiB there for an index of it \(3000 consents\)`,
			func(out string) []string { return r.args("--out", out, "--since", r.out()) }},
	} {
		small := smallDisk(t, "20k")
		got := r.here(t, nil, c.args(filepath.Join(small, "import"))...).requireCode(t, exitRefused)
		assert.Regexp(t, `^error: `+small+`/import has 0 MiB free, and `+c.words, got.stderr)
		assert.Regexp(t, `(?m)^hint: make room there, or .* --out`, got.stderr)
		left, err := filepath.Glob(filepath.Join(small, "import", "*"))
		require.NoError(t, err)
		assert.Empty(t, left)

		large := smallDisk(t, "4m")
		r.here(t, nil, c.args(filepath.Join(large, "import"))...).requireCode(t, exitComplete)
	}
	assert.Equal(t, sent, r.server.Stats().Stored, "a delta of the same has nothing to send")
}
