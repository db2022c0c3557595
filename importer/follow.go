package importer

import (
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/survey"
)

// Follow gives a survey that shows the rows of the run that is about to begin while it
// sends, so that reports need not read and map the export once more; nil where there is
// none. There is for an import, or a shard of one, that begins with this process, where the
// disk has room for lists beside what is needed to send. Arrange and CommitPass come before
// it, Run after it, and the survey comes to its end when Run does. Of what is held against
// another import, what rows became is kept instead.
func (im *Import) Follow() *survey.Followed {
	if !im.fresh || !im.roomForLists() {
		return nil
	}
	if im.earlier != nil {
		im.fed = im.keep("fed", im.decisions)
		return nil
	}
	im.follower = survey.NewFollower(im.reading, im.shard, im.keep("fed", im.decisions))
	return &survey.Followed{
		Follower: im.follower, Files: im.files, Open: im.Survey,
		Begins: survey.Facts{Header: im.header, Passes: []journal.Pass{im.pass}, Finished: im.cfg.Now()},
	}
}

// listRoom is about what the lists and their index take of the disk for a consent, beside
// copies of the rows that fail.
const listRoom = 160

// roomForLists reports whether the disk has room for the reports while the run goes on:
// what it is to send counts for more. Where nobody knows how much there is, there is.
func (im *Import) roomForLists() bool {
	left, known := im.roomLeft(0)
	return !known || left > 0
}

// roomLeft is how much of the disk is left, in bytes, beside what is sent and its lists, and
// beside so many consents that leave with earlier ones.
func (im *Import) roomLeft(pulled int64) (bytes int64, known bool) {
	free, known := room.Free(im.cfg.Dir)
	return free - max(im.decisions, pulled)*(outcomeRoom+listRoom) - pulled*keptRoom - 2*im.export.Size(), known
}

// followed is a journal of outcomes that somebody follows.
type followed struct {
	*journal.Writer
	follower *survey.Follower
}

// Append implements recorder.
func (f followed) Append(o journal.Outcome) error {
	err := f.Writer.Append(o)
	if err == nil {
		f.follower.Outcome(o)
	}
	return err
}

// AppendAll implements recorder.
func (f followed) AppendAll(all []journal.Outcome) error {
	err := f.Writer.AppendAll(all)
	for i := 0; err == nil && i < len(all); i++ {
		f.follower.Outcome(all[i])
	}
	return err
}
