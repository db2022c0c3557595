package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/consentimport/consentimport/mapping/decode"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// elements finds the elements of the row. A reason says why the row is invalid.
func (m *Mapper) elements() (reason, column string) {
	m.elems, m.unsaid = m.elems[:0], false
	if len(m.seekElement) > 0 {
		defer m.seekElements()
	}
	e := m.spec.each
	switch e.form {
	case eachColumns:
		return m.eachColumns()
	case eachSplit:
		reason, column = m.eachSplit(e)
	case eachDecoder:
		reason, column = m.eachDecoder(e)
	default:
		reason, column = m.eachJSON(e)
	}
	if reason == "" && e.all != nil && m.has(&m.list) {
		reason, column = m.accepted(e)
	}
	return reason, column
}

func (m *Mapper) add(e element) {
	e.index = len(m.elems)
	m.elems = append(m.elems, e)
}

func (m *Mapper) eachColumns() (string, string) {
	said := false
	for i := range m.columns {
		c := &m.columns[i]
		el := element{key: c.category, kind: jsonvalue.Null, column: c.from[0].name}
		for k := range c.from {
			text, kind, reason := m.get(&c.from[k])
			if reason != "" {
				return columnSays(m.nameOf(&c.from[k]), reason), c.from[k].name
			}
			if kind >= jsonvalue.Array {
				return columnSays(c.from[k].name, "holds a list or an object, not a decision"), c.from[k].name
			}
			if kind != jsonvalue.Null && (el.kind == jsonvalue.Null || m.isEmpty(spelling.Trim(el.value))) {
				el.value, el.kind, el.column = text, kind, c.from[k].name
			}
		}
		said = said || el.kind != jsonvalue.Null
		m.add(el)
	}
	if !said && !m.spec.each.optional {
		return m.lacksColumns()
	}
	return "", ""
}

// lacksColumns says so when the row has none of the columns, be they null.
func (m *Mapper) lacksColumns() (string, string) {
	var names []accessor
	for i := range m.columns {
		for k := range m.columns[i].from {
			if m.has(&m.columns[i].from[k]) {
				return "", ""
			}
		}
		names = append(names, m.columns[i].from...)
	}
	return m.lacking(names)
}

// lacksList says so when the row has no list, be it null.
func (m *Mapper) lacksList(e *eachSpec) (string, string) {
	if e.optional || e.otherwise || m.has(&m.list) {
		return "", ""
	}
	return m.lacking([]accessor{m.list})
}

func (m *Mapper) eachSplit(e *eachSpec) (string, string) {
	text, kind, reason := m.get(&m.list)
	if reason != "" {
		return columnSays(m.nameOf(&m.list), reason), m.list.name
	}
	if kind == jsonvalue.Null || m.isEmpty(spelling.Trim(text)) {
		m.unsaid = true
		return m.lacksList(e)
	}
	for part := range bytes.SplitSeq(text, []byte(e.by)) {
		part = spelling.Trim(part)
		if len(part) == 0 {
			continue
		}
		if e.match != nil {
			at := e.match.FindSubmatchIndex(part)
			if at == nil || len(at) > 2 && at[2] < 0 {
				return columnSays(m.list.name, "has a part that does not fit match"), m.list.name
			}
			part = part[at[len(at)-2]:at[len(at)-1]]
		}
		el := element{key: part, value: part, kind: jsonvalue.String, column: m.list.name}
		if e.pair != "" {
			i := bytes.LastIndex(part, []byte(e.pair))
			if i < 0 {
				return columnSays(m.list.name, fmt.Sprintf("has a part without %q", e.pair)), m.list.name
			}
			el.key, el.value = spelling.Trim(part[:i]), spelling.Trim(part[i+len(e.pair):])
			if len(el.key) == 0 {
				return columnSays(m.list.name, fmt.Sprintf("has a part without a name before %q", e.pair)), m.list.name
			}
			if m.holdsValue(el.key, e.pair) {
				return columnSays(m.list.name, fmt.Sprintf("has several decisions in one part; see what stands between them, and say so with by: (now %q)", e.by)), m.list.name
			}
		}
		m.add(el)
	}
	return "", ""
}

// betweenParts tells that a sign may stand between the parts of cells, where it is not the
// one that the mapping names: whatever belongs to no word, in any script.
func betweenParts(c rune) bool {
	return c != '-' && c != '_' && c != '.' && c != '\'' && (unicode.IsPunct(c) || unicode.IsSymbol(c) || unicode.IsSpace(c) || unicode.IsControl(c))
}

