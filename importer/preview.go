package importer

import (
	"context"
	"io"

	"github.com/consentimport/consentimport/mapping"
)

// Spec is the mapping of the current pass.
func (im *Import) Spec() *mapping.Spec { return im.spec }

// Repairs reports whether the current pass reads a repaired file, and nothing else.
func (im *Import) Repairs() bool { return im.reading != im.export }

// Mends reports whether rows that somebody mended are among those of the current
// pass, so that a dry run of the export does not show what it sends.
func (im *Import) Mends() bool {
	if im.Repairs() || im.state == nil {
		return im.Repairs()
	}
	for _, p := range passesBefore(im.state.Passes, im.pass.N) {
		if p.Repair != nil {
			return true
		}
	}
	return false
}

// Preview shows an observer every row of the current pass as the pass will map it,
// before anything of it is sent: of a repair the repaired rows alone, after repairs
// the rows of the export in the form in which they were mended last. fold gets what
// the observer kept of each batch, in row order.
func (im *Import) Preview(ctx context.Context, watch observer, fold func(batch any) error) error {
	next, done, err := im.rows(im.reading.Start(), false)
	if err != nil {
		return &RefusedError{Err: err}
	}
	defer done()
	if im.Mends() {
		err = im.previewMended(ctx, next, watch, fold)
	} else {
		s := sweep{export: im.reading, mappers: im.mappers, watch: watch}
		err = s.run(ctx, next, func(b *mappedBatch) error { return fold(b.seen) })
	}
	if err != nil {
		return &RefusedError{Err: err} // nothing of this pass was sent yet
	}
	return nil
}

// previewMended is Preview row by row: mended rows are found in ascending order
// alone, and an observer sees a row only while its cells are there.
func (im *Import) previewMended(ctx context.Context, next feeder, watch observer, fold func(batch any) error) error {
	revise, err := im.reviser()
	if err != nil {
		return err
	}
	defer revise.close()
	own := make([]*mapping.Mapper, len(im.mappers))
	for i, m := range im.mappers {
		own[i] = m.Clone()
	}
	for ctx.Err() == nil {
		b, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &readError{err}
		}
		seen := watch.Begin()
		if err := im.observe(&b, revise, own, func(rec *mapping.Record, res *mapping.Result) { watch.Observe(seen, rec, res) }); err != nil {
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
func (im *Import) observe(b *fed, revise *reviser, own []*mapping.Mapper, see func(*mapping.Record, *mapping.Result)) error {
	member := &im.reading.Members[b.Member]
	for i := range b.Rows {
		file := member.Name
		if b.origins != nil {
			file = b.origins[i].file
		}
		by, mended, err := revise.find(b.Rows[i].Number)
		switch {
		case err != nil:
			return &readError{err}
		case by != nil:
			by.mapRow(mended, file, &revise.rec, &revise.memory)
		default:
			revise.memory.mapOne(own[member.Layout], &im.reading.Layouts[member.Layout], file, &b.Rows[i], &revise.rec)
		}
		see(&revise.rec, &revise.memory.result)
	}
	return nil
}
