package journal

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"time"
)

const (
	// Name is the name of the checkpoint in its directory.
	Name     = "checkpoint.jsonl"
	lockName = ".lock"
)

// Lock takes the directory for this process, until closed. Create and Open do
// so themselves; whoever renames the directory or writes reports into it
// without a Writer does it with this. ErrLocked when another process works
// there.
func Lock(disk Disk, dir string) (io.Closer, error) {
	l, err := disk.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return l, nil
}

// LockWithin is Lock, but waits for others who have the directory for a moment, until ctx
// is done.
func LockWithin(ctx context.Context, disk Disk, dir string) (io.Closer, error) {
	for {
		lock, err := Lock(disk, dir)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(lockEvery):
		}
	}
}

// lockEvery is how often LockWithin tries: a look at a directory takes less.
const lockEvery = 20 * time.Millisecond

// Create begins a checkpoint in dir, which is made if need be. When it returns,
// the header is on the medium. ErrExists when dir holds a checkpoint with at
// least a header, ErrLocked when another process works there.
func Create(disk Disk, dir string, h Header) (*Writer, error) {
	h.Version = Version
	if err := disk.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("create checkpoint: %w", err)
	}
	lock, err := Lock(disk, dir)
	if err != nil {
		return nil, err
	}
	w, err := create(disk, dir, h, lock)
	if err != nil {
		_ = lock.Close() // the first error is the one to report
		return nil, err
	}
	return w, nil
}

func create(disk Disk, dir string, h Header, lock io.Closer) (*Writer, error) {
	path := filepath.Join(dir, Name)
	if err := checkNone(disk, path); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	body, err := appendJSON(nil, kindHeader, h)
	if err != nil {
		return nil, err
	}
	s := newScanner(path, nil)
	check := crc32.Update(s.check, s.table, body)
	line := appendCheck(body, check)
	err = AtomicWrite(disk, path, func(w io.Writer) error {
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create checkpoint: %w", err)
	}
	// The name of the directory itself, should it be new. One above it that may
	// be entered and not read is no reason to stop.
	if err := disk.SyncDir(filepath.Dir(filepath.Clean(dir))); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("create checkpoint: %w", err)
	}
	f, err := disk.Append(path)
	if err != nil {
		return nil, fmt.Errorf("create checkpoint: %w", err)
	}
	s.place = place{offset: int64(len(line)), line: 1, check: check}
	s.sum.Write(line)
	return newWriter(f, lock, s, 0, knownFile{disk: disk, path: filepath.Join(dir, KnownName), id: h.ID}), nil
}

// checkNone returns nil when there is no checkpoint, or one that ends before
// its first line does.
func checkNone(disk Disk, path string) error {
	f, err := openFile(disk, path)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	s := newScanner(path, f)
	err = s.next()
	if err == io.EOF {
		return nil
	}
	var damaged *DamagedError
	var newer *VersionError
	if err == nil || errors.As(err, &damaged) || errors.As(err, &newer) {
		return ErrExists
	}
	return err
}

// Open goes on with the checkpoint in dir. It checks the whole file, cuts a torn
// last line off, and refuses any other damage with a *DamagedError, a later
// format with a *VersionError, a file that was longer once with a *LostError.
//
// ErrEmpty when the file ends before its first line does, ErrNone when there is
// no file: nothing was sent, and Create may begin. ErrLocked when another
// process works in dir.
func Open(disk Disk, dir string) (*Writer, *Snapshot, error) {
	path := filepath.Join(dir, Name)
	f, err := openFile(disk, path) // before the lock, which would make a file in any directory
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	lock, err := Lock(disk, dir)
	if err != nil {
		return nil, nil, err
	}
	w, snap, err := open(disk, path, f, lock)
	if err != nil {
		_ = lock.Close() // the first error is the one to report
		return nil, nil, err
	}
	return w, snap, nil
}

func open(disk Disk, path string, f File, lock io.Closer) (*Writer, *Snapshot, error) {
	s := newScanner(path, f)
	snap, err := readSnapshot(disk, path, s)
	if err != nil {
		return nil, nil, err
	}
	if snap.Lost != nil {
		return nil, nil, snap.Lost
	}
	end, err := disk.Append(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open checkpoint: %w", err)
	}
	if snap.Torn > 0 {
		if err := end.Truncate(snap.Bytes); err != nil {
			_ = end.Close()
			return nil, nil, fmt.Errorf("cut torn line off checkpoint: %w", err)
		}
	}
	// Nothing is sealed before something was written: whoever opens it and goes away leaves
	// it as it was.
	w := newWriter(end, lock, s, s.offset, knownFile{disk: disk, path: filepath.Join(filepath.Dir(path), KnownName), id: snap.Header.ID})
	w.writing.Lock()
	w.ran = len(snap.Runs) > 0
	w.writing.Unlock()
	return w, snap, nil
}

// Read reads the checkpoint in dir without changing it, even while a Writer is
// at work: a line that is being written counts as torn. Errors as of Open, but
// for ErrLocked.
func Read(disk Disk, dir string) (*Snapshot, error) {
	path := filepath.Join(dir, Name)
	f, err := openFile(disk, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readSnapshot(disk, path, newScanner(path, f))
}

func openFile(disk Disk, path string) (File, error) {
	f, err := disk.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	return f, nil
}
