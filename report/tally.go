package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

const (
	// maxCategories and maxSkips bound what is counted apart. Both are names
	// from a mapping, so a larger number means that the mapping took one from
	// a column of identifiers.
	maxCategories = 1000
	maxSkips      = 100
	// maxPasses bounds the passes that are counted apart; the last one stands
	// for all that follow.
	maxPasses = 1000
)

// otherCategories is the category under which ByDecision sums those beyond the
// first thousand, otherReasons the same for the reasons of skipped rows.
const (
	otherCategories = "(other categories)"
	otherReasons    = "(other reasons)"
)

// tally counts rows and consents: one a batch, filled by a worker without any
// lock, and one for the survey into which Fold merges them in row order.
type tally struct {
	rows       summary.Rows
	consents   summary.Consents
	categories map[string]*category
	order      []*category // in order of first appearance
	skips      map[string]int64
	skipOrder  []string
	months     months
	passes     []int64 // sent, by pass; index 0 is unused
	failures   groups

	few mapping.Few[*category] // the categories counted last, looked up without hashing
}

// category counts the consents of one category, by action.
type category struct {
	name   string
	accept summary.Consents
	reject summary.Consents
}

func newTally() *tally {
	return &tally{categories: map[string]*category{}, skips: map[string]int64{}, failures: newGroups()}
}

// row counts a row by its status.
func (t *tally) row(r *survey.Row) {
	t.rows.Read++
	switch {
	case r.Elsewhere:
		t.rows.Elsewhere++
	case r.Status == mapping.Mapped:
		t.rows.Mapped++
	case r.Status == mapping.Skipped:
		t.rows.Skipped++
		if r.Reason != mapping.OptedOut { // its accepts are counted, like those of rows that make other consents
			t.skip(r.Reason, 1)
		}
	default:
		t.rows.Invalid++
	}
}

func (t *tally) skip(reason string, n int64) {
	if _, ok := t.skips[reason]; !ok {
		if len(t.skips) >= maxSkips {
			reason = otherReasons
		}
		if _, ok := t.skips[reason]; !ok {
			t.skipOrder = append(t.skipOrder, reason)
		}
	}
	t.skips[reason] += n
}

// consent counts a consent by decision and outcome.
func (t *tally) consent(c *survey.Consent) {
	known, isNew := t.few.Of(c.Category)
	if isNew {
		if *known = t.categories[string(c.Category)]; *known == nil {
			*known = &category{name: string(c.Category)}
			t.categories[(*known).name] = *known
			t.order = append(t.order, *known)
		}
	}
	cat := *known
	accept := c.Action == mapping.Accept
	d := &cat.reject
	if accept {
		d = &cat.accept
	}
	d.Add(c.Outcome.State)
	t.consents.Add(c.Outcome.State)
	if c.Outcome.State == journal.Sent {
		p := min(max(c.Pass, 1), maxPasses)
		for len(t.passes) <= p {
			t.passes = append(t.passes, 0)
		}
		t.passes[p]++
	}
	t.months.add(c.Timestamp, accept)
}

// merge adds the tally of a batch, and empties it for the next one. What is
// bounded is cut off here, in row order, so that it does not depend on how rows
// were dealt out to workers.
func (t *tally) merge(b *tally) {
	t.rows.Read += b.rows.Read
	t.rows.Mapped += b.rows.Mapped
	t.rows.Skipped += b.rows.Skipped
	t.rows.Invalid += b.rows.Invalid
	t.rows.Elsewhere += b.rows.Elsewhere
	t.consents.Plus(&b.consents)
	for _, c := range b.order {
		if c.accept.Made+c.reject.Made == 0 {
			continue // left from an earlier batch
		}
		name := c.name
		all := t.categories[name]
		if all == nil && len(t.categories) >= maxCategories {
			name = otherCategories
			all = t.categories[name]
		}
		if all == nil {
			all = &category{name: name}
			t.categories[name] = all
			t.order = append(t.order, all)
		}
		all.accept.Plus(&c.accept)
		all.reject.Plus(&c.reject)
	}
	for _, reason := range b.skipOrder {
		t.skip(reason, b.skips[reason])
	}
	t.months.merge(&b.months)
	for len(t.passes) < len(b.passes) {
		t.passes = append(t.passes, 0)
	}
	for p, n := range b.passes {
		t.passes[p] += n
	}
	t.failures.merge(&b.failures)
	b.reset()
}

