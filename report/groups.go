package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report/summary"
)

const (
	// maxGroups is how many groups the report lists.
	maxGroups = 100
	// maxLiveGroups is how many are counted apart while the survey goes on.
	// Counts must stay exact, so a group that was not among the first ones is
	// counted by its coarse reason, as far as maxCoarseGroups, and then as other.
	maxLiveGroups   = 2000
	maxCoarseGroups = 2500
	// maxMapReason is how long, in bytes, the reason of an invalid row may be.
	maxMapReason = 300
	// maxGroupRows is how many rows a group names.
	maxGroupRows = 10
	// coarseReason is how much, in bytes, of a reason tells coarse groups apart.
	coarseReason = 24
	// maxMasked bounds the memory for texts masked already.
	maxMasked = 1024
)

// groupKey tells failures apart.
type groupKey struct {
	stage  string
	status int
	reason string
	column string
}

// group counts failures alike.
type group struct {
	key   groupKey
	count int64
	rows  []int64 // the first ones, each once, ascending
}

// groups counts failures by group, in bounded memory.
type groups struct {
	byKey  map[groupKey]*group
	order  []*group // by first appearance
	masked map[string]string
}

func newGroups() groups {
	return groups{byKey: map[groupKey]*group{}, masked: map[string]string{}}
}

// invalidText says why a row is invalid. The mapping masks values and names
// columns itself, so the text stands as it is.
func invalidText(r *survey.Row) string {
	switch {
	case r.Reason != "":
		return r.Reason
	case r.Row.Reason != "":
		return r.Row.Reason
	default:
		return "invalid"
	}
}

// mapReason is what the reasons of invalid rows alike have in common: places in
// the row or its file are no part of it. Where "the first" of a file stands is: a lookup's
// rows that cannot be read are the same for all rows.
func mapReason(text string) string {
	for _, place := range [...]string{"line ", "byte "} {
		for from := 0; ; {
			i := strings.Index(text[from:], place)
			if i < 0 {
				break
			}
			at := from + i + len(place)
			end := at
			for end < len(text) && text[end] >= '0' && text[end] <= '9' {
				end++
			}
			if end > at && !strings.HasSuffix(text[:at-len(place)], "the first on ") {
				text = text[:at] + "#" + text[end:]
			}
			from = at
		}
	}
	return cut(unlistedValue.ReplaceAllString(text, "$1 a value$2"), maxMapReason)
}

// unlistedValue finds a value that the mapping does not list: one cause, whatever the
// value.
var unlistedValue = regexp.MustCompile(`^([A-Za-z]+:) value (?:"(?:[^"\\]|\\.)*"|\(\d+ characters[^)]*\))((?: of column .*)? is not listed in values)`)

// sendReason is the target's text with its variable parts masked.
func (g *groups) sendReason(o *journal.Outcome) string {
	if o.Message == "" {
		if o.Status == 0 {
			return "no answer"
		}
		return "no message"
	}
	if s, ok := g.masked[o.Message]; ok {
		return s
	}
	if len(g.masked) >= maxMasked {
		clear(g.masked)
	}
	s := maskVariable(o.Message)
	g.masked[o.Message] = s
	return s
}

// add counts one failure.
func (g *groups) add(k groupKey, row int64) {
	x := g.byKey[k]
	if x == nil {
		x = &group{key: k}
		g.byKey[k] = x
		g.order = append(g.order, x)
	}
	x.count++
	x.addRow(row)
}

// addRow names a row in which the group occurred. Rows come in ascending order.
func (x *group) addRow(row int64) {
	n := len(x.rows)
	if n < maxGroupRows && (n == 0 || x.rows[n-1] != row) {
		x.rows = append(x.rows, row)
	}
}

// merge adds the groups of a batch.
func (g *groups) merge(b *groups) {
	for _, x := range b.order {
		all := g.live(x.key)
		all.count += x.count
		for _, row := range x.rows {
			all.addRow(row)
		}
	}
}

// live finds the group that counts failures with key k: their own as long as
// there is room, then one with a coarse reason, then OtherGroups.
func (g *groups) live(k groupKey) *group {
	if x := g.byKey[k]; x != nil {
		return x
	}
	if len(g.order) >= maxLiveGroups {
		if len(k.reason) > coarseReason {
			k.reason = cut(k.reason, coarseReason) + "…"
		}
		if x := g.byKey[k]; x != nil {
			return x
		}
		if len(g.order) >= maxCoarseGroups {
			k = groupKey{stage: summary.StageOther, reason: summary.OtherGroups}
			if x := g.byKey[k]; x != nil {
				return x
			}
		}
	}
	x := &group{key: k}
	g.byKey[k] = x
	g.order = append(g.order, x)
	return x
}

func (g *groups) reset() {
	clear(g.byKey)
	g.order = g.order[:0]
}

// list gives the largest groups with their suggestions, and the rest as one.
func (g *groups) list() []summary.FailureGroup {
	var total int64
	var other int64
	live := make([]*group, 0, len(g.order))
	for _, x := range g.order {
		total += x.count
		if x.key.stage == summary.StageOther {
			other += x.count
			continue
		}
		live = append(live, x)
	}
	slices.SortStableFunc(live, func(a, b *group) int { return cmp.Compare(b.count, a.count) })
	out := []summary.FailureGroup{}
	for i, x := range live {
		if i >= maxGroups {
			other += x.count
			continue
		}
		f := summary.FailureGroup{
			Stage: x.key.stage, Status: x.key.status, Reason: x.key.reason, Column: x.key.column,
			Count: x.count, Rows: slices.Clone(x.rows), Share: share(x.count, total),
		}
		f.Suggestion = suggest(&f)
		out = append(out, f)
	}
	if other > 0 {
		out = append(out, summary.FailureGroup{
			Stage: summary.StageOther, Reason: summary.OtherGroups, Count: other, Rows: []int64{}, Share: share(other, total),
		})
	}
	return out
}

// share is n of total, to four digits.
func share(n, total int64) float64 {
	if total == 0 {
		return 0
	}
	return float64(int64(float64(n)/float64(total)*10000+0.5)) / 10000
}
