// Package room tells whether a directory has room for what is about to be written into
// it, so that somebody hears of a disk that is too small before it is full.
package room

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/consentimport/consentimport/importer/blocked"
)

const mib = 1 << 20

// Free is how many bytes the user may still write where a directory lies, or will lie.
// Some file systems do not know.
func Free(dir string) (int64, bool) {
	for {
		if _, err := os.Stat(dir); err == nil {
			return free(dir)
		}
		above := filepath.Dir(dir)
		if above == dir {
			return 0, false
		}
		dir = above
	}
}

// Need is what somebody is about to write into a directory.
type Need struct {
	Dir   string
	What  string // needs the room: "this import", "the dry run"
	For   string // what is written: "its temporary files"
	Of    string // how much there is to be dealt with: "1200000 consents"; may be empty
	Bytes int64
}

// Check refuses a directory with less room than is needed, with figures. Where nobody
// knows how much room there is, there is enough.
func (n Need) Check() error {
	free, known := Free(n.Dir)
	if !known || n.Bytes <= free {
		return nil
	}
	of := ""
	if n.Of != "" {
		of = " (" + n.Of + ")"
	}
	return blocked.Errorc(blocked.MoreRoom, "%s has %d MiB free, and %s needs about %d MiB there for %s%s", n.Dir, free/mib, n.What, (n.Bytes+mib-1)/mib, n.For, of)
}

// Out reports whether an error is that there is no room: the disk is full, or the quota of the
// user is used up.
func Out(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Full says how much room there was, and how much is needed at least, where a disk was
// full before that could be foreseen: of a small packed file all is read at once. What
// was written is gone by then. Any other error stays as it is.
func (n Need) Full(err error) error {
	if !Out(err) {
		return err
	}
	if errors.Is(err, syscall.EDQUOT) { // of which the file system's free room says nothing
		return blocked.Errorc(blocked.MoreRoom, "the quota for %s is used up, and %s needs more there for %s: %w", n.Dir, n.What, n.For, err)
	}
	free, known := Free(n.Dir)
	if !known {
		return err
	}
	of := ""
	if n.Of != "" {
		of = " (of " + n.Of + " or more)"
	}
	needs := "more" // than nothing to speak of
	if least := max(n.Bytes, free) / mib; least > 0 {
		needs = fmt.Sprintf("more than %d MiB", least)
	}
	return blocked.Errorc(blocked.MoreRoom, "%s has %d MiB free, and %s needs %s there for %s%s: %w", n.Dir, free/mib, n.What, needs, n.For, of, err)
}

// first is how many decisions say how many there will be.
const first = 100_000

// Ahead says when to foresee how much will be written, while it is still in memory: after
// a part that tells what the whole is like, and again each time that there is twice as
// much, since the first parts of a file may be unlike the others.
type Ahead struct{ next int64 }

// Due reports whether to foresee again, when there are n.
func (a *Ahead) Due(n int64) bool {
	if n < max(first, a.next) {
		return false
	}
	a.next = 2 * n
	return true
}
