package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
)

// startRepair begins a pass over a repaired file of rejected rows.
//
// The file is copied into the out directory first, in the order of the rows that
// it repairs: reports and a resume need it, and the user may go on editing.
func (im *Import) startRepair() (err error) {
	// A resume goes on with the last pass. So rows that the import itself has not
	// read yet would never be read; those of a repair have an outcome.
	if end := im.state.End; im.pass.Kind != journal.Repair && (end == nil || end.State != "complete") {
		return cure(blocked.FinishFirst, "the import in %s is not complete yet", im.cfg.Dir)
	}
	repaired, err := im.keepRepaired()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // the pass is not recorded, so the copy is never read
			err = errors.Join(err, im.cfg.Disk.Remove(filepath.Join(im.cfg.Dir, repaired.Name)))
		}
	}()
	units := im.pass.Mapping.Units
	if im.spec.SHA256() != im.pass.Mapping.SHA256 {
		if units, err = im.files.Learn(im.spec); err != nil {
			return err
		}
	}
	im.pass = journal.Pass{N: im.pass.N + 1, Kind: journal.Repair, Repair: repaired}
	if err := im.files.Add(im.cfg.Dir, im.pass); err != nil {
		return err
	}
	if im.reading, err = im.files.Reading(im.spec, units, im.pass); err != nil {
		return err
	}
	im.from = im.reading.Export().Start()
	im.count.seed(im.state, im.pass.N)
	return im.startPass(im.spec, units)
}

// keepRepaired writes the sorted copy.
func (im *Import) keepRepaired() (*journal.RepairedExport, error) {
	was := im.header.Reading
	cfg := im.cfg.Source
	cfg.Paths = []string{im.cfg.Repair}
	if cfg.Encoding == "" {
		cfg.Encoding = was.Encoding
	}
	if cfg.SkipLines == 0 {
		cfg.SkipLines = was.SkipLines
	}
	if cfg.Delimiter == "" {
		cfg.Delimiter = was.Delimiter
	}
	cfg.Escape = was.Escape
	if was.Columns != nil {
		cfg.Columns = append(slices.Clone(was.Columns), rows.RowColumn, rows.ErrorColumn)
	}
	if im.cfg.Repair == "-" {
		return nil, refuse("write it to a file first, and give its name instead of -", "the repaired rows are read more than once, so they cannot come from standard input")
	}
	given, err := source.Open(cfg)
	if err != nil {
		return nil, &RefusedError{Err: err}
	}
	defer given.Close()
	l := &given.Layouts[0]
	if !l.Nested() && rows.ColumnOf(l.Columns, rows.RowColumn) < 0 {
		return nil, refuse("give the rejected.csv that the import wrote, repaired, with its column "+rows.RowColumn, "%s has no column %s, so it is unclear which rows it repairs", im.cfg.Repair, rows.RowColumn)
	}
	took, err := given.Sum(context.Background(), 0) // before it is read: who edits it meanwhile has changed it since
	if err != nil {
		return nil, fmt.Errorf("read the repaired rows: %w", err)
	}
	repaired, unfixed, err := rows.Returned(given, im.export)
	if err != nil {
		return nil, refuse("fix the line, or delete it", "%s: %w", im.cfg.Repair, err)
	}
	if len(unfixed) > 0 {
		took = "" // the copy has not all that somebody may have changed
		first := unfixed[0]
		im.note(blocked.None, "rows of %s that are not repaired and stay as they were: %d, the first on line %d (row %d of the import): %s",
			im.cfg.Repair, len(unfixed), first.Line, first.Number, first.Reason)
	}
	if err := im.noteSent(repaired); err != nil {
		return nil, err
	}
	reading := l.Rewritten(cfg.Columns)
	reading.Escape = was.Escape
	name := fmt.Sprintf("repair-%d.%s", im.pass.N+1, l.Format)
	path := filepath.Join(im.cfg.Dir, name)
	if SameFile(path, im.cfg.Repair) {
		return nil, refuse("give the file another name", "%s has the name under which the import keeps its own copy of the repaired rows", im.cfg.Repair)
	}
	err = journal.AtomicWrite(im.cfg.Disk, path, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		b.WriteString(l.RewrittenHead(len(repaired)))
		for _, r := range repaired {
			b.Write(r.Raw)
			b.WriteByte('\n')
		}
		return b.Flush()
	})
	if err != nil {
		return nil, refuse("make room or remove the cause, then repair again", "keep the repaired rows: %w", err)
	}
	sum, err := source.Sum(context.Background(), path)
	if err != nil {
		return nil, fmt.Errorf("keep the repaired rows: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("keep the repaired rows: %w", err)
	}
	return &journal.RepairedExport{Name: name, Bytes: info.Size(), SHA256: sum, Given: took, Reading: reading}, nil
}

// noteSent says of how many rows of a repaired file something was sent before, from the export
// or an earlier repair, that may say otherwise than the file: it is not sent again, nor taken
// back.
func (im *Import) noteSent(repaired []rows.Repaired) (err error) {
	outcomes, err := im.state.Outcomes(0)
	if err != nil {
		return fmt.Errorf("look up what was sent of the repaired rows: %w", err)
	}
	defer func() { err = errors.Join(err, outcomes.Close()) }()
	var first rows.Repaired
	var all []journal.RowOutcome
	n := 0
	for _, r := range repaired {
		if !r.Changed {
			continue
		}
		if all, err = outcomes.Row(r.Number, all[:0]); err != nil {
			return fmt.Errorf("look up what was sent of the repaired rows: %w", err)
		}
		if !slices.ContainsFunc(all, func(o journal.RowOutcome) bool {
			return o.Outcome.State == journal.Sent || o.Outcome.State == journal.Known
		}) {
			continue
		}
		if n++; n == 1 {
			first = r
		}
	}
	if n > 0 {
		im.note(blocked.None, "rows of %s that differ from the export, and of which something was sent before: %d, the first on line %d (row %d of the import); what was sent stays as it was sent, and is not sent again",
			im.cfg.Repair, n, first.Line, first.Number)
	}
	return nil
}

// SameFile reports whether two paths lead to one file.
func SameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
