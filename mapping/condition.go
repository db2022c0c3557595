package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
	"github.com/expr-lang/expr/vm/runtime"
)

// operand is what a name in a condition stands for in one row.
type operand struct {
	kind jsonKind // jsonNull: there is nothing
	text []byte   // what a string says, or the literal of another value
}

// conditionRef is a name that a condition mentions.
type conditionRef struct {
	each     bool   // below each.: name is the path behind it
	name     string // column or path; "$file"; "$row"
	optional bool   // need not exist: written row["…"], with ?., or below each.
}

// condition is a compiled skip: or when: expression. It is in the language of
// expr-lang/expr, with comparisons made for cells, which are always text: a cell
// true equals true, a cell 5 equals 5 and is less than 10. One goroutine at a
// time may use it.
type condition struct {
	refs    []conditionRef
	fast    *fastNode         // nil: the shape is not one of the usual ones
	run     fastRun           // of the fast evaluator
	program *conditionProgram // expr's virtual machine, for all shapes
	machine vm.VM
	env     map[string]any
}

// clone gives a condition for one more goroutine.
func (c *condition) clone() *condition {
	return &condition{refs: c.refs, fast: c.fast, program: c.program}
}

// maxConditionLen bounds an expression in bytes, and so how deep the parser
// recurses.
const maxConditionLen = 16 << 10

// maxConditionNodes bounds the work: the parser gives b of a < b < c two places,
// so nested chains double with each level.
const maxConditionNodes = 10000

var errTooLong error = &conditionError{reason: "the condition is too long"}

// conditionError says what is wrong with a condition, and where in it. It never
// holds a value of a row.
type conditionError struct {
	at     int // character, from 1; 0 when unknown
	reason string
}

func (e *conditionError) Error() string {
	if e.at == 0 {
		return e.reason
	}
	return fmt.Sprintf("%s (character %d of the condition)", e.reason, e.at)
}

// newCondition compiles an expression. Its errors are one line each.
func newCondition(source string) (c *condition, err error) {
	defer func() {
		// The parser and the compiler are not ours, and a mapping must not
		// stop the process.
		if r := recover(); r != nil {
			c, err = nil, &conditionError{reason: "the condition cannot be read"}
			if r == errTooLong {
				err = errTooLong
			}
		}
	}()
	if strings.TrimSpace(source) == "" {
		return nil, &conditionError{reason: "the condition is empty"}
	}
	if len(source) > maxConditionLen {
		return nil, &conditionError{reason: fmt.Sprintf("the condition is longer than %d bytes", maxConditionLen)}
	}
	tree, err := parser.ParseWithConfig(source, nil)
	if err != nil {
		return nil, syntaxError(err)
	}
	ast.Walk(&tree.Node, new(nodeCount))
	names := &conditionNames{index: map[conditionRef]int{}}
	fast, usual := compileFast(tree.Node, names)
	program, err := compileProgram(tree, names)
	if err != nil {
		return nil, err
	}
	c = &condition{refs: names.refs, program: program}
	if usual {
		c.fast = fast
	}
	return c, nil
}

// holds tells whether the condition is true of a row. get gives the operand of
// refs[ref]; it is called as needed, perhaps more than once for one name.
func (c *condition) holds(get func(ref int) operand) (bool, error) {
	if c.fast == nil {
		return c.runProgram(get)
	}
	r := &c.run
	r.get, r.scratch, r.err = get, r.scratch[:0], nil
	holds := r.truth(c.fast)
	if r.err != nil {
		return false, r.err
	}
	return holds, nil
}

// conditionNames collects the names of a condition, each once.
type conditionNames struct {
	refs  []conditionRef
	index map[conditionRef]int // by the name, without optional
}

// nodeCount counts the nodes of a tree, those with two places twice, and stops
// the walk, which has no other way to end, with a panic when they are too many.
type nodeCount int

func (c *nodeCount) Visit(*ast.Node) {
	if *c++; *c > maxConditionNodes {
		panic(errTooLong)
	}
}

func (n *conditionNames) intern(ref conditionRef) int {
	key := ref
	key.optional = false
	i, known := n.index[key]
	if !known {
		i = len(n.refs)
		n.refs = append(n.refs, ref)
		n.index[key] = i
	} else if !ref.optional {
		n.refs[i].optional = false
	}
	return i
}

