package condition

import (
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/vm/runtime"
)

// A condition ends, whatever it says: lists within lists multiply, and texts put
// together double with each step. The bounds are far beyond what a rule about a row
// needs, and the virtual machine bounds its lists itself.
const (
	maxSteps = 100_000 // elements of lists that are looked at for one row
	maxText  = 1 << 20 // bytes of a text that is put together
)

var (
	errSteps error = &Error{reason: "the condition looks at more than 100000 elements of lists"}
	errText  error = &Error{reason: "the condition puts a text of more than 1 MiB together"}
)

// steps counts down the elements that a condition may still look at.
type steps struct{ left int }

// stepsName is where the machine finds them.
const stepsName = "#steps"

// step makes each evaluation of a predicate count.
func (w *programWriter) step(at, body ast.Node) ast.Node {
	left := &ast.IdentifierNode{Value: stepsName}
	left.SetLocation(at.Location())
	return w.call(at, "#step", left, body)
}

// limitFunctions are the functions that stay within the bounds.
func limitFunctions() []*builtin.Function {
	of := func(name string, signature any, fn func(args ...any) (any, error)) *builtin.Function {
		return &builtin.Function{Name: name, Func: fn, Types: []reflect.Type{reflect.TypeOf(signature)}}
	}
	return []*builtin.Function{
		of("#step", func(left, body any) any { return nil }, func(args ...any) (any, error) {
			s := args[0].(*steps)
			if s.left--; s.left < 0 {
				return nil, errSteps
			}
			return args[1], nil
		}),
		of("#+", func(a, b any) any { return nil }, func(args ...any) (any, error) {
			a, text := args[0].(string)
			b, too := args[1].(string)
			if text && too && len(a)+len(b) > maxText {
				return nil, errText
			}
			return runtime.Add(args[0], args[1]), nil
		}),
		of("#replace", func(s, old, new any, n ...any) string { return "" }, func(args ...any) (any, error) {
			return replace(args)
		}),
	}
}

// replace is the built-in of that name: replace(text, old, new), or with how often.
func replace(args []any) (string, error) {
	s, err := textOf(args[0])
	if err != nil {
		return "", err
	}
	old, err := textOf(args[1])
	if err != nil {
		return "", err
	}
	with, err := textOf(args[2])
	if err != nil {
		return "", err
	}
	n := -1
	if len(args) > 3 {
		n = runtime.ToInt(args[3])
	}
	times := strings.Count(s, old)
	if n >= 0 {
		times = min(times, n)
	}
	if len(s)+times*(len(with)-len(old)) > maxText {
		return "", errText
	}
	return strings.Replace(s, old, with, n), nil
}
