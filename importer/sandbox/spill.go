package sandbox

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
)

// spill opens the files that hold what does not fit into memory. They lie in a
// directory, are readable by the user alone, and have no name where the system lets
// an open file be removed; elsewhere the system removes them with their last handle.
// So neither an end nor a kill -9 leaves anything that holds a person.
//
// Nobody closes them: what a sandbox kept can be asked for after its end, and while
// it is told to forget. They end with the last that refers to them.
type spill struct {
	dir string // empty: the system's directory for temporary files
}

func (s spill) open() (*os.File, error) {
	dir := s.dir
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, ".sandbox-"+rand.Text()+".tmp")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|removedWithLastHandle, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a file for what does not fit into memory: %w", err)
	}
	if err := os.Remove(path); err != nil && removedWithLastHandle == 0 {
		_ = f.Close()
		return nil, fmt.Errorf("make a file for what does not fit into memory: %w", err)
	}
	return f, nil
}
