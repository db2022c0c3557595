package condition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/expr-lang/expr"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var rowTexts = []string{"", "true", "TRUE", "False", "yes", "Yes ", "1", "1.0", "01", "-1", "10", "1e400", "inf", "abc", "ABC", "Ärger", "ÄRGER",
	" \u00a0x\u2003", "İ", "ſ", "\xff", "A\xc3", "email", "[SPAM]", "2024-01-02T03:04:05Z", "9007199254740993"}

func anOperand() *rapid.Generator[Operand] {
	return rapid.Custom(func(t *rapid.T) Operand {
		switch rapid.SampledFrom([]jsonvalue.Kind{jsonvalue.String, jsonvalue.String, jsonvalue.String, jsonvalue.Null, jsonvalue.Bool, jsonvalue.Number, jsonvalue.Array, jsonvalue.Object}).Draw(t, "kind") {
		case jsonvalue.String:
			return text(rapid.SampledFrom(rowTexts).Draw(t, "text"))
		case jsonvalue.Bool:
			return boolean(rapid.Bool().Draw(t, "bool"))
		case jsonvalue.Number:
			return number(rapid.SampledFrom([]string{"0", "-0", "-0.0", "1", "1.0", "1e0", "10", "-1", "0.1", "1e17", "1e400", "9007199254740993", "123456789012345678901"}).Draw(t, "number"))
		case jsonvalue.Array:
			return list(rapid.SampledFrom([]string{`[]`, `["a", 1]`, `["a",1]`}).Draw(t, "list"))
		case jsonvalue.Object:
			return object(rapid.SampledFrom([]string{`{}`, `{"a": 1, "b": 2}`, `{"b":2,"a":1}`}).Draw(t, "object"))
		}
		return Operand{}
	})
}

// expressions writes random conditions of the usual shapes. With plain, they are
// those that expr itself understands in the same way.
type expressions struct {
	t     *rapid.T
	plain bool
}

var testNames = []string{"a", "user.country", `row["Odd Name"]`, "each.key", "each.value", "$file"}

func (e expressions) pick(from ...string) string {
	return rapid.SampledFrom(from).Draw(e.t, "pick")
}

func (e expressions) literal() string {
	s := fmt.Sprintf("%q", e.pick("", "true", "yes", "1", "abc", "ärger", "ÄRGER", "email", "1.0", "10"))
	if e.plain {
		return s
	}
	return e.pick(s, s, s, "true", "false", "nil", "1", "1.0", "(-1)", "10", "9007199254740992")
}

func (e expressions) value(depth int) string {
	form := "name"
	if depth > 0 {
		form = e.pick("name", "call", "call", "coalesce", "literal")
	}
	switch form {
	case "call":
		return e.pick("lower", "upper", "trim", "string") + "(" + e.value(depth-1) + ")"
	case "coalesce":
		return "(" + e.value(depth-1) + " ?? " + e.value(depth-1) + ")"
	case "literal":
		return e.literal()
	}
	if e.plain {
		return e.pick(testNames[:2]...)
	}
	return e.pick(testNames...)
}

func (e expressions) condition(depth int) string {
	form := e.pick("equal", "equal", "order", "in", "matches", "part")
	if depth > 0 {
		form = e.pick("and", "or", "not", "equal", "order", "in", "matches", "part", "value")
	}
	switch form {
	case "and":
		return "(" + e.condition(depth-1) + e.pick(" and ", " && ") + e.condition(depth-1) + ")"
	case "or":
		return "(" + e.condition(depth-1) + e.pick(" or ", " || ") + e.condition(depth-1) + ")"
	case "not":
		return e.pick("not ", "!") + "(" + e.condition(depth-1) + ")"
	case "order":
		return e.value(2) + e.pick(" < ", " <= ", " > ", " >= ") + e.value(1)
	case "in":
		if e.pick("list", "split") == "split" {
			return e.value(2) + ` in split("yes,1,abc,", ",")`
		}
		var items []string
		for range rapid.IntRange(0, 14).Draw(e.t, "items") {
			items = append(items, e.literal())
		}
		return e.value(2) + e.pick(" in ", " not in ") + "[" + strings.Join(items, ", ") + "]"
	case "matches":
		return e.value(2) + " matches " + fmt.Sprintf("%q", e.pick("abc|SPAM", "yes", "^[a-z]+$", "1", "(?i)true", "."))
	case "part":
		return e.value(2) + e.pick(" contains ", " startsWith ", " endsWith ") + e.value(1)
	case "value":
		if e.plain {
			break
		}
		return "(" + e.pick(testNames...) + " ?? false)"
	}
	return e.value(2) + e.pick(" == ", " != ") + e.value(2)
}

// TestConditionWaysAgree: the fast evaluator and the virtual machine are one
// language.
func TestConditionWaysAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := expressions{t: t}.condition(3)
		c, err := New(source)
		require.NoError(t, err, source)
		require.NotNil(t, c.fast, source)
		for range 5 {
			row := testRow{}
			for _, name := range []string{"a", "user.country", "Odd Name", "each.key", "each.value", "$file"} {
				row[name] = anOperand().Draw(t, name)
			}
			_, _ = holdsBoth(t, c, row)
		}
	})
}

// TestConditionIsExpr: where all values are text, a condition is what expr says.
func TestConditionIsExpr(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := expressions{t: t, plain: true}.condition(3)
		c, err := New(source)
		require.NoError(t, err, source)
		a := rapid.SampledFrom(rowTexts).Draw(t, "a")
		b := rapid.SampledFrom(rowTexts).Draw(t, "b")
		got, err := holdsBoth(t, c, testRow{"a": text(a), "user.country": text(b)})
		require.NoError(t, err)
		want, err := expr.Eval(source, map[string]any{"a": a, "user": map[string]any{"country": b}})
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