// holdsValue reports whether a name has a decision of its own in it, and something behind
// that: "news:no;ads" of "news:no;ads:yes" is no category.
func (m *Mapper) holdsValue(name []byte, pair string) bool {
	for {
		_, rest, found := bytes.Cut(name, []byte(pair))
		if !found {
			return false
		}
		name = rest
		rest = bytes.TrimLeft(rest, " \t")
		if i := bytes.IndexFunc(rest, func(c rune) bool { return betweenParts(c) && !strings.ContainsRune(pair, c) }); i > 0 && m.means(rest[:i]) {
			return true
		}
	}
}

// means reports whether an action of the mapping gives a text a meaning.
func (m *Mapper) means(text []byte) bool {
	f := m.fields[fieldAction]
	for _, spec := range append(slices.Clip(f.spec.cases), f.spec) {
		if spec.values == nil && len(spec.from) > 0 && (equalFold(text, "accept") || equalFold(text, "reject")) {
			return true
		}
		for i := range spec.values {
			if equalFold(text, spec.values[i].from) {
				return true
			}
		}
	}
	return false
}

func (m *Mapper) eachDecoder(e *eachSpec) (string, string) {
	text, kind, reason := m.get(&m.list)
	if reason != "" {
		return columnSays(m.nameOf(&m.list), reason), m.list.name
	}
	m.decoded.Undecided = ""
	if kind == jsonvalue.Null || m.isEmpty(spelling.Trim(text)) {
		m.decoded, m.unsaid = decode.Cell{}, true
		return m.lacksList(e)
	}
	if err := e.decoder(spelling.Trim(text), &m.decoded); err != nil {
		m.decoded.Undecided = ""
		return columnSays(m.list.name, err.Error()), m.list.name
	}
	for _, d := range m.decoded.Elements {
		m.add(element{key: m.own(d.Key), value: m.own(d.Value), kind: jsonvalue.String})
	}
	return "", ""
}

// own copies bytes that live shorter than the result.
func (m *Mapper) own(b []byte) []byte {
	from := len(*m.arena)
	*m.arena = append(*m.arena, b...)
	return (*m.arena)[from:len(*m.arena):len(*m.arena)]
}

// eachJSON goes through an array or an object.
func (m *Mapper) eachJSON(e *eachSpec) (string, string) {
	doc, n, reason := m.listNode()
	if reason != "" {
		return columnSays(m.nameOf(&m.list), reason), m.list.name
	}
	if n == jsonvalue.None || doc.Kind(n) == jsonvalue.Null || doc.Kind(n) == jsonvalue.String && m.isEmpty(spelling.Trim(doc.Raw(n))) {
		if e.otherwise {
			m.add(element{kind: jsonvalue.Null})
		}
		return m.lacksList(e)
	}
	if e.below == nil {
		return m.members(e, doc, n, nil)
	}
	if doc.Kind(n) != jsonvalue.Object {
		return columnSays(m.list.name, "does not hold an object"), m.list.name
	}
	for c := n + 1; c < doc.Next(n); c = doc.Next(c) {
		parent := doc.Key(c, m.arena)
		if len(spelling.Trim(parent)) == 0 {
			return columnSays(m.list.name, "has a member without a name"), m.list.name
		}
		if doc.Forked() && doc.Open(c, e.inner) {
			return columnSays(m.list.name, hasAmbiguous), m.list.name
		}
		list := doc.Find(c, e.inner)
		if list == jsonvalue.None {
			return columnSays(m.list.name, fmt.Sprintf("has a member without %q", *e.below)), m.list.name
		}
		if doc.Kind(list) == jsonvalue.Null {
			continue
		}
		if reason, column := m.members(e, doc, list, parent); reason != "" {
			return reason, column
		}
	}
	return "", ""
}

// members adds the elements of one list or object.
func (m *Mapper) members(e *eachSpec, doc *jsonvalue.Doc, n int, parent []byte) (string, string) {
	want, what := jsonvalue.Array, "a list"
	if e.form == eachObject {
		want, what = jsonvalue.Object, "an object"
	}
	if doc.Kind(n) != want {
		return columnSays(m.list.name, "does not hold "+what), m.list.name
	}
	var around [deepest]int
	return m.eachNode(e, doc, n, parent, around[:0])
}

// What opened reads.
var memberValue, memberKey = jsonvalue.Members("value"), jsonvalue.Members("key")

const hasAmbiguous = "has an element in which a name stands twice, with different values"

