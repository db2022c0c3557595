package journal

import (
	"slices"
	"sort"
)

// window holds the outcomes of one pass around its low-water row: those that
// arrived ahead of their turn.
type window struct {
	spans []span    // sent
	rest  []Outcome // all others
	clean int       // size after the last prune
}

// pruneMin is how much a window may grow before it is worth going through.
const pruneMin = 4096

// prune drops outcomes of rows below row, now and then: it costs a constant
// amount an outcome, however often it is called.
func (w *window) prune(row int64) {
	if len(w.spans)+len(w.rest) < 2*w.clean+pruneMin {
		return
	}
	w.drop(row)
}

func (w *window) drop(row int64) {
	w.spans = slices.DeleteFunc(w.spans, func(s span) bool { return s.hi.Row < row })
	w.rest = slices.DeleteFunc(w.rest, func(o Outcome) bool { return o.Ref.Row < row })
	w.clean = len(w.spans) + len(w.rest)
}

// sort brings everything into the order of Ref.Compare and joins spans that
// touch. twice, when not nil, is called for a consent that is sent twice or has
// two other outcomes; of these the later stays.
func (w *window) sort(twice func(Ref)) {
	byLo := func(a, b span) int { return a.lo.Compare(b.lo) }
	if !slices.IsSortedFunc(w.spans, byLo) {
		slices.SortFunc(w.spans, byLo)
	}
	out := w.spans[:0]
	for _, s := range w.spans {
		if len(out) == 0 {
			out = append(out, s)
			continue
		}
		last := &out[len(out)-1]
		switch {
		case !last.hi.less(s.lo):
			if twice != nil {
				twice(s.lo)
			}
			if last.hi.less(s.hi) {
				last.hi = s.hi
			}
		case last.hi.Row == s.lo.Row && last.hi.Consent+1 == s.lo.Consent:
			last.hi = s.hi
		default:
			out = append(out, s)
		}
	}
	w.spans = out

	slices.SortStableFunc(w.rest, func(a, b Outcome) int { return a.Ref.Compare(b.Ref) })
	rest := w.rest[:0]
	for _, o := range w.rest {
		if len(rest) > 0 && rest[len(rest)-1].Ref == o.Ref {
			if twice != nil {
				twice(o.Ref)
			}
			rest[len(rest)-1] = o
			continue
		}
		rest = append(rest, o)
	}
	w.rest = rest
}

// find looks a consent up; the window is sorted.
func (w *window) find(r Ref) (Outcome, bool) {
	if i := sort.Search(len(w.spans), func(i int) bool { return !w.spans[i].hi.less(r) }); i < len(w.spans) && w.spans[i].has(r) {
		return Outcome{Ref: r, State: Sent}, true
	}
	if i := sort.Search(len(w.rest), func(i int) bool { return !w.rest[i].Ref.less(r) }); i < len(w.rest) && w.rest[i].Ref == r {
		return w.rest[i], true
	}
	return Outcome{}, false
}
