package mapping

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// MaxLookups is how many files a mapping may look rows up in.
const MaxLookups = 8

// Lookup is another file that a mapping looks a row up in, by its key. A mapping reads
// no files: it says here what it needs, and Layout.Tables has what somebody has read.
type Lookup struct {
	name     string
	file     string
	path     string // where it lies, when Locate said so
	sha      string // of what it has to hold
	at       place
	fileAt   place
	key, on  nameAt
	required bool
	rows     *Spec // its input section, and the words that say nothing
}

// Found says what came of looking a key up.
type Found uint8

// What may come of it.
const (
	Missing  Found = iota // there is no such key
	Near                  // nor is there, but one that SpellingKey makes the same
	There                 // there is one row
	Doubtful              // nobody can tell, for a reason
)

// Missed says what of a row the mapping did not see: keys that were looked up and not found,
// over all lookups, and a column that it does not read.
type Missed uint8

// The bits of Missed.
const (
	MissedKey    Missed = 1 << iota // such a key is not there
	MissedNear                      // it is there in another spelling alone
	MissedOptOut                    // a column that is not read says that somebody left
)

// Table has the rows of the file of a lookup. Any number of goroutines may use it.
type Table interface {
	// Layout is what the rows of the file have.
	Layout() Layout
	// Find finds the row with a key, which is compared byte by byte. What it puts into
	// rec is good as long as mem, to which it appends, and until rec is used again. The
	// reason is one for which the row that has the key is invalid.
	Find(key []byte, mem *[]byte, rec *Record) (found Found, reason string)
}

var lookupName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var lookupKeys = []string{"file", "key", "on", "required", "input"}

// parseLookups reads lookup: a map of names to {file, key, on}.
func (s *Spec) parseLookups(r *reader, n ast.Node) {
	if n == nil {
		return
	}
	const form = "for example lookup: {profiles: {file: profiles.csv, key: id, on: customer_id}}"
	for _, m := range r.members(n, "lookup", nil) {
		l := &Lookup{name: m.key, at: placeOf(m.at), rows: &Spec{file: s.file, empty: s.empty, set: s.set}}
		switch {
		case slices.Contains(lookupKeys, m.key) && !isMap(m.value):
			r.fail(m.at, "lookup: %s belongs below a name, by which its columns are read", m.key)
			r.hint(form)
		case !lookupName.MatchString(m.key) || m.key == "each" || m.key == "row":
			r.fail(m.at, "lookup: %q cannot be the name of a lookup: use letters, digits and _, and not each or row", m.key)
		case len(s.lookups) == MaxLookups:
			r.fail(m.at, "lookup: there are more than %d files", MaxLookups)
		}
		if r.err != nil {
			return
		}
		for _, part := range r.members(m.value, "lookup "+m.key, lookupKeys) {
			switch part.key {
			case "file":
				l.file, l.fileAt = r.text(part.value, "file"), placeOf(part.value)
			case "key":
				l.key = nameAt{r.text(part.value, "key"), placeOf(part.value)}
			case "on":
				l.on = nameAt{r.text(part.value, "on"), placeOf(part.value)}
			case "required":
				l.required = r.truth(part.value, "required")
			case "input":
				l.rows.parseInput(r, part.value)
			}
		}
		if r.err == nil && (l.file == "" || l.key.name == "") {
			r.fail(m.at, "lookup %s needs a file and its key, the column by which its rows are found", m.key)
			r.hint(form)
		}
		if l.on.name == "" {
			l.on = l.key
		}
		s.lookups = append(s.lookups, l)
	}
}

// Lookups are the files that the mapping looks rows up in, in its order.
func (s *Spec) Lookups() []*Lookup { return s.lookups }

// locateAs makes the lookups of s those of another mapping, as far as they are the same:
// where they lie, and what they have to hold.
func (s *Spec) locateAs(other *Spec) *Spec {
	for _, l := range s.lookups {
		for _, o := range other.lookups {
			if l.name == o.name && l.file == o.file {
				l.path, l.sha = o.path, o.sha
			}
		}
	}
	return s
}

