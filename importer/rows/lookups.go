package rows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/keyed"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// lookupMemory is how many bytes the rows of all files of a mapping's lookups may take
// in memory; what is more lies in temporary files.
const lookupMemory = 32 << 20

// lookups are the files that mappings look rows up in, each read once.
type lookups struct {
	dir    string // where temporary files lie; "": in a directory of the system's
	own    string // that directory, once it was made
	temps  *journal.Temps
	tables map[string]*keyed.Table
}

// of gives the tables of a mapping, by the names of its lookups; nil when it has none.
func (l *lookups) of(spec *mapping.Spec) (map[string]mapping.Table, error) {
	var out map[string]mapping.Table
	for _, lookup := range spec.Lookups() {
		t, err := l.open(spec, lookup)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = map[string]mapping.Table{}
		}
		out[lookup.Name()] = t
	}
	return out, nil
}

func (l *lookups) open(spec *mapping.Spec, lookup *mapping.Lookup) (*keyed.Table, error) {
	path, sum := PathOf(spec, lookup)
	reading := Config(source.Config{}, lookup.Input())
	id := fmt.Sprintf("%s\n%s\n%s\n%+v", path, sum, lookup.Key(), lookup.Input())
	if t := l.tables[id]; t != nil {
		return t, nil
	}
	t, err := keyed.Open(context.Background(), keyed.Config{
		Lookup: lookup, Path: path, SHA256: sum, Source: reading, Memory: lookupMemory / len(spec.Lookups()), Temp: l.temp,
	})
	if err != nil {
		return nil, err
	}
	if l.tables == nil {
		l.tables = map[string]*keyed.Table{}
	}
	l.tables[id] = t
	return t, nil
}

// PathOf gives where the file of a lookup lies, and the SHA-256 that it has to have, where
// that is known: a file is sought from the directory of the mapping.
func PathOf(spec *mapping.Spec, lookup *mapping.Lookup) (path, sha256 string) {
	path, sha256 = lookup.Located()
	if path == "" {
		if path = filepath.FromSlash(lookup.File()); !filepath.IsAbs(path) && !source.IsRemote(lookup.File()) {
			path = filepath.Join(filepath.Dir(spec.File()), path)
		}
		if source.IsRemote(lookup.File()) {
			path = lookup.File()
		}
	}
	return path, sha256
}

// temp opens a file that is gone when it is closed.
func (l *lookups) temp() (extsort.File, error) {
	if l.temps == nil {
		dir := l.dir
		if dir == "" {
			var err error
			if dir, err = os.MkdirTemp("", "consentimport-"); err != nil {
				return nil, err
			}
			l.own = dir
		} else if err := (journal.OS{}).MkdirAll(dir); err != nil {
			return nil, err
		}
		// Others may read the import in this directory at the same time.
		l.temps = &journal.Temps{Disk: journal.OS{}, Dir: dir, Name: fmt.Sprintf("lookup-%d", os.Getpid())}
	}
	return l.temps.Open()
}

// err is what kept rows from being looked up.
func (l *lookups) err() error {
	for _, t := range l.tables {
		if err := t.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (l *lookups) close() error {
	var errs []error
	for _, t := range l.tables {
		errs = append(errs, t.Close())
	}
	l.tables = nil
	if l.own != "" {
		errs = append(errs, os.RemoveAll(l.own))
		l.own, l.temps = "", nil
	}
	return errors.Join(errs...)
}

// Lookups says which files a mapping looks rows up in, as the checkpoint lists them.
// They were read: the mapping is bound.
func (f *Files) Lookups(spec *mapping.Spec) ([]journal.Lookup, error) {
	var out []journal.Lookup
	for _, l := range spec.Lookups() {
		t, err := f.lookups.open(spec, l)
		if err != nil {
			return nil, err
		}
		abs, err := filepath.Abs(t.Path())
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", t.Path(), err)
		}
		out = append(out, journal.Lookup{Name: l.Name(), Path: t.Path(), Abs: abs, Bytes: t.Bytes(), SHA256: t.SHA256()})
	}
	return out, nil
}
