package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// ToDecide is the word that stands in a mapping where a person has to decide.
const ToDecide = "DECIDE"

// undecided refuses a mapping in which something is still open: run would take the
// word for a column or a category. A fault that is another one is told first.
func (r *reader) undecided(root ast.Node) {
	var open undecidedNodes
	ast.Walk(&open, root)
	if len(open) == 0 {
		return
	}
	places := make([]place, len(open))
	for i, n := range open {
		places[i] = placeOf(n)
	}
	if r.err != nil && !strings.Contains(r.err.Message, ToDecide) &&
		!slices.ContainsFunc(places, func(p place) bool { return p.line == r.err.Line }) {
		return
	}
	r.err = nil
	r.fail(open[0], "%s stands where a person has to decide; %s", ToDecide, "the comment above it or beside it says what")
	var lines []string
	for _, p := range places[1:] {
		if line := fmt.Sprint(p.line); line != fmt.Sprint(places[0].line) && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		r.err.Hint = "more is to be decided on line " + strings.Join(lines, ", ")
	}
}

// undecidedNodes are the scalars of a tree that say ToDecide.
type undecidedNodes []ast.Node

// Visit implements ast.Visitor.
func (u *undecidedNodes) Visit(n ast.Node) ast.Visitor {
	if s, ok := n.(*ast.StringNode); ok && s.Value == ToDecide {
		*u = append(*u, n)
	}
	return u
}
