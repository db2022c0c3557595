package survey

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Spooled is the name under which standard input is kept in the out directory.
const Spooled = "input.zst"

// StoredPaths finds the export again from what the header says: where it was given,
// or where it lay, now or before a run found it elsewhere.
// A URL may be another one than it was, where it is the only one that is known now.
func StoredPaths(h journal.Header, dir string, remote *source.Remote) []string {
	paths := make([]string, len(h.Inputs))
	for i, in := range h.Inputs {
		paths[i] = in.Abs
		if source.IsRemote(in.Path) {
			paths[i] = in.Path
			if len(h.Inputs) == 1 && remote != nil && len(remote.Queries) == 1 {
				for location := range remote.Queries {
					paths[i] = location
				}
			}
		} else if filepath.Base(in.Path) == Spooled {
			paths[i] = filepath.Join(dir, Spooled)
		} else if _, err := os.Stat(in.Abs); err != nil {
			paths[i] = in.Path
			for _, was := range in.Before {
				if _, err := os.Stat(was.Abs); err == nil {
					paths[i] = was.Abs
					break
				}
			}
		}
	}
	return paths
}

// StoredNames are the names of the files of an export that is read from paths now: what
// lies elsewhere may come from another URL each time, or from a copy of it, and lists and
// mappings have the name under which it was imported first.
func StoredNames(h journal.Header, paths []string) []string {
	names := make([]string, len(paths))
	for i, in := range h.Inputs {
		if i < len(paths) && (source.IsRemote(in.Path) || source.IsRemote(paths[i])) {
			names[i] = source.BaseName(in.Path)
		}
	}
	return names
}

// LoadMapping reads a stored mapping and checks that it is the one it should be.
func LoadMapping(dir string, m journal.Mapping) (*mapping.Spec, error) {
	if len(m.SHA256) != sha256.Size*2 {
		return nil, blocked.Errorc(blocked.RestoreOrStartOver, "the checkpoint in %s lists a mapping without its digest", dir)
	}
	path := filepath.Join(dir, m.File)
	f, err := os.Open(path)
	if err != nil {
		return nil, blocked.Errorf("restore the file; it is part of the import", "read the stored mapping: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mapping.MaxFile+1))
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("read the stored mapping: %w", err)}
	}
	spec, err := mapping.Parse(path, text, nil)
	if err != nil {
		return nil, blocked.Errorf("restore the file; it is part of the import", "%s is not the mapping that the checkpoint lists (%s): %w", path, m.SHA256[:12], err)
	}
	if spec.SHA256() != m.SHA256 {
		return nil, blocked.Errorf("restore the file; it is part of the import", "%s is not the mapping that the checkpoint lists (%s)", path, m.SHA256[:12])
	}
	for i, l := range spec.Lookups() {
		if i >= len(m.Lookups) || m.Lookups[i].Name != l.Name() {
			return nil, blocked.Errorc(blocked.RestoreOrStartOver, "the checkpoint in %s does not list the file of lookup %s", dir, l.Name())
		}
		at := m.Lookups[i].Abs
		if _, err := os.Stat(at); err != nil {
			at = m.Lookups[i].Path
		}
		l.Locate(at, m.Lookups[i].SHA256)
	}
	return spec, nil
}

// LocateGiven has the lookups of a mapping that the user gave again hold what they held
// in the pass: its files lie where that mapping says.
func LocateGiven(spec *mapping.Spec, lookups []journal.Lookup) {
	for i, l := range spec.Lookups() {
		if i < len(lookups) && lookups[i].Name == l.Name() {
			path, _ := rows.PathOf(spec, l)
			l.Locate(path, lookups[i].SHA256)
		}
	}
}
