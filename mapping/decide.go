package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Choice is what the mapping makes of one raw value.
type Choice struct {
	Value    string // as the export has it
	Decision string // "accept", "reject", "" for says nothing, ToDecide; anything else is a person's own
}

// errByHand is returned where a table of values is not of a form that can be changed
// without touching what is around it.
var errByHand = errors.New("the table consent.action.values cannot be changed here without touching the rest; edit the text")

// Choices gives the table consent.action.values of a mapping file in its order. The file
// need not be valid otherwise: ToDecide may stand in it. Without such a table there are
// none; an error means that the text is not YAML.
func Choices(text []byte) ([]Choice, error) {
	t, err := valueTable(text)
	if err != nil || t == nil {
		return nil, err
	}
	return t.choices(), nil
}

// Decide gives the text of a mapping file in which a raw value means what decision says:
// "accept", "reject", "" for says nothing, or ToDecide. A value that is not in the table
// consent.action.values yet is added to it. Every other byte stays as it is.
func Decide(text []byte, value, decision string) ([]byte, error) {
	if !slices.Contains([]string{DecidedAccept, DecidedReject, "", ToDecide}, decision) {
		return nil, fmt.Errorf("%q is not a decision", decision)
	}
	t, err := valueTable(text)
	switch {
	case err != nil:
		return nil, err
	case t == nil || len(t.pairs) == 0:
		return nil, errByHand
	}
	want := t.choices()
	at := slices.IndexFunc(want, func(c Choice) bool { return c.Value == value })
	var out []byte
	if at >= 0 {
		want[at].Decision = decision
		out = t.replaced(text, at, decision)
	} else {
		want = append([]Choice{{value, decision}}, want...)
		out = t.added(text, value, decision)
	}
	// What was written is read again: nothing else may have changed.
	if got, err := Choices(out); err != nil || !slices.Equal(got, want) {
		return nil, errByHand
	}
	return out, nil
}

// table is consent.action.values in the tree of a file.
type table struct {
	pairs []*ast.MappingValueNode
	flow  bool
}

func valueTable(text []byte) (*table, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("the mapping is longer than %d bytes", MaxFile)
	}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("read the mapping: %w", err)
	}
	if len(f.Docs) == 0 {
		return nil, nil
	}
	n := f.Docs[0].Body
	for _, key := range []string{"consent", "action", "values"} {
		var next ast.Node
		for _, p := range pairsOf(n) {
			if p.Key.GetToken().Value == key {
				next = p.Value
			}
		}
		if n = next; n == nil {
			return nil, nil
		}
	}
	m, ok := n.(*ast.MappingNode)
	return &table{pairs: pairsOf(n), flow: ok && m.IsFlowStyle}, nil
}

func pairsOf(n ast.Node) []*ast.MappingValueNode {
	switch t := n.(type) {
	case *ast.MappingNode:
		return t.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{t}
	}
	return nil
}

func (t *table) choices() []Choice {
	out := make([]Choice, len(t.pairs))
	for i, p := range t.pairs {
		out[i].Value = p.Key.GetToken().Value
		if _, nothing := p.Value.(*ast.NullNode); !nothing {
			out[i].Decision = p.Value.GetToken().Value
		}
	}
	return out
}

// replaced writes a decision in place of the one behind the i-th value.
func (t *table) replaced(text []byte, i int, decision string) []byte {
	colon := offsetOf(text, t.pairs[i].Start.Position.Line, t.pairs[i].Start.Position.Column)
	if colon < 0 || colon >= len(text) || text[colon] != ':' {
		return nil
	}
	from := colon + 1
	for from < len(text) && text[from] == ' ' {
		from++
	}
	to := from
	if to < len(text) && (text[to] == '"' || text[to] == '\'') {
		if end := strings.IndexByte(string(text[to+1:]), text[to]); end >= 0 {
			to += end + 2
		}
	}
	for to < len(text) && !strings.ContainsRune(" ,}\r\n#", rune(text[to])) {
		to++
	}
	written := ""
	if decision != "" {
		written = " " + decision
	} else if t.flow {
		written = " null"
	}
	rest := text[to:]
	if len(rest) > 0 && rest[0] == '#' {
		rest = append([]byte(" "), rest...)
	}
	return slices.Concat(text[:colon+1], []byte(written), rest)
}

// added writes a new value above the first one.
func (t *table) added(text []byte, value, decision string) []byte {
	first := t.pairs[0].Key.GetToken().Position
	at := offsetOf(text, first.Line, first.Column)
	quoted, err := json.Marshal(value) // a JSON text is one in YAML
	if at < 0 || at > len(text) || err != nil {
		return nil
	}
	behind := "\n" + strings.Repeat(" ", first.Column-1)
	if t.flow {
		behind = ", "
	}
	if decision == "" {
		decision = "null"
	}
	return slices.Concat(text[:at], quoted, []byte(": "+decision+behind), text[at:])
}

// offsetOf finds a place, line and column counted from 1 and in characters; -1: it is not there.
func offsetOf(text []byte, line, column int) int {
	at := 0
	for range line - 1 {
		i := strings.IndexByte(string(text[at:]), '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
	}
	for i := range string(text[at:]) {
		if column--; column == 0 {
			return at + i
		}
	}
	return -1
}
