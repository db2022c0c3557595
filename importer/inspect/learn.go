package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Bounds of what is learned from an export.
const (
	maxLearned  = 200 // tests
	maxAttempts = 20  // rows that are tried for a line of the decision table
)

// learner writes tests of rows that cover the lines of the decision table.
type learner struct {
	text   []byte                      // of the mapping: words that stand in it name nobody
	always map[*source.Layout][]string // columns without which the mapping cannot be bound
	seen   map[string]int              // lines, and how many rows were tried for them; -1: covered
	tests  *node
	given  mapping.GivenTables                // what the tests say of the files of lookups
	mapper map[*source.Layout]*mapping.Mapper // with these; nil: the mapping has no lookups
	missed int
}

// LearnTests gives the tests of a mapping, as YAML, that say what rows of an export
// become now: a row for every line of the decision table, for a person to read. In
// the rows nobody is named: identifiers and free texts have only their form.
func LearnTests(ctx context.Context, cfg source.Config, spec *mapping.Spec) ([]byte, error) {
	export, err := rows.OpenSingle(cfg, spec)
	if err != nil {
		return nil, err
	}
	defer export.Close()
	l := learner{seen: map[string]int{}, tests: list(), text: spec.Source(), always: map[*source.Layout][]string{}}
	layouts := export.Layouts()
	for i := range layouts {
		layout := &layouts[i]
		if len(spec.Lookups()) > 0 {
			if l.mapper == nil {
				l.given, l.mapper = spec.GivenTables(), map[*source.Layout]*mapping.Mapper{}
			}
			m, err := spec.Bind(mapping.Layout{Columns: layout.Columns, JSON: layout.Nested(), Tables: l.given.Tables()})
			if err != nil {
				return nil, err
			}
			m.SetUnits(export.Units())
			l.mapper[layout] = m
		}
		for k, column := range layout.Columns {
			without := slices.Delete(slices.Clone(layout.Columns), k, k+1)
			if _, err := spec.Bind(mapping.Layout{Columns: without, Tables: export.Tables()}); err != nil {
				l.always[layout] = append(l.always[layout], column)
			}
		}
	}
	for len(l.tests.items) < maxLearned {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("interrupted after %d tests", len(l.tests.items))
		}
		one, err := export.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		l.row(&one)
	}
	out := l.document()
	if spec.Tests() > 0 { // they go below those that the mapping has
		_, items, _ := bytes.Cut(out, []byte("tests:\n"))
		out = append([]byte("  # Learned from an export: below the other tests.\n"), items...)
	}
	return out, nil
}

func (l *learner) document() []byte {
	top := newMap()
	for _, n := range l.seen {
		if n >= 0 {
			l.missed++
		}
	}
	head := []string{"What rows of the export become, a row for each line of the decision table: read each, for it says",
		"what the mapping does now and not what is right. Nobody is named in them."}
	if l.missed > 0 {
		head = append(head, fmt.Sprintf("Not covered: %d lines whose rows become something else when nobody is named in them.", l.missed))
	}
	if len(l.tests.items) == maxLearned {
		head = append(head, fmt.Sprintf("There are more lines; these are the first %d.", maxLearned))
	}
	top.set("tests", l.tests).above(head...)
	return top.document()
}

