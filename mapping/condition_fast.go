package mapping

import (
	"bytes"
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// fastNode is a node of the evaluator for the usual conditions. It works on the
// bytes of the row and, apart from errors, allocates nothing.
type fastNode struct {
	op          fastOp
	at          int     // character in the condition
	ref         int     // of fastRef
	value       operand // of fastConst
	left, right *fastNode
	list        []operand           // of fastIn
	texts       []string            // list, when all of it is text
	set         map[string]struct{} // texts, when there are many
	pattern     *regexp.Regexp      // of fastMatches
	words       []string            // of fastMatches: a pattern that is only word|word
}

type fastOp uint8

const (
	fastConst fastOp = iota
	fastRef
	fastLower
	fastUpper
	fastTrim
	fastText
	fastCoalesce
	fastNot
	fastAnd
	fastOr
	fastEqual
	fastNotEqual
	fastLess
	fastLessOrEqual
	fastGreater
	fastGreaterOrEqual
	fastIn
	fastMatches
	fastContains
	fastStartsWith
	fastEndsWith
)

// manyTexts is the length from which a list is looked up in a set.
const manyTexts = 12

// fastRun is the state of one evaluation.
type fastRun struct {
	get     func(ref int) operand
	scratch []byte // text that stands nowhere in the row
	err     error  // the first one
}

func (r *fastRun) fail(n *fastNode, reason string) {
	if r.err == nil {
		r.err = &conditionError{at: n.at, reason: reason}
	}
}

func (r *fastRun) truth(n *fastNode) bool {
	switch n.op {
	case fastNot:
		return !r.truth(n.left)
	case fastAnd:
		return r.truth(n.left) && r.truth(n.right)
	case fastOr:
		return r.truth(n.left) || r.truth(n.right)
	case fastEqual:
		return r.equal(n)
	case fastNotEqual:
		return !r.equal(n)
	case fastLess, fastLessOrEqual, fastGreater, fastGreaterOrEqual:
		order, reason := compareOperands(r.value(n.left), r.value(n.right))
		if reason != "" {
			r.fail(n, reason)
			return false
		}
		return n.op.holdsFor(order)
	case fastIn:
		return n.in(r.value(n.left))
	case fastMatches:
		v := r.value(n.left)
		if v.kind == jsonNull {
			return false
		}
		if n.words == nil {
			return n.pattern.Match(v.text)
		}
		for _, w := range n.words {
			if containsText(v.text, w) {
				return true
			}
		}
		return false
	case fastContains, fastStartsWith, fastEndsWith:
		text, part := r.value(n.left), r.value(n.right)
		if text.kind == jsonNull || part.kind == jsonNull {
			return false
		}
		switch n.op {
		case fastContains:
			return bytes.Contains(text.text, part.text)
		case fastStartsWith:
			return bytes.HasPrefix(text.text, part.text)
		default:
			return bytes.HasSuffix(text.text, part.text)
		}
	}
	holds, reason := r.value(n).truth()
	if reason != "" {
		r.fail(n, reason)
	}
	return holds
}

// equal is short for the usual case, text with a text from the expression.
func (r *fastRun) equal(n *fastNode) bool {
	v := r.value(n.left)
	if n.right.op != fastConst {
		return equalOperands(v, r.value(n.right))
	}
	if v.kind == jsonString && n.right.value.kind == jsonString {
		return string(v.text) == string(n.right.value.text)
	}
	return equalOperands(v, n.right.value)
}

func (op fastOp) holdsFor(order int) bool {
	switch op {
	case fastLess:
		return order < 0
	case fastLessOrEqual:
		return order <= 0
	case fastGreater:
		return order > 0
	default:
		return order >= 0
	}
}

var (
	trueText  = []byte("true")
	falseText = []byte("false")
)

func (r *fastRun) value(n *fastNode) operand {
	switch n.op {
	case fastConst:
		return n.value
	case fastRef:
		return r.get(n.ref)
	case fastCoalesce:
		if v := r.value(n.left); v.kind != jsonNull {
			return v
		}
		return r.value(n.right)
	case fastText:
		return operand{jsonString, r.text(n.left)}
	case fastTrim:
		return operand{jsonString, bytes.TrimSpace(r.text(n.left))}
	case fastLower:
		return operand{jsonString, r.lower(r.text(n.left))}
	case fastUpper:
		return operand{jsonString, r.upper(r.text(n.left))}
	}
	if r.truth(n) {
		return operand{jsonBool, trueText}
	}
	return operand{jsonBool, falseText}
}

// text is nothing for what is not there.
func (r *fastRun) text(n *fastNode) []byte {
	v := r.value(n)
	if v.kind == jsonNull {
		return nil
	}
	return v.text
}

// lower gives the text as it is when it needs no change.
func (r *fastRun) lower(text []byte) []byte {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return r.mapped(text, unicode.ToLower)
		}
		if c >= 'A' && c <= 'Z' {
			for _, c := range text[i:] {
				if c >= utf8.RuneSelf {
					return r.mapped(text, unicode.ToLower)
				}
			}
			from := len(r.scratch)
			r.scratch = append(r.scratch, text...)
			out := r.scratch[from:]
			for j := i; j < len(out); j++ {
				if c := out[j]; c >= 'A' && c <= 'Z' {
					out[j] = c + 'a' - 'A'
				}
			}
			return out[:len(out):len(out)]
		}
	}
	return text
}

