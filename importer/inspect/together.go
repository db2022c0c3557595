package inspect

import (
	"slices"
	"strings"
)

// Columns that belong together: what they share, and what they are called beside each other.

// withoutShortForms leaves out columns that are called by the beginning of another's
// name and stand only in files that lack that one, as stats for statistics: they are
// that one's in those files.
func withoutShortForms(columns []*Column) []*Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c *Column) bool {
		short := compactName(c.name)
		for _, o := range columns {
			if o == c || len(short) < 4 || !strings.HasPrefix(compactName(o.name), short[:len(short)-1]) || len(o.name) <= len(c.name) || len(c.within) == 0 ||
				slices.ContainsFunc(c.within, func(l int) bool { return slices.Contains(o.within, l) }) {
				continue
			}
			if !slices.Contains(o.Spellings, c.name) {
				o.Spellings = append(o.Spellings, c.name)
			}
			return true
		}
		return false
	})
}

// areParallel reports whether two names differ in one part and are alike around it:
// paths in their last names or in what leads to the same last name, not in both.
func areParallel(a, b *Column) bool {
	around, name := parent(a.name)
	also, other := parent(b.name)
	if around != also && name != other {
		return false
	}
	x, y := words(a.name), words(b.name)
	front := 0
	for front < min(len(x), len(y)) && x[front] == y[front] {
		front++
	}
	back := 0
	for back < min(len(x), len(y))-front && x[len(x)-1-back] == y[len(y)-1-back] {
		back++
	}
	left, right := len(x)-front-back, len(y)-front-back
	shared := strings.Join(append(slices.Clone(x[:front]), x[len(x)-back:]...), " ")
	return left > 0 && left <= 3 && right > 0 && right <= 3 &&
		scoreOf(shared, append(decisionHints(), hint{"email", -10}, hint{"mail", -5}, hint{"sms", -15}, hint{"push", -15}, hint{"phone", -10}, hint{"call", -10})) >= 15
}

// parent parts a path before its last name; a name alone has nothing around it.
func parent(path string) (around, name string) {
	around, name, ok := cutLast(path)
	if !ok {
		return "", path
	}
	return around, name
}

// labels are the names of the categories of columns: their last names or, where
// these are the same, the parts of their paths that differ.
func labels(columns []*Column) []string {
	out := make([]string, len(columns))
	last := map[string]int{}
	for i, c := range columns {
		out[i] = lastName(c.name)
		last[out[i]]++
	}
	if len(last) == len(columns) {
		return out
	}
	steps := make([][]string, len(columns))
	for i, c := range columns {
		steps[i] = splitPath(c.name)
	}
	for i := range steps {
		var own []string
		for j, s := range steps[i] {
			shared := true
			for k := range steps {
				shared = shared && len(steps[k]) == len(steps[i]) && steps[k][j] == s
			}
			if !shared {
				own = append(own, s)
			}
		}
		if out[i] = strings.Join(own, " "); out[i] == "" {
			out[i] = columns[i].name
		}
	}
	return out
}

// splitPath gives the names of a path.
func splitPath(path string) []string {
	var out []string
	for path != "" {
		around, name, ok := cutLast(path)
		out = append(out, name)
		if !ok {
			break
		}
		path = around
	}
	slices.Reverse(out)
	return out
}