// conditionRefOf reads a name: column, user.country, items[0].id, row["Odd
// Name"], each.key. It is false for what is none.
func conditionRefOf(n ast.Node) (ref conditionRef, ok bool) {
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
			ref.optional = ref.optional || at.Optional
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
				ref.each, ref.optional = at.Value == "each", true
			default:
				if at.Value == "$env" {
					return ref, false
				}
				plain = at.Value
				steps = append(steps, at.Value)
			}
			if len(steps) == 1 {
				ref.name = plain
				return ref, true
			}
			var b strings.Builder
			for i := len(steps) - 1; i >= 0; i-- {
				if b.Len() > 0 && steps[i][0] != '[' {
					b.WriteByte('.')
				}
				b.WriteString(steps[i])
			}
			ref.name = b.String()
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
		return &conditionError{reason: oneLine(err.Error())}
	}
	reason := at.Message
	if reason == "literal not terminated" {
		return &conditionError{reason: "a text in the condition lacks its closing quote"}
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
	return &conditionError{at: at.From + 1, reason: oneLine(reason)}
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// conditionProgram is a condition for expr's virtual machine. Names are slots of
// its environment, and the operators that compare are ours.
type conditionProgram struct {
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

func (c *condition) runProgram(get func(ref int) operand) (bool, error) {
	if c.env == nil {
		c.env = make(map[string]any, len(c.program.slots))
	}
	for _, s := range c.program.slots {
		v := get(s.ref)
		switch {
		case v.kind == jsonNull:
			c.env[s.name] = nil
		case s.text:
			c.env[s.name] = string(v.text)
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
	var own *conditionError
	if errors.As(err, &own) {
		return &conditionError{at: at, reason: own.reason}
	}
	return &conditionError{at: at, reason: "cannot be worked out for these values: one is missing or of another kind than needed"}
}

// decoded is the value as expr has it.
func (v operand) decoded() any {
	switch v.kind {
	case jsonNull:
		return nil
	case jsonBool:
		return string(v.text) == "true"
	case jsonString:
		return string(v.text)
	case jsonNumber:
		return decodedNumber(string(v.text))
	}
	d := json.NewDecoder(bytes.NewReader(v.text))
	d.UseNumber()
	var out any
	if d.Decode(&out) != nil {
		return nil
	}
	return withNumbers(out)
}

func decodedNumber(s string) any {
	if i, err := strconv.Atoi(s); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

func withNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return decodedNumber(v.String())
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = withNumbers(v[k])
		}
	}
	return v
}

// operandOf is the way back from decoded, for what is no list and no object.
func operandOf(v any) (operand, bool) {
	switch v := v.(type) {
	case nil:
		return operand{}, true
	case bool:
		return operand{jsonBool, strconv.AppendBool(nil, v)}, true
	case string:
		return operand{jsonString, []byte(v)}, true
	case int:
		return operand{jsonNumber, strconv.AppendInt(nil, int64(v), 10)}, true
	case float64:
		return operand{jsonNumber, floatText(v)}, true
	}
	return operand{}, false
}

// compileProgram checks an expression and compiles it for the virtual machine.
func compileProgram(tree *parser.Tree, names *conditionNames) (*conditionProgram, error) {
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
		return nil, &conditionError{reason: "the condition cannot be compiled"}
	}
	p := &conditionProgram{code: code}
	for s := range w.slots {
		p.slots = append(p.slots, s)
	}
	return p, nil
}

const notTruth = `is not true or false by itself: compare it, as in lower(name) == "yes"`

// programWriter turns names into slots and operators into our functions.
type programWriter struct {
	names  *conditionNames
	slots  map[programSlot]bool
	locals []string // of let
	err    error
}

func (w *programWriter) fail(n ast.Node, format string, args ...any) ast.Node {
	if w.err == nil {
		w.err = &conditionError{at: n.Location().From + 1, reason: fmt.Sprintf(format, args...)}
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
		n.Node = w.write(n.Node, false)
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
	if _, ok := conditionRefOf(n); !ok {
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
	ref, ok := conditionRefOf(n)
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
				return w.fail(n.Right, "%s", oneLine(err.Error()))
			}
			pattern = &ast.ConstantNode{Value: re}
			pattern.SetLocation(s.Location())
		}
		return w.call(n, "#matches", w.write(n.Left, true), pattern)
	}
	n.Left, n.Right = w.write(n.Left, false), w.write(n.Right, false)
	return n
}

