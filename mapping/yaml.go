package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// reader reads the tree of a mapping file; the first fault ends it.
type reader struct {
	file string
	set  map[string]string // values of parameters
	uses map[string]bool   // parameters that the text mentions
	// nulls are the keys that were read last of those without a value, by their names: the
	// places of faults.
	nulls map[string]ast.Node
	err   *Error
}

// parseTree reads YAML into its tree.
func (r *reader) parseTree(src []byte) ast.Node {
	all := r.tokens(src)
	if r.err != nil {
		return nil
	}
	f, err := parser.Parse(all, 0)
	if err != nil {
		r.err = &Error{File: r.file, Message: "is not valid YAML"}
		if se, ok := err.(yaml.Error); ok {
			r.err.Message = "is not valid YAML: " + se.GetMessage()
			if t := se.GetToken(); t != nil && t.Position != nil {
				r.err.Line, r.err.Column = t.Position.Line, t.Position.Column
			}
		}
		return nil
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		r.err = &Error{File: r.file, Message: "is empty", Hint: "consentimport mapping show NAME prints a mapping to start from"}
		return nil
	}
	if len(f.Docs) > 1 {
		r.fail(f.Docs[1].Body, "a mapping file must contain one document")
	}
	return f.Docs[0].Body
}

// fail notes a fault at a node.
func (r *reader) fail(n ast.Node, format string, args ...any) {
	if r.err != nil {
		return
	}
	r.err = &Error{File: r.file, Message: fmt.Sprintf(format, args...)}
	if n == nil {
		return
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		r.err.Line, r.err.Column = t.Position.Line, t.Position.Column
	}
}

// failAt notes a fault at a place.
func (r *reader) failAt(at place, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{File: r.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)}
	}
}

// hint says what to do about the fault that was just noted.
func (r *reader) hint(text string) {
	if r.err != nil && r.err.Hint == "" {
		r.err.Hint = text
	}
}

// place is a node's position, for faults that are found later.
type place struct{ line, column int }

func placeOf(n ast.Node) place {
	if n != nil {
		if t := n.GetToken(); t != nil && t.Position != nil {
			return place{t.Position.Line, t.Position.Column}
		}
	}
	return place{}
}

// member is one key of a map with its value.
type member struct {
	key   string
	at    ast.Node // the key
	value ast.Node // nil when there is none
}

// inner goes through anchors and tags.
func inner(n ast.Node) ast.Node {
	for {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.TagNode:
			n = t.Value
		default:
			return n
		}
	}
}

