package importer

import (
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
)

// keptRoom is what a row that is kept may take of the disk, in bytes, for each consent that
// it is kept for: twice what an ordinary one does.
const keptRoom = 256

// keep begins to keep what rows became that have so many consents, for the sweeps that come
// to them again in this process. What is to be written there may not lack the room for it:
// of that which is left beside it, a half is taken at most. Persons are in it, so it may not
// lie where a crash would leave it.
func (im *Import) keep(name string, consents int64) *rows.Kept {
	limit := consents * keptRoom
	if im.mostKept > 0 {
		limit = im.mostKept
	}
	if left, known := im.roomLeft(consents); known {
		limit = min(limit, left/2)
	}
	temps := &journal.Temps{Disk: im.cfg.Disk, Dir: im.cfg.Dir, Name: name, Unnamed: true}
	k := &rows.Kept{Temp: temps.Open, Limit: limit}
	im.kept = append(im.kept, k)
	return k
}

// keepPartlySent keeps rows of which passes before this one have sent a part, where these
// read them under another mapping: the check, the run and the report need both readings.
func (im *Import) keepPartlySent() *rows.Kept {
	if im.state == nil || !differ(im.state.Passes, im.pass) {
		return nil
	}
	return im.keep("partly-sent", im.state.Total.All())
}

// differ reports whether passes before one have read rows under another mapping.
func differ(passes []journal.Pass, now journal.Pass) bool {
	for _, p := range passes {
		if p.N < now.N && p.Mapping.SHA256 != now.Mapping.SHA256 {
			return true
		}
	}
	return false
}
