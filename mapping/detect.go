package mapping

import (
	"cmp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// Fit is a preset that an export looks like.
type Fit struct {
	Preset Preset
	// Missing are the parameters that must be given with --set before it runs.
	Missing []Parameter
	// Rows is the path of the array that holds the rows, where the preset reads
	// pages of them.
	Rows string
	// Score counts the signs of the format that were found: the more, the surer.
	Score int
	// Found are these signs: columns, or paths inside JSON.
	Found []string
}

// Fits gives the presets that an export looks like, the surest first. Of JSON
// the first documents count, any one of them, as the header does of CSV.
func Fits(l Layout, documents ...[]byte) []Fit {
	header := map[string]bool{}
	for _, c := range l.Columns {
		header[sameHeading(c)] = true
	}
	var docs []*jsonvalue.Doc
	for _, text := range documents {
		if d := new(jsonvalue.Doc); d.Parse(text) == "" {
			docs = append(docs, d)
		}
	}
	var fits []Fit
	for _, p := range Presets() {
		if l.JSON && (len(p.Detect.JSON) == 0 || len(docs) == 0) {
			continue
		}
		score := 0
		if !l.JSON {
			if score = p.Detect.marks(header); score == 0 {
				continue
			}
		}
		rows, missing, err := p.needs()
		if err != nil {
			continue // a test holds that no preset is broken
		}
		for i := 0; i < len(docs) && l.JSON && score == 0; i++ {
			score = marks(docs[i], p.Detect.JSON, rows)
		}
		if score > 0 {
			fits = append(fits, Fit{Preset: p, Missing: missing, Rows: rows, Score: score, Found: p.Detect.signs(header, l.JSON)})
		}
	}
	slices.SortStableFunc(fits, func(a, b Fit) int { return cmp.Compare(b.Score, a.Score) })
	return fits
}

// needs reads from a preset where its rows lie, and the parameters that must be given.
func (p *Preset) needs() (rows string, missing []Parameter, err error) {
	var text struct {
		Parameters []struct {
			Name, Description, Example string
			Default                    *string
			Required                   bool
		}
		Input struct{ Rows string }
	}
	if err := yaml.Unmarshal(p.Source, &text); err != nil {
		return "", nil, err
	}
	for _, q := range text.Parameters {
		if q.Required || q.Default == nil {
			missing = append(missing, Parameter{Name: q.Name, Description: strings.Join(strings.Fields(q.Description), " "), Example: q.Example})
		}
	}
	return text.Input.Rows, missing, nil
}

// sameHeading writes a heading so that what differs in case, blanks and kinds of
// blanks alone is the same.
func sameHeading(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}

// signs are the columns or paths of a format, of those that need not all be there
// the ones that are.
func (d *Detect) signs(header map[string]bool, json bool) []string {
	if json {
		return slices.Clone(d.JSON)
	}
	out := slices.Clone(d.Columns)
	for _, c := range d.Any {
		if header[sameHeading(c)] {
			out = append(out, c)
		}
	}
	return out
}

// marks counts the columns that were found; 0 when one is missing.
func (d *Detect) marks(header map[string]bool) int {
	if len(d.Columns)+len(d.Any) == 0 {
		return 0
	}
	for _, c := range d.Columns {
		if !header[sameHeading(c)] {
			return 0
		}
	}
	any := 0
	for _, c := range d.Any {
		if header[sameHeading(c)] {
			any++
		}
	}
	if len(d.Any) > 0 && any == 0 {
		return 0
	}
	return len(d.Columns) + any
}

// marks counts the paths that exist in the document or, when it is a page of
// rows, in the first of its rows; 0 when one is missing.
func marks(d *jsonvalue.Doc, paths []string, rows string) int {
	if len(paths) == 0 {
		return 0
	}
	from := []int{0}
	if p, err := jsonvalue.ParsePath(rows); rows != "" && err == nil {
		if list := d.Find(0, p); list != jsonvalue.None {
			from = append(from, list)
			if first := d.Element(list, 0); first != jsonvalue.None {
				from = append(from, first)
			}
		}
	}
	for _, n := range from {
		if hasAll(d, n, paths) {
			return len(paths)
		}
	}
	return 0
}

func hasAll(d *jsonvalue.Doc, n int, paths []string) bool {
	for _, s := range paths {
		p, err := jsonvalue.ParsePath(s)
		if err != nil || d.Find(n, p) == jsonvalue.None {
			return false
		}
	}
	return true
}

// Decisive reports whether exports state decisions by the word: yes, opted_out,
// also one such as pending that says that nobody made one. It says nothing of
// which decision that is.
func Decisive(value []byte) bool {
	switch s := vocabulary.Value(value); s {
	case vocabulary.Undecided, vocabulary.Ended:
		return true
	default:
		return s.States() // what became of mail, or a legal ground, is not a decision
	}
}

// Necessary reports whether a name is that of a category that sites do not ask about.
func Necessary(name string) bool { return vocabulary.Necessary([]byte(name)) }
