package inspect

import (
	"cmp"
	"slices"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// presetFits asks which presets know the form of an export.
func presetFits(e *source.Export, heads [][]byte) []PresetFit {
	var all []mapping.Fit
	for i := range e.Layouts {
		l := &e.Layouts[i]
		if !l.Nested() {
			all = append(all, mapping.Fits(mapping.Layout{Columns: l.Columns})...)
		}
	}
	if len(heads) > 0 {
		all = append(all, mapping.Fits(mapping.Layout{JSON: true}, heads...)...)
	}
	slices.SortStableFunc(all, func(a, b mapping.Fit) int { return cmp.Compare(b.Score, a.Score) })
	out := []PresetFit{}
	for _, f := range all {
		if slices.ContainsFunc(out, func(p PresetFit) bool { return p.Name == f.Preset.Name }) {
			continue
		}
		p := PresetFit{Name: f.Preset.Name, Description: f.Preset.Description, Confirmed: f.Preset.Confirmed, Marks: f.Score, Found: f.Found}
		for _, m := range f.Missing {
			p.Missing = append(p.Missing, ParameterNeed{m.Name, m.Description, m.Example})
		}
		out = append(out, p)
	}
	return out
}

// Fitting gives the presets that an export looks like, the surest first. It looks at
// headers and at the first JSON values alone.
func Fitting(cfg source.Config) ([]PresetFit, error) {
	e, err := source.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	heads, err := firstRecords(e, headRecords)
	if err != nil {
		return nil, err
	}
	fits := presetFits(e, heads)
	path := pagePath(e)
	if len(fits) > 0 || cfg.Rows != "" || path == "" {
		return fits, nil
	}
	// The rows may stand in a page, and the page be too long to be read as a whole.
	cfg.Rows = path
	pages, err := source.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer pages.Close()
	if heads, err = firstRecords(pages, headRecords); err != nil {
		return nil, err
	}
	return presetFits(pages, heads), nil
}
