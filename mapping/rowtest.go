package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// rowTest is an entry of tests: what a row of the export must become.
type rowTest struct {
	at       place
	name     string
	file     string   // $file
	key      string   // $key
	cells    []pair   // of a CSV row, by column
	json     []byte   // of a JSON row
	bare     bool     // which is a list or a text
	consents [][]pair // what is said of each consent, by field
	reason   string   // a part of the reason for which the row makes no consent
}

// RowTest is what came of a test.
type RowTest struct {
	Line, Column int    // of its row in the mapping, from 1
	Name         string // as the mapping has it; may be empty
	Faults       []string
}

// parseTests reads tests: a list of {row, consents} and {row, reason}.
func (s *Spec) parseTests(r *reader, n ast.Node) {
	if n == nil {
		return
	}
	for _, item := range r.items(n, "tests") {
		t := rowTest{at: placeOf(item)}
		var row ast.Node
		outcomes := 0
		for _, m := range r.members(item, "a test", []string{"name", "row", "file", "key", "consents", "reason"}) {
			switch m.key {
			case "name":
				t.name = r.text(m.value, "name")
			case "row":
				row, t.at = m.value, placeOf(m.at)
			case "file":
				t.file = r.text(m.value, "file")
			case "key":
				t.key = r.text(m.value, "key")
			case "consents":
				outcomes++
				for _, c := range r.items(m.value, "consents") {
					t.consents = append(t.consents, r.wanted(c))
				}
			case "reason":
				outcomes++
				if t.reason = r.text(m.value, "reason"); strings.TrimSpace(t.reason) == "" {
					r.fail(m.at, "reason is empty: give a part of the reason for which the row makes no consent")
				}
			}
		}
		switch {
		case r.err != nil:
			return
		case row == nil:
			r.fail(item, "a test needs the row that it is about")
		case outcomes != 1 || len(t.consents) == 0 && t.reason == "":
			r.fail(item, "a test says either the consents that the row makes, or the reason for which it makes none")
		case !isMap(row) && len(s.input.Columns) == 0:
			r.fail(row, "row must be a map: of columns and cells, or a JSON object; input.columns names the cells of a list")
		}
		if r.err != nil {
			return
		}
		if t.bare = !isMap(row); !t.bare {
			for _, m := range r.members(row, "row", nil) {
				t.cells = append(t.cells, pair{key: m.key, value: testText(m.value), node: m.value})
			}
		}
		if t.json = testJSON(nil, row); r.err != nil {
			return
		}
		s.tests = append(s.tests, t)
	}
}

// wanted reads what is said of a consent.
func (r *reader) wanted(n ast.Node) []pair {
	var out []pair
	for _, m := range r.members(n, "a consent of a test", fieldNames[:]) {
		out = append(out, pair{key: m.key, value: testText(m.value), at: m.at})
	}
	return out
}

// testText is a scalar of a test as it was written; parameters are not filled in.
func testText(n ast.Node) string {
	switch t := inner(n).(type) {
	case *ast.StringNode:
		return t.Value
	case *ast.LiteralNode:
		return t.Value.Value
	case nil, *ast.NullNode:
		return ""
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return string(testJSON(nil, t))
	default:
		return t.GetToken().Value
	}
}

// testJSON writes a node as JSON, with numbers as they were written.
func testJSON(out []byte, n ast.Node) []byte {
	object := func(values []*ast.MappingValueNode) []byte {
		out = append(out, '{')
		for i, v := range values {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, jsonText(testText(v.Key))...), ':')
			out = testJSON(out, v.Value)
		}
		return append(out, '}')
	}
	switch t := inner(n).(type) {
	case *ast.MappingNode:
		return object(t.Values)
	case *ast.MappingValueNode:
		return object([]*ast.MappingValueNode{t})
	case *ast.SequenceNode:
		out = append(out, '[')
		for i, v := range t.Values {
			if i > 0 {
				out = append(out, ',')
			}
			out = testJSON(out, v)
		}
		return append(out, ']')
	case nil, *ast.NullNode:
		return append(out, "null"...)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if text := t.GetToken().Value; json.Valid([]byte(text)) {
			return append(out, text...)
		}
	}
	return append(out, jsonText(testText(n))...)
}

