package summary

import (
	"cmp"
	"slices"
	"time"
)

// Difference is what differs between two imports, or dry runs, of one export: what a
// change of the mapping did. Values that the mapping does not name are masked, as in all
// reports.
type Difference struct {
	A Side `json:"a"`
	B Side `json:"b"`
	// Differs says whether values became something else, or people have other last words.
	Differs bool `json:"differs"`
	// SameExport says whether both read the same bytes, in the same order. Where they did
	// not, what differs may come from the data.
	SameExport bool `json:"sameExport"`
	// Notes say what else differs that decisions rest on.
	Notes []string `json:"notes"`

	Values ValueChanges  `json:"values"`
	People []PeopleMoved `json:"people"`
	Counts []countMoved  `json:"counts"`
	Lint   []LintMoved   `json:"lint"`
}

// Entry is an import in an index. Without a Summary, Missing says why there is none. Link
// leads to its report.html from where the index lies; empty: there is none.
type Entry struct {
	Dir     string   `json:"dir"`
	Link    string   `json:"-"`
	Missing string   `json:"missing,omitempty"`
	Summary *Summary `json:"report,omitempty"`
}

// Side is one of the two.
type Side struct {
	Dir          string    `json:"dir"`
	DryRun       bool      `json:"dryRun"`
	Mapping      Mapping   `json:"mapping"`
	ApprovalHash string    `json:"approvalHash"`
	Inputs       []Input   `json:"inputs"`
	FinishedAt   time.Time `json:"finishedAt"`
}

// ValueChanges are the values by what happened to them. Changed became something else,
// Moved the same in other numbers; New and Gone stand in one of the two alone.
type ValueChanges struct {
	Same    int64      `json:"same"`
	Changed ValueMoves `json:"changed"`
	Moved   ValueMoves `json:"moved"`
	New     ValueMoves `json:"new"`
	Gone    ValueMoves `json:"gone"`
}

// maxMoves is how many values are listed of each kind; all are counted.
const maxMoves = 1000

// ValueMoves counts values, and lists those that weigh most first.
type ValueMoves struct {
	Values int64       `json:"values"`
	Lines  []ValueMove `json:"lines"`
}

// ValueMove is a value of a category, and what it became before and after.
type ValueMove struct {
	Category string   `json:"category"`
	Value    string   `json:"value"`
	A        []Became `json:"a"`
	B        []Became `json:"b"`
}

// Became is one thing that a value became, and how often.
type Became struct {
	Decision string `json:"decision"`
	Count    int64  `json:"count"`
}

// PeopleMoved are the people of a category by their last word; nil where the category
// does not occur.
type PeopleMoved struct {
	Category string    `json:"category"`
	A        *LastWord `json:"a"`
	B        *LastWord `json:"b"`
}

// countMoved is a count of report.json, by the path of its name there.
type countMoved struct {
	Name string `json:"name"`
	A    int64  `json:"a"`
	B    int64  `json:"b"`
}

// LintMoved is a lint finding; 0: not found.
type LintMoved struct {
	Rule    string `json:"rule"`
	Message string `json:"message"`
	A       int64  `json:"a"`
	B       int64  `json:"b"`
}

// Add counts a value, and keeps it if it weighs enough to be listed.
func (m *ValueMoves) Add(v ValueMove) {
	m.Values++
	if m.Lines = append(m.Lines, v); len(m.Lines) >= 2*maxMoves {
		m.Cut()
	}
}

// Cut sorts the list and cuts it to what is shown: values that begin to be an accept
// first, then those that end to be one, then by how often they occur.
func (m *ValueMoves) Cut() {
	slices.SortStableFunc(m.Lines, func(a, b ValueMove) int {
		return cmp.Or(cmp.Compare(weight(&a), weight(&b)), cmp.Compare(b.often(), a.often()), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Value, b.Value))
	})
	m.Lines = slices.Clip(m.Lines[:min(len(m.Lines), maxMoves)])
}

func weight(v *ValueMove) int {
	const accept = "accept"
	before := slices.ContainsFunc(v.A, func(b Became) bool { return b.Decision == accept })
	after := slices.ContainsFunc(v.B, func(b Became) bool { return b.Decision == accept })
	switch {
	case after && !before:
		return 0
	case before && !after:
		return 1
	default:
		return 2
	}
}

func (v *ValueMove) often() (n int64) {
	for _, b := range v.A {
		n = max(n, b.Count)
	}
	for _, b := range v.B {
		n = max(n, b.Count)
	}
	return n
}

