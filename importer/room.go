package importer

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
)

// The room that an import takes in its directory beside the lists: the index of
// histories, once for the order of sending and once more, when that is gone, for the
// reports; what leaves together; and the checkpoint.
const (
	// outcomeRoom is what the checkpoint takes for a consent when all are sent. What is
	// refused takes more.
	outcomeRoom = 6
	// roomAfter is how many decisions say how many there will be.
	roomAfter = 100_000
)

// roomAhead checks, when a part of the export was read, whether the index of all of it
// will have room, before the disk is full.
func (x *indexing) roomAhead(b *rows.Batch) error {
	n := x.builder.Len()
	if x.roomy || n < roomAfter || b.Src.Read <= 0 {
		return nil
	}
	x.roomy = true
	if x.im.Repairs() {
		return nil
	}
	var all int64
	for _, in := range x.im.export.Inputs {
		all += in.Bytes
	}
	// More was read of the export than was counted, so this is rather too little.
	share := max(1, float64(all)/float64(b.Src.Read))
	decisions := int64(float64(n) * share)
	return x.im.room(history.Room(decisions), decisions)
}

// room checks that there is room for temporary files and for the outcomes of that many
// consents. Where nobody knows how much there is, there is.
func (im *Import) room(temporary, consents int64) error {
	free, known := freeRoom(im.cfg.Dir)
	need := temporary + max(0, consents*outcomeRoom-im.journalRoom())
	if !known || need <= free {
		return nil
	}
	return cure(blocked.MoreRoom, "%s has %d MiB free, and this import needs about %d MiB there for its temporary files and its checkpoint (%d consents)",
		im.cfg.Dir, free/mib, (need+mib-1)/mib, consents)
}

// fullDisk says how much room there was, and how much is needed at least, where the disk
// was full before that could be foreseen: of a small packed file all is read at once. The
// index is gone by then.
func (im *Import) fullDisk(err error, decisions int64) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	free, known := freeRoom(im.cfg.Dir)
	if !known {
		return err
	}
	return cure(blocked.MoreRoom, "%s has %d MiB free, and this import needs more than %d MiB there for its temporary files (of %d consents or more): %w",
		im.cfg.Dir, free/mib, max(history.Room(decisions), free)/mib, decisions, err)
}

const mib = 1 << 20

// journalRoom is how much room the checkpoint takes already.
func (im *Import) journalRoom() int64 {
	info, err := os.Stat(filepath.Join(im.cfg.Dir, journal.Name))
	if err != nil {
		return 0
	}
	return info.Size()
}
