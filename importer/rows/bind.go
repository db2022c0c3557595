package rows

import (
	"fmt"
	"slices"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// bind compiles the mapping against every layout of the export.
func bind(export *source.Export, spec *mapping.Spec, units mapping.Units, tables map[string]mapping.Table, taken []string) ([]*mapping.Mapper, error) {
	mappers := make([]*mapping.Mapper, len(export.Layouts))
	for i := range export.Layouts {
		l := &export.Layouts[i]
		if i > 0 && foreign(l, export.Layouts[:i]) {
			// Its first line is not a header that anybody knows, and may be a row: nothing
			// of it is repeated, as the mapping's own message would.
			if _, err := spec.Bind(mapping.Layout{Columns: l.Columns, Tables: tables}); err != nil {
				return nil, blocked.Errorf("put parts that were cut without a header together again, or leave the file away if it is not part of the export",
					"%s has none of the columns of %s: its first line is not that header", export.FileOf(i), export.FileOf(0))
			}
		}
		m, err := spec.Bind(mapping.Layout{Columns: l.Columns, JSON: l.Nested(), Tables: tables, Taken: taken})
		if err != nil {
			if len(export.Layouts) > 1 {
				err = fmt.Errorf("%w (in %s)", err, export.FileOf(i))
			}
			return nil, err
		}
		if units != nil {
			m.SetUnits(units)
		}
		mappers[i] = m
	}
	mapping.ShareNames(mappers)
	return mappers, nil
}

// foreign tells that none of the columns of a header is one of the layouts before it.
func foreign(l *source.Layout, before []source.Layout) bool {
	if !l.HasHeader() {
		return false
	}
	for i := range before {
		for _, c := range before[i].Columns {
			if slices.Contains(l.Columns, c) {
				return false
			}
		}
	}
	return true
}
