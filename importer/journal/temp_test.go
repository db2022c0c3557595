package journal_test

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// naming is a disk on which no file is removed while it is open, as on Windows.
type naming struct {
	journal.OS
	open int
}

type namedFile struct {
	journal.File
	disk *naming
}

func (d *naming) Create(path string) (journal.File, error) {
	f, err := d.OS.Create(path)
	if err == nil {
		d.open++
	}
	return &namedFile{f, d}, err
}

func (d *naming) Remove(path string) error {
	if d.open > 0 {
		return errors.New("the file is open")
	}
	return d.OS.Remove(path)
}

func (f *namedFile) Close() error {
	f.disk.open--
	return f.File.Close()
}

// A temporary file has a name only where it must while it is open, and none at all where
// that was asked for; when it is closed nothing is left.
func TestTemporaryFilesLeaveNoName(t *testing.T) {
	for what, c := range map[string]struct {
		disk    journal.Disk
		unnamed bool
		made    bool
	}{
		"this system":                       {journal.OS{}, true, true},
		"where open files keep their names": {&naming{}, false, true},
		"where these must not":              {&naming{}, true, false},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			temps := &journal.Temps{Disk: c.disk, Dir: dir, Name: "people", Unnamed: c.unnamed}
			f, err := temps.Open()
			assert.Equal(t, c.made, err == nil, "%v", err)
			names, _ := os.ReadDir(dir)
			if _, keeps := c.disk.(*naming); c.made && keeps {
				assert.Len(t, names, 1)
			} else if keeps || os.PathSeparator == '/' {
				assert.Empty(t, names)
			}
			if err == nil {
				require.NoError(t, f.Close())
			}
			names, err = os.ReadDir(dir)
			require.NoError(t, err)
			assert.Empty(t, names)
		})
	}
}
