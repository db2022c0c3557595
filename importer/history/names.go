package history

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Names are two places at which one person stands under two names, the one in front first.
type Names [2]Place

// CategoryName is a category as it is written in a row, the first that has it.
type CategoryName struct {
	Name string
	Row  int64
}

const (
	// examples is how many people, or groups of categories, are named.
	examples = 3
	// candidates is among how many people those are chosen whose rows stand furthest in
	// front: to show them, the export is read that far.
	candidates = 64
)

// severalNames is a person of whom an example may be made.
type severalNames struct {
	id           uint64 // first half of the hash of the identifier
	place, other Place  // under two names; other is 0 where it has to be looked up
}

// fewNames are those whose place is the lowest.
type fewNames []severalNames

func (f *fewNames) add(n severalNames) {
	all := *f
	if len(all) == candidates && all[candidates-1].place <= n.place {
		return
	}
	i, _ := slices.BinarySearchFunc(all, n, func(a, b severalNames) int { return cmp.Compare(a.place, b.place) })
	if all = slices.Insert(all, i, n); len(all) > candidates {
		all = all[:candidates]
	}
	*f = all
}

// examples chooses among them, looks up what is not known of them, and gives the places
// in their order.
func (f fewNames) examples(x *Index) ([]Names, error) {
	var sought []uint64
	at := map[uint64]Place{}
	for i := range f {
		if f[i].other == 0 {
			sought = append(sought, f[i].id)
		}
	}
	if len(sought) > 0 {
		var e entry
		err := x.sorted.Find(sought, func(rec []byte) {
			e.decode(rec)
			if was := at[e.subject[0]]; was == 0 || e.place < was {
				at[e.subject[0]] = e.place
			}
		})
		if err != nil {
			return nil, err
		}
	}
	var all []Names
	for _, n := range f {
		if n.other == 0 {
			n.other = at[n.id]
		}
		if n.other != 0 {
			all = append(all, Names{min(n.place, n.other), max(n.place, n.other)})
		}
	}
	last := func(a, b Names) int { return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0])) }
	slices.SortFunc(all, last)
	all = all[:min(len(all), examples)]
	slices.SortFunc(all, func(a, b Names) int { return cmp.Compare(a[0], b[0]) })
	return all, nil
}

// twins finds the categories that are one word to the eye, in every spelling that is sent:
// that we take blanks around a name or its Unicode form for nothing, the target does not know.
func twins(names map[uint64]*category) (s Sightings, some [][]CategoryName) {
	fold := cases.Fold()
	forms := map[string][]CategoryName{}
	for _, c := range names {
		form := strings.Join(strings.FieldsFunc(fold.String(norm.NFKC.String(c.name)), func(r rune) bool {
			return r == ' ' || r == '-' || r == '_' || r == '\u00a0'
		}), " ")
		forms[form] = append(forms[form], CategoryName{c.name, c.row})
		if c.also != 0 {
			forms[form] = append(forms[form], CategoryName{c.alsoName, c.also})
		}
	}
	for _, same := range forms {
		if len(same) == 1 {
			continue
		}
		for _, c := range same {
			s.at(At(c.Row, 1))
		}
		slices.SortFunc(same, func(a, b CategoryName) int { return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Name, b.Name)) })
		some = append(some, same[:min(len(same), examples)])
	}
	slices.SortFunc(some, func(a, b []CategoryName) int {
		return cmp.Or(cmp.Compare(a[0].Row, b[0].Row), cmp.Compare(a[0].Name, b[0].Name))
	})
	return s, some[:min(len(some), examples)]
}