// NewDifference compares two summaries: all but the values, which the summaries have in
// short only.
func NewDifference(a, b *Summary) *Difference {
	d := &Difference{A: side(a), B: side(b), Notes: []string{}}
	for _, m := range []*ValueMoves{&d.Values.Changed, &d.Values.Moved, &d.Values.New, &d.Values.Gone} {
		m.Lines = []ValueMove{}
	}
	d.SameExport = slices.EqualFunc(a.Inputs, b.Inputs, func(x, y Input) bool { return x.SHA256 == y.SHA256 && x.SHA256 != "" && x.Rows == y.Rows })
	d.People = peopleMoved(a.LastWords, b.LastWords)
	d.Lint = lintMoved(a.Lint, b.Lint)
	for _, c := range []countMoved{
		{"rows.read", a.Rows.Read, b.Rows.Read}, {"rows.mapped", a.Rows.Mapped, b.Rows.Mapped},
		{"rows.skipped", a.Rows.Skipped, b.Rows.Skipped}, {"rows.invalid", a.Rows.Invalid, b.Rows.Invalid},
		{"consents.made", a.Consents.Made, b.Consents.Made}, {"consents.sent", a.Consents.Sent, b.Consents.Sent},
		{"consents.refused", a.Consents.Refused, b.Consents.Refused}, {"consents.failed", a.Consents.Failed, b.Consents.Failed},
		{"consents.superseded", a.Consents.Superseded, b.Consents.Superseded},
		{"subjects", a.Subjects, b.Subjects}, {"overPermissive.count", a.OverPermissive.Count, b.OverPermissive.Count},
	} {
		if c.A != 0 || c.B != 0 {
			d.Counts = append(d.Counts, c)
		}
	}
	if d.Counts == nil {
		d.Counts = []countMoved{}
	}
	return d
}

func side(s *Summary) Side {
	return Side{Dir: s.OutDir, DryRun: s.DryRun, Mapping: s.Mapping, ApprovalHash: s.ApprovalHash, Inputs: s.Inputs, FinishedAt: s.FinishedAt}
}

// Conclude says whether anything differs, once the values are there.
func (d *Difference) Conclude() {
	v := &d.Values
	for _, m := range []*ValueMoves{&v.Changed, &v.Moved, &v.New, &v.Gone} {
		m.Cut()
		d.Differs = d.Differs || m.Values > 0
	}
	for i := range d.People {
		d.Differs = d.Differs || d.People[i].Differs()
	}
}

// Differs says whether other people have these last words, as far as numbers tell.
func (p *PeopleMoved) Differs() bool { return p.A == nil || p.B == nil || *p.A != *p.B }

// Before is how people decided in A: nobody where the category does not occur.
func (p *PeopleMoved) Before() LastWord { return orNone(p.A) }

// After is the same of B.
func (p *PeopleMoved) After() LastWord { return orNone(p.B) }

func orNone(w *LastWord) LastWord {
	if w == nil {
		return LastWord{}
	}
	return *w
}

// peopleMoved joins the last words of two imports by category: those that differ first.
func peopleMoved(a, b []LastWord) []PeopleMoved {
	at := map[string]int{}
	all := []PeopleMoved{}
	for i := range a {
		at[a[i].Category] = len(all)
		all = append(all, PeopleMoved{Category: a[i].Category, A: &a[i]})
	}
	for i := range b {
		if k, ok := at[b[i].Category]; ok {
			all[k].B = &b[i]
		} else {
			all = append(all, PeopleMoved{Category: b[i].Category, B: &b[i]})
		}
	}
	slices.SortStableFunc(all, func(x, y PeopleMoved) int {
		switch {
		case x.Differs() == y.Differs():
			return cmp.Compare(x.Category, y.Category)
		case x.Differs():
			return -1
		default:
			return 1
		}
	})
	return all
}

// lintMoved joins the findings of two imports by rule: those that may change the meaning
// first, then what is new, then what is gone.
func lintMoved(a, b []Finding) []LintMoved {
	all := []LintMoved{}
	at := func(f *Finding) *LintMoved {
		i := slices.IndexFunc(all, func(l LintMoved) bool { return l.Rule == f.Rule })
		if i < 0 {
			i = len(all)
			all = append(all, LintMoved{Rule: f.Rule, Message: f.Message})
		}
		return &all[i]
	}
	for i := range a {
		at(&a[i]).A += a[i].Count
	}
	for i := range b {
		at(&b[i]).B += b[i].Count
	}
	order := func(l *LintMoved) int {
		n := 0
		if !ChangesMeaning(l.Rule) {
			n = 3
		}
		switch {
		case l.A == 0:
			return n
		case l.B == 0:
			return n + 1
		default:
			return n + 2
		}
	}
	slices.SortStableFunc(all, func(x, y LintMoved) int { return cmp.Compare(order(&x), order(&y)) })
	return all
}
