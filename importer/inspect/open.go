package inspect

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/consentimport/consentimport/importer/source"
)

// openInspected opens an export as a mapping for it would have it read: below the
// lines above its header, rows out of the pages that hold them, columns by number
// where there is no header.
func openInspected(cfg *source.Config) (*source.Export, *Inspection, error) {
	export, err := openTable(cfg)
	if err != nil {
		return nil, nil, err
	}
	found := &Inspection{Skipped: cfg.SkipLines}
	again := *cfg
	if len(cfg.Columns) == 0 && headless(export) {
		again.Columns = numbered(len(export.Layouts[0].Columns))
		found.Headless = true
	} else if cfg.Rows == "" {
		again.Rows = pagePath(export)
		found.Paged = again.Rows
	}
	if !found.Headless && found.Paged == "" {
		return export, found, nil
	}
	if err := export.Close(); err != nil {
		return nil, nil, err
	}
	*cfg = again
	export, err = source.Open(again)
	return export, found, err
}

// openTable opens an export and, when it is CSV, looks whether its first line is
// its header.
func openTable(cfg *source.Config) (*source.Export, error) {
	export, err := source.Open(*cfg)
	set := cfg.SkipLines > 0 || cfg.Delimiter != "" || len(cfg.Columns) > 0 || cfg.Nested()
	if err != nil {
		if set || cfg.Format != "" {
			return nil, err
		}
		// The header may be unreadable because it is none: lines are always there.
		if export, _ = source.Open(cfg.Lines("line")); export == nil {
			return nil, err
		}
	}
	if set || len(export.Layouts) != 1 || export.Layouts[0].Nested() {
		return export, nil
	}
	text, readErr := export.Beginning(0, looked)
	skip, delimiter, ok := 0, byte(0), false
	if readErr == nil {
		skip, delimiter, ok = tableForm(text, &export.Layouts[0])
	}
	if !ok && err == nil {
		return export, nil
	}
	if closed := export.Close(); closed != nil {
		return nil, closed
	}
	if !ok {
		return nil, err
	}
	cfg.SkipLines, cfg.Delimiter = skip, string(rune(delimiter))
	if delimiter == '\t' {
		cfg.Delimiter = `\t`
	}
	return source.Open(*cfg)
}

// headless reports whether the first line of every CSV is a row and no header.
func headless(e *source.Export) bool {
	for i := range e.Layouts {
		l := &e.Layouts[i]
		if l.Nested() || len(l.Columns) != len(e.Layouts[0].Columns) || !slices.ContainsFunc(l.Columns, isDatum) {
			return false
		}
	}
	return len(e.Layouts) > 0
}

// isDatum reports whether a cell is a person's data and not a heading.
func isDatum(cell string) bool {
	v := bytes.TrimSpace([]byte(cell))
	if len(v) == 0 {
		return false
	}
	switch k, _ := shapeOf(v); k {
	case kindEmail, kindUUID, kindTime, kindDate, kindEpochS, kindEpochMS, kindIP:
		return true
	case kindInteger:
		return len(v) >= 5
	}
	return false
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("column%d", i+1)
	}
	return names
}