// eachNode goes through a list or object, and through the lists inside of its elements
// where the mapping names these. Parent is the name of the member that it lies in;
// around are the elements that hold this one, from the outermost on.
func (m *Mapper) eachNode(e *eachSpec, doc *jsonvalue.Doc, n int, parent []byte, around []int) (string, string) {
	for c := n + 1; c < doc.Next(n); c = doc.Next(c) {
		if level := len(around); level < len(e.within) {
			if doc.Forked() && doc.Open(c, e.within[level]) {
				return columnSays(m.list.name, hasAmbiguous), m.list.name
			}
			within := doc.Find(c, e.within[level])
			if within == jsonvalue.None || doc.Kind(within) == jsonvalue.Null || doc.Kind(within) == jsonvalue.String && m.isEmpty(spelling.Trim(doc.Raw(within))) {
				continue // this one has no list inside
			}
			if doc.Kind(within) != jsonvalue.Array {
				return columnSays(m.list.name, "has an element in which the list is not a list"), m.list.name
			}
			if reason, column := m.eachNode(e, doc, within, parent, append(around, c)); reason != "" {
				return reason, column
			}
			continue
		}
		el := element{parent: parent, doc: doc, node: c, kind: doc.Kind(c), value: doc.Text(c, m.arena)}
		for i := range around {
			el.parents[i] = around[len(around)-1-i]
		}
		switch {
		case e.form == eachObject:
			el.key = doc.Key(c, m.arena)
			if len(spelling.Trim(el.key)) == 0 {
				return columnSays(m.list.name, "has a member without a name"), m.list.name
			}
			if m.twice(parent, el.key) {
				return columnSays(m.list.name, "lists a category twice"), m.list.name
			}
		case el.kind == jsonvalue.Object && doc.Forked() && (doc.Ambiguous(c, memberValue) || doc.Ambiguous(c, memberKey)):
			return columnSays(m.list.name, hasAmbiguous), m.list.name
		case el.kind == jsonvalue.Object:
			el.closed = true
		default:
			el.key = el.value
		}
		m.add(el)
	}
	return "", ""
}

// opened reads what each.value and each.key are of an element that is an object: its
// members of these names. Few mappings ask for them.
func (m *Mapper) opened(e *element) *element {
	if !e.closed {
		return e
	}
	e.closed = false
	if v := e.doc.Member(e.node, "value"); v != jsonvalue.None {
		e.kind, e.value = e.doc.Kind(v), e.doc.Text(v, m.arena)
	}
	if k := e.doc.Member(e.node, "key"); k != jsonvalue.None {
		e.key = e.doc.Text(k, m.arena)
	}
	return e
}

// listNode finds the array or object of the row.
func (m *Mapper) listNode() (*jsonvalue.Doc, int, string) { return m.nodeOf(&m.list) }

func (m *Mapper) nodeOf(a *accessor) (*jsonvalue.Doc, int, string) {
	switch a.kind {
	case accessDoc:
		if m.doc.Forked() && m.doc.OpenAt(&a.at) {
			return m.doc, jsonvalue.None, isAmbiguous
		}
		return m.doc, m.doc.At(&a.at), ""
	case accessNothing:
		return m.doc, jsonvalue.None, ""
	case accessLookup:
		j := m.joins[a.cell]
		if reason := m.join(j); reason != "" || !j.there {
			return m.doc, jsonvalue.None, reason
		}
		return j.in.nodeOf(a.inner)
	}
	doc, there, reason := m.document(a.cell)
	if !there {
		return doc, jsonvalue.None, reason
	}
	if doc.Forked() && doc.Open(0, a.at.Path) {
		return doc, jsonvalue.None, isAmbiguous
	}
	return doc, doc.Find(0, a.at.Path), ""
}

var trueWord, falseWord = []byte("true"), []byte("false")

// accepted turns a list of what was accepted into a decision about everything
// there is: what the list does not name was refused. A name that nobody knows
// makes the row invalid.
func (m *Mapper) accepted(e *eachSpec) (string, string) {
	m.listed = m.listed[:0]
	for i := range m.elems {
		token := spelling.Trim(m.opened(&m.elems[i]).key)
		if len(token) == 0 || slices.Contains(e.ignore, string(token)) {
			continue
		}
		known := slices.ContainsFunc(e.all, func(p pair) bool { return p.value == string(token) })
		if !known {
			return columnSays(m.list.name, "lists "+m.shown(token)+", which is none of the categories given"), m.list.name
		}
		m.listed = append(m.listed, token)
	}
	m.elems = m.elems[:0]
	for i := range e.all {
		p := &e.all[i]
		el := element{key: m.keep(p.key), value: falseWord, kind: jsonvalue.Bool}
		if slices.ContainsFunc(m.listed, func(b []byte) bool { return string(b) == p.value }) {
			el.value = trueWord
		}
		m.add(el)
	}
	return "", ""
}

// twice reports whether an element of that key is there already: a document that
// says two things about one category says nothing about it.
func (m *Mapper) twice(parent, key []byte) bool {
	return slices.ContainsFunc(m.elems, func(e element) bool { return bytes.Equal(e.key, key) && bytes.Equal(e.parent, parent) })
}
