package importer

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/rows"
)

// outcomeRoom is what the checkpoint takes for a consent when all are sent. What is
// refused takes more.
const outcomeRoom = 6

// roomAhead checks, when a part of the export was read, whether the index of all of it
// will have room, before the disk is full.
func (x *indexing) roomAhead(b *rows.Batch) error {
	if !x.ahead.Due(x.builder.Len()) || x.im.Repairs() {
		return nil
	}
	decisions, bytes, open := x.builder.Ahead(b.Times())
	if !open {
		return nil
	}
	return x.im.room(bytes, decisions)
}

// need is the room that an import takes in its directory beside the lists: the index of
// histories, once for the order of sending and once more, when that is gone, for the
// reports; what leaves together; and the checkpoint.
func (im *Import) need(temporary, consents int64) room.Need {
	return room.Need{
		Dir: im.cfg.Dir, What: "this import", For: "its temporary files and its checkpoint", Of: fmt.Sprintf("%d consents", consents),
		Bytes: temporary + max(0, consents*outcomeRoom-im.journalRoom()),
	}
}

// room checks that there is room for temporary files and for the outcomes of that many
// consents.
func (im *Import) room(temporary, consents int64) error {
	return im.need(temporary, consents).Check()
}

// fullDisk says what is needed where the disk was full before that could be foreseen.
func (im *Import) fullDisk(err error, decisions int64) error {
	return im.need(history.Room(decisions), decisions).Full(err)
}

// journalRoom is how much room the checkpoint takes already.
func (im *Import) journalRoom() int64 {
	info, err := os.Stat(filepath.Join(im.cfg.Dir, journal.Name))
	if err != nil {
		return 0
	}
	return info.Size()
}
