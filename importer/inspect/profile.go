package inspect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how many names deep JSON is looked into; what lies deeper counts
// as a whole.
const maxDepth = 12

// profile gathers what the rows say, column by column.
type profile struct {
	list   []*column
	byName map[string]*column
	more   bool // columns beyond maxColumns
	rows   int64
	// csv has the columns of each CSV layout, by position.
	csv     map[int][]*column
	row     int64
	path    []byte // of the value that is being read
	scratch []byte
	reader  bytes.Reader
	decoder *jsontext.Decoder
}

func newProfile() *profile {
	return &profile{byName: map[string]*column{}, csv: map[int][]*column{}, decoder: new(jsontext.Decoder)}
}

// column gives the column of a name; nil when there are too many.
func (p *profile) column(name []byte) *column {
	if c, ok := p.byName[string(name)]; ok {
		return c
	}
	if len(p.list) == maxColumns {
		p.more = true
		return nil
	}
	c := newColumn(string(name))
	p.byName[c.name] = c
	p.list = append(p.list, c)
	return c
}

// record takes one CSV record.
func (p *profile) record(layout int, names []string, cells [][]byte, row int64) {
	columns, ok := p.csv[layout]
	if !ok {
		columns = p.header(names)
		for _, c := range columns {
			if c != nil {
				c.layouts = append(c.layouts, layout)
			}
		}
		p.csv[layout] = columns
	}
	p.row = row
	for i, cell := range cells {
		c := columns[i]
		if c == nil {
			continue
		}
		c.of++
		v := bytes.TrimSpace(cell)
		if len(v) == 0 {
			continue
		}
		if k := c.add(v, row); k == kindJSON {
			p.path = append(p.path[:0], c.name...)
			c.cell = true
			p.open(v)
			_ = p.members(maxDepth - 1) // its syntax was checked
		}
	}
}

// bareCells gives the cells of a JSON row that is a list or a text; false for another.
func bareCells(text []byte) ([][]byte, bool) {
	v := jsontext.Value(bytes.TrimSpace(text))
	switch v.Kind() {
	case '"':
		cell, err := jsontext.AppendUnquote(nil, v)
		return [][]byte{cell}, err == nil
	case '[':
		d := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if _, err := d.ReadToken(); err != nil {
			return nil, false
		}
		var cells [][]byte
		for d.PeekKind() != ']' {
			item, err := d.ReadValue()
			if err != nil {
				return nil, false
			}
			cell := bytes.Clone(item)
			switch item.Kind() {
			case '"':
				if cell, err = jsontext.AppendUnquote(nil, item); err != nil {
					return nil, false
				}
			case 'n':
				cell = nil
			}
			cells = append(cells, cell)
		}
		return cells, len(cells) > 0
	}
	return nil, false
}

// bare takes the cells of a row without names.
func (p *profile) bare(cells [][]byte, row int64) {
	p.rows++
	p.row = row
	for i, cell := range cells {
		c := p.column(fmt.Appendf(nil, "column%d", i+1))
		if c == nil {
			return
		}
		c.of++
		if v := bytes.TrimSpace(cell); len(v) > 0 {
			c.add(v, row)
		}
	}
}

// header gives the columns of a header. A name that other parts of the export
// spell differently (tcpid, tc_p_id) is the same column; one that the header has
// twice is two.
func (p *profile) header(names []string) []*column {
	var columns []*column
	seen := map[string]int{}
	for _, n := range names {
		if seen[n]++; seen[n] > 1 {
			n = fmt.Sprintf("%s (%d)", n, seen[n])
		} else if c := p.spelling(n, names); c != nil {
			columns = append(columns, c)
			continue
		}
		columns = append(columns, p.column([]byte(n)))
	}
	return columns
}

// spelling finds the column that other parts call by another spelling of a name.
func (p *profile) spelling(name string, names []string) *column {
	if p.byName[name] != nil || compactName(name) == "" {
		return nil
	}
	for _, c := range p.list {
		if compactName(c.name) == compactName(name) && !slices.Contains(names, c.name) {
			c.spellings = append(c.spellings, name)
			p.byName[name] = c
			return c
		}
	}
	return nil
}

