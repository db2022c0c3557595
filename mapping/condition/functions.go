package condition

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/vm/runtime"
)

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
	return append(limitFunctions(), []*builtin.Function{
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
				v.Kind = jsonvalue.Object
			}
			holds, reason := v.truth()
			if reason != "" {
				return nil, &Error{reason: reason}
			}
			return holds, nil
		}),
	}...)
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
	return "", &Error{reason: "needs text and finds another value"}
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
		x.Kind = jsonvalue.Object
	}
	if !also {
		y.Kind = jsonvalue.Object
	}
	order, reason := compareOperands(x, y)
	if reason != "" {
		return false, &Error{reason: reason}
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
	return false, &Error{reason: "the right side of in must be a list"}
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
			return false, &Error{reason: "the pattern is not a valid regular expression"}
		}
	}
	return re.MatchString(s), nil
}
