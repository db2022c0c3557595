package journal

import "slices"

// group is what is written together.
type group struct {
	sent    []sentRef
	known   []sentRef
	begun   []sentRef
	rest    []Outcome
	records [][]byte      // bodies of other records, in order; below the outcomes
	done    chan struct{} // closed when it was written, or could not be
	err     error         // set before done is closed
}

func (g *group) put(o Outcome) {
	switch o.State {
	case Sent:
		g.sent = append(g.sent, sentRef{o.Ref, o.Last})
	case Known:
		g.known = append(g.known, sentRef{o.Ref, o.Last})
	default:
		g.rest = append(g.rest, o)
	}
}

// sentRef is a consent that was sent, or is known; last in its row.
type sentRef struct {
	Ref
	last bool
}

// eachLine calls line with the spans of each line of consents, using memory of
// spans. One line takes them all, but for consents that are there twice.
func eachLine(sent []sentRef, spans *[]span, line func([]span, int64)) {
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
				out = append(out, span{lo: s.Ref, hi: s.Ref})
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
