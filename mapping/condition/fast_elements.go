package condition

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// The fast way of any(list, predicate) over a list of the row. It knows objects whose
// members are plain texts, absent or null, and how long lists in them are. Whatever else
// it meets (other kinds, escapes, text beyond ASCII, errors, long lists), it leaves the
// whole condition to the virtual machine, so that it has no language of its own.

// maxFastElements is how many elements the fast way looks at for one row; the machine
// counts more of them.
const maxFastElements = 1000

// member is a step from an element of a list: .name, or ?.name.
type member struct {
	name     string
	optional bool
}

// elements is the part of a fastRun that looks at lists.
type elements struct {
	doc    *jsonvalue.Doc
	own    jsonvalue.Doc // of a list that nobody has parsed yet
	at     int           // the element, in doc
	looked int           // elements so far
	beyond bool          // this row is left to the virtual machine
}

// compileAny takes any(list, predicate). Within a predicate, names.within is set.
func (f *fastNode) compileAny(n *ast.BuiltinNode, names *nameList) bool {
	predicate, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok || names.within {
		return false
	}
	if f.left, ok = compileList(n.Arguments[0], names); !ok {
		return false
	}
	names.within = true
	defer func() { names.within = false }()
	f.op = fastAny
	f.right, ok = compileFast(predicate.Node, names)
	return ok
}

// compileList takes a list: a name, [], or list ?? list.
func compileList(n ast.Node, names *nameList) (*fastNode, bool) {
	f := &fastNode{at: n.Location().From + 1}
	switch n := n.(type) {
	case *ast.ArrayNode:
		f.op, f.value = fastConst, Operand{jsonvalue.Array, []byte("[]")}
		return f, len(n.Nodes) == 0
	case *ast.BinaryNode:
		if n.Operator != "??" {
			return nil, false
		}
		f.op = fastCoalesce
		var left, right bool
		f.left, left = compileList(n.Left, names)
		f.right, right = compileList(n.Right, names)
		return f, left && right
	}
	f, ok := compileFast(n, names)
	return f, ok && (f.op == fastRef || f.op == fastElement)
}

// membersOf reads .a?.b, from the element of a list.
func membersOf(n ast.Node) (path []member, ok bool) {
	for {
		switch at := n.(type) {
		case *ast.ChainNode:
			n = at.Node
		case *ast.MemberNode:
			name, text := at.Property.(*ast.StringNode)
			if !text || at.Method {
				return nil, false
			}
			path = append(path, member{name.Value, at.Optional})
			n = at.Node
		case *ast.PointerNode:
			slices.Reverse(path)
			return path, at.Name == "" && len(path) > 0
		default:
			return nil, false
		}
	}
}

// any reports whether the predicate holds for an element.
func (r *fastRun) any(n *fastNode) bool {
	e := &r.elements
	list, empty := r.list(n.left)
	switch {
	case empty:
		return false
	case list == jsonvalue.None:
		e.beyond = true
		return false
	}
	for at := list + 1; at < e.doc.Next(list); at = e.doc.Next(at) {
		if e.looked++; e.looked > maxFastElements {
			e.beyond = true
		}
		e.at = at
		holds := r.truth(n.right)
		if r.err != nil || e.beyond { // the machine says what is wrong
			e.beyond = true
			return false
		}
		if holds {
			return true
		}
	}
	return false
}

// list finds a list that compileList took, as a node of elements.doc; jsonvalue.None
// for what is not a list. It is empty where the condition says [].
func (r *fastRun) list(n *fastNode) (at int, empty bool) {
	for n.op == fastCoalesce {
		if r.value(n.left).Kind == jsonvalue.Null {
			n = n.right
		} else {
			n = n.left
		}
	}
	if n.op == fastConst {
		return jsonvalue.None, true
	}
	v, e := r.get(n.ref), &r.elements
	if v.Kind != jsonvalue.Array {
		return jsonvalue.None, false
	}
	if r.parsed != nil {
		if e.doc, at = r.parsed(n.ref); e.doc != nil {
			return at, false
		}
	}
	if e.doc = &e.own; e.doc.Parse(v.Text) != "" {
		return jsonvalue.None, false
	}
	return 0, false
}

// element finds a value below the element; jsonvalue.None for what is absent or null.
func (e *elements) element(path []member) int {
	at := e.at
	for i, m := range path {
		if at == jsonvalue.None && m.optional && i > 0 {
			return at
		}
		if at == jsonvalue.None || e.doc.Kind(at) != jsonvalue.Object {
			e.beyond = true
			return jsonvalue.None
		}
		if at = e.doc.Member(at, m.name); at != jsonvalue.None && e.doc.Kind(at) == jsonvalue.Null {
			at = jsonvalue.None
		}
	}
	return at
}

// text gives a text below the element.
func (e *elements) text(path []member) Operand {
	at := e.element(path)
	if at == jsonvalue.None {
		return Operand{}
	}
	text := e.doc.Raw(at)
	if e.doc.Kind(at) != jsonvalue.String || e.doc.Escaped(at) || slices.ContainsFunc(text, func(c byte) bool { return c >= 0x80 }) {
		e.beyond = true
		return Operand{}
	}
	return Operand{jsonvalue.String, text}
}

// length is the length of a list, as a number; nothing where there is none.
func (r *fastRun) length(n *fastNode) Operand {
	switch n.op {
	case fastCoalesce:
		if v := r.length(n.left); v.Kind != jsonvalue.Null || r.elements.beyond {
			return v
		}
		return r.length(n.right)
	case fastConst:
		return Operand{jsonvalue.Number, []byte("0")}
	case fastElement:
		e := &r.elements
		at := e.element(n.members)
		if at == jsonvalue.None {
			return Operand{}
		}
		if e.doc.Kind(at) != jsonvalue.Array {
			break
		}
		count := 0
		for c := at + 1; c < e.doc.Next(at); c = e.doc.Next(c) {
			count++
		}
		from := len(r.scratch)
		r.scratch = strconv.AppendInt(r.scratch, int64(count), 10)
		return Operand{jsonvalue.Number, r.scratch[from:len(r.scratch):len(r.scratch)]}
	}
	r.elements.beyond = true
	return Operand{}
}