// isMap reports whether a node is a map.
func isMap(n ast.Node) bool {
	switch inner(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// members gives the keys of a map in order. With known keys, others are faults.
func (r *reader) members(n ast.Node, what string, known []string) []member {
	var values []*ast.MappingValueNode
	switch t := inner(n).(type) {
	case *ast.MappingNode:
		values = t.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{t}
	case nil:
		return nil
	default:
		r.fail(n, "%s must be a map of keys and values", what)
		return nil
	}
	var out []member
	seen := map[string]bool{}
	for _, v := range values {
		key := r.scalar(v.Key)
		if null, ok := inner(v.Key).(*ast.NullNode); ok {
			key = null.GetToken().Value // the word, as the name of a value or category
		}
		if r.err != nil {
			return nil
		}
		if known != nil && !slices.Contains(known, key) {
			r.fail(v.Key, "unknown key %q in %s%s", key, what, spelling.DidYouMean(key, known))
			r.err.Hint = "known keys there: " + strings.Join(known, ", ")
			return nil
		}
		if seen[key] {
			r.fail(v.Key, "key %q appears twice in %s", key, what)
			return nil
		}
		seen[key] = true
		value := v.Value
		if _, null := inner(value).(*ast.NullNode); null {
			value = nil
		}
		if known != nil && slices.Contains(saying, key) && setsNothing(key, value) {
			at := value
			if at == nil {
				at = v.Key
			}
			r.fail(at, "%s is empty", key)
			r.hint("leave " + key + " out where nothing has to be set")
			return nil
		}
		if value == nil {
			if r.nulls == nil {
				r.nulls = map[string]ast.Node{}
			}
			r.nulls[key] = v.Key
		}
		out = append(out, member{key, v.Key, value})
	}
	return out
}

// saying are the keys that set something: an empty value of theirs would count as none, and
// somebody who wrote the key wanted one.
var saying = []string{"timezone", "format", "delimiter", "encoding", "columns", "json", "rows", "by", "pair", "template", "reason", "match"}

// setsNothing reports whether a value of such a key says nothing by itself. A parameter may
// be left empty, and blanks are a delimiter.
func setsNothing(key string, n ast.Node) bool {
	switch t := inner(n).(type) {
	case nil, *ast.NullNode:
		return true
	case *ast.StringNode:
		return t.Value == ""
	case *ast.LiteralNode:
		return t.Value.Value == ""
	case *ast.SequenceNode: // a column may have no name
		return len(t.Values) == 0 || key != "columns" && slices.ContainsFunc(t.Values, func(n ast.Node) bool { return setsNothing("", n) })
	}
	return false
}

// items gives the elements of a list; a single scalar counts as a list of one.
func (r *reader) items(n ast.Node, what string) []ast.Node {
	switch t := inner(n).(type) {
	case nil:
		return nil
	case *ast.SequenceNode:
		return t.Values
	case *ast.MappingNode, *ast.MappingValueNode:
		r.fail(n, "%s must be a list", what)
		return nil
	}
	return []ast.Node{n}
}

// texts gives a list of texts.
func (r *reader) texts(n ast.Node, what string) []string {
	var out []string
	for _, i := range r.items(n, what) {
		out = append(out, r.text(i, what))
	}
	return out
}

// words gives a list of texts in which null, without quotes, is the word that was
// written: no text of an export is YAML's null.
func (r *reader) words(n ast.Node, what string) []string {
	var out []string
	for _, i := range r.items(n, what) {
		if null, ok := inner(i).(*ast.NullNode); ok {
			out = append(out, null.GetToken().Value)
			continue
		}
		out = append(out, r.text(i, what))
	}
	return out
}

// text gives a scalar, with a fault for anything else.
func (r *reader) text(n ast.Node, what string) string {
	if n == nil {
		key, _, _ := strings.Cut(what, " ") // of "values of action"
		r.fail(r.nulls[key], "%s has no value", what)
		return ""
	}
	if isMap(n) {
		r.fail(n, "%s must be a text, not a map", what)
		return ""
	}
	if _, list := inner(n).(*ast.SequenceNode); list {
		r.fail(n, "%s must be a text, not a list", what)
		return ""
	}
	if null, ok := inner(n).(*ast.NullNode); ok { // in a list; elsewhere it is nil
		r.fail(n, "%s has no value in this place", what)
		if word := null.GetToken().Value; word != "" {
			r.hint("what is called " + word + " stands in quotes: \"" + word + "\"")
		}
		return ""
	}
	return r.scalar(n)
}

// scalar gives the text of a scalar as it was written, so that 19-digit numbers
// and words such as yes stay what they are, with parameters filled in.
func (r *reader) scalar(n ast.Node) string {
	switch t := inner(n).(type) {
	case *ast.StringNode:
		return r.fill(n, t.Value)
	case *ast.LiteralNode:
		return r.fill(n, t.Value.Value)
	case *ast.NullNode:
		return ""
	case *ast.MappingKeyNode:
		return r.scalar(t.Value)
	case *ast.AliasNode:
		r.fail(n, "aliases are not supported")
		return ""
	case nil:
		return ""
	default:
		return r.fill(n, t.GetToken().Value)
	}
}

var parameterUse = regexp.MustCompile(`\$\{([A-Za-z][A-Za-z0-9_-]*)\}`)

// fill puts the values of parameters where a text says ${name}.
func (r *reader) fill(n ast.Node, text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	return parameterUse.ReplaceAllStringFunc(text, func(use string) string {
		name := use[2 : len(use)-1]
		r.uses[name] = true
		value, ok := r.set[name]
		if !ok {
			r.fail(n, "${%s} is not a parameter of this mapping%s", name, spelling.DidYouMean(name, keysOf(r.set)))
		}
		return value
	})
}

func keysOf(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// truth gives true or false.
func (r *reader) truth(n ast.Node, what string) bool {
	switch t := r.text(n, what); t {
	case "true":
		return true
	case "false":
		return false
	default:
		r.fail(n, "%s must be true or false, not %q", what, t)
		return false
	}
}

// pattern gives the regular expression of match.
func (r *reader) pattern(n ast.Node) *regexp.Regexp {
	re, err := regexp.Compile(r.text(n, "match"))
	if err != nil {
		r.fail(n, "match is not a valid regular expression: %v", err)
	}
	return re
}

// pairs gives a map of texts in order; a scalar a=b,c=d is one too, so that a
// parameter can stand for a map. A value may be missing: pair.null.
func (r *reader) pairs(n ast.Node, what string) []pair {
	var out []pair
	if isMap(n) {
		for _, m := range r.members(n, what, nil) {
			p := pair{key: m.key, at: m.at, null: m.value == nil, node: m.value}
			if m.value != nil {
				if _, list := inner(m.value).(*ast.SequenceNode); !list {
					p.value = r.text(m.value, what)
				}
			}
			out = append(out, p)
		}
		return out
	}
	for _, part := range splitList(r.text(n, what)) {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			value = key
		}
		out = append(out, pair{key: strings.TrimSpace(key), value: strings.TrimSpace(value), at: n})
	}
	return out
}

type pair struct {
	key, value string
	null       bool
	at         ast.Node
	node       ast.Node // of the value, when the pair was written as YAML
}

// splitList parts a,b,c and leaves out what is empty.
func splitList(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
