package journal

import (
	"errors"
	"fmt"
)

var (
	// ErrLocked says that another process works in the directory.
	ErrLocked = errors.New("another process is working in this directory")
	// ErrExists says that the directory holds a checkpoint already.
	ErrExists = errors.New("the directory already contains an import")
	// ErrNone says that the directory holds no checkpoint, or does not exist.
	ErrNone = errors.New("there is no checkpoint")
	// ErrEmpty says that the checkpoint ends before its first line does: the
	// import stopped before it began, and nothing was sent.
	ErrEmpty = errors.New("the checkpoint is empty")
)

// DamagedError says that a checkpoint is not what was written, apart from a torn
// last line, which is no damage but the trace of a crash.
type DamagedError struct {
	Path   string
	Line   int64  // from 1
	Offset int64  // byte at which the line begins
	What   string // a phrase that goes on from the line: "does not fit …"
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged: line %d (byte %d) %s", e.Path, e.Line, e.Offset, e.What)
}

// VersionError says that a checkpoint was written in a later version of the format.
type VersionError struct {
	Path    string
	Version int
	Tool    string // version of the program that wrote it
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s was written by consentimport %q in version %d of its format; this program knows versions up to %d",
		e.Path, e.Tool, e.Version, Version)
}