// row writes a test of a row that says something new.
func (l *learner) row(one *rows.One) {
	lines := linesOf(one.Result)
	fresh := slices.ContainsFunc(lines, func(line string) bool { n := l.seen[line]; return n >= 0 && n < maxAttempts })
	if !fresh || one.Row.Reason != "" {
		return
	}
	for _, line := range lines {
		if l.seen[line] >= 0 {
			l.seen[line]++
		}
	}
	before := outcomeOf(one.Result)
	keep := kept{words: map[string]bool{}, people: map[string]bool{}, text: l.text}
	for _, c := range one.Result.Consents {
		keep.words[string(c.Category)], keep.words[string(c.Raw)], keep.words[string(c.Source)] = true, true, true
		keep.people[string(c.UserID)], keep.people[string(c.ProfileID)], keep.people[string(c.Email)] = true, true, true
	}
	for _, d := range one.Result.Dropped {
		keep.words[string(d.Category)], keep.words[string(d.Raw)] = true, true
	}
	lookedUp := l.lookedUp(one, keep)
	test, hidden := newMap(), mapping.Record{File: one.Record.File, Row: one.Record.Row, Key: []byte(hide(string(one.Record.Key), keep))}
	if one.Layout.Nested() {
		cells, text := hideJSON(one.Record.JSON, keep)
		hidden.JSON = text
		test.set("row", cells)
		lookedUp(cells)
	} else {
		for _, cell := range one.Record.Cells {
			hidden.Cells = append(hidden.Cells, []byte(hide(string(cell), keep)))
		}
		cells := l.needed(one, &hidden, before)
		lookedUp(cells)
		test.set("row", cells)
	}
	var res mapping.Result
	l.again(one, &hidden, &res)
	if outcomeOf(&res) != before {
		return
	}
	for _, line := range lines {
		l.seen[line] = -1
	}
	if needsFile(&res, one.File) {
		test.set("file", plain(one.File))
	}
	if len(hidden.Key) > 0 {
		test.set("key", inQuotes(string(hidden.Key)))
	}
	expect(test, &res)
	l.tests.items = append(l.tests.items, test)
}

// lookedUp hides what the row has of other files, and gives what writes it into a test.
func (l *learner) lookedUp(one *rows.One, keep kept) func(cells *node) {
	if l.mapper == nil {
		return func(*node) {}
	}
	l.given.Clear()
	var names, texts []string
	for _, c := range one.LookedUp() {
		text := hide(string(c.Value), keep)
		if value, err := jsontext.AppendQuote(nil, text); err == nil && l.given.Give(c.Name, value) {
			names, texts = append(names, c.Name), append(texts, text)
		}
	}
	return func(cells *node) {
		for i, name := range names {
			cells.set(name, inQuotes(texts[i]))
		}
	}
}

// again maps a changed row, with what a test says of other files in place of these.
func (l *learner) again(one *rows.One, rec *mapping.Record, res *mapping.Result) {
	if m := l.mapper[one.Layout]; m != nil {
		m.Map(rec, res)
		return
	}
	one.Again(rec, res)
}

// needed gives the cells of a row without which it becomes something else; the
// others are taken out.
func (l *learner) needed(one *rows.One, rec *mapping.Record, before string) *node {
	layout := one.Layout
	cells := flowMap()
	for i, cell := range rec.Cells {
		if slices.Contains(l.always[layout], layout.Columns[i]) {
			cells.set(layout.Columns[i], inQuotes(string(cell)))
			continue
		}
		if len(cell) == 0 {
			continue
		}
		rec.Cells[i] = nil
		var res mapping.Result
		if l.again(one, rec, &res); outcomeOf(&res) == before {
			continue
		}
		rec.Cells[i] = cell
		cells.set(layout.Columns[i], inQuotes(string(cell)))
	}
	if len(cells.items) == 0 && len(layout.Columns) > 0 {
		cells.set(layout.Columns[0], inQuotes(""))
	}
	return cells
}

// needsFile reports whether a row may become what it does because of its file.
func needsFile(res *mapping.Result, file string) bool {
	for _, c := range res.Consents {
		if len(c.Raw) > 0 && strings.Contains(strings.ToLower(file), strings.ToLower(string(c.Raw))) {
			return true
		}
	}
	return false
}

// expect writes what a row becomes.
func expect(test *node, res *mapping.Result) {
	if res.Status != mapping.Mapped {
		reason := res.Reason
		for _, d := range res.Dropped {
			if reason == "" {
				reason = d.Why
			}
		}
		test.set("reason", inQuotes(reason))
		return
	}
	consents := list()
	for i := range res.Consents {
		c := &res.Consents[i]
		one := flow("action", plain(c.Action.String()))
		if len(c.Category) > 0 {
			one.set("category", inQuotes(string(c.Category)))
		}
		one.set("timestamp", inQuotes(moment(c.Timestamp)))
		one.set("validUntil", inQuotes(moment(c.ValidUntil)))
		consents.items = append(consents.items, one)
	}
	test.set("consents", consents)
}