// Name is what the mapping calls it.
func (l *Lookup) Name() string { return l.name }

// File is its file as the mapping has it.
func (l *Lookup) File() string { return l.file }

// Key is the column by which its rows are found.
func (l *Lookup) Key() string { return l.key.name }

// Input is what the mapping says of the file's form.
func (l *Lookup) Input() Input { return l.rows.input }

// InputFault is a fault of what the mapping says of the file's form, with its place.
func (l *Lookup) InputFault(setting string, err error) error {
	return l.rows.InputFault(setting, fmt.Errorf("lookup %s: %w", l.name, err))
}

// Place is where the mapping names the file, as file:line:column.
func (l *Lookup) Place() string {
	return fmt.Sprintf("%s:%d:%d", l.rows.file, l.fileAt.line, l.fileAt.column)
}

// Located is where the file lies and the SHA-256 (hex) that it has to have, as Locate
// was told; empty where it was not.
func (l *Lookup) Located() (path, sha256 string) { return l.path, l.sha }

// Locate says where the file lies, and what SHA-256 (hex) it has to have, where that is
// known.
func (l *Lookup) Locate(path, sha256 string) { l.path, l.sha = path, sha256 }

// bind makes a Mapper that does nothing but read the rows of the file.
func (l *Lookup) bind(layout Layout) (*Mapper, *binder) {
	m := &Mapper{spec: l.rows, layout: layout, nothing: value{empty: true}, sought: &nameSet{}, doc: new(jsonvalue.Doc), inside: l}
	if layout.JSON && len(layout.Columns) == 0 {
		m.layout.Columns = l.rows.input.Columns
	}
	b := &binder{m: m}
	b.textsInside()
	return m, b
}

// KeyReader reads the keys of the rows of a lookup's file. It is for one goroutine.
type KeyReader struct {
	m   *Mapper
	key accessor
	res Result
}

// KeyReader reads keys of rows of this layout. That the file has no column of that name
// is an *Error.
func (l *Lookup) KeyReader(layout Layout) (*KeyReader, error) {
	m, b := l.bind(layout)
	k := &KeyReader{m: m}
	var ok bool
	if l.key.name == "$key" && layout.JSON {
		k.key, ok = accessor{kind: accessRowKey, name: l.key.name}, true
	} else if k.key, ok = b.column(l.key); !ok && b.err == nil {
		b.lacks(l.key, "lookup "+l.name+": key")
	}
	if b.err != nil {
		return nil, b.err
	}
	return k, nil
}

// Key gives the key of a row, empty when it has none; a fault when the row cannot be
// read. It is good until the next row.
func (k *KeyReader) Key(rec *Record) (key []byte, fault string) {
	k.res.Reset()
	k.m.begin(rec, &k.res)
	if fault := k.m.open(rec); fault != "" {
		return nil, fault
	}
	text, kind, fault := k.m.get(&k.key)
	switch {
	case fault != "":
		return nil, columnSays(k.m.nameOf(&k.key), fault)
	case kind >= jsonvalue.Array:
		return nil, columnSays(k.key.name, isNoSingle)
	}
	if key = spelling.Trim(text); kind == jsonvalue.Null || k.m.isEmpty(key) {
		return nil, ""
	}
	return key, ""
}

// SpellingKey gives a form in which keys are the same that a spreadsheet, a database or
// a person may have spelled in two ways: in any case, without blanks, quotes, zeros in
// front and a fraction of zero. It is appended to buf. Keys are looked up as they are;
// this only tells why one was not found.
func SpellingKey(key []byte, buf []byte) []byte {
	var mem []byte
	from := len(buf)
	for _, c := range bytes.ToLower(KeyText(key, &mem)) {
		switch c {
		case ' ', '\t', '\'', '"', '{', '}':
		default:
			buf = append(buf, c)
		}
	}
	form := buf[from:]
	if rest, ok := bytes.CutSuffix(form, []byte(".0")); ok && len(rest) > 0 {
		form = rest
	}
	for len(form) > 1 && form[0] == '0' {
		form = form[1:]
	}
	return append(buf[:from], form...)
}
