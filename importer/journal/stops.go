package journal

import (
	"slices"
	"sort"
)

// stop is a place behind a mark. Above it nothing stands of the rows behind high, but for what
// came early, of which it has the first spans and rest of segment.early. Whoever asks for the
// outcomes from a row on, as a resume does, begins to read there and not at the beginning.
type stop struct {
	place
	high        int64
	spans, rest int
}

// mostStops bounds segment.stops.
const mostStops = 256

// stop notes that a mark ends at a place.
func (g *segment) stop(at place) {
	if g.passed++; g.passed < g.apart || g.ahead {
		return
	}
	g.passed = 0
	if len(g.stops) == mostStops {
		for i := range mostStops / 2 {
			g.stops[i] = g.stops[2*i+1]
		}
		g.stops = g.stops[:mostStops/2]
		g.apart = max(1, g.apart) * 2
	}
	g.stops = append(g.stops, stop{at, g.high, len(g.early.spans), len(g.early.rest)})
}

// before is the last place to begin at for row and those behind it, and what stands above it
// of them.
func (g *segment) before(row int64) (stop, window) {
	n := sort.Search(len(g.stops), func(i int) bool { return g.stops[i].high >= row })
	if n == 0 {
		return stop{place: g.from}, window{}
	}
	at := g.stops[n-1]
	return at, window{spans: slices.Clone(g.early.spans[:at.spans]), rest: slices.Clone(g.early.rest[:at.rest])}
}
