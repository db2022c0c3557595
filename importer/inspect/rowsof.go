package inspect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/importer/source"
)

// looked is how much of a text is looked at to find where its rows are, and where
// its header is.
const looked = 1 << 20

// pagesLooked is in how many files a page is looked for.
const pagesLooked = 20

// pagePath is where a JSON file keeps its rows, when it is a page of them:
// {"total": 2, "data": [{…}, {…}]}, also deeper, or an object keyed by id (contacts.*).
// Empty when none of the first files is one; files of single rows may lie beside pages.
func pagePath(e *source.Export) string {
	for _, l := range e.Layouts {
		if !l.Nested() {
			return ""
		}
	}
	for i := range min(len(e.Members), pagesLooked) {
		text, err := e.Beginning(i, looked)
		if err != nil {
			return "" // reading the rows will say what is wrong
		}
		if path := rowsPath(text); path != "" {
			return path
		}
	}
	return ""
}

// place is an array or a keyed object of a page that may hold the rows.
type place struct {
	path   []string
	count  int  // elements that were seen
	person bool // an element names somebody
}

// outline goes through the first value of a JSON text.
type outline struct {
	text   []byte // what the decoder reads
	d      *jsontext.Decoder
	path   []string
	places []place
	person bool // outside of the arrays somebody is named: the value is a row itself
}

// rowsPath tells from the beginning of a text where its rows are: in the array of
// objects, outside of which nobody is named. What the array is called does not
// matter, but the first of several that name somebody is the one.
func rowsPath(text []byte) string {
	o := outline{text: text, d: jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	if o.d.PeekKind() != '{' {
		return ""
	}
	if keyed, _ := keyedByID(text); keyed {
		return "*"
	}
	_ = o.object(0) // the text may end in the middle of it
	if o.person || len(o.places) == 0 {
		return ""
	}
	best := slices.MaxFunc(o.places, func(a, b place) int { return a.worth() - b.worth() })
	for _, step := range best.path {
		if strings.ContainsAny(step, `."*`) && step != "*" || step == "" {
			return "" // no path of rows can be written
		}
	}
	return strings.Join(best.path, ".")
}

// worth says how likely a place holds the rows.
func (p *place) worth() int {
	n := min(p.count, 50) - 20*len(p.path)
	if p.person {
		n += 1000
	}
	if len(p.path) > 0 && p.path[len(p.path)-1] == "*" {
		n -= 30
	}
	return n
}

// deepestPage is how many names deep the rows of a page may lie.
const deepestPage = 4

// object reads an object outside of any array of rows.
func (o *outline) object(depth int) error {
	if _, err := o.d.ReadToken(); err != nil {
		return err
	}
	for o.d.PeekKind() == '"' {
		name, err := o.d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		switch o.d.PeekKind() {
		case '[':
			err = o.array(key)
		case '{':
			if depth < deepestPage {
				err = o.nested(key, depth)
			} else {
				err = o.d.SkipValue()
			}
		case '"', '0':
			var v jsontext.Value
			if v, err = o.d.ReadValue(); err == nil && namesSomebody(key, v) {
				o.person = true
			}
		default:
			err = o.d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := o.d.ReadToken()
	return err
}

// nested reads an object in a page: one that is keyed by ids holds rows.
func (o *outline) nested(key string, depth int) error {
	o.path = append(o.path, key)
	defer func() { o.path = o.path[:len(o.path)-1] }()
	text := o.text[o.d.InputOffset():]
	text = text[max(0, bytes.IndexByte(text, '{')):]
	err := o.d.SkipValue() // it may be longer than what was read: what is there is looked at
	if keyed, person := keyedByID(text); keyed {
		o.places = append(o.places, place{append(slices.Clone(o.path), "*"), 2, person})
		return err
	}
	inner := outline{text: text, d: jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), path: slices.Clone(o.path)}
	_ = inner.object(depth + 1)
	o.places = append(o.places, inner.places...)
	o.person = o.person || inner.person
	return err
}

// array reads an array: one of objects may hold the rows.
func (o *outline) array(key string) error {
	if _, err := o.d.ReadToken(); err != nil {
		return err
	}
	p := place{path: append(slices.Clone(o.path), key)}
	for o.d.PeekKind() != ']' {
		if o.d.PeekKind() != '{' {
			v, err := o.d.ReadValue()
			if err != nil {
				return o.add(p, err)
			}
			if v.Kind() == '"' && p.count <= headRecords && namesSomebody("", v) { // rows may be texts: addresses
				p.count++
				p.person = true
			}
			continue
		}
		v, err := o.d.ReadValue()
		if err != nil {
			return o.add(p, err)
		}
		p.count++
		p.person = p.person || p.count <= headRecords && holdsPerson(v, 0)
	}
	_, err := o.d.ReadToken()
	return o.add(p, err)
}

func (o *outline) add(p place, err error) error {
	if p.count > 0 {
		o.places = append(o.places, p)
	}
	return err
}

// keyedByID reports whether the members of an object are all objects, called by
// ids and not by names, and whether one of them names somebody.
func keyedByID(text []byte) (keyed, person bool) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return false, false
	}
	all, ids := 0, 0
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		key := name.String()
		if kind := d.PeekKind(); kind != '{' && kind != 0 {
			return false, false
		}
		member, err := d.ReadValue()
		if err != nil {
			break
		}
		all++
		if isIDKey(key) {
			ids++
		}
		person = person || all <= headRecords && holdsPerson(member, 0)
	}
	return all > 0 && ids == all && (all > 1 || person), person
}

// isIDKey reports whether the name of a member is an id and no word.
func isIDKey(key string) bool {
	if maskKey([]byte(key)) == "*" || allDigits([]byte(key)) {
		return true
	}
	digits := strings.IndexFunc(key, func(r rune) bool { return r >= '0' && r <= '9' }) >= 0
	return digits && len(key) >= 3
}

// namesSomebody reports whether a member names a person or an event's own record.
func namesSomebody(name string, v jsontext.Value) bool {
	if v.Kind() == '"' && bytes.IndexByte(v, '@') > 0 {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil && isEmail(s) {
			return true
		}
	}
	switch compactName(name) {
	case "id", "messageid", "subject":
		return true
	}
	return exact(name, personHints()) >= 60 || exact(name, visitorHints()) >= 60
}

// holdsPerson reports whether a value names somebody, at any depth.
func holdsPerson(v jsontext.Value, depth int) bool {
	d := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil || depth > deepestPage {
		return false
	}
	for d.PeekKind() != '}' && d.PeekKind() != ']' && d.PeekKind() != 0 {
		key := ""
		if v.Kind() == '{' {
			name, err := d.ReadToken()
			if err != nil {
				return false
			}
			key = name.String()
		}
		member, err := d.ReadValue()
		if err != nil {
			return false
		}
		switch member.Kind() {
		case '{', '[':
			if holdsPerson(slices.Clone(member), depth+1) {
				return true
			}
		case '"', '0':
			if compactName(key) != "id" && namesSomebody(key, member) {
				return true
			}
		}
	}
	return false
}
