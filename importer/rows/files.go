package rows

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Files are what the rows of an import are read from: its export, and the repaired
// files whose rows stand in for some of the export's. They are opened once; each
// sweep reads them anew.
type Files struct {
	all      []file // the export first, then the repaired files in the order of their passes
	bound    map[string]*bound
	mappings atomic.Int64
	lookups  lookups
	// suppressed are the people whose accepts make no consent; nil: nobody.
	suppressed *Suppressed
}

// file is one of Files: the export, or the rows that one pass repaired.
type file struct {
	pass   int // that brought a repaired file; 0: the export
	name   string
	export *source.Export
}

// bound is a mapping as it is bound to the layouts of each file, where it is.
type bound struct {
	spec    *mapping.Spec
	units   mapping.Units
	mappers [][]*mapping.Mapper // by file, by layout; nil: not bound yet
}

// OpenFiles opens the repaired files of passes beside an export. The export stays
// the caller's.
func OpenFiles(export *source.Export, dir string, passes []journal.Pass) (*Files, error) {
	f := &Files{all: []file{{export: export}}, bound: map[string]*bound{}, lookups: lookups{dir: dir}}
	for _, p := range passes {
		if err := f.Add(dir, p); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// Add opens the repaired file of one more pass; it does nothing for a pass that
// has none.
func (f *Files) Add(dir string, p journal.Pass) error {
	if p.Repair == nil {
		return nil
	}
	export, err := openRepaired(dir, p.Repair)
	if err != nil {
		return err
	}
	f.all = append(f.all, file{pass: p.N, name: p.Repair.Name, export: export})
	return nil
}

// Close closes the repaired files, and the files of lookups.
func (f *Files) Close() error {
	var errs []error
	for _, r := range f.all[1:] {
		errs = append(errs, r.export.Close())
	}
	return errors.Join(append(errs, f.lookups.close())...)
}

// Export is the export that the files belong to.
func (f *Files) Export() *source.Export { return f.all[0].export }

// Mappings is how often a row was mapped, over all sweeps.
func (f *Files) Mappings() int64 { return f.mappings.Load() }

// of gives the file that a pass repaired; 0 when it has none.
func (f *Files) of(pass int) int {
	for i := 1; i < len(f.all); i++ {
		if f.all[i].pass == pass {
			return i
		}
	}
	return 0
}

// bind compiles a mapping against a file. Mappings of one digest are bound once.
func (f *Files) bind(spec *mapping.Spec, units mapping.Units, files []int) (*bound, error) {
	key := spec.SHA256()
	b := f.bound[key]
	if b == nil {
		b = &bound{spec: spec, units: units}
		f.bound[key] = b
	}
	for len(b.mappers) < len(f.all) {
		b.mappers = append(b.mappers, nil)
	}
	tables, err := f.lookups.of(b.spec)
	if err != nil {
		return nil, err
	}
	for _, i := range files {
		if b.mappers[i] != nil {
			continue
		}
		var taken []string
		if i > 0 {
			taken = ours()
		}
		mappers, err := bind(f.all[i].export, b.spec, b.units, tables, taken)
		if errors.As(err, new(*blocked.Error)) {
			return nil, err
		}
		if err != nil {
			hint := ""
			if i > 0 {
				hint = "the mapping must also fit the repaired rows in " + f.all[i].name + ", which belong to this import"
			}
			return nil, &blocked.Error{Err: err, Hint: hint}
		}
		b.mappers[i] = mappers
	}
	return b, nil
}

// openRepaired opens the copy of a repaired file in the out directory, and checks
// that it is the one that was read.
func openRepaired(dir string, r *journal.RepairedExport) (*source.Export, error) {
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
