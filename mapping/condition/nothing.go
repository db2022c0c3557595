package condition

import "github.com/expr-lang/expr/ast"

// nothings lets what is not there, or null, equal the empty text where a condition writes
// "": an empty cell of CSV, a null and a missing member of JSON say the same. Compared with
// nil, a null is not an empty text.
type nothings struct{}

func (nothings) Visit(n *ast.Node) {
	b, ok := (*n).(*ast.BinaryNode)
	if !ok {
		return
	}
	switch b.Operator {
	case "==", "!=":
		if isEmptyText(b.Right) {
			b.Left = orEmpty(b.Left)
		} else if isEmptyText(b.Left) {
			b.Right = orEmpty(b.Right)
		}
	case "in":
		list, ok := b.Right.(*ast.ArrayNode)
		if !ok {
			return
		}
		empty := false
		for _, item := range list.Nodes {
			if _, isNil := item.(*ast.NilNode); isNil {
				return
			}
			empty = empty || isEmptyText(item)
		}
		if empty {
			b.Left = orEmpty(b.Left)
		}
	}
}

func isEmptyText(n ast.Node) bool {
	s, ok := n.(*ast.StringNode)
	return ok && s.Value == ""
}

// orEmpty gives the empty text for a name that stands for nothing.
func orEmpty(n ast.Node) ast.Node {
	switch n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
	default:
		return n
	}
	empty := &ast.StringNode{}
	both := &ast.BinaryNode{Operator: "??", Left: n, Right: empty}
	empty.SetLocation(n.Location())
	both.SetLocation(n.Location())
	return both
}
