package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// operand is what a name in a condition stands for in one row.
type operand struct {
	kind jsonKind // jsonNull: there is nothing
	text []byte   // what a string says, or the literal of another value
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
