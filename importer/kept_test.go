package importer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/source"
)

// What rows became is kept as far as the disk has room beside all that must be written.
func TestKeptRowsLeaveRoomForWhatMustBeWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "export.csv")
	require.NoError(t, os.WriteFile(path, []byte(lifeExport(10)), 0o600))
	im, err := Open(Config{Disk: journal.OS{}, Dir: filepath.Join(dir, "out"), Source: source.Config{Paths: []string{path}}, Spec: specOf(t, "")})
	require.NoError(t, err)
	defer func() { require.NoError(t, im.Close()) }()
	free, known := room.Free(im.cfg.Dir)
	if !known {
		t.Skip("this file system does not know how much room it has")
	}
	assert.EqualValues(t, 100*keptRoom, im.keep("few", 100).Limit)
	most := free / (outcomeRoom + listRoom)
	im.decisions = most * 9 / 10
	assert.LessOrEqual(t, im.keep("many", most*26/1000).Limit, free/32, "half of the rest")
	im.decisions = 2 * most
	assert.LessOrEqual(t, im.keep("few", 100).Limit, int64(0), "no room is left")
	assert.LessOrEqual(t, (&Import{cfg: im.cfg, export: im.export}).keep("pulled", most/2).Limit, int64(0), "what leaves together takes it")
}

// clinging is a disk on which no file is removed while it is open, as on Windows.
type clinging struct{ journal.OS }

func (clinging) Remove(string) error { return errors.New("the file is open") }

// Persons are in what is kept: where a crash would leave a file of it, there is none.
func TestRowsAreNotKeptWhereACrashWouldLeaveThem(t *testing.T) {
	k := (&Import{cfg: Config{Disk: clinging{}, Dir: t.TempDir()}, export: &source.Export{}}).keep("few", 100)
	_, err := k.Temp()
	assert.ErrorContains(t, err, "keeps its name")
}
