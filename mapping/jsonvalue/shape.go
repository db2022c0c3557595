package jsonvalue

// shape is what the documents of an export have in common: most rows have
// the same members in the same order, so that a value which was looked for once
// is found at the same node in all of them. It is what parse compares a document
// with as it goes.
type shape struct {
	id    uint64 // another one for another shape; 0: none
	nodes []shapeNode
	names []byte // of all members, as they mostly stand: "name":
	same  bool   // so far
	known bool   // the shape is that of the document, whose names have no escapes
	other int    // documents in a row that had another one
}

// otherShapes is how many documents in a row have to differ from the shape before it
// gives way: one document of another kind, or a few kinds by turns, leave it alone.
const otherShapes = 4

// shapeNode is a node as far as paths depend on it. Whether it is an array or an
// object shows in the names below it; when there is nothing below, no path goes on.
type shapeNode struct {
	skip     int32
	from, to int32 // its name in names; nothing for an element
}

func (s *shape) begin() { s.same, s.known = s.id != 0, false }

// name gives the name of a member as the shape has it, with quotes and colon.
func (s *shape) name(at int) []byte {
	if !s.same || at >= len(s.nodes) {
		return nil
	}
	n := &s.nodes[at]
	return s.names[n.from:n.to]
}

// node compares a node that was just parsed; named says that its name was found
// to be the one of the shape.
func (s *shape) node(d *Doc, at int, named bool) {
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

func (s *shape) isName(like *shapeNode, d *Doc, n *node) bool {
	if like.from == like.to || n.keyStart == 0 {
		return like.from == like.to && n.keyStart == 0
	}
	return string(d.text[n.keyStart:n.keyEnd]) == string(s.names[like.from+1:like.to-2])
}

// end takes the shape of a document when several had another one.
func (s *shape) end(d *Doc) {
	if s.same { // the first node says how many there are
		s.known, s.other = true, 0
		return
	}
	several := d.checkNames()
	if s.other++; s.other < otherShapes && len(s.nodes) > 0 {
		return
	}
	s.id++
	s.nodes, s.names, s.other = s.nodes[:0], s.names[:0], 0
	s.known = !several // else values say whether that matters
	for i := range d.nodes {
		n := &d.nodes[i]
		from := int32(len(s.names))
		if n.keyStart > 0 { // behind a quote at least
			s.names = append(s.names, d.text[n.keyStart-1:n.keyEnd+1]...)
			s.names = append(s.names, ':')
		}
		s.nodes = append(s.nodes, shapeNode{n.skip, from, int32(len(s.names))})
		s.known = s.known && !n.keyEscaped
	}
	if !s.known {
		s.nodes = s.nodes[:0] // nothing is like it
	}
}

// Place is where a value lies in every document: at a path, or first of all at
// the member of the outermost object that is spelled exactly so. It remembers
// where that leads, so it goes with one Doc.
type Place struct {
	Path  Path
	Exact string // empty: none goes first
	found whereabouts
}

// whereabouts is where a path leads in documents of one shape.
type whereabouts struct {
	shape uint64
	node  int
}

// Shape tells documents apart whose values lie in other places: those of one shape
// have one id. It is not known of a document whose names have escapes.
func (d *Doc) Shape() (id uint64, known bool) { return d.shape.id, d.shape.known }

// At is the node at a place; None when there is nothing.
func (d *Doc) At(p *Place) int {
	if d.shape.known && p.found.shape == d.shape.id {
		return p.found.node
	}
	n := None
	if p.Exact != "" {
		n = d.Member(0, p.Exact)
	}
	if n == None {
		n = d.Find(0, p.Path)
	}
	if d.shape.known && !p.Path.ByValue() {
		p.found = whereabouts{d.shape.id, n}
	}
	return n
}
