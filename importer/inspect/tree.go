package inspect

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// node is a part of a YAML document that is written with comments: a scalar, a
// list or a map, whose keys are unique. A document is built of nodes and written
// once, so that nothing that an export holds can break its form.
type node struct {
	kind       nodeKind
	text       string   // scalar, as YAML has it
	keys       []string // map
	items      []*node  // map: the values, list: the items
	flow       bool     // on one line, in brackets or braces
	quotedKeys bool     // map: its keys are values of the export, which stand in quotes
	head       []string // comments above it
	tail       string   // comment behind it
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

func plain(s string) *node      { return &node{text: scalar(s)} }
func inQuotes(s string) *node   { return &node{text: quoted(s)} }
func nothing() *node            { return &node{} }
func list(items ...*node) *node { return &node{kind: listNode, items: items} }
func newMap() *node             { return &node{kind: mapNode} }

// flowMap is a map on one line; pairs are keys and nodes by turns.
func flowMap() *node { return &node{kind: mapNode, flow: true} }

// flowList is a list on one line.
func flowList(items ...*node) *node { return &node{kind: listNode, items: items, flow: true} }

// set adds a key to a map, unless it is there: false then. It gives the node, so
// that comments can be added.
func (n *node) set(key string, value *node) *node {
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.items[i]
	}
	n.keys, n.items = append(n.keys, key), append(n.items, value)
	return value
}

// above adds comment lines above a node.
func (n *node) above(lines ...string) *node {
	n.head = append(n.head, lines...)
	return n
}

// beside sets the comment behind a node.
func (n *node) beside(text string) *node {
	n.tail = text
	return n
}

// document writes a map as a YAML document.
func (n *node) document() []byte {
	var b bytes.Buffer
	n.block(&b, 0)
	return b.Bytes()
}

func comment(b *bytes.Buffer, depth int, lines []string) {
	for _, l := range lines {
		if l == "" { // a gap
			b.WriteByte('\n')
			continue
		}
		b.WriteString(strings.Repeat("  ", depth) + "# " + commentLine(l) + "\n")
	}
}

// block writes the entries of a map or list, one a line.
func (n *node) block(b *bytes.Buffer, depth int) {
	indent := strings.Repeat("  ", depth)
	for i, v := range n.items {
		comment(b, depth, v.head)
		if n.kind == listNode && v.kind == mapNode && !v.flow && len(v.items) > 0 && len(v.items[0].head) == 0 {
			var item bytes.Buffer
			v.block(&item, depth+1)
			b.WriteString(indent + "- ")
			b.Write(item.Bytes()[2*(depth+1):])
			continue
		}
		b.WriteString(indent)
		if n.kind == mapNode {
			b.WriteString(n.key(i) + ":")
		} else {
			b.WriteString("-")
		}
		inline := v.kind == scalarNode || v.flow || len(v.items) == 0
		if inline {
			if s := v.inline(); s != "" {
				b.WriteString(" " + s)
			}
		}
		if v.tail != "" {
			b.WriteString(" # " + commentLine(v.tail))
		}
		b.WriteByte('\n')
		if !inline {
			v.block(b, depth+1)
		}
	}
}

// key writes a key of a map.
func (n *node) key(i int) string {
	if n.quotedKeys {
		return quoted(n.keys[i])
	}
	return scalar(n.keys[i])
}

// inline writes a node on one line.
func (n *node) inline() string {
	switch n.kind {
	case scalarNode:
		return n.text
	case listNode:
		parts := make([]string, len(n.items))
		for i, v := range n.items {
			parts[i] = v.inline()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		parts := make([]string, len(n.items))
		for i, v := range n.items {
			parts[i] = strings.TrimSuffix(n.key(i)+": "+v.inline(), " ")
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
}

var plainScalar = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$.-]*( [A-Za-z0-9_$.-]+)*$`)

// scalar writes a text as a YAML scalar, quoted where it would be read as
// something else.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "yes", "no", "true", "false", "on", "off", "null", "y", "n":
		return quoted(s)
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil && plainScalar.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted writes a text in double quotes, as YAML and JSON have them.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // cannot be: a string is always written
	}
	return strings.TrimSpace(b.String())
}

// commentLine keeps a comment on its line; its indentation stays.
func commentLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
