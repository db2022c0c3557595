package importer

import (
	"context"
	"io"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Spec is the mapping of the current pass.
func (im *Import) Spec() *mapping.Spec { return im.spec }

// Repairs reports whether the current pass reads a repaired file, and nothing else.
func (im *Import) Repairs() bool { return im.reading != im.export }

// Mends reports whether repaired rows are among those of the current
// pass, so that a dry run of the export does not show what it sends.
func (im *Import) Mends() bool {
	if im.Repairs() || im.state == nil {
		return im.Repairs()
	}
	for _, p := range rows.PassesBefore(im.state.Passes, im.pass.N) {
		if p.Repair != nil {
			return true
		}
	}
	return false
}

// Survey is the survey of an import that was just run. The import must be open.
func (im *Import) Survey() (*survey.Survey, error) {
	if err := im.journal.Sync(); err != nil {
		return nil, err
	}
	snap, err := journal.Read(im.cfg.Disk, im.cfg.Dir)
	if err != nil {
		return nil, err
	}
	return survey.Of(snap, im.cfg.Disk, im.cfg.Dir, im.export)
}

// reviser puts the rows that were repaired before in the place of the export's, in
// a sweep over the rows of this pass.
func (im *Import) reviser() (*rows.Reviser, error) {
	if im.reading != im.export || im.state == nil { // the rows of a repair are themselves the latest
		return &rows.Reviser{}, nil
	}
	all, err := rows.OpenRevisions(rows.PassesBefore(im.state.Passes, im.pass.N), im.cfg.Dir, im.spec, im.units)
	if err != nil {
		return nil, err
	}
	return &rows.Reviser{Revisions: all}, nil
}

// Preview shows an observer every row of the current pass as the pass will map it,
// before anything of it is sent: of a repair the repaired rows alone, after repairs
// the rows of the export in the form in which they were repaired last. fold gets what
// the observer kept of each batch, in row order.
func (im *Import) Preview(ctx context.Context, watch rows.Observer, fold func(batch any) error) error {
	next, done, err := im.rows(im.reading.Start(), false)
	if err != nil {
		return &RefusedError{Err: err}
	}
	defer done()
	if im.Mends() {
		err = im.previewMended(ctx, next, watch, fold)
	} else {
		s := rows.Sweep{Export: im.reading, Mappers: im.mappers, Watch: watch}
		err = s.Run(ctx, next, func(b *rows.Batch) error { return fold(b.Seen) })
	}
	if err != nil {
		return &RefusedError{Err: err} // nothing of this pass was sent yet
	}
	return nil
}

// previewMended is Preview row by row: repaired rows are found in ascending order
// alone, and an observer sees a row only while its cells are there.
func (im *Import) previewMended(ctx context.Context, next rows.Feeder, watch rows.Observer, fold func(batch any) error) error {
	revise, err := im.reviser()
	if err != nil {
		return err
	}
	defer revise.Close()
	own := make([]*mapping.Mapper, len(im.mappers))
	for i, m := range im.mappers {
		own[i] = m.Clone()
	}
	var v viewed
	for ctx.Err() == nil {
		b, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &rows.ReadError{Err: err}
		}
		seen := watch.Begin()
		if err := im.observe(&b, revise, &v, own, func(rec *mapping.Record, res *mapping.Result) { watch.Observe(seen, rec, res) }); err != nil {
			return err
		}
		b.Release()
		if err := fold(seen); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// observe maps the rows of one batch as the pass does.
func (im *Import) observe(b *rows.Fed, revise *rows.Reviser, v *viewed, own []*mapping.Mapper, see func(*mapping.Record, *mapping.Result)) error {
	member := &im.reading.Members[b.Member]
	for i := range b.Rows {
		file := member.Name
		if b.Origins != nil {
			file = b.Origins[i].File
		}
		by, mended, err := revise.Find(b.Rows[i].Number)
		switch {
		case err != nil:
			return &rows.ReadError{Err: err}
		case by != nil:
			by.MapRow(mended, file, &v.rec, &v.memory)
		default:
			v.memory.MapOne(own[member.Layout], &im.reading.Layouts[member.Layout], file, &b.Rows[i], &v.rec)
		}
		see(&v.rec, &v.memory.Result)
	}
	return nil
}

// viewed is the row that an observer is shown.
type viewed struct {
	rec    mapping.Record
	memory rows.Memory
}
