package mapping

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// maxDecisions is how many lines the short table has at most; what comes after
// them is summed by decision under Others.
const maxDecisions = 1000

// Others stands for the categories and values beyond the table's bound.
const Others = "(others)"

// Table gives the table in short, for reports: values and
// categories that could identify a person are masked, those that the mapping
// itself names stand as they are, and what does not fit is summed as Others.
func (d *Decisions) Table() ([]Decision, error) {
	index := map[Decision]int{}
	table := []Decision{}
	err := d.Each(func(line Decision) error {
		count := line.Count
		line.Category, line.Value, line.Count = d.ShownCategory(line.Category), d.Shown(line.Value), 0
		i, ok := index[line]
		if !ok && len(table) >= maxDecisions {
			line = Decision{Category: Others, Value: Others, Decision: line.Decision}
			i, ok = index[line]
		}
		if !ok {
			i = len(table)
			index[line] = i
			table = append(table, line)
		}
		table[i].Count += count
		return nil
	})
	slices.SortStableFunc(table, func(a, b Decision) int {
		return cmp.Or(cmp.Compare(slices.Index(decided[:], a.Decision), slices.Index(decided[:], b.Decision)),
			cmp.Compare(a.Category, b.Category), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Reason, b.Reason))
	})
	return table, err
}

// Shown is a value as reports may show it: whole where the mapping names it,
// else masked and cut.
func (d *Decisions) Shown(value string) string {
	if d.Named(value) {
		return value
	}
	return string(appendMasked(nil, []byte(value)))
}

// Named reports whether the mapping itself names a value, so that it tells nothing
// of a person.
func (d *Decisions) Named(value string) bool { return d.listed[strings.ToLower(value)] }

// ShownCategory is a category as anybody may see it. A UUID is a purpose; the
// ids of people are values, if anything.
func (d *Decisions) ShownCategory(category string) string {
	if isUUID([]byte(category)) {
		return category
	}
	return d.Shown(category)
}

// listedValues are the values that the mapping names for the action, and the
// categories that it names, in lower case: they tell nothing of a person.
func listedValues(s *Spec) map[string]bool {
	listed := map[string]bool{}
	var add func(f *fieldSpec)
	add = func(f *fieldSpec) {
		if f == nil {
			return
		}
		for _, v := range f.values {
			listed[strings.ToLower(v.from)] = true
			listed[strings.ToLower(v.to)] = true
		}
		if f.constant != nil {
			listed[strings.ToLower(*f.constant)] = true
		}
		for _, c := range f.cases {
			add(c)
		}
	}
	for _, block := range append([]*Spec{s}, s.more...) {
		add(block.fields[fieldAction])
		add(block.fields[fieldCategory])
	}
	return listed
}

// maxFreeValues is how many different values a mapping may read decisions from
// before lint takes them for people's own words.
const maxFreeValues = 1000

// freeText counts the different values that become decisions, as far as that.
type freeText struct{ seen map[uint64]struct{} }

func (f *freeText) add(as fate, value []byte) {
	if as > fateReject || len(f.seen) > maxFreeValues {
		return
	}
	if f.seen == nil {
		f.seen = map[uint64]struct{}{}
	}
	f.seen[xxhash.Sum64(bytes.ToLower(value))] = struct{}{}
}

func (f *freeText) found() bool { return len(f.seen) > maxFreeValues }
