package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// TimeForm is one way in which a column writes times.
type TimeForm struct {
	// Format is what a mapping's format says: a name, or a strftime pattern. It is
	// empty where the data does not tell day from month: see Either.
	Format string   `json:"format"`
	Either []string `json:"either,omitempty"`
	Count  int64    `json:"count"`
	Zone   string   `json:"zone"`            // "in the text", "none", "abbreviations (CET, CEST)"
	Order  string   `json:"order,omitempty"` // what proves the order of day and month, or that nothing does
	Years  [2]int   `json:"years,omitzero"`  // the first and the last
}

// zoneless reports whether times of the form say nothing of their zone.
func (f TimeForm) zoneless() bool { return f.Zone != zoneInText }

const (
	zoneInText  = "in the text"
	zoneMissing = "none"
)

// formTally counts the texts of one pattern.
type formTally struct {
	pattern       string
	maybeISO, iso bool
	zone          zoneKind
	names         []string
	count         int64
	years         [2]int
	first, second *proof // a number above 12 in the first, in the second place
}

// proof is a date that proves which number is the day.
type proof struct {
	a, b int
	row  int64
}

// maxForms is how many forms of times one column is watched for.
const maxForms = 8

// timeTally counts the forms of a column's times.
type timeTally struct{ forms []*formTally }

func (t *timeTally) add(s *timeText, row int64) {
	i := slices.IndexFunc(t.forms, func(f *formTally) bool { return f.pattern == string(s.pattern) && f.maybeISO == s.iso })
	if i < 0 {
		if len(t.forms) == maxForms {
			return
		}
		i = len(t.forms)
		t.forms = append(t.forms, &formTally{pattern: string(s.pattern), maybeISO: s.iso, iso: s.iso && isoPattern(string(s.pattern)), zone: s.zone, years: [2]int{s.year, s.year}})
	}
	f := t.forms[i]
	f.count++
	f.years[0], f.years[1] = min(f.years[0], s.year), max(f.years[1], s.year)
	if s.zoneName != "" && len(f.names) < 4 && !slices.Contains(f.names, s.zoneName) {
		f.names = append(f.names, s.zoneName)
	}
	if s.ambiguous && s.a > 12 && f.first == nil {
		f.first = &proof{s.a, s.b, row}
	}
	if s.ambiguous && s.b > 12 && f.second == nil {
		f.second = &proof{s.a, s.b, row}
	}
}

func (p *proof) String() string { return fmt.Sprintf("%d/%d occurs in row %d", p.a, p.b, p.row) }

// result gives the forms, the most frequent first. Forms without zone and
// fraction that ISO 8601 reads alike are one.
func (t *timeTally) result() []TimeForm {
	var out []TimeForm
	for _, f := range t.forms {
		form := TimeForm{Format: f.pattern, Count: f.count, Years: f.years, Zone: zoneMissing}
		switch f.zone {
		case zoneOffset:
			form.Zone = zoneInText
		case zoneAbbreviation:
			slices.Sort(f.names)
			form.Zone = "abbreviations (" + strings.Join(f.names, ", ") + "), which do not identify a zone"
		}
		if f.iso {
			form.Format = "iso8601"
		} else if strings.Contains(f.pattern, "%\x01") {
			form.Format, form.Either, form.Order = f.order()
		}
		same := slices.IndexFunc(out, func(o TimeForm) bool { return o.Format == "iso8601" && f.iso && o.Zone == form.Zone })
		if same < 0 {
			out = append(out, form)
			continue
		}
		o := &out[same]
		o.Count += form.Count
		o.Years[0], o.Years[1] = min(o.Years[0], form.Years[0]), max(o.Years[1], form.Years[1])
	}
	slices.SortStableFunc(out, func(a, b TimeForm) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// order tells day from month by what the data proves.
func (f *formTally) order() (format string, either []string, why string) {
	dayFirst := strings.NewReplacer("\x01", "d", "\x02", "m").Replace(f.pattern)
	monthFirst := strings.NewReplacer("\x01", "m", "\x02", "d").Replace(f.pattern)
	switch {
	case f.first != nil && f.second != nil:
		return "", []string{dayFirst, monthFirst}, fmt.Sprintf("both orders occur: %s, and %s", f.first, f.second)
	case f.first != nil:
		return dayFirst, nil, fmt.Sprintf("day first: %s", f.first)
	case f.second != nil:
		return monthFirst, nil, fmt.Sprintf("month first: %s", f.second)
	}
	return "", []string{dayFirst, monthFirst}, fmt.Sprintf("cannot be told: no number is above 12 in %d dates", f.count)
}
