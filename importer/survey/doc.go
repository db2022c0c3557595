// Package survey tells what each row of an export became, and in which pass.
//
// An import is the checkpoint and the export together. The checkpoint has outcomes
// alone, by the number of the row and the number of the consent within it; what the
// consents were is for the mapping to say again. A [Survey] goes over both in the
// order of the rows and shows each row to a [Visitor]; it changes nothing, so every
// report can be written again at any time.
//
// # Which pass's reading counts
//
// An import has passes: the first one, retries, repairs. A pass reads a row under
// its own mapping, and in the form that was current then: as the export has it, or
// as it was repaired last before that pass. So a row may have been read in several
// ways. Of them counts
//
//  1. the reading of the first pass that has a final outcome (sent, superseded) for
//     one of the row's consents: what was sent is told as it was sent, whatever a
//     later mapping would make of the row;
//  2. where no consent has a final outcome, the reading of the last pass that has
//     read the row. A repair has read the rows of its file and no others.
//
// The outcome of a consent is that of the last pass that has one for it, but a
// final one stays. A consent whose outcome comes from a later pass than the row's
// reading is told as that pass read it, if that pass made as many consents of the
// row.
//
// [Passes] answers this for one row, in ascending order of rows.
//
// # A run that is followed
//
// The rows of a run that begins an import are read, mapped and sent once; to read and map
// them again for its own reports would cost as much as a dry run. So such a run is followed
// ([Followed]): a batch whose rows are being sent is kept until all of their consents have
// their outcome, and then shown as it was mapped, in the order of rows. One pass has read
// each row, so there is no question whose reading counts. What waits is bounded; where more
// does (one consent waits for its retries, many leave long before their rows), the rest of
// the rows is surveyed as always when the run has ended, and so are those that were not
// finished when something stopped it; but what they became is kept on the disk ([rows.Kept]),
// as far as there is room, and not mapped again. What visitors see is the same either way.
//
// Nothing is followed where a pass before has read rows (a resume, a retry, a repair), of
// what is held against another import, or where the disk or the files that may be
// open do not suffice for lists beside what is sent. And if writing a report fails while the
// run goes on, or a consent expires meanwhile, the survey is made from the beginning.
//
// # To add a visitor
//
// Whoever wants to look at all rows of an import, or of a dry run, writes a [Visitor]:
//
//	func (x *lastWords) visit(b *survey.Batch) (fold func() error) {
//		found := ... // from b.Rows; several goroutines are here at a time
//		return func() error { return x.add(found) } // one goroutine, in row order
//	}
//
// and hands it to [Survey.Each], beside the others: one sweep serves them all. What is
// shared between batches is touched in fold only. What fold has to do should be little:
// it is where the goroutines wait for each other. Memory that visit needs is best kept
// in a sync.Pool and given back by fold. A visitor of what reports show is added to
// Options.Visitors of package report by the command; one that has to see the rows of a
// pass before anything is sent goes to Import.Check as well. Rows of a check and of
// a dry run come with outcomes that are all pending.
package survey
