package survey

import (
	"context"
	"slices"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
)

// Rows shows a few rows once more, by their numbers, for what cannot be known before all
// rows were seen. The export is read up to the last of them, and no other row is mapped.
func (s *Survey) Rows(ctx context.Context, numbers []int64, visitors ...Visitor) error {
	wanted := slices.Clone(numbers)
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	if len(wanted) == 0 {
		return nil
	}
	passes, err := OpenPasses(s.snap, s.dir, s.files)
	if err != nil {
		return err
	}
	defer passes.Close()
	reader, err := s.files.Export().Read(source.Position{}, source.ReadOptions{NoMarks: true})
	if err != nil {
		return err
	}
	defer reader.Close()
	show, err := s.show(visitors)
	if err != nil {
		return err
	}
	show.only = func(row int64) bool { _, found := slices.BinarySearch(wanted, row); return found }
	want := func(b *rows.Batch, i int) { b.Want(i, passes.readings[0]) }
	if s.snap.Header.DryRun {
		show.reading = passes.readings[0]
	} else {
		show.passes = passes
		want = passes.wantAnyway
	}
	sweep := rows.Sweep{Files: s.files, UpTo: wanted[len(wanted)-1], Plan: func(b *rows.Batch) error {
		if show.passes != nil {
			if err := passes.LookUp(b); err != nil {
				return err
			}
		}
		for i := range b.Len() {
			if show.only(b.Number(i)) {
				want(b, i)
			}
		}
		return nil
	}}
	return sweep.Run(ctx, reader, show.visit)
}

// Arrivals gives the outcomes of some consents in the order in which they were written
// down, and whether that is the order in which they arrived: see journal.Snapshot.
func (s *Survey) Arrivals(refs []journal.Ref) (all []journal.Arrival, ordered bool, err error) {
	return s.snap.Arrivals(refs)
}