func (r *fastRun) upper(text []byte) []byte {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return r.mapped(text, unicode.ToUpper)
		}
		if c >= 'a' && c <= 'z' {
			for _, c := range text[i:] {
				if c >= utf8.RuneSelf {
					return r.mapped(text, unicode.ToUpper)
				}
			}
			from := len(r.scratch)
			r.scratch = append(r.scratch, text...)
			out := r.scratch[from:]
			for j := i; j < len(out); j++ {
				if c := out[j]; c >= 'a' && c <= 'z' {
					out[j] = c - ('a' - 'A')
				}
			}
			return out[:len(out):len(out)]
		}
	}
	return text
}

func (r *fastRun) mapped(text []byte, by func(rune) rune) []byte {
	from := len(r.scratch)
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		r.scratch = utf8.AppendRune(r.scratch, by(c))
		i += size
	}
	return r.scratch[from:len(r.scratch):len(r.scratch)]
}

func (n *fastNode) in(v operand) bool {
	if v.kind == jsonString && n.texts != nil {
		if n.set != nil {
			_, is := n.set[string(v.text)]
			return is
		}
		for _, t := range n.texts {
			if string(v.text) == t {
				return true
			}
		}
		return false
	}
	for i := range n.list {
		if equalOperands(n.list[i], v) {
			return true
		}
	}
	return false
}

func containsText(text []byte, part string) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		j := bytes.IndexByte(text[i:len(text)-len(part)+1], part[0])
		if j < 0 {
			return false
		}
		if i += j; string(text[i:i+len(part)]) == part {
			return true
		}
	}
	return false
}

// truth is the operand as a condition. Nothing and an empty cell are false.
func (v operand) truth() (holds bool, reason string) {
	switch v.kind {
	case jsonNull:
		return false, ""
	case jsonBool:
		return string(v.text) == "true", ""
	case jsonString:
		switch {
		case equalFoldText(v.text, "true"):
			return true, ""
		case len(v.text) == 0 || equalFoldText(v.text, "false"):
			return false, ""
		}
	}
	return false, "needs true or false and finds another value"
}

func equalFoldText(text []byte, s string) bool {
	return len(text) == len(s) && strings.EqualFold(string(text), s)
}

// equalOperands compares values by what they say: the text true, in any case,
// equals true, and the text 1 equals 1.
func equalOperands(a, b operand) bool {
	if a.kind == b.kind {
		switch a.kind {
		case jsonNull:
			return true
		case jsonString, jsonBool:
			return string(a.text) == string(b.text)
		case jsonNumber:
			order, ok := compareNumbers(a.text, b.text)
			return ok && order == 0
		}
		return reflect.DeepEqual(a.decoded(), b.decoded())
	}
	if a.kind > b.kind {
		a, b = b, a
	}
	switch {
	case a.kind == jsonBool && b.kind == jsonString:
		return equalFoldText(b.text, string(a.text))
	case a.kind == jsonNumber && b.kind == jsonString:
		order, ok := compareNumbers(a.text, b.text)
		return ok && order == 0
	}
	return false
}

