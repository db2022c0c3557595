package importer

import (
	"errors"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
)

// Closed is an import from which nothing more leaves, for another one follows it.
type Closed struct {
	Err error // why: that of a retry
	// Last is the directory of the import that follows it, or of the last of those that follow
	// one another; empty where there is not one that can be named.
	Last string
	// Finished: another import can be held against the last one.
	Finished bool
	// Rejoin are the directories of the shards of a join of which one has gone on: what is
	// left goes on from a join of them as they are now. Nil: it is no such join.
	Rejoin []string
}

// ClosedBy says whether nothing more leaves from the import in a directory, and what goes on
// in its place; nil: it may go on.
func ClosedBy(disk journal.Disk, dir string, h *journal.Header) *Closed {
	err := mayGoOn(disk, dir, h)
	if err == nil {
		return nil
	}
	c := &Closed{Err: err}
	var why *blocked.Error
	if errors.As(err, &why) && why.Cure == blocked.JoinElsewhere {
		for _, p := range h.Parts {
			c.Rejoin = append(c.Rejoin, p.Dir)
		}
		return c
	}
	last := dir
	for seen := map[string]bool{}; !seen[last]; { // a copy may say that it follows itself
		seen[last] = true
		next, ok := after(disk, last, h)
		switch {
		case !ok:
			return c
		case next == "":
			c.Last = last
			return c
		}
		is, err := journal.Read(disk, next)
		if err != nil || is.Header.Shard != journal.WholeShard || is.Purged != nil {
			return c
		}
		last, h, c.Finished = next, &is.Header, is.Complete()
	}
	return c
}

// after is the directory of the one import that follows another one, or its shards; empty:
// none has sent anything. Not ok: there are several, or one of them is not where it was.
func after(disk journal.Disk, dir string, h *journal.Header) (next string, ok bool) {
	dirs := []string{dir}
	for _, p := range h.Parts {
		if is, err := journal.Read(disk, p.Dir); err == nil && is.Header.ID == p.ID {
			dirs = append(dirs, p.Dir)
		}
	}
	for _, d := range dirs {
		all, err := followers(disk, d)
		if err != nil {
			return "", false
		}
		for _, by := range all {
			switch {
			case by.there && (by.silent || SameFile(by.Dir, dir)):
			case !by.there, next != "" && filepath.Clean(next) != filepath.Clean(by.Dir):
				return "", false
			default:
				next = by.Dir
			}
		}
	}
	return next, true
}
