package condition

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/patcher"
	"github.com/expr-lang/expr/vm"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// program is a condition for expr's virtual machine. Names are slots of
// its environment, and the operators that compare are ours.
type program struct {
	code  *vm.Program
	slots []programSlot
}

// programSlot is a name of the environment. A text slot holds what a value says
// as text, the other its value.
type programSlot struct {
	name string
	ref  int
	text bool
}

func (c *Condition) runProgram(get func(ref int) Operand) (bool, error) {
	if c.env == nil {
		c.env = make(map[string]any, len(c.program.slots)+1)
		c.env[stepsName] = &c.steps
	}
	c.steps.left = maxSteps
	for _, s := range c.program.slots {
		v := get(s.ref)
		switch {
		case v.Kind == jsonvalue.Null:
			c.env[s.name] = nil
		case s.text:
			c.env[s.name] = string(v.Text)
		default:
			c.env[s.name] = v.decoded()
		}
	}
	out, err := c.machine.Run(c.program.code, c.env)
	if err != nil {
		return false, runError(err)
	}
	holds, _ := out.(bool)
	return holds, nil
}

// runError keeps expr's own messages to itself: they may quote values.
func runError(err error) error {
	at := 0
	var place *file.Error
	if errors.As(err, &place) {
		at = place.From + 1
	}
	var own *Error
	if errors.As(err, &own) {
		return &Error{at: at, reason: own.reason}
	}
	return &Error{at: at, reason: "cannot be evaluated for these values: one is missing or has the wrong type"}
}

// compileProgram checks an expression and compiles it for the virtual machine.
func compileProgram(tree *parser.Tree, names *nameList) (*program, error) {
	w := &programWriter{names: names, slots: map[programSlot]bool{}}
	tree.Node = w.write(tree.Node, false)
	if w.err != nil {
		return nil, w.err
	}
	utc := patcher.WithTimezone{Location: time.UTC}
	ast.Walk(&tree.Node, utc)
	config := conf.New(map[string]any{})
	config.Strict = false // columns are known only when the mapping meets its export
	for _, f := range programFunctions() {
		config.Functions[f.Name] = f
	}
	gives, err := checker.Check(tree, config)
	if err != nil {
		return nil, syntaxError(err)
	}
	switch gives.Kind() {
	case reflect.Bool:
	case reflect.Interface:
		tree.Node = w.truth(tree.Node)
		if _, err := checker.Check(tree, config); err != nil {
			return nil, syntaxError(err)
		}
	default:
		w.fail(tree.Node, notTruth)
	}
	if w.err != nil {
		return nil, w.err
	}
	code, err := compiler.Compile(tree, config)
	if err != nil {
		return nil, &Error{reason: "the condition cannot be compiled"}
	}
	p := &program{code: code}
	for s := range w.slots {
		p.slots = append(p.slots, s)
	}
	return p, nil
}

const notTruth = `is not true or false: compare it, as in lower(name) == "yes"`

// programWriter turns names into slots and operators into our functions.
type programWriter struct {
	names  *nameList
	slots  map[programSlot]bool
	locals []string // of let
	err    error
}

func (w *programWriter) fail(n ast.Node, format string, args ...any) ast.Node {
	if w.err == nil {
		w.err = &Error{at: n.Location().From + 1, reason: fmt.Sprintf(format, args...)}
	}
	return n
}

func (w *programWriter) call(at ast.Node, name string, args ...ast.Node) ast.Node {
	callee := &ast.IdentifierNode{Value: name}
	n := &ast.CallNode{Callee: callee, Arguments: args}
	callee.SetLocation(at.Location())
	n.SetLocation(at.Location())
	return n
}

// truth makes a node true or false.
func (w *programWriter) truth(n ast.Node) ast.Node {
	if isText(n) {
		return w.fail(n, notTruth)
	}
	return w.call(n, "#truth", n)
}

func (w *programWriter) text(n ast.Node) ast.Node {
	return w.call(n, "#text", w.write(n, true))
}

// write gives the node for the machine; text tells that only what it says as
// text counts. Nodes may be written twice: a < b < c has b in two places.
func (w *programWriter) write(n ast.Node, text bool) ast.Node {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return w.name(n, text)
	case *ast.MemberNode:
		if w.isRow(n) {
			return w.name(n, text)
		}
		n.Node, n.Property = w.write(n.Node, false), w.write(n.Property, false)
	case *ast.ChainNode:
		if w.isRow(n) {
			return w.name(n, text)
		}
		n.Node = w.write(n.Node, false)
	case *ast.UnaryNode:
		n.Node = w.write(n.Node, false)
		if n.Operator == "not" || n.Operator == "!" {
			n.Node = w.truth(n.Node)
		}
	case *ast.BinaryNode:
		return w.binary(n, text)
	case *ast.BuiltinNode:
		return w.builtin(n)
	case *ast.CallNode:
		return w.unknown(n)
	case *ast.ConditionalNode:
		n.Cond = w.truth(w.write(n.Cond, false))
		n.Exp1, n.Exp2 = w.write(n.Exp1, text), w.write(n.Exp2, text)
	case *ast.VariableDeclaratorNode:
		n.Value = w.write(n.Value, false)
		w.locals = append(w.locals, n.Name)
		n.Expr = w.write(n.Expr, text)
		w.locals = w.locals[:len(w.locals)-1]
	case *ast.PredicateNode:
		n.Node = w.step(n.Node, w.write(n.Node, false))
	case *ast.SliceNode:
		n.Node = w.write(n.Node, text)
		if n.From != nil {
			n.From = w.write(n.From, false)
		}
		if n.To != nil {
			n.To = w.write(n.To, false)
		}
	case *ast.SequenceNode:
		w.all(n.Nodes)
	case *ast.ArrayNode:
		w.all(n.Nodes)
	case *ast.MapNode:
		w.all(n.Pairs)
	case *ast.PairNode:
		n.Key, n.Value = w.write(n.Key, false), w.write(n.Value, false)
	}
	return n
}