// open begins to read a JSON text.
func (p *profile) open(text []byte) {
	p.reader.Reset(text)
	p.decoder.Reset(&p.reader, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// document takes one JSON value and says why it is not a row, if it is none.
func (p *profile) document(text []byte, row int64) string {
	// First of all the syntax: half a document would count half.
	if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return "is not valid JSON"
	}
	p.open(text)
	if p.decoder.PeekKind() != '{' {
		return "is not a JSON object"
	}
	p.rows++
	p.row, p.path = row, p.path[:0]
	if err := p.members(maxDepth); err != nil {
		return "is not valid JSON"
	}
	return ""
}

// members reads the value that comes next, an object or an array, and what is
// in it. Depth is how many names may follow on the path.
func (p *profile) members(depth int) error {
	base := len(p.path)
	t, err := p.decoder.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() == '[' {
		p.path = append(p.path, "[]"...)
		for p.decoder.PeekKind() != ']' {
			if err := p.value(depth); err != nil {
				return err
			}
		}
	} else {
		for p.decoder.PeekKind() != '}' {
			key, err := p.decoder.ReadValue()
			if err != nil {
				return err
			}
			if p.scratch, err = jsontext.AppendUnquote(p.scratch[:0], key); err != nil && len(p.scratch) == 0 {
				return err
			}
			p.path = appendKey(p.path[:base], p.scratch)
			if err := p.value(depth - 1); err != nil {
				return err
			}
		}
	}
	p.path = p.path[:base]
	_, err = p.decoder.ReadToken()
	return err
}

// value reads the value at the path.
func (p *profile) value(depth int) error {
	c := p.column(p.path)
	if c != nil {
		c.of++
	}
	switch k := p.decoder.PeekKind(); k {
	case 'n':
		return p.decoder.SkipValue()
	case '{', '[':
		if c != nil {
			kind := kindObject
			if k == '[' {
				kind = kindArray
			}
			c.filled++
			c.kinds[kind]++
		}
		if depth <= 0 {
			return p.decoder.SkipValue()
		}
		return p.members(depth)
	}
	v, err := p.decoder.ReadValue()
	if err != nil || c == nil {
		return err
	}
	if v.Kind() == '"' {
		// Text that is no Unicode comes out with replacement characters.
		p.scratch, _ = jsontext.AppendUnquote(p.scratch[:0], v)
		v = p.scratch
	}
	if v = bytes.TrimSpace(v); len(v) > 0 {
		c.add(v, p.row)
	}
	return nil
}

// appendKey goes one name down, as paths of a mapping are written.
func appendKey(path, key []byte) []byte {
	name := maskKey(key)
	for i := range len(name) {
		c := name[i]
		if !isLetterOrDigit(c) && c != '_' && c != '$' && c != '-' && c < 0x80 {
			return fmt.Appendf(path, "[%q]", name)
		}
	}
	if len(path) > 0 {
		path = append(path, '.')
	}
	return append(path, name...)
}

// columns gives what was found, and whether there was more.
func (p *profile) columns() ([]Column, bool) {
	out := make([]Column, 0, len(p.list))
	for _, c := range p.list {
		out = append(out, c.result(p.possible(c)))
	}
	return out, p.more
}

// possible is how many values a column could have: one a row, or one an element
// of the array around it. A JSON member that is absent is one that is empty.
func (p *profile) possible(c *column) int64 {
	if i := strings.LastIndex(c.name, "[]"); i >= 0 {
		if around := p.byName[c.name[:i+2]]; around != nil {
			return around.of
		}
	}
	if len(p.csv) > 0 {
		return c.of
	}
	return p.rows
}

// notes are findings about the rows as a whole.
func (p *profile) notes() []string {
	var out []string
	for _, c := range p.list {
		if c.kinds[kindScientific] > 0 {
			out = append(out, fmt.Sprintf("%s has %d numbers such as 4.4877E+07: a spreadsheet has mangled them, and the originals cannot be recovered", shownName(c.name), c.kinds[kindScientific]))
		}
	}
	if p.more {
		out = append(out, fmt.Sprintf("there are more than %d paths; the rest was not inspected", maxColumns))
	}
	return out
}