func (w *programWriter) builtin(n *ast.BuiltinNode) ast.Node {
	switch n.Name {
	case "now", "keys", "values", "toPairs", "groupBy":
		return w.fail(n, "%s() gives another result in every run, so a mapping cannot use it", n.Name)
	case "string":
		if len(n.Arguments) == 1 {
			return w.text(n.Arguments[0])
		}
	case "lower", "upper", "trim", "trimPrefix", "trimSuffix", "split", "splitAfter", "replace",
		"hasPrefix", "hasSuffix", "indexOf", "lastIndexOf", "repeat":
		if len(n.Arguments) > 0 {
			n.Arguments[0] = w.text(n.Arguments[0])
			w.all(n.Arguments[1:])
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
		return w.fail(n, "a value of a row is no function")
	case id.Value[0] == '#':
		return n
	}
	return w.fail(n, "unknown function %s()%s", id.Value, didYouMean(id.Value, builtin.Names))
}

// programFunctions are the operators as the machine calls them.
func programFunctions() []*builtin.Function {
	of := func(name string, signature any, fn func(args ...any) (any, error)) *builtin.Function {
		return &builtin.Function{Name: name, Func: fn, Types: []reflect.Type{reflect.TypeOf(signature)}}
	}
	test := func(name string, fn func(a, b any) (bool, error)) *builtin.Function {
		return of(name, func(a, b any) bool { return false }, func(args ...any) (any, error) { return fn(args[0], args[1]) })
	}
	texts := func(name string, fn func(s, part string) bool) *builtin.Function {
		return test(name, func(a, b any) (bool, error) {
			if a == nil || b == nil {
				return false, nil
			}
			s, err := textOf(a)
			if err != nil {
				return false, err
			}
			part, err := textOf(b)
			return err == nil && fn(s, part), err
		})
	}
	order := func(op fastOp) func(a, b any) (bool, error) {
		return func(a, b any) (bool, error) { return orderedValues(op, a, b) }
	}
	return []*builtin.Function{
		test("#==", func(a, b any) (bool, error) { return equalValues(a, b), nil }),
		test("#!=", func(a, b any) (bool, error) { return !equalValues(a, b), nil }),
		test("#<", order(fastLess)), test("#<=", order(fastLessOrEqual)),
		test("#>", order(fastGreater)), test("#>=", order(fastGreaterOrEqual)),
		test("#in", valueIn),
		test("#matches", valueMatches),
		texts("#contains", strings.Contains), texts("#startsWith", strings.HasPrefix), texts("#endsWith", strings.HasSuffix),
		of("#text", func(any) string { return "" }, func(args ...any) (any, error) { return textOf(args[0]) }),
		of("#truth", func(any) bool { return false }, func(args ...any) (any, error) {
			v, ok := operandOf(args[0])
			if !ok {
				v.kind = jsonObject
			}
			holds, reason := v.truth()
			if reason != "" {
				return nil, &conditionError{reason: reason}
			}
			return holds, nil
		}),
	}
}

func textOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool, int:
		return fmt.Sprint(v), nil
	case float64:
		return string(floatText(v)), nil
	}
	return "", &conditionError{reason: "needs text and finds another value"}
}

func equalValues(a, b any) bool {
	x, ok := operandOf(a)
	y, also := operandOf(b)
	if ok && also {
		return equalOperands(x, y)
	}
	return runtime.Equal(a, b)
}

func orderedValues(op fastOp, a, b any) (bool, error) {
	x, ok := operandOf(a)
	y, also := operandOf(b)
	if !ok && !also {
		if s, isTime := a.(time.Time); isTime {
			if t, isTime := b.(time.Time); isTime {
				return op.holdsFor(s.Compare(t)), nil
			}
		}
		if s, isSpan := a.(time.Duration); isSpan {
			if t, isSpan := b.(time.Duration); isSpan {
				return op.holdsFor(cmp.Compare(s, t)), nil
			}
		}
	}
	if !ok {
		x.kind = jsonObject
	}
	if !also {
		y.kind = jsonObject
	}
	order, reason := compareOperands(x, y)
	if reason != "" {
		return false, &conditionError{reason: reason}
	}
	return op.holdsFor(order), nil
}

func valueIn(v, list any) (bool, error) {
	switch list := list.(type) {
	case nil:
		return false, nil
	case []any:
		return slices.ContainsFunc(list, func(item any) bool { return equalValues(item, v) }), nil
	case []string:
		return slices.ContainsFunc(list, func(item string) bool { return equalValues(item, v) }), nil
	case []int:
		return slices.ContainsFunc(list, func(item int) bool { return equalValues(item, v) }), nil
	case map[string]any:
		key, ok := v.(string)
		_, is := list[key]
		return ok && is, nil
	}
	return false, &conditionError{reason: "in needs a list on its right"}
}

func valueMatches(v, pattern any) (bool, error) {
	if v == nil || pattern == nil {
		return false, nil
	}
	s, err := textOf(v)
	if err != nil {
		return false, err
	}
	re, ok := pattern.(*regexp.Regexp)
	if !ok {
		text, err := textOf(pattern)
		if err != nil {
			return false, err
		}
		if re, err = regexp.Compile(text); err != nil {
			return false, &conditionError{reason: "the pattern is no regular expression"}
		}
	}
	return re.MatchString(s), nil
}
