package mapping

import (
	"bytes"
	"html"
	"net/url"
	"strconv"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// accessor gets one value of a row or of its current element.
type accessor struct {
	kind accessKind
	col  int             // column of a CSV row
	cell int             // index into Mapper.cells, for paths inside a CSV cell; of accessElement, into elementValues
	at   jsonvalue.Place // inside JSON
	up   int             // each.parent.path: how many lists further out
	each bool            // of a lookup: it goes by the element
	// inner is what to get of the row that was looked up; cell is which of Mapper.joins.
	inner *accessor
	name  string // as the mapping has it
}

type accessKind uint8

const (
	accessNothing  accessKind = iota // a column that need not exist and does not
	accessCell                       // a CSV cell
	accessCellPath                   // inside a CSV cell that holds JSON
	accessDoc                        // inside a JSON row
	accessKey                        // each.key
	accessValue                      // each.value
	accessElement                    // each.path
	accessIndex                      // each.index
	accessParent                     // each.parent, of a map of maps
	accessCreated                    // each.created, of a decoder's cell
	accessUpdated
	accessDays
	accessFile
	accessRow
	accessRowKey
	accessLookup // of the row of another file
)

// KeyMember is where a row that was given back for repair has the key of $key.
const KeyMember = "_key"

// jsonCell is a CSV cell that holds JSON, parsed when first asked for.
type jsonCell struct {
	col    int
	inside *accessor // of a JSON row: the value that is a JSON text; nil: the cell of col
	name   string
	doc    jsonvalue.Doc
	row    uint64 // the row for which it was parsed
	reason string // why it could not be
	absent bool
	clean  []byte // the text, when it had to be unwrapped
}

// document gives the parsed cell; a reason when it is not JSON.
func (m *Mapper) document(i int) (*jsonvalue.Doc, bool, string) {
	c := &m.cells[i]
	if c.row != m.generation {
		c.row, c.reason, c.absent = m.generation, "", false
		var text []byte
		if c.inside == nil {
			text = bytes.TrimSpace(m.rec.Cells[c.col])
		} else {
			whole, _, _ := m.get(c.inside)
			text = bytes.TrimSpace(whole)
		}
		if m.isEmpty(text) {
			c.absent = true
		} else {
			c.reason = c.parse(text)
		}
	}
	return &c.doc, !c.absent && c.reason == "", c.reason
}

// parse reads a cell. Exporters wrap JSON: as a JSON string that contains JSON,
// with HTML entities, or percent-encoded. Each is undone only when the text is
// no JSON without it.
func (c *jsonCell) parse(text []byte) string {
	reason := c.doc.Parse(text)
	if reason == "" {
		if c.doc.Kind(0) != jsonvalue.String {
			return ""
		}
		c.clean = c.clean[:0]
		within := bytes.Clone(c.doc.Text(0, &c.clean))
		if len(within) > 0 && (within[0] == '{' || within[0] == '[') {
			return c.doc.Parse(within)
		}
		return ""
	}
	if bytes.Contains(text, []byte("&quot;")) || bytes.Contains(text, []byte("&#34;")) {
		if c.doc.Parse([]byte(html.UnescapeString(string(text)))) == "" {
			return ""
		}
	}
	if text[0] == '%' {
		if s, err := url.QueryUnescape(string(text)); err == nil && c.doc.Parse([]byte(s)) == "" {
			return ""
		}
	}
	quote := []byte(`\"`)
	if len(text) > 1 && (text[0] == '{' || text[0] == '[') && text[1] == '\\' || bytes.HasPrefix(text, quote) ||
		bytes.Contains(text, quote) && c.doc.Parse(bytes.ReplaceAll(text, quote, quote[1:])) == "" {
		return reason + `: its quotes stand behind backslashes; databases write so: set input.escape: "\\"`
	}
	return reason
}

// element is one of the consents that a row makes.
type element struct {
	key    []byte
	parent []byte // of a map of maps: the name of the outer member
	value  []byte
	kind   jsonvalue.Kind
	doc    *jsonvalue.Doc // of array and object elements
	node   int
	closed bool // an object: opened reads its key and value
	index  int
	column string // that the value came from, when it is not the list's own
	// parents are the elements that hold the list of this one, from the nearest on.
	parents [deepest - 1]int
}

// above is the node of the element, or of the one that holds it so many lists up.
func (e *element) above(up int) int {
	if up == 0 {
		return e.node
	}
	return e.parents[up-1]
}

// isAmbiguous is why a value is not read whose name stands twice in one JSON object, as
// columns of one name are not.
const isAmbiguous = "is ambiguous: its name, or one on the way to it, stands twice in one object, with different values"

// get gives the text and kind of a value; jsonvalue.Null when nothing is there. The
// reason is one for which the row is invalid.
func (m *Mapper) get(a *accessor) (text []byte, kind jsonvalue.Kind, reason string) {
	switch a.kind {
	case accessCell:
		return m.rec.Cells[a.col], jsonvalue.String, ""
	case accessCellPath:
		doc, there, reason := m.document(a.cell)
		if !there {
			return nil, jsonvalue.Null, reason
		}
		if doc.Forked() && doc.Ambiguous(0, a.at.Path) {
			return nil, jsonvalue.Null, isAmbiguous
		}
		return m.node(doc, doc.Find(0, a.at.Path))
	case accessDoc:
		if m.doc.Forked() && m.doc.AmbiguousAt(&a.at) {
			return nil, jsonvalue.Null, isAmbiguous
		}
		return m.node(m.doc, m.doc.At(&a.at))
	case accessKey:
		if m.elem == nil {
			break
		}
		return m.opened(m.elem).key, jsonvalue.String, ""
	case accessValue:
		if m.elem == nil || m.opened(m.elem).kind == jsonvalue.Null {
			return nil, jsonvalue.Null, ""
		}
		return m.elem.value, m.elem.kind, ""
	case accessElement:
		return m.inElement(a)
	case accessParent:
		if m.elem == nil {
			break
		}
		return m.elem.parent, jsonvalue.String, ""
	case accessIndex:
		if m.elem == nil {
			break
		}
		return m.number(int64(m.elem.index))
	case accessCreated:
		return m.positive(m.decoded.Created)
	case accessUpdated:
		return m.positive(m.decoded.Updated)
	case accessDays:
		return m.positive(int64(m.decoded.Days))
	case accessFile:
		from := len(*m.arena)
		*m.arena = append(*m.arena, m.rec.File...)
		return (*m.arena)[from:len(*m.arena):len(*m.arena)], jsonvalue.String, ""
	case accessRow:
		return m.number(m.rec.Row)
	case accessLookup:
		return m.inLookup(a)
	case accessRowKey:
		if m.rec.Key != nil {
			return m.own(m.rec.Key), jsonvalue.String, ""
		}
		return m.node(m.doc, m.doc.Member(0, KeyMember))
	}
	return nil, jsonvalue.Null, ""
}

// elementValue is what stands at one name below each, of the element of a round: conditions
// ask for the same name again and again.
type elementValue struct {
	round  uint64
	text   []byte
	kind   jsonvalue.Kind
	reason string
}

func (m *Mapper) inElement(a *accessor) ([]byte, jsonvalue.Kind, string) {
	if m.elem == nil || m.elem.doc == nil {
		return nil, jsonvalue.Null, ""
	}
	v := &m.elementValues[a.cell]
	if v.round != m.round {
		v.round = m.round
		doc, from := m.elem.doc, m.elem.above(a.up)
		if doc.Forked() && doc.Ambiguous(from, a.at.Path) {
			v.text, v.kind, v.reason = nil, jsonvalue.Null, isAmbiguous
		} else {
			v.text, v.kind, v.reason = m.node(doc, doc.Find(from, a.at.Path))
		}
	}
	return v.text, v.kind, v.reason
}

// listOf is where a value that get gives as a list lies; no document where it is not at
// hand.
func (m *Mapper) listOf(a *accessor) (*jsonvalue.Doc, int) {
	switch a.kind {
	case accessDoc:
		return m.doc, m.doc.At(&a.at)
	case accessElement:
		return m.elem.doc, m.elem.doc.Find(m.elem.above(a.up), a.at.Path)
	}
	return nil, jsonvalue.None
}

func (m *Mapper) node(doc *jsonvalue.Doc, n int) ([]byte, jsonvalue.Kind, string) {
	if n == jsonvalue.None {
		return nil, jsonvalue.Null, ""
	}
	return doc.Text(n, m.arena), doc.Kind(n), ""
}

func (m *Mapper) number(n int64) ([]byte, jsonvalue.Kind, string) {
	from := len(*m.arena)
	*m.arena = strconv.AppendInt(*m.arena, n, 10)
	return (*m.arena)[from:len(*m.arena):len(*m.arena)], jsonvalue.Number, ""
}

func (m *Mapper) positive(n int64) ([]byte, jsonvalue.Kind, string) {
	if n <= 0 {
		return nil, jsonvalue.Null, ""
	}
	return m.number(n)
}

// isEmpty reports whether a trimmed cell says nothing: it is one of the words of
// empty, in any case, as values are compared.
func (m *Mapper) isEmpty(trimmed []byte) bool {
	return len(trimmed) == 0 || len(m.spec.empty) > 0 && m.spec.saysNothing(trimmed)
}

func (s *Spec) saysNothing(trimmed []byte) bool {
	for _, e := range s.empty {
		if (len(e.text) == len(trimmed) || !e.plain) && equalFold(trimmed, e.text) {
			return true
		}
	}
	return false
}