func jsonText(s string) []byte {
	out, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // cannot be: a text is always written
	}
	return out
}

// Tests is how many tests the mapping has.
func (s *Spec) Tests() int { return len(s.tests) }

// Text is the mapping's own text, without the values that parameters were given.
func (s *Spec) Text() []byte { return s.base }

// Below is the mapping with a text at the end of its own.
func (s *Spec) Below(text []byte) (*Spec, error) {
	return Parse(s.file, slices.Concat(s.base, text), s.set)
}

// WithTests is the mapping with more tests below its own: a text with the key tests, as a
// mapping has it. Nested says that all rows are JSON values.
func (s *Spec) WithTests(text []byte, nested bool) (*Spec, error) {
	more := &Spec{input: s.input}
	r := &reader{file: s.file, uses: map[string]bool{}}
	for _, top := range r.members(r.parseTree(text), "", nil) {
		if top.key == "tests" {
			more.parseTests(r, top.value)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	out := *s
	out.tests = append(slices.Clone(s.tests), more.tests...)
	if nested {
		out.input.Format = nestedFormat
	}
	return &out, nil
}

// RunTests maps the row of each test and says what is not as the test has it. A
// column that a test's row leaves out is empty; that no test has one that the
// mapping needs is an *Error, as it is for an export.
//
// A row whose values are all single ones may be of either kind, where the mapping does not say
// which its rows are: they are cells, unless all tests hold of JSON values alone.
func (s *Spec) RunTests() ([]RowTest, error) {
	nested, told := s.testsAreJSON()
	out, err := s.runTests(nested)
	if told || err == nil && holding(out) {
		return out, err
	}
	if other, failed := s.runTests(true); failed == nil && holding(other) {
		return other, nil
	}
	return out, err
}

func holding(tests []RowTest) bool {
	return !slices.ContainsFunc(tests, func(t RowTest) bool { return len(t.Faults) > 0 })
}

func (s *Spec) runTests(nested bool) ([]RowTest, error) {
	given := s.GivenTables()
	layout := Layout{JSON: nested, Tables: given.Tables()}
	if !layout.JSON {
		layout.Columns = slices.Clone(s.input.Columns)
		for _, t := range s.tests {
			for _, c := range t.cells {
				if !slices.Contains(layout.Columns, c.key) && !given.has(c.key) {
					layout.Columns = append(layout.Columns, c.key)
				}
			}
		}
	}
	m, err := s.Bind(layout)
	if err != nil {
		var e *Error
		if errors.As(err, &e) { // the tests stand for the export
			e.Message = strings.Replace(e.Message, "the export has no column", "the rows of the tests have no column", 1)
			e.Hint = strings.Replace(e.Hint, "the export's columns", "their columns", 1)
		}
		return nil, err
	}
	out := make([]RowTest, len(s.tests))
	for i := range s.tests {
		t := &s.tests[i]
		rec := Record{File: t.file, Row: int64(i + 1), Key: []byte(t.key)}
		if layout.JSON {
			rec.JSON = t.json
		} else {
			for _, column := range layout.Columns {
				cell := ""
				if k := slices.IndexFunc(t.cells, func(c pair) bool { return c.key == column }); k >= 0 {
					cell = t.cells[k].value
				}
				rec.Cells = append(rec.Cells, []byte(cell))
			}
		}
		given.Clear()
		for _, c := range t.cells {
			given.Give(c.key, testJSON(nil, c.node))
		}
		var res Result
		m.Map(&rec, &res)
		out[i] = RowTest{Line: t.at.line, Column: t.at.column, Name: t.name, Faults: t.faults(&res)}
		if len(out[i].Faults) > 0 && !layout.JSON {
			out[i].Faults = append(out[i].Faults, t.misspelt(layout.Columns, m.read)...)
		}
	}
	return out, nil
}

// misspelt says which columns of a test's row are meant to be one that the mapping reads and
// the row does not have: other tests may have it.
func (t *rowTest) misspelt(columns []string, read map[int]columnUse) (faults []string) {
	has := func(column string) bool {
		return slices.ContainsFunc(t.cells, func(c pair) bool { return c.key == column })
	}
	var lacking []string
	for i, c := range columns {
		if read[i] != 0 && !has(c) {
			lacking = append(lacking, c)
		}
	}
	for i, c := range columns {
		if meant := spelling.DidYouMean(c, lacking); meant != "" && has(c) && read[i] == 0 {
			faults = append(faults, fmt.Sprintf("the row has %q, which the mapping does not read%s", c, meant))
		}
	}
	return faults
}

// testsAreJSON reports whether the rows of the tests are JSON values, and whether that is
// certain: the mapping says so, or one of them has a value that no CSV cell is.
func (s *Spec) testsAreJSON() (nested, told bool) {
	if s.input.Format != "" {
		return s.input.Format == nestedFormat, true
	}
	nested = s.input.Rows != "" || slices.ContainsFunc(s.tests, func(t rowTest) bool {
		return t.bare || slices.ContainsFunc(t.cells, func(c pair) bool {
			if s.GivenTables().has(c.key) {
				return false
			}
			_, list := inner(c.node).(*ast.SequenceNode)
			return list || isMap(c.node)
		})
	})
	return nested, nested
}

// faults says in what a result is not as the test has it.
func (t *rowTest) faults(res *Result) []string {
	said := res.Reason
	for _, d := range res.Dropped {
		if !strings.Contains(said, d.Why) {
			said += "; " + d.Why
		}
	}
	said = strings.TrimPrefix(said, "; ")
	mapped := res.Status == Mapped
	switch {
	case t.reason != "" && mapped:
		return []string{fmt.Sprintf("makes %s; the test says that it makes none (%s)", consentsOf(len(res.Consents)), t.reason)}
	case t.reason != "" && !strings.Contains(said, t.reason):
		return []string{fmt.Sprintf("makes no consent because it %s; the test says: %s", said, t.reason)}
	case t.reason != "":
		return nil
	case !mapped:
		return []string{fmt.Sprintf("makes no consent: %s; the test says %s", said, consentsOf(len(t.consents)))}
	case len(res.Consents) != len(t.consents):
		return []string{fmt.Sprintf("makes %s; the test says %d", consentsOf(len(res.Consents)), len(t.consents))}
	}
	var out []string
	for i, want := range t.consents {
		for _, w := range want {
			if got := res.Consents[i].said(w.key, w.value); got != w.value {
				out = append(out, fmt.Sprintf("consent %d: %s is %q; the test says %q", i+1, w.key, got, w.value))
			}
		}
	}
	return out
}

func consentsOf(n int) string {
	if n == 1 {
		return "1 consent"
	}
	return fmt.Sprintf("%d consents", n)
}

// said gives a field as a text, a time in the form of the text that it is compared
// with: epoch milliseconds or RFC 3339.
func (c *Consent) said(field, like string) string {
	moment := func(ms int64) string {
		if ms == Unlimited {
			return "unlimited"
		}
		if at, err := time.Parse(time.RFC3339, like); err == nil && at.UnixMilli() == ms {
			return like
		}
		if _, err := strconv.ParseInt(like, 10, 64); err == nil {
			return strconv.FormatInt(ms, 10)
		}
		return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z")
	}
	switch field {
	case "action":
		return c.Action.String()
	case "timestamp":
		return moment(c.Timestamp)
	case "validUntil":
		return moment(c.ValidUntil)
	case "sourceId":
		if !c.HasSourceID {
			return ""
		}
		return strconv.FormatInt(c.SourceID, 10)
	case "source":
		return string(c.Source)
	case "category":
		return string(c.Category)
	case "userId":
		return string(c.UserID)
	case "profileId":
		return string(c.ProfileID)
	case "email":
		return string(c.Email)
	case "message":
		return string(c.Message)
	}
	if c.More != nil {
		for _, f := range c.More.Fields() {
			if f.Name == field {
				return string(*f.Value)
			}
		}
	}
	return ""
}
