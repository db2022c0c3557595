package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"
)

// Disk is the file layer below the checkpoint and the reports: every durable
// step of an import goes through it, so that a layer which fails or crashes at
// a chosen step can be put in its place. OS is the real one.
//
// Errors name the operation and the path, and wrap what the system said
// (fs.ErrNotExist, syscall.ENOSPC …).
type Disk interface {
	// MkdirAll makes a directory and those above it, readable by the user alone.
	MkdirAll(dir string) error
	// Create makes a file for writing, readable by the user alone; what had that name
	// before is removed, and a link is never followed.
	Create(path string) (File, error)
	// Append opens an existing file; what is written goes to its end. Like Open it
	// takes regular files alone, and follows no link.
	Append(path string) (File, error)
	// Open opens an existing file for reading.
	Open(path string) (File, error)
	Rename(from, to string) error
	Remove(path string) error
	// SyncDir makes the names of a directory durable: files created, renamed
	// and removed in it.
	SyncDir(dir string) error
	// Lock takes the exclusive lock that the file stands for, making the file
	// if need be, and holds it until closed or until the process ends. It does
	// not wait: ErrLocked when another holds it.
	Lock(path string) (io.Closer, error)
}

// File is an open file of a Disk.
type File interface {
	io.Reader
	io.Writer
	io.Seeker
	io.Closer
	// Sync returns when everything written so far is on the medium.
	Sync() error
	// Truncate cuts the file off at a size in bytes.
	Truncate(size int64) error
}

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// OS is the Disk of the operating system.
type OS struct{}

// MkdirAll implements Disk.
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, dirMode) }

// Create implements Disk.
func (OS) Create(path string) (File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL // which follows no link
	f, err := os.OpenFile(path, flags, fileMode)
	if errors.Is(err, fs.ErrExist) { // of a process that died, or planted: either way not what is wanted
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		f, err = os.OpenFile(path, flags, fileMode)
	}
	return asFile(f, err)
}

// Append implements Disk.
func (OS) Append(path string) (File, error) {
	return regular(os.OpenFile(path, os.O_WRONLY|os.O_APPEND|ownOnly, fileMode))
}

// Open implements Disk.
func (OS) Open(path string) (File, error) {
	return regular(os.OpenFile(path, os.O_RDONLY|ownOnly, 0))
}

// regular passes on a file that is one, and not a pipe or a device of its name.
func regular(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: f.Name(), Err: errors.New("it is not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// asFile keeps a nil *os.File from becoming a File that is not nil.
func asFile(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename implements Disk.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements Disk.
func (OS) Remove(path string) error { return os.Remove(path) }

// SyncDir implements Disk.
func (OS) SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory cannot be synced there; its names are journaled
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock implements Disk.
func (OS) Lock(path string) (io.Closer, error) {
	l := flock.New(path, flock.SetPermissions(fileMode))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, ErrLocked
	}
	return l, nil
}

// AtomicWrite puts a file in the place of path as a whole or not at all: what
// fill writes goes to a temporary file beside it, which is synced and renamed.
// After an error the old file stands as it was, unless the last step failed,
// which makes the new name durable.
//
// The temporary file's name follows from path, so that a crash leaves one at
// most and the next write takes it over: the caller holds the Lock of the
// directory.
func AtomicWrite(disk Disk, path string, fill func(io.Writer) error) error {
	dir, name := filepath.Split(path)
	temp := filepath.Join(dir, "."+name+".tmp")
	f, err := disk.Create(temp)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = disk.Rename(temp, path)
	}
	if err != nil {
		// Best effort: on a full disk the room is needed, and whatever happens
		// here the first error is the one to report.
		_ = disk.Remove(temp)
		return err
	}
	if dir == "" {
		dir = "."
	}
	return disk.SyncDir(dir)
}
