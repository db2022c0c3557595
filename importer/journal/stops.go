package journal

import "sort"

// stop is a place behind a mark: of rows behind far, nothing stands above it. Whoever asks for
// the outcomes from a row on, as a resume does, begins to read there and not at the beginning.
type stop struct {
	place
	far, high int64
}

// mostStops bounds segment.stops.
const mostStops = 256

// stop notes that a mark ends at a place.
func (g *segment) stop(at place) {
	if g.passed++; g.passed < g.apart {
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
	g.stops = append(g.stops, stop{at, g.far, g.high})
}

// before is the last place above which nothing stands of a row, nor of those behind it.
func (g *segment) before(row int64) stop {
	n := sort.Search(len(g.stops), func(i int) bool { return g.stops[i].far >= row })
	if n == 0 {
		return stop{place: g.from}
	}
	return g.stops[n-1]
}
