package rows

import (
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Bind compiles the mapping against every layout of the export.
func Bind(export *source.Export, spec *mapping.Spec, units mapping.Units) ([]*mapping.Mapper, error) {
	mappers := make([]*mapping.Mapper, len(export.Layouts))
	for i := range export.Layouts {
		l := &export.Layouts[i]
		m, err := spec.Bind(mapping.Layout{Columns: l.Columns, JSON: l.Format == source.JSONL})
		if err != nil {
			return nil, err
		}
		if units != nil {
			m.SetUnits(units)
		}
		mappers[i] = m
	}
	return mappers, nil
}
