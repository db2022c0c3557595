package journal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"

	"github.com/consentimport/consentimport/importer/extsort"
)

// Temps opens files in a directory that are gone as soon as they are closed: for
// what does not fit into memory. Where the system lets an open file be removed they
// have no name, so that a crash leaves nothing of them; elsewhere the next ones take
// their names.
type Temps struct {
	Disk Disk
	Dir  string
	Name string // what they are for, a part of their names
	// Unnamed refuses to make files where they keep a name, by which something of them would
	// be left by a crash.
	Unnamed bool
	n       atomic.Int64
}

// Open makes a new and empty file.
func (t *Temps) Open() (extsort.File, error) {
	path := filepath.Join(t.Dir, fmt.Sprintf(".%s-%d.tmp", t.Name, t.n.Add(1)))
	f, err := t.Disk.Create(path)
	if err != nil {
		return nil, err
	}
	made := &temp{File: f, disk: t.Disk, path: path, named: t.Disk.Remove(path) != nil}
	if made.named && t.Unnamed {
		return nil, errors.Join(fmt.Errorf("open %s: an open file keeps its name here", path), made.Close())
	}
	return made, nil
}

// temp is a file that is removed when it is closed.
type temp struct {
	File
	disk  Disk
	path  string
	named bool
}

// ReadAt reads from any place, where the file of the disk can.
func (t *temp) ReadAt(p []byte, at int64) (int, error) {
	r, ok := t.File.(io.ReaderAt)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return r.ReadAt(p, at)
}

func (t *temp) Close() error {
	err := t.File.Close()
	if t.named {
		err = errors.Join(err, t.disk.Remove(t.path))
		t.named = false
	}
	return err
}