func moment(ms int64) string {
	if ms == mapping.Unlimited {
		return "unlimited"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

// linesOf are the lines of the decision table that a row adds to.
func linesOf(res *mapping.Result) []string {
	var out []string
	for _, c := range res.Consents {
		out = append(out, fmt.Sprintf("%d %s %q %q", res.Status, c.Action, c.Category, c.Raw))
	}
	for _, d := range res.Dropped {
		out = append(out, fmt.Sprintf("dropped %q %q %q", d.Category, d.Raw, d.Why))
	}
	if len(out) == 0 || res.Status == mapping.Invalid {
		out = append(out, fmt.Sprintf("%d %s", res.Status, res.Reason))
	}
	return out
}

// outcomeOf says what a row became, whoever it is about.
func outcomeOf(res *mapping.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", res.Status)
	if res.Status != mapping.Mapped {
		b.WriteString(res.Reason)
	}
	for _, c := range res.Consents {
		fmt.Fprintf(&b, "%s %q %d %d\n", c.Action, c.Category, c.Timestamp, c.ValidUntil)
	}
	for _, d := range res.Dropped {
		fmt.Fprintf(&b, "%q %q\n", d.Category, d.Why)
	}
	return b.String()
}

// kept says which values stay as they are when a row is to name nobody.
type kept struct {
	words  map[string]bool // categories, sources and what decisions were read from
	people map[string]bool // identifiers
	text   []byte          // of the mapping
}

// has reports whether a value names nobody: a decision, a time, a word of the mapping.
func (k kept) has(v string) bool {
	if k.words[v] {
		return true
	}
	switch kind, _ := shapeOf([]byte(v)); kind {
	case kindNothing, kindFlag, kindBit, kindWord, kindTime, kindDate, kindEpochS, kindEpochMS:
		return true
	}
	if len(v) < 2 || len(v) > longestWord {
		return false
	}
	for _, q := range []string{`"`, "'"} {
		if bytes.Contains(k.text, []byte(q+v+q)) {
			return true
		}
	}
	return false
}

// hide gives a cell that names nobody; what the decision was read from stays.
func hide(cell string, keep kept) string {
	v := strings.TrimSpace(cell)
	switch {
	case v == "":
		return cell
	case keep.people[v]:
		return standIn(v)
	case keep.has(v):
		return cell
	case v[0] == '{' || v[0] == '[':
		if _, text := hideJSON([]byte(v), keep); text != nil {
			return string(text)
		}
	}
	if _, ok := pairsOf([]byte(v)); ok || mapping.DecoderOf([]byte(v)) != "" {
		return cell // a list of decisions
	}
	if parts := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",;|", r) }); len(parts) > 1 {
		known := 0
		for _, part := range parts {
			if keep.words[strings.TrimSpace(part)] {
				known++
			}
		}
		if known*2 >= len(parts) { // a list that names categories
			return cell
		}
	}
	return standIn(v)
}

// hideJSON gives a JSON value that names nobody, as a node and as its text; nil
// where it is not JSON.
func hideJSON(text []byte, keep kept) (*node, []byte) {
	if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return nil, nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	n := hideNext(d, keep)
	return n, []byte(n.inline())
}

// hideNext reads the next value; its syntax was checked.
func hideNext(d *jsontext.Decoder, keep kept) *node {
	t, err := d.ReadToken()
	if err != nil {
		return nothing()
	}
	switch t.Kind() {
	case '{':
		m := &node{kind: mapNode, flow: true, quotedKeys: true}
		for d.PeekKind() == '"' {
			name, err := d.ReadToken()
			if err != nil {
				break
			}
			key := name.String()
			if maskKey([]byte(key)) == "*" {
				key = standIn(key)
			}
			m.set(key, hideNext(d, keep))
		}
		_, _ = d.ReadToken()
		return m
	case '[':
		m := flowList()
		for d.PeekKind() != ']' && d.PeekKind() != 0 {
			m.items = append(m.items, hideNext(d, keep))
		}
		_, _ = d.ReadToken()
		return m
	case '"':
		return inQuotes(hide(t.String(), keep))
	case '0':
		if text := t.String(); !keep.has(text) {
			return &node{text: standIn(text)}
		}
		return &node{text: t.String()}
	default:
		return &node{text: t.String()}
	}
}
