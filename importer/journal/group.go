package journal

import "slices"

// group is what is written together.
type group struct {
	sent    []sentRef
	rest    []Outcome
	records [][]byte      // bodies of other records, in order; below the outcomes
	done    chan struct{} // closed when it was written, or could not be
	err     error         // set before done is closed
}

func (g *group) put(o Outcome) {
	if o.State == Sent {
		g.sent = append(g.sent, sentRef{o.Ref, o.Last})
	} else {
		g.rest = append(g.rest, o)
	}
}

// sentRef is a consent that was sent; last in its row.
type sentRef struct {
	Ref
	last bool
}

// eachSent calls line with the spans of each line of consents sent, using
// memory of spans. One line takes them all, but for consents that are in the
// group twice.
func (g *group) eachSent(spans *[]span, line func([]span, int64)) {
	sent := g.sent
	slices.SortFunc(sent, func(a, b sentRef) int { return a.Compare(b.Ref) })
	for len(sent) > 0 {
		out := (*spans)[:0]
		var again []sentRef
		var last sentRef
		for _, s := range sent {
			switch {
			case len(out) > 0 && s.Ref == last.Ref:
				again = append(again, s)
				continue
			case len(out) > 0 && s.follows(last):
				out[len(out)-1].hi = s.Ref
			default:
				out = append(out, span{s.Ref, s.Ref})
			}
			last = s
		}
		line(out, int64(len(sent)-len(again)))
		*spans, sent = out, again
	}
}

// follows reports whether no consent can lie between o and s.
func (s sentRef) follows(o sentRef) bool {
	if s.Row == o.Row {
		return s.Consent == o.Consent+1
	}
	return o.last && s.Row == o.Row+1 && s.Consent == 1
}
