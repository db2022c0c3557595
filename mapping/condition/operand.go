package condition

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// Operand is what a name in a condition stands for in one row.
type Operand struct {
	Kind jsonvalue.Kind // jsonvalue.Null: there is nothing
	Text []byte         // what a string says, or the literal of another value
}

// truth is the operand as a condition. Nothing and an empty cell are false.
func (v Operand) truth() (holds bool, reason string) {
	switch v.Kind {
	case jsonvalue.Null:
		return false, ""
	case jsonvalue.Bool:
		return string(v.Text) == "true", ""
	case jsonvalue.String:
		switch {
		case equalFoldText(v.Text, "true"):
			return true, ""
		case len(v.Text) == 0 || equalFoldText(v.Text, "false"):
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
func equalOperands(a, b Operand) bool {
	if a.Kind == b.Kind {
		switch a.Kind {
		case jsonvalue.Null:
			return true
		case jsonvalue.String, jsonvalue.Bool:
			return string(a.Text) == string(b.Text)
		case jsonvalue.Number:
			order, ok := compareNumbers(a.Text, b.Text)
			return ok && order == 0
		}
		return reflect.DeepEqual(a.decoded(), b.decoded())
	}
	if a.Kind > b.Kind {
		a, b = b, a
	}
	switch {
	case a.Kind == jsonvalue.Bool && b.Kind == jsonvalue.String:
		return equalFoldText(b.Text, string(a.Text))
	case a.Kind == jsonvalue.Number && b.Kind == jsonvalue.String:
		order, ok := compareNumbers(a.Text, b.Text)
		return ok && order == 0
	}
	return false
}

// compareOperands orders two values: texts byte by byte, numbers and the texts
// of numbers by what they are worth.
func compareOperands(a, b Operand) (order int, reason string) {
	switch {
	case a.Kind == jsonvalue.String && b.Kind == jsonvalue.String:
		return bytes.Compare(a.Text, b.Text), ""
	case a.Kind == jsonvalue.Null || b.Kind == jsonvalue.Null:
		return 0, `compares with a missing value: write (name ?? "")`
	case a.Kind == jsonvalue.Bool || b.Kind == jsonvalue.Bool:
		return 0, "compares true or false with < or >"
	case a.Kind > jsonvalue.String || b.Kind > jsonvalue.String:
		return 0, "compares a list or an object with < or >"
	}
	order, ok := compareNumbers(a.Text, b.Text)
	if !ok {
		return 0, "compares a number with text that is not a number"
	}
	return order, ""
}

// compareNumbers is false when one of them is not a number.
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

// decoded is the value as expr has it.
func (v Operand) decoded() any {
	switch v.Kind {
	case jsonvalue.Null:
		return nil
	case jsonvalue.Bool:
		return string(v.Text) == "true"
	case jsonvalue.String:
		return string(v.Text)
	case jsonvalue.Number:
		return decodedNumber(string(v.Text))
	}
	d := json.NewDecoder(bytes.NewReader(v.Text))
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

// operandOf is the way back from decoded, for what is neither a list nor an object.
func operandOf(v any) (Operand, bool) {
	switch v := v.(type) {
	case nil:
		return Operand{}, true
	case bool:
		return Operand{jsonvalue.Bool, strconv.AppendBool(nil, v)}, true
	case string:
		return Operand{jsonvalue.String, []byte(v)}, true
	case int:
		return Operand{jsonvalue.Number, strconv.AppendInt(nil, int64(v), 10)}, true
	case float64:
		return Operand{jsonvalue.Number, floatText(v)}, true
	}
	return Operand{}, false
}