// compareOperands orders two values: texts byte by byte, numbers and the texts
// of numbers by what they are worth.
func compareOperands(a, b operand) (order int, reason string) {
	switch {
	case a.kind == jsonString && b.kind == jsonString:
		return bytes.Compare(a.text, b.text), ""
	case a.kind == jsonNull || b.kind == jsonNull:
		return 0, `compares with a value that is not there: write (name ?? "")`
	case a.kind == jsonBool || b.kind == jsonBool:
		return 0, "compares true or false by size"
	case a.kind > jsonString || b.kind > jsonString:
		return 0, "compares a list or an object by size"
	}
	order, ok := compareNumbers(a.text, b.text)
	if !ok {
		return 0, "compares a number with text that is no number"
	}
	return order, ""
}

// compareNumbers is false when one of them is no number.
func compareNumbers(a, b []byte) (order int, ok bool) {
	if !looksNumeric(a) || !looksNumeric(b) {
		return 0, false
	}
	i, erri := strconv.ParseInt(string(a), 10, 64)
	j, errj := strconv.ParseInt(string(b), 10, 64)
	if erri == nil && errj == nil {
		return cmp.Compare(i, j), true
	}
	x, errx := strconv.ParseFloat(string(a), 64)
	y, erry := strconv.ParseFloat(string(b), 64)
	if errx != nil || erry != nil {
		return 0, false
	}
	return cmp.Compare(x, y), true
}

// looksNumeric keeps inf, nan, 0x1p4 and 1_000 from being numbers.
func looksNumeric(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return false
		}
	}
	return len(text) > 0
}

// compileFast is false when the expression is not one of the usual shapes.
func compileFast(n ast.Node, names *conditionNames) (*fastNode, bool) {
	f := &fastNode{at: n.Location().From + 1}
	if v, ok := literal(n); ok {
		f.op, f.value = fastConst, v
		return f, true
	}
	switch n := n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
		ref, ok := conditionRefOf(n)
		if !ok {
			return nil, false
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
		op, ok := fastFunctions[n.Name]
		if !ok || len(n.Arguments) != 1 {
			return nil, false
		}
		f.op = op
		return f, f.children(names, n.Arguments[0])
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

func (f *fastNode) children(names *conditionNames, nodes ...ast.Node) bool {
	var ok bool
	if f.left, ok = compileFast(nodes[0], names); !ok {
		return false
	}
	if len(nodes) == 2 {
		f.right, ok = compileFast(nodes[1], names)
	}
	return ok
}

// literal is the operand that a constant in the expression stands for.
func literal(n ast.Node) (operand, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return operand{}, true
	case *ast.StringNode:
		return operand{jsonString, []byte(n.Value)}, true
	case *ast.BoolNode:
		return operand{jsonBool, strconv.AppendBool(nil, n.Value)}, true
	case *ast.IntegerNode:
		return operand{jsonNumber, strconv.AppendInt(nil, int64(n.Value), 10)}, true
	case *ast.FloatNode:
		return operand{jsonNumber, floatText(n.Value)}, true
	case *ast.UnaryNode:
		if v, ok := literal(n.Node); ok && n.Operator == "-" && v.kind == jsonNumber && v.text[0] != '-' {
			return operand{jsonNumber, append([]byte{'-'}, v.text...)}, true
		}
	}
	return operand{}, false
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
			f.list = append(f.list, operand{jsonString, []byte(item)})
		}
	default:
		return false
	}
	if slices.ContainsFunc(f.list, func(v operand) bool { return v.kind != jsonString }) {
		return true
	}
	f.texts = make([]string, len(f.list))
	for i, v := range f.list {
		f.texts[i] = string(v.text)
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
