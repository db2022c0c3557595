package mapping

import (
	"cmp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Fit is a preset that an export looks like.
type Fit struct {
	Preset Preset
	// Missing are the parameters that must be given with --set before it runs.
	Missing []Parameter
	// Rows is the path of the array that holds the rows, where the preset reads
	// pages of them.
	Rows string
	// Score counts the marks of the format that were found: the more, the surer.
	Score int
}

// Fits gives the presets that an export looks like, the surest first. First is
// the text of the first JSON value; it counts for JSON alone, as the header
// does for CSV.
func Fits(l Layout, first []byte) []Fit {
	header := map[string]bool{}
	for _, c := range l.Columns {
		header[sameHeading(c)] = true
	}
	var doc jsonDoc
	known := l.JSON && doc.parse(first) == ""
	var fits []Fit
	for _, p := range Presets() {
		var more struct {
			Parameters []struct {
				Name, Description, Example string
				Default                    *string
				Required                   bool
			}
			Input struct{ Rows string }
		}
		if err := yaml.Unmarshal(p.Source, &more); err != nil {
			continue // a test holds that no preset is broken
		}
		score := 0
		switch {
		case l.JSON && known:
			score = doc.marks(p.Detect.JSON, more.Input.Rows)
		case !l.JSON:
			score = p.Detect.marks(header)
		}
		if score == 0 {
			continue
		}
		f := Fit{Preset: p, Score: score, Rows: more.Input.Rows}
		for _, q := range more.Parameters {
			if q.Required || q.Default == nil {
				f.Missing = append(f.Missing, Parameter{Name: q.Name, Description: strings.Join(strings.Fields(q.Description), " "), Example: q.Example})
			}
		}
		fits = append(fits, f)
	}
	slices.SortStableFunc(fits, func(a, b Fit) int { return cmp.Compare(b.Score, a.Score) })
	return fits
}

// sameHeading writes a heading so that what differs in case, blanks and kinds of
// blanks alone is the same.
func sameHeading(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
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
func (d *jsonDoc) marks(paths []string, rows string) int {
	if len(paths) == 0 {
		return 0
	}
	from := []int{0}
	if p, err := parsePath(rows); rows != "" && err == nil {
		if list := d.find(0, p); list != none {
			from = append(from, list)
			if first := d.element(list, 0); first != none {
				from = append(from, first)
			}
		}
	}
	for _, n := range from {
		if d.has(n, paths) {
			return len(paths)
		}
	}
	return 0
}

func (d *jsonDoc) has(n int, paths []string) bool {
	for _, s := range paths {
		p, err := parsePath(s)
		if err != nil || d.find(n, p) == none {
			return false
		}
	}
	return true
}

// Decisive reports whether exports state decisions by the word: yes, opted_out,
// also one such as pending that says that nobody made one. It says nothing of
// which decision that is.
func Decisive(value []byte) bool { return valueSense(value) != senseNone }

// Inverted reports whether a yes under the name is a refusal, as under
// EMAIL_BLACKLISTED.
func Inverted(name string) bool { return nameSense([]byte(name)) == senseOut }

// Necessary reports whether a name is that of a category that sites do not ask about.
func Necessary(name string) bool { return necessary([]byte(name)) }
