package journal

import "slices"

// window holds the outcomes of one pass around its low-water row: those that
// arrived ahead of their turn.
type window struct {
	spans []span    // sent, or known
	rest  []Outcome // all others
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
		case last.hi.Row == s.lo.Row && last.hi.Consent+1 == s.lo.Consent && last.known == s.known:
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
