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

// TestListWaysAgree: also over lists of whatever kind, of what is told and what is not,
// and where either way fails.
func TestListWaysAgree(t *testing.T) {
	fast, held := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		e := expressions{t: t}
		name := func() string {
			return e.pick(".a", ".b", ".a?.b", ".a.b", "#.b?.a", ".c?.a?.b", "(.a ?? .b)")
		}
		test := func() string {
			return e.pick(
				fmt.Sprintf("upper(trim(string(%s))) in [%s, %s]", name(), e.literal(), e.literal()),
				fmt.Sprintf("len(%s ?? []) %s %s", e.pick(".a", ".b", ".a?.b", ".a.b"), e.pick(">", "==", "<="), e.pick("0", "1", `"1"`)),
				fmt.Sprintf("len(%s) > 0", e.pick(".a", ".a?.b")),
				fmt.Sprintf("%s %s %s", name(), e.pick("==", "!=", "<"), e.literal()),
				fmt.Sprintf("%s contains %q", name(), e.pick("A", "", "b")),
				name()+` == "A"`, name()+" == a", name(), "not "+name())
		}
		source := fmt.Sprintf("%s(any(%s, %s %s %s) %s a == %s)", e.pick("", "not "), e.pick("x", "x ?? []", "row.x?.y ?? x ?? []"), test(), e.pick("&&", "or"), test(), e.pick("&&", "or"), e.literal())
		c, err := New(source)
		require.NoError(t, err, source)
		require.NotNil(t, c.fast, source)
		leaf := func() string {
			return e.pick(`"A"`, `"yes"`, `" abc "`, `""`, `"true"`, `null`, `null`, `true`, `1`, `1e0`, `-0`, `"ä"`, `"\u0041"`, `[]`, `[1,{"a":[2]}]`, `["A"]`, `{}`, "\"\xff\"")
		}
		object := func(inner ...string) string {
			var members []string
			for range rapid.IntRange(0, 3).Draw(t, "members") {
				members = append(members, fmt.Sprintf("%s:%s", e.pick(`"a"`, `"b"`, `"c"`, `"A"`, `"\u0061"`), e.pick(append(inner, leaf())...)))
			}
			return "{" + strings.Join(members, ", ") + "}"
		}
		for range 5 {
			var items []string
			for range rapid.SampledFrom([]int{0, 1, 2, 3, maxFastElements, maxFastElements + 1}).Draw(t, "items") {
				if len(items) < 3 {
					items = append(items, e.pick(object(object(object())), object(), object(object()), leaf()))
				} else {
					items = append(items, items[len(items)-3])
				}
			}
			row := testRow{"a": anOperand().Draw(t, "a"), "x": list("[" + strings.Join(items, ",") + "]")}
			if e.pick("list", "list", "list", "other") == "other" {
				row["x"] = anOperand().Draw(t, "x")
			}
			holds, err := holdsBoth(t, c, row)
			if err == nil && !c.run.elements.beyond && c.run.elements.looked > 0 {
				if fast++; holds {
					held++
				}
			}
		}
	})
	require.Greater(t, held, 10, "no condition held in the fast way")
	require.Greater(t, fast-held, 10, "none did not")
}
