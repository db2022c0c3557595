//go:build !windows

package main

import (
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gridPart is which of the cells are tried: those whose number leaves the remainder i
// when divided by n. The bounded form takes a few that differ from day to day; the whole
// is taken in one go, or as CONSENTIMPORT_PART=i/n says, in parts that make up the whole.
type gridPart struct{ i, n, day int }

func newGridPart(t *testing.T) gridPart {
	t.Helper()
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, "a number is expected")
		return n
	}
	p := gridPart{n: 997, day: int(time.Now().Unix() / 86400)} // prime, so that the cells of a day lie everywhere
	part, parts, inParts := strings.Cut(os.Getenv("CONSENTIMPORT_PART"), "/")
	if inParts {
		p.day = 0 // the parts are of one whole, whenever they are run
	}
	if v := os.Getenv("CONSENTIMPORT_DAY"); v != "" {
		p.day = number(v)
	}
	switch {
	case inParts:
		p.i, p.n = number(part)-1, number(parts)
		require.True(t, 0 <= p.i && p.i < p.n, "CONSENTIMPORT_PART is part i of n")
	case soak:
		p.n = 1
	default:
		p.i = p.day % p.n
	}
	return p
}

// gridCell is an import that is stopped at one step, and again at another one.
type gridCell struct {
	plan        *gridPlan
	a, b, round int
}

// cells are those of a part, each made when it is asked for.
func (p gridPart) cells(plans []*gridPlan) iter.Seq[gridCell] {
	return func(yield func(gridCell) bool) {
		number := 0
		for round := range stopKinds {
			for _, plan := range plans {
				for a := range plan.steps {
					for b := range plan.steps {
						if number++; number%p.n == p.i && !yield(gridCell{plan, a, b, round}) {
							return
						}
					}
				}
			}
		}
	}
}

// gridSum is what all cells of a grid come to.
type gridSum struct {
	sync.Mutex
	cells, stops, hit, lost, overtaken, repeats, bound, verify int
}

func (s *gridSum) add(g *grid, w weight) {
	s.Lock()
	defer s.Unlock()
	s.cells, s.stops, s.hit = s.cells+1, s.stops+g.stops, s.hit+g.hit
	s.lost, s.overtaken, s.repeats, s.bound = s.lost+w.lost, s.overtaken+w.overtaken, s.repeats+w.repeats, s.bound+g.stops*gridConcurrency
	if w.verify.code == exitComplete {
		s.verify++
	}
}

func (s *gridSum) String() string {
	s.Lock()
	defer s.Unlock()
	return fmt.Sprintf("cells %d, stops %d (as planned %d), lost %d, overtaken %d, repeats %d of %d allowed, verify holds for %d", s.cells, s.stops, s.hit, s.lost, s.overtaken, s.repeats, s.bound, s.verify)
}
