// Package condition evaluates the expressions by which a mapping skips rows and
// chooses cases, over cells that are always text. The usual shapes are evaluated on
// the bytes of the row, without allocating; all others by expr's virtual machine,
// and a test holds that both ways agree.
package condition

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// Ref is a name that a condition mentions.
type Ref struct {
	Each     bool   // below each.: Name is the path behind it
	Name     string // column or path; "$file"; "$row"
	Optional bool   // need not exist: written row["…"], with ?., or below each.
	// Spared says that the condition has an answer for rows without the name: it is
	// written with ?., stands before ??, or is compared with nil.
	Spared bool
}

// Condition is a compiled skip: or when: expression. It is in the language of
// expr-lang/expr, with comparisons made for cells, which are always text: a cell
// true equals true, a cell 5 equals 5 and is less than 10, and what is not there equals "". One goroutine at a
// time may use it.
type Condition struct {
	refs    []Ref
	fast    *fastNode // nil: the shape is not one of the usual ones
	run     fastRun   // of the fast evaluator
	program *program  // expr's virtual machine, for all shapes
	machine vm.VM
	env     map[string]any
	steps   steps // of the program, for the row that it looks at
}

// Refs are the names that the condition mentions, each once.
func (c *Condition) Refs() []Ref { return c.refs }

// Clone gives a condition for one more goroutine.
func (c *Condition) Clone() *Condition {
	return &Condition{refs: c.refs, fast: c.fast, program: c.program}
}

// ListsIn says where lists of a row lie that were parsed with it, so that a condition
// need not parse their text again: for an operand that is a list, its document and node,
// no document where there is none.
func (c *Condition) ListsIn(parsed func(ref int) (doc *jsonvalue.Doc, node int)) {
	c.run.parsed = parsed
}

// maxConditionLen bounds an expression in bytes, and so how deep the parser
// recurses.
const maxConditionLen = 16 << 10

// maxConditionNodes bounds the work: the parser gives b of a < b < c two places,
// so nested chains double with each level.
const maxConditionNodes = 10000

var errTooLong error = &Error{reason: "the condition is too long"}

// Error says what is wrong with a condition, and where in it. It never
// holds a value of a row.
type Error struct {
	at     int // character, from 1; 0 when unknown
	reason string
}

func (e *Error) Error() string {
	if e.at == 0 {
		return e.reason
	}
	return fmt.Sprintf("%s (character %d of the condition)", e.reason, e.at)
}

// New compiles an expression. Its errors are one line each.
func New(source string) (c *Condition, err error) {
	defer func() {
		// The parser and the compiler are not ours, and a mapping must not
		// stop the process.
		if r := recover(); r != nil {
			c, err = nil, &Error{reason: "the condition cannot be read"}
			if r == errTooLong {
				err = errTooLong
			}
		}
	}()
	if strings.TrimSpace(source) == "" {
		return nil, &Error{reason: "the condition is empty"}
	}
	if len(source) > maxConditionLen {
		return nil, &Error{reason: fmt.Sprintf("the condition is longer than %d bytes", maxConditionLen)}
	}
	tree, err := parser.ParseWithConfig(source, nil)
	if err != nil {
		return nil, syntaxError(err)
	}
	ast.Walk(&tree.Node, new(nodeCount))
	names := &nameList{index: map[Ref]int{}}
	guarded := guards{}
	ast.Walk(&tree.Node, guarded)
	ast.Walk(&tree.Node, nothings{})
	fast, usual := compileFast(tree.Node, names)
	program, err := compileProgram(tree, names)
	if err != nil {
		return nil, err
	}
	for key, i := range names.index {
		names.refs[i].Spared = names.refs[i].Spared || guarded[key]
	}
	c = &Condition{refs: names.refs, program: program}
	if usual {
		c.fast = fast
	}
	return c, nil
}

// Holds tells whether the condition is true of a row. get gives the operand of
// Refs()[ref]; it is called as needed, perhaps more than once for one name.
func (c *Condition) Holds(get func(ref int) Operand) (bool, error) {
	if c.fast == nil {
		return c.runProgram(get)
	}
	r := &c.run
	r.get, r.scratch, r.err = get, r.scratch[:0], nil
	r.elements.looked, r.elements.beyond = 0, false
	holds := r.truth(c.fast)
	if r.elements.beyond {
		return c.runProgram(get)
	}
	if r.err != nil {
		return false, r.err
	}
	return holds, nil
}

// nameList collects the names of a condition, each once.
type nameList struct {
	refs  []Ref
	index map[Ref]int // by the name, without optional

	within bool // compileFast is within the predicate of a list
}

// nodeCount counts the nodes of a tree, those with two places twice, and stops
// the walk, which has no other way to end, with a panic when they are too many.
type nodeCount int

func (c *nodeCount) Visit(*ast.Node) {
	if *c++; *c > maxConditionNodes {
		panic(errTooLong)
	}
}

