package report

import (
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// LookupsOf are the files that a mapping looks rows up in.
func LookupsOf(m journal.Mapping) []summary.Lookup {
	var out []summary.Lookup
	for _, l := range m.Lookups {
		out = append(out, summary.Lookup{Name: l.Name, Path: l.Path, Bytes: l.Bytes, SHA256: l.SHA256})
	}
	return out
}