func (w *programWriter) all(nodes []ast.Node) {
	for i := range nodes {
		nodes[i] = w.write(nodes[i], false)
	}
}

// isRow tells that a path begins at the row, not at a local name or a result.
func (w *programWriter) isRow(n ast.Node) bool {
	if _, ok := refOf(n); !ok {
		return false
	}
	for {
		switch at := n.(type) {
		case *ast.ChainNode:
			n = at.Node
		case *ast.MemberNode:
			n = at.Node
		case *ast.IdentifierNode:
			return !w.own(at.Value)
		default:
			return false
		}
	}
}

func (w *programWriter) own(name string) bool {
	return name[0] == '#' || slices.Contains(w.locals, name)
}

func (w *programWriter) name(n ast.Node, text bool) ast.Node {
	if id, ok := n.(*ast.IdentifierNode); ok && w.own(id.Value) {
		return n
	}
	ref, ok := refOf(n)
	if !ok {
		return w.fail(n, `row and each need a name behind them, such as row["Odd Name"] or each.key`)
	}
	s := programSlot{ref: w.names.intern(ref), text: text}
	s.name = "#" + strconv.Itoa(s.ref)
	if text {
		s.name += "t"
	}
	w.slots[s] = true
	slot := &ast.IdentifierNode{Value: s.name}
	slot.SetLocation(n.Location())
	return slot
}

func (w *programWriter) binary(n *ast.BinaryNode, text bool) ast.Node {
	switch n.Operator {
	case "and", "&&", "or", "||":
		n.Left, n.Right = w.truth(w.write(n.Left, false)), w.truth(w.write(n.Right, false))
		return n
	case "??":
		n.Left, n.Right = w.write(n.Left, text), w.write(n.Right, text)
		return n
	case "==", "!=", "<", "<=", ">", ">=", "in":
		return w.call(n, "#"+n.Operator, w.write(n.Left, false), w.write(n.Right, false))
	case "contains", "startsWith", "endsWith":
		return w.call(n, "#"+n.Operator, w.write(n.Left, true), w.write(n.Right, true))
	case "matches":
		pattern := w.write(n.Right, true)
		if s, ok := pattern.(*ast.StringNode); ok {
			re, err := regexp.Compile(s.Value)
			if err != nil {
				return w.fail(n.Right, "%s", spelling.OneLine(err.Error()))
			}
			pattern = &ast.ConstantNode{Value: re}
			pattern.SetLocation(s.Location())
		}
		return w.call(n, "#matches", w.write(n.Left, true), pattern)
	}
	n.Left, n.Right = w.write(n.Left, false), w.write(n.Right, false)
	if n.Operator == "+" {
		return w.call(n, "#+", n.Left, n.Right)
	}
	return n
}

func (w *programWriter) builtin(n *ast.BuiltinNode) ast.Node {
	switch n.Name {
	case "uniq", "toJSON", "join":
		return w.fail(n, "%s() is not for conditions: its time or its result grows without bound", n.Name)
	case "now", "keys", "values", "toPairs", "groupBy":
		return w.fail(n, "%s() gives a different result in every run, so a mapping cannot use it", n.Name)
	case "string":
		if len(n.Arguments) == 1 {
			return w.text(n.Arguments[0])
		}
	case "lower", "upper", "trim", "trimPrefix", "trimSuffix", "split", "splitAfter", "replace",
		"hasPrefix", "hasSuffix", "indexOf", "lastIndexOf", "repeat":
		if len(n.Arguments) > 0 {
			n.Arguments[0] = w.text(n.Arguments[0])
			w.all(n.Arguments[1:])
			if n.Name == "replace" {
				return w.call(n, "#replace", n.Arguments...)
			}
			return n
		}
	}
	w.all(n.Arguments)
	switch n.Name {
	case "all", "none", "any", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count":
		if len(n.Arguments) > 1 {
			if p, ok := n.Arguments[1].(*ast.PredicateNode); ok {
				p.Node = w.truth(p.Node)
			}
		}
	}
	return n
}

func (w *programWriter) unknown(n *ast.CallNode) ast.Node {
	id, ok := n.Callee.(*ast.IdentifierNode)
	switch {
	case !ok:
		return w.fail(n, "a value of a row is not a function")
	case id.Value[0] == '#':
		return n
	}
	return w.fail(n, "unknown function %s()%s", id.Value, spelling.DidYouMean(id.Value, builtin.Names))
}