func (n *nameList) intern(ref Ref) int {
	key := ref.key()
	i, known := n.index[key]
	if !known {
		i = len(n.refs)
		n.refs = append(n.refs, ref)
		n.index[key] = i
	} else {
		n.refs[i].Optional = n.refs[i].Optional && ref.Optional
		n.refs[i].Spared = n.refs[i].Spared || ref.Spared
	}
	return i
}

// key is the name alone, however it is written.
func (r Ref) key() Ref { return Ref{Each: r.Each, Name: r.Name} }

// guards collects the names for whose absence an expression has an answer.
type guards map[Ref]bool

func (g guards) Visit(n *ast.Node) {
	b, ok := (*n).(*ast.BinaryNode)
	if !ok {
		return
	}
	switch b.Operator {
	case "??":
		g.before(b.Left)
	case "==", "!=":
		_, left := b.Left.(*ast.NilNode)
		_, right := b.Right.(*ast.NilNode)
		if left {
			g.add(b.Right)
		}
		if right {
			g.add(b.Left)
		}
	}
}

// before adds what stands before a ??, other ?? included: in a ?? b ?? c that is a
// and b.
func (g guards) before(n ast.Node) {
	if b, ok := n.(*ast.BinaryNode); ok && b.Operator == "??" {
		g.before(b.Left)
		g.before(b.Right)
		return
	}
	g.add(n)
}

func (g guards) add(n ast.Node) {
	if ref, ok := refOf(n); ok {
		g[ref.key()] = true
	}
}

// refOf reads a name: column, user.country, items[0].id, row["Odd
// Name"], each.key. It is false for what is none.
func refOf(n ast.Node) (ref Ref, ok bool) {
	var steps []string // from the last to the first; [0] and ["odd name"] keep their brackets
	plain := ""        // the only step, as a name
	for {
		switch at := n.(type) {
		case *ast.ChainNode:
			n = at.Node
		case *ast.MemberNode:
			if at.Method {
				return ref, false
			}
			ref.Optional, ref.Spared = ref.Optional || at.Optional, ref.Spared || at.Optional
			switch p := at.Property.(type) {
			case *ast.StringNode:
				if p.Value == "" || strings.Contains(p.Value, `"]`) {
					return ref, false
				}
				plain = p.Value
				steps = append(steps, pathStepText(p.Value))
			case *ast.IntegerNode:
				steps = append(steps, fmt.Sprintf("[%d]", p.Value))
			default:
				return ref, false
			}
			n = at.Node
		case *ast.IdentifierNode:
			switch at.Value {
			case "row", "each":
				if len(steps) == 0 || isIndexStep(steps[len(steps)-1]) {
					return ref, false
				}
				ref.Each, ref.Optional = at.Value == "each", true
			default:
				if at.Value == "$env" {
					return ref, false
				}
				plain = at.Value
				steps = append(steps, at.Value)
			}
			if len(steps) == 1 {
				ref.Name = plain
				return ref, true
			}
			var b strings.Builder
			for i := len(steps) - 1; i >= 0; i-- {
				if b.Len() > 0 && steps[i][0] != '[' {
					b.WriteByte('.')
				}
				b.WriteString(steps[i])
			}
			ref.Name = b.String()
			return ref, true
		default:
			return ref, false
		}
	}
}

func isIndexStep(step string) bool {
	return step[0] == '[' && step[1] != '"'
}

// pathStepText writes a member as a step of a JSON path.
func pathStepText(name string) string {
	if strings.ContainsAny(name, `.[]" `) {
		return `["` + name + `"]`
	}
	return name
}

// isText tells that a node gives text or a number for sure, so it is no
// condition.
func isText(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.ArrayNode, *ast.MapNode:
		return true
	case *ast.BuiltinNode:
		switch n.Name {
		case "lower", "upper", "trim", "string", "split", "len":
			return true
		}
	case *ast.CallNode:
		id, ok := n.Callee.(*ast.IdentifierNode)
		return ok && id.Value == "#text"
	}
	return false
}

// syntaxError says what the parser says in one line of plain words.
func syntaxError(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return &Error{reason: spelling.OneLine(err.Error())}
	}
	reason := at.Message
	if reason == "literal not terminated" {
		return &Error{reason: "a text in the condition has no closing quote"}
	}
	if rest, ok := strings.CutPrefix(reason, "unexpected token "); ok {
		_, token, quoted := strings.Cut(strings.TrimSuffix(rest, ")"), "(")
		switch {
		case rest == "EOF":
			reason = "the condition ends too early"
		case token == `"="`:
			reason = `unexpected "=": compare with ==`
		case strings.HasPrefix(rest, "Identifier") && quoted:
			reason = "unexpected " + token + `: put text in quotes, and write a name with spaces as row["…"]`
		case quoted:
			reason = "unexpected " + token
		}
	}
	return &Error{at: at.From + 1, reason: spelling.OneLine(reason)}
}
