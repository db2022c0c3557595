package condition

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/expr-lang/expr/ast"
)

// compileFast is false when the expression is not one of the usual shapes.
func compileFast(n ast.Node, names *nameList) (*fastNode, bool) {
	f := &fastNode{at: n.Location().From + 1}
	if v, ok := literal(n); ok {
		f.op, f.value = fastConst, v
		return f, true
	}
	switch n := n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
		ref, ok := refOf(n)
		if !ok {
			f.op = fastElement
			f.members, ok = membersOf(n)
			return f, ok && names.within
		}
		f.op, f.ref = fastRef, names.intern(ref)
		return f, true
	case *ast.UnaryNode:
		if n.Operator != "not" && n.Operator != "!" {
			return nil, false
		}
		f.op = fastNot
		return f, f.children(names, n.Node)
	case *ast.BuiltinNode:
		switch {
		case n.Name == "any" && len(n.Arguments) == 2:
			return f, f.compileAny(n, names)
		case n.Name == "len" && len(n.Arguments) == 1 && names.within:
			f.op = fastLength
			var ok bool
			f.left, ok = compileList(n.Arguments[0], names)
			return f, ok && f.left.op != fastRef
		}
		op, ok := fastFunctions[n.Name]
		if !ok || len(n.Arguments) != 1 {
			return nil, false
		}
		f.op = op
		return f, f.children(names, n.Arguments[0]) && f.joinText()
	case *ast.BinaryNode:
		op, ok := fastOperators[n.Operator]
		if !ok {
			return nil, false
		}
		f.op = op
		switch op {
		case fastIn:
			return f, f.children(names, n.Left) && f.setList(n.Right)
		case fastMatches:
			return f, f.children(names, n.Left) && f.setPattern(n.Right)
		}
		return f, f.children(names, n.Left, n.Right)
	}
	return nil, false
}

var fastFunctions = map[string]fastOp{"lower": fastLower, "upper": fastUpper, "trim": fastTrim, "string": fastText}

var fastOperators = map[string]fastOp{
	"and": fastAnd, "&&": fastAnd, "or": fastOr, "||": fastOr, "??": fastCoalesce,
	"==": fastEqual, "!=": fastNotEqual,
	"<": fastLess, "<=": fastLessOrEqual, ">": fastGreater, ">=": fastGreaterOrEqual,
	"in": fastIn, "matches": fastMatches,
	"contains": fastContains, "startsWith": fastStartsWith, "endsWith": fastEndsWith,
}

func (f *fastNode) children(names *nameList, nodes ...ast.Node) bool {
	var ok bool
	if f.left, ok = compileFast(nodes[0], names); !ok {
		return false
	}
	if len(nodes) == 2 {
		f.right, ok = compileFast(nodes[1], names)
	}
	return ok
}

// joinText takes what a function of text is given from where that one got it: as text it
// is what a function reads anyway, and upper(trim(x)) is one step.
func (f *fastNode) joinText() bool {
	if f.left.op == fastText {
		f.left = f.left.left
	}
	if f.left.op == fastTrim && (f.op == fastLower || f.op == fastUpper) {
		f.trimmed, f.left = true, f.left.left
	}
	return true
}

// literal is the operand that a constant in the expression stands for.
func literal(n ast.Node) (Operand, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return Operand{}, true
	case *ast.StringNode:
		return Operand{jsonvalue.String, []byte(n.Value)}, true
	case *ast.BoolNode:
		return Operand{jsonvalue.Bool, strconv.AppendBool(nil, n.Value)}, true
	case *ast.IntegerNode:
		return Operand{jsonvalue.Number, strconv.AppendInt(nil, int64(n.Value), 10)}, true
	case *ast.FloatNode:
		return Operand{jsonvalue.Number, floatText(n.Value)}, true
	case *ast.UnaryNode:
		if v, ok := literal(n.Node); ok && n.Operator == "-" && v.Kind == jsonvalue.Number && v.Text[0] != '-' {
			return Operand{jsonvalue.Number, append([]byte{'-'}, v.Text...)}, true
		}
	}
	return Operand{}, false
}

// floatText keeps a float apart from an integer: integers compare exactly.
func floatText(f float64) []byte {
	text := strconv.AppendFloat(nil, f, 'f', -1, 64)
	if bytes.IndexByte(text, '.') < 0 {
		text = append(text, ".0"...)
	}
	return text
}

// setList takes the right side of in: a list of constants.
func (f *fastNode) setList(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ArrayNode:
		for _, item := range n.Nodes {
			v, ok := literal(item)
			if !ok {
				return false
			}
			f.list = append(f.list, v)
		}
	case *ast.BuiltinNode: // split("a,b", ",")
		if n.Name != "split" || len(n.Arguments) != 2 {
			return false
		}
		text, ok := n.Arguments[0].(*ast.StringNode)
		by, also := n.Arguments[1].(*ast.StringNode)
		if !ok || !also {
			return false
		}
		for _, item := range strings.Split(text.Value, by.Value) {
			f.list = append(f.list, Operand{jsonvalue.String, []byte(item)})
		}
	default:
		return false
	}
	if slices.ContainsFunc(f.list, func(v Operand) bool { return v.Kind != jsonvalue.String }) {
		return true
	}
	f.texts = make([]string, len(f.list))
	for i, v := range f.list {
		f.texts[i] = string(v.Text)
	}
	if len(f.texts) >= manyTexts {
		f.set = map[string]struct{}{}
		for _, t := range f.texts {
			f.set[t] = struct{}{}
		}
	}
	return true
}

// plainPattern is a pattern that only lists words, which is searched for without
// the machinery of regular expressions.
var plainPattern = regexp.MustCompile(`^[A-Za-z0-9_ -]+(\|[A-Za-z0-9_ -]+)*$`)

func (f *fastNode) setPattern(n ast.Node) bool {
	text, ok := n.(*ast.StringNode)
	if !ok {
		return false
	}
	var err error
	if f.pattern, err = regexp.Compile(text.Value); err != nil {
		return false
	}
	if plainPattern.MatchString(text.Value) {
		f.words = strings.Split(text.Value, "|")
	}
	return true
}