// reset makes a batch's tally ready for the next one. Categories stay, as the
// next batch has the same ones, unless they are too many to be categories.
func (t *tally) reset() {
	t.rows, t.consents = summary.Rows{}, summary.Consents{}
	if len(t.order) > maxCategories {
		clear(t.categories)
		t.order, t.few = t.order[:0], mapping.Few[*category]{}
	}
	for _, c := range t.order {
		c.accept, c.reject = summary.Consents{}, summary.Consents{}
	}
	clear(t.skips)
	t.skipOrder = t.skipOrder[:0]
	clear(t.passes)
	t.failures.reset()
}

// byDecision lists the decisions that were made, by category and action.
func (t *tally) byDecision() []summary.ByDecision {
	out := []summary.ByDecision{}
	for _, c := range t.order {
		for _, d := range []summary.ByDecision{
			{Category: c.name, Action: mapping.Accept.String(), Consents: c.accept},
			{Category: c.name, Action: mapping.Reject.String(), Consents: c.reject},
		} {
			if d.Made > 0 {
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, func(a, b summary.ByDecision) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Action, b.Action))
	})
	return out
}

// skipped lists the reasons of skipped rows, the largest first.
func (t *tally) skipped() []summary.Skip {
	out := []summary.Skip{}
	for reason, n := range t.skips {
		out = append(out, summary.Skip{Reason: reason, Count: n})
	}
	slices.SortFunc(out, func(a, b summary.Skip) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// lastYear is the last year that months counts apart; decisions before 1970
// and after it are counted at the ends.
const lastYear = 2099

const msPerDay = 24 * 60 * 60 * 1000

// months counts decisions by the month in which they were made.
type months struct {
	counts [(lastYear - 1970 + 1) * 12][2]int64
	// from and to bound the months that are not zero, to exclusive.
	from, to int
	// day is the one whose month is index: what is decided on one day often
	// stands together. Days count from 1.
	day   int64
	index int
}

func (m *months) add(ms int64, accept bool) {
	if day := ms/msPerDay + 1; day != m.day {
		y, mo, _ := time.UnixMilli(ms).UTC().Date()
		m.day, m.index = day, min(max((y-1970)*12+int(mo)-1, 0), len(m.counts)-1)
	}
	i := m.index
	if accept {
		m.counts[i][0]++
	} else {
		m.counts[i][1]++
	}
	m.grow(i, i+1)
}

func (m *months) grow(from, to int) {
	if m.to == 0 {
		m.from, m.to = from, to
		return
	}
	m.from, m.to = min(m.from, from), max(m.to, to)
}

// merge adds the months of a batch and empties them.
func (m *months) merge(b *months) {
	if b.to == 0 {
		return
	}
	for i := b.from; i < b.to; i++ {
		m.counts[i][0] += b.counts[i][0]
		m.counts[i][1] += b.counts[i][1]
		b.counts[i] = [2]int64{}
	}
	m.grow(b.from, b.to)
	b.from, b.to = 0, 0
}

// list gives the months from the first to the last that have a decision, the
// empty ones between them left out.
func (m *months) list() []summary.Month {
	out := []summary.Month{}
	for i := m.from; i < m.to; i++ {
		if c := m.counts[i]; c[0]+c[1] > 0 {
			out = append(out, summary.Month{Month: fmt.Sprintf("%04d-%02d", 1970+i/12, i%12+1), Accept: c[0], Reject: c[1]})
		}
	}
	return out
}
