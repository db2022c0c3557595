package importer

import (
	"errors"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// revision is a repaired file whose rows stand in for those of the export: what
// was mended once is what the import is about from then on.
type revision struct {
	rows    *rowStream
	mappers []*mapping.Mapper // one a layout of the file
}

// openRevision opens the copy of a repaired file under a mapping.
func openRevision(dir string, r *journal.RepairedExport, spec *mapping.Spec, units mapping.Units) (*revision, error) {
	rows, err := openRepaired(dir, r)
	if err != nil {
		return nil, err
	}
	mappers, err := bind(rows.export, spec, units)
	if err != nil {
		err = &RefusedError{Err: err, Hint: "the mapping is to fit the repaired rows in " + r.Name + " too, which this import goes on with"}
		return nil, errors.Join(err, rows.close())
	}
	return &revision{rows, mappers}, nil
}

// revisions are the repaired files of the passes before one, newest first.
type revisions []*revision

// passesBefore are those of the passes that came before pass n.
func passesBefore(passes []journal.Pass, n int) []journal.Pass {
	i := 0
	for i < len(passes) && passes[i].N < n {
		i++
	}
	return passes[:i]
}

// openRevisions opens the repaired files of passes under one mapping.
func openRevisions(passes []journal.Pass, dir string, spec *mapping.Spec, units mapping.Units) (revisions, error) {
	var all revisions
	for i := len(passes) - 1; i >= 0; i-- {
		if passes[i].Repair == nil {
			continue
		}
		r, err := openRevision(dir, passes[i].Repair, spec, units)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, r)
	}
	return all, nil
}

// find gives row n as it was mended last, and the file that has it; nil when
// nobody mended it. It is called with ascending rows.
func (all revisions) find(n int64) (*revision, rowText, error) {
	for _, r := range all {
		t, err := r.rows.at(n)
		if err != nil || t.row != nil {
			return r, t, err
		}
	}
	return nil, rowText{}, nil
}

// mapRow maps a row of the file. file is where the row of the export stands.
func (r *revision) mapRow(t rowText, file string, rec *mapping.Record, mem *batchMemory) {
	mem.mapOne(r.mappers[t.layout], &r.rows.export.Layouts[t.layout], file, t.row, rec)
}

func (all revisions) close() error {
	var errs []error
	for _, r := range all {
		errs = append(errs, r.rows.close())
	}
	return errors.Join(errs...)
}

// reviser puts mended rows in the place of the export's, batch by batch, for a
// pass that reads the export after rows of it were mended. Such rows are few:
// somebody went through them by hand.
type reviser struct {
	revisions
	rec    mapping.Record
	memory batchMemory
}

// reviser makes one for a sweep over the rows of this pass.
func (im *Import) reviser() (*reviser, error) {
	if im.reading != im.export || im.state == nil { // the rows of a repair are themselves the latest
		return &reviser{}, nil
	}
	all, err := openRevisions(passesBefore(im.state.Passes, im.pass.N), im.cfg.Dir, im.spec, im.units)
	if err != nil {
		return nil, err
	}
	return &reviser{revisions: all}, nil
}

// apply maps the rows of a batch that were mended anew.
func (r *reviser) apply(b *mappedBatch) error {
	if len(r.revisions) == 0 {
		return nil
	}
	for i := range b.rows {
		by, t, err := r.find(b.src.Rows[i].Number)
		if err != nil {
			return &readError{err}
		}
		if by == nil {
			continue
		}
		by.mapRow(t, b.member.Name, &r.rec, &r.memory)
		res := &r.memory.result
		first := len(b.consents)
		for k := range res.Consents { // copied: the file's own memory serves other rows next
			b.consents = append(b.consents, unpack(pack(&res.Consents[k])))
		}
		b.rows[i] = mappedRow{status: res.Status, reason: res.Reason, column: res.Column, first: first, end: len(b.consents)}
	}
	return nil
}
