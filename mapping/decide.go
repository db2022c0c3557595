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

// Where is a place of a mapping file that says what values mean: the action of the
// consent, of a block of each, or of one of its cases.
type Where struct {
	// Path names it, such as consent.action or each[1].consent.action.cases[0].
	Path string
	Line int // from 1
	// When is the condition of a case; empty: none.
	When string
	// Choices is the table of values there, in its order.
	Choices []Choice
	// Table says that there is one. Without it Says tells what decides instead, and no
	// value can be decided there.
	Table bool
	Says  string
}

// errByHand is returned where a table of values is not of a form that can be changed
// without touching what is around it.
var errByHand = errors.New("this table of values cannot be changed here without touching the rest; edit the text")

// Deciding gives the places of a mapping file that say what values mean, in its order.
// The file need not be valid otherwise: ToDecide may stand in it. An error means that the
// text is not YAML.
func Deciding(text []byte) ([]Where, error) {
	found, err := decisive(text)
	out := make([]Where, len(found))
	for i, f := range found {
		out[i] = f.Where
	}
	return out, err
}

// Decide gives the text of a mapping file in which a raw value means what decision says:
// "accept", "reject", "" for says nothing, or ToDecide. The table is the one at a path
// that Deciding gives; a value that is not in it yet is added. Every other byte stays as
// it is.
func Decide(text []byte, path, value, decision string) ([]byte, error) {
	if !slices.Contains([]string{DecidedAccept, DecidedReject, "", ToDecide}, decision) {
		return nil, fmt.Errorf("%q is not a decision", decision)
	}
	found, err := decisive(text)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(found, func(f decisivePlace) bool { return f.Path == path && f.Table })
	if n < 0 || len(found[n].table.pairs) == 0 {
		return nil, errByHand
	}
	t := found[n].table
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
	got, err := decisive(out)
	if err != nil || len(got) != len(found) {
		return nil, errByHand
	}
	for i := range got {
		wanted := found[i].Choices
		if i == n {
			wanted = want
		}
		if got[i].Path != found[i].Path || !slices.Equal(got[i].Choices, wanted) {
			return nil, errByHand
		}
	}
	return out, nil
}

// decisivePlace is a Where with its table in the tree of the file.
type decisivePlace struct {
	Where
	table *table
}

// table is a table of values in the tree of a file.
type table struct {
	pairs []*ast.MappingValueNode
	flow  bool
}

func decisive(text []byte) ([]decisivePlace, error) {
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
	var out []decisivePlace
	root := f.Docs[0].Body
	action := func(n ast.Node, path string) {
		if a := memberOf(memberOf(n, "consent"), "action"); a != nil {
			out = appendDecisive(out, a, path+"consent.action", 0)
		}
	}
	switch each := memberOf(root, "each").(type) {
	case *ast.SequenceNode:
		for i, block := range each.Values {
			action(block, fmt.Sprintf("each[%d].", i))
		}
	case nil:
	default:
		action(each, "each.")
	}
	action(root, "")
	slices.SortStableFunc(out, func(a, b decisivePlace) int { return a.Line - b.Line })
	return out, nil
}

// maxCaseDepth is how deep cases may lie in one another here.
const maxCaseDepth = 8

func appendDecisive(out []decisivePlace, n ast.Node, path string, depth int) []decisivePlace {
	n = inner(n)
	if n == nil || n.GetToken() == nil || depth > maxCaseDepth {
		return out
	}
	w := decisivePlace{Where: Where{Path: path, Line: n.GetToken().Position.Line}}
	scalar := func(name string) string {
		if m := memberOf(n, name); m != nil && m.GetToken() != nil {
			if _, list := m.(*ast.SequenceNode); list {
				return "several columns"
			}
			return m.GetToken().Value
		}
		return ""
	}
	w.When = scalar("when")
	if first := pairsOf(n); len(first) > 0 && first[0].Key.GetToken() != nil {
		w.Line = first[0].Key.GetToken().Position.Line
	}
	values := memberOf(n, "values")
	cases, _ := memberOf(n, "cases").(*ast.SequenceNode)
	switch {
	case len(pairsOf(n)) == 0:
		w.Says = "takes accept and reject as they stand in " + n.GetToken().Value
	case values != nil:
		m, ok := values.(*ast.MappingNode)
		w.table = &table{pairs: pairsOf(values), flow: ok && m.IsFlowStyle}
		w.Table, w.Choices = true, w.table.choices()
		if len(w.table.pairs) > 0 {
			w.Line = w.table.pairs[0].Key.GetToken().Position.Line
		}
	case cases != nil:
		for i, c := range cases.Values {
			out = appendDecisive(out, c, fmt.Sprintf("%s.cases[%d]", path, i), depth+1)
		}
		return out
	case memberOf(n, "const") != nil:
		w.Says = "is " + scalar("const") + " whatever the row says"
	default:
		w.Says = "takes accept and reject as they stand in " + scalar("from")
	}
	return append(out, w)
}

// memberOf is the value of a key; nil when there is none.
func memberOf(n ast.Node, key string) ast.Node {
	for _, p := range pairsOf(inner(n)) {
		if p.Key.GetToken() != nil && p.Key.GetToken().Value == key {
			return inner(p.Value)
		}
	}
	return nil
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
