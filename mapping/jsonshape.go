package mapping

// jsonShape is what the documents of an export have in common: most rows have
// the same members in the same order, so that a value which was looked for once
// is found at the same node in all of them. It is what parse compares a document
// with as it goes, and becomes that of the document which differs.
type jsonShape struct {
	id    uint64 // another one for another shape; 0: none
	nodes []shapeNode
	names []byte // of all members, as they mostly stand: "name":
	same  bool   // so far
	known bool   // the shape is that of the document, whose names have no escapes
}

// shapeNode is a node as far as paths depend on it. Whether it is an array or an
// object shows in the names below it; when there is nothing below, no path goes on.
type shapeNode struct {
	skip     int32
	from, to int32 // its name in names; nothing for an element
}

func (s *jsonShape) begin() { s.same, s.known = s.id != 0, false }

// name gives the name of a member as the shape has it, with quotes and colon.
func (s *jsonShape) name(at int) []byte {
	if !s.same || at >= len(s.nodes) {
		return nil
	}
	n := &s.nodes[at]
	return s.names[n.from:n.to]
}

// node compares a node that was just parsed; named says that its name was found
// to be the one of the shape.
func (s *jsonShape) node(d *jsonDoc, at int, named bool) {
	if !s.same {
		return
	}
	if at >= len(s.nodes) {
		s.same = false
		return
	}
	n, like := &d.nodes[at], &s.nodes[at]
	s.same = n.skip == like.skip && (named || s.isName(like, d, n))
}

func (s *jsonShape) isName(like *shapeNode, d *jsonDoc, n *jsonNode) bool {
	if like.from == like.to || n.keyStart == 0 {
		return like.from == like.to && n.keyStart == 0
	}
	return string(d.text[n.keyStart:n.keyEnd]) == string(s.names[like.from+1:like.to-2])
}

// end takes the shape of a document that has another one.
func (s *jsonShape) end(d *jsonDoc) {
	if s.same { // the first node says how many there are
		s.known = true
		return
	}
	s.id++
	s.nodes, s.names, s.known = s.nodes[:0], s.names[:0], true
	for i := range d.nodes {
		n := &d.nodes[i]
		from := int32(len(s.names))
		if n.keyStart > 0 { // behind a quote at least
			s.names = append(s.names, '"')
			s.names = append(s.names, d.text[n.keyStart:n.keyEnd]...)
			s.names = append(s.names, '"', ':')
		}
		s.nodes = append(s.nodes, shapeNode{n.skip, from, int32(len(s.names))})
		s.known = s.known && !n.keyEscaped
	}
	if !s.known {
		s.nodes = s.nodes[:0] // nothing is like it
	}
}

// whereabouts is where a path leads in documents of one shape.
type whereabouts struct {
	shape uint64
	node  int
}

// at follows the path of an accessor of the whole document.
func (d *jsonDoc) at(a *accessor) int {
	if d.shape.known && a.found.shape == d.shape.id {
		return a.found.node
	}
	n := none
	if a.exact != "" {
		n = d.member(0, a.exact)
	}
	if n == none {
		n = d.find(0, a.path)
	}
	if d.shape.known && !a.path.byValue() {
		a.found = whereabouts{d.shape.id, n}
	}
	return n
}
