package importer

import (
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
)

// A resume makes the plan anew. Where the plan of all rows holds back nothing, what was sent
// has no say in it any more: a history leaves in the order of its rows, or as a whole with
// its first row, which is not finished before all of it has left. So the index of such a
// resume begins near rows before the low mark: an accept that was sent and the reject that
// takes it back stand no further apart (history.Options.Near). Where nothing leaves with an
// earlier row either, it ends near rows behind the last row that was read, for what is not
// begun leaves as the rows stand.

// arranged is what the checkpoint keeps of the order for the runs that go on with it.
func (im *Import) arranged() *journal.Arranged {
	if im.narrowed != nil {
		return im.narrowed
	}
	p := im.order.plan
	if im.runs > 0 || !im.mayNarrow() || p.Superseded+p.Skipped > 0 {
		return nil
	}
	return &journal.Arranged{Read: im.whole, Decisions: im.decisions, Pulled: p.Pulled > 0}
}

// stillArranged gives what the run before this one has kept, if it holds: all of the export
// is as it was, and nothing has come behind it.
func (im *Import) stillArranged() *journal.Arranged {
	if im.runs == 0 || !im.mayNarrow() || im.state.Mark == nil || im.state.Read == nil {
		return nil
	}
	known := im.state.Runs[im.runs-1].Arranged
	if known == nil || known.Read != *im.state.Read {
		return nil // what was read was held against this mark when the export was opened
	}
	for i, in := range im.export.Inputs {
		if in.Bytes != im.header.Inputs[i].Bytes || i > known.Read.Input {
			return nil
		}
	}
	if known.Read.Bytes != im.export.Inputs[known.Read.Input].Bytes {
		return nil
	}
	return known
}

// mayNarrow reports whether rows alone decide in which order the consents of the pass leave:
// no pass before it, no other import, no other shard has to do with it.
func (im *Import) mayNarrow() bool {
	return im.pass.Kind == journal.Import && im.pass.N == 1 && im.mode == history.Chronological && im.earlier == nil && im.shard.Whole()
}
