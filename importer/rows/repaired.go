package rows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Revision is a repaired file whose rows stand in for those of the export: what
// was repaired once is what the import is about from then on.
type Revision struct {
	rows    *Stream
	mappers []*mapping.Mapper // one a layout of the file
}

// openRevision opens the copy of a repaired file under a mapping.
func openRevision(dir string, r *journal.RepairedExport, spec *mapping.Spec, units mapping.Units) (*Revision, error) {
	export, err := OpenRepaired(dir, r)
	if err != nil {
		return nil, err
	}
	rows, err := StreamOf(export, &Lineage{Layouts: export.Layouts, Members: export.Members})
	if err != nil {
		return nil, errors.Join(err, export.Close())
	}
	rows.owned = true
	mappers, err := Bind(export, spec, units)
	if err != nil {
		err = &blocked.Error{Err: err, Hint: "the mapping must also fit the repaired rows in " + r.Name + ", which belong to this import"}
		return nil, errors.Join(err, rows.Close())
	}
	return &Revision{rows, mappers}, nil
}

// Revisions are the repaired files of the passes before one, newest first.
type Revisions []*Revision

// PassesBefore are those of the passes that came before pass n.
func PassesBefore(passes []journal.Pass, n int) []journal.Pass {
	i := 0
	for i < len(passes) && passes[i].N < n {
		i++
	}
	return passes[:i]
}

// OpenRevisions opens the repaired files of passes under one mapping.
func OpenRevisions(passes []journal.Pass, dir string, spec *mapping.Spec, units mapping.Units) (Revisions, error) {
	var all Revisions
	for i := len(passes) - 1; i >= 0; i-- {
		if passes[i].Repair == nil {
			continue
		}
		r, err := openRevision(dir, passes[i].Repair, spec, units)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all = append(all, r)
	}
	return all, nil
}

// Find gives row n as it was repaired last, and the file that has it; nil when
// it was never repaired. It is called with ascending rows.
func (all Revisions) Find(n int64) (*Revision, Text, error) {
	for _, r := range all {
		t, err := r.rows.At(n)
		if err != nil || t.Row != nil {
			return r, t, err
		}
	}
	return nil, Text{}, nil
}

// MapRow maps a row of the file. file is where the row of the export stands.
func (r *Revision) MapRow(t Text, file string, rec *mapping.Record, mem *Memory) {
	mem.MapOne(r.mappers[t.Layout], &r.rows.export.Layouts[t.Layout], file, t.Row, rec)
}

// Close closes the files.
func (all Revisions) Close() error {
	var errs []error
	for _, r := range all {
		errs = append(errs, r.rows.Close())
	}
	return errors.Join(errs...)
}

// Reviser puts repaired rows in the place of the export's, batch by batch, for a
// pass that reads the export after rows of it were repaired. Such rows are few:
// each was fixed by hand.
type Reviser struct {
	Revisions
	rec    mapping.Record
	memory Memory
}

// Apply maps again the rows of a batch that were repaired.
func (r *Reviser) Apply(b *Batch) error {
	if len(r.Revisions) == 0 {
		return nil
	}
	for i := range b.Rows {
		by, t, err := r.Find(b.Src.Rows[i].Number)
		if err != nil {
			return &ReadError{err}
		}
		if by == nil {
			continue
		}
		by.MapRow(t, b.Member.Name, &r.rec, &r.memory)
		res := &r.memory.Result
		first := len(b.Consents)
		for k := range res.Consents { // copied: the file's own memory serves other rows next
			b.Consents = append(b.Consents, own(&res.Consents[k]))
		}
		b.Rows[i] = Row{Status: res.Status, Reason: res.Reason, Column: res.Column, first: first, end: len(b.Consents)}
	}
	return nil
}

// OpenRepaired opens the copy of a repaired file in the out directory, and checks
// that it is the one that was read.
func OpenRepaired(dir string, r *journal.RepairedExport) (*source.Export, error) {
	cfg := r.Reading
	path := filepath.Join(dir, r.Name)
	cfg.Paths = []string{path}
	sum, err := source.Sum(context.Background(), path)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("open the repaired rows: %w", err)}
	}
	if sum != r.SHA256 {
		return nil, blocked.Errorf("restore the file, it is part of the import; to repair its rows again, work on a copy", "%s is not the repaired file that the checkpoint lists", path)
	}
	export, err := source.Open(cfg)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("open the repaired rows: %w", err)}
	}
	return export, nil
}

// own copies a consent into memory of its own.
func own(c *mapping.Consent) mapping.Consent {
	out := *c
	for _, f := range [...]*[]byte{&out.Source, &out.Category, &out.UserID, &out.ProfileID, &out.Email, &out.Message, &out.Raw} {
		*f = bytes.Clone(*f)
	}
	return out
}
