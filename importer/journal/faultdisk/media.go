package faultdisk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// media remembers what of the files is on the medium and not only in the
// system's memory: contents up to the last sync, names up to the last sync of
// their directory. Files are taken to be small, as they are in tests.
type media struct {
	mu    sync.Mutex
	files map[string][]byte // content at the last sync
	names map[string]*before
}

// before is what a name stood for when its directory was synced last.
type before struct {
	content []byte
	exists  bool
}

func newMedia() media {
	return media{files: map[string][]byte{}, names: map[string]*before{}}
}

// keep notes what stands at a name that is about to change.
func (m *media) keep(path string) error {
	path = filepath.Clean(path)
	if m.names[path] != nil {
		return nil
	}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.names[path] = &before{}
	case err != nil:
		return err
	default:
		m.names[path] = &before{content: b, exists: true}
	}
	return nil
}

func (m *media) creating(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[filepath.Clean(path)] = nil
	return m.keep(path)
}

// appending takes a file that was there before this process to be synced.
func (m *media) appending(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if _, ok := m.files[path]; ok {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m.files[path] = b
	return nil
}

func (m *media) renaming(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.keep(to); err != nil {
		return err
	}
	from, to = filepath.Clean(from), filepath.Clean(to)
	m.files[to] = m.files[from]
	delete(m.files, from)
	delete(m.names, from)
	return nil
}

// syncing takes the content as it is before sync runs: what is written
// meanwhile need not have reached the medium.
func (m *media) syncing(path string, sync func() error) error {
	path = filepath.Clean(path)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := sync(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = b
	return nil
}

func (m *media) syncedDir(dir string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = filepath.Clean(dir)
	for path := range m.names {
		if filepath.Dir(path) == dir {
			delete(m.names, path)
		}
	}
}

// PowerLoss leaves on the disk underneath what a power loss would: each file as
// it was synced last, each name as its directory was synced last. Nothing may
// be done with the Disk afterwards, nor with its open files.
func (d *Disk) PowerLoss() error {
	m := &d.media
	m.mu.Lock()
	defer m.mu.Unlock()
	for path, content := range m.files {
		if err := restore(path, content); err != nil {
			return err
		}
	}
	for path, was := range m.names {
		if !was.exists {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		} else if err := restore(path, was.content); err != nil {
			return err
		}
	}
	return nil
}

// restore puts content into a new file: an open one of the process that "lost
// its power" does not reach it.
func restore(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
