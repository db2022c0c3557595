package rows

import (
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// learnRows is how many of the first rows a mapping may learn from.
const learnRows = 1000

// Learn finds out what the mapping must know of the data beforehand: the unit of
// each column of epoch times. It looks at the first rows alone, so that an
// export that grows gives the same.
func (f *Files) Learn(spec *mapping.Spec) (mapping.Units, error) {
	return learn(f.Export(), spec, &f.lookups)
}

func learn(export *source.Export, spec *mapping.Spec, lookups *lookups) (mapping.Units, error) {
	tables, err := lookups.of(spec)
	if err != nil {
		return nil, err
	}
	mappers, err := bind(export, spec, nil, tables, nil)
	if err != nil {
		return nil, err
	}
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, &blocked.Error{Err: err}
	}
	defer reader.Close()
	records := make([][]mapping.Record, len(export.Layouts))
	for left := learnRows; left > 0; {
		b, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, &blocked.Error{Err: fmt.Errorf("read the export: %w", err)}
		}
		m := &export.Members[b.Member]
		l := &export.Layouts[m.Layout]
		for i := range b.Rows {
			if left--; left < 0 {
				break
			}
			var mem memory // each record is kept
			if mem.open(l, m.Name, &b.Rows[i]) != "" {
				continue
			}
			records[m.Layout] = append(records[m.Layout], mem.record)
		}
	}
	units := mapping.Units{}
	for i, recs := range records {
		for column, unit := range mappers[i].Learn(recs) {
			if _, known := units[column]; !known {
				units[column] = unit
			}
		}
	}
	return units, nil
}
