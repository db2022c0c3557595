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

// Bounds of what is learned from an export, and of the work that goes into it.
const (
	maxLearned  = 200      // tests
	maxAttempts = 20       // rows that are tried for a line of the decision table
	maxKnown    = 10_000   // of the decision table that are known apart
	maxRow      = 64 << 10 // bytes of a row that a test is made of
	maxTestRow  = 8 << 10  // bytes of a test's row
	maxTried    = 16 << 20 // bytes of rows that are mapped again to see what of them matters
)

// learner writes tests of rows that cover the lines of the decision table.
type learner struct {
	text   []byte                      // of the mapping: words that stand in it name nobody
	always map[*source.Layout][]string // columns without which the mapping cannot be bound
	seen   map[string]int              // lines, and how many rows were tried for them; -1: covered
	tests  *node
	given  mapping.GivenTables                // what the tests say of the files of lookups
	mapper map[*source.Layout]*mapping.Mapper // with these; nil: the mapping has no lookups
	before int                                // tests that the mapping has already
	missed int
	more   bool // lines beyond maxKnown
	nested bool // all rows are JSON values
	tried  int  // bytes of rows that were mapped again
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
	l := learner{seen: map[string]int{}, tests: list(), text: spec.Source(), always: map[*source.Layout][]string{}, before: spec.Tests()}
	layouts := export.Layouts()
	for i := range layouts {
		layout := &layouts[i]
		l.nested = layout.Nested() && (i == 0 || l.nested)
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
		// Of several that can stand for each other, as in from: [a, b], one is always there:
		// what was dropped stays away.
		needed := slices.Clone(layout.Columns)
		bisect(0, len(layout.Columns), func(from, to int) bool {
			without := slices.DeleteFunc(slices.Clone(needed), func(c string) bool { return slices.Contains(layout.Columns[from:to], c) })
			_, err := spec.Bind(mapping.Layout{Columns: without, Tables: export.Tables()})
			if err == nil {
				needed = without
			}
			return err == nil
		})
		l.always[layout] = needed
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
	for _, n := range l.seen {
		if n >= 0 {
			l.missed++
		}
	}
	if err := l.keepWhatHolds(spec); err != nil {
		return nil, err
	}
	return l.placed(spec)
}

// placed writes the tests as they can stand below the mapping, at the end of its file, which
// is tried: with the indentation of the tests that it has already.
func (l *learner) placed(spec *mapping.Spec) ([]byte, error) {
	text := l.document()
	gap := ""
	if own := spec.Text(); len(own) > 0 && own[len(own)-1] != '\n' {
		gap = "\n"
	}
	if len(l.tests.items) == 0 {
		return append([]byte(gap), text...), nil
	}
	indents := []int{2}
	if l.before > 0 {
		indents = []int{2, 0, 4, 6, 8, 1, 3}
	}
	for _, n := range indents {
		below := []byte(gap)
		for line := range bytes.Lines(text) {
			if in, ok := bytes.CutPrefix(line, []byte("  ")); ok && l.before > 0 {
				line = append(bytes.Repeat([]byte(" "), n), in...)
			}
			below = append(below, line...)
		}
		if with, err := spec.Below(below); err == nil && with.Tests() == l.before+len(l.tests.items) {
			return below, nil
		}
	}
	return nil, &mapping.Error{
		File:    spec.File(),
		Message: "nothing can be added below the tests of this mapping, for they are not its last section, or not one a line",
		Hint:    "write tests: at the end of the mapping, each test on lines of its own that begin with -; take it out where it has none",
	}
}

// keepWhatHolds runs the tests beside those of the mapping, as they will be run, and leaves
// out what does not hold: the rows of all tests have the same columns.
func (l *learner) keepWhatHolds(spec *mapping.Spec) error {
	for len(l.tests.items) > 0 {
		top := newMap()
		top.set("tests", l.tests)
		with, err := spec.WithTests(top.document(), l.nested)
		if err != nil {
			return fmt.Errorf("read the tests again: %w", err)
		}
		results, err := with.RunTests()
		if err != nil {
			return err
		}
		var hold []*node
		for i, r := range results[l.before:] {
			if len(r.Faults) == 0 {
				hold = append(hold, l.tests.items[i])
			}
		}
		left := len(l.tests.items) - len(hold)
		if l.tests.items = hold; left == 0 {
			return nil
		}
		l.missed += left
	}
	return nil
}

// document writes the tests; below those that the mapping has already without their key.
func (l *learner) document() []byte {
	head := []string{"What rows of the export become, a row for each line of the decision table: read each, for it says",
		"what the mapping does now and not what is right. Nobody is named in them."}
	if l.missed > 0 {
		head = append(head, fmt.Sprintf("Lines that are not covered, for their rows become something else when nobody is named in them, or are too long: %d.", l.missed))
	}
	if l.more || len(l.tests.items) == maxLearned {
		head = append(head, fmt.Sprintf("There may be more lines; these are the first %d.", len(l.tests.items)))
	}
	if len(l.tests.items) == 0 {
		head = append(head, "No row makes a test.")
	}
	top := newMap()
	top.set("tests", l.tests).above(head...)
	if l.before == 0 && len(l.tests.items) > 0 {
		return top.document()
	}
	_, items, _ := bytes.Cut(top.document(), []byte("tests:\n"))
	var b bytes.Buffer
	comment(&b, 1, append([]string{"Learned from an export: below the other tests."}, head...))
	return append(b.Bytes(), items...)
}

// row writes a test of a row that says something new.
func (l *learner) row(one *rows.One) {
	lines := linesOf(one.Result)
	if one.Row.Reason != "" || !l.fresh(lines) {
		return
	}
	if len(one.Row.Raw) > maxRow {
		return
	}
	before := becameAsIs(one.Result)
	keep := kept{words: map[string]bool{}, people: map[string]bool{}, text: l.text}
	for _, c := range one.Result.Consents {
		keep.words[string(c.Category)], keep.words[string(c.Raw)], keep.words[string(c.Source)] = true, true, true
		keep.names = append(keep.names, string(c.Category))
		keep.people[string(c.UserID)], keep.people[string(c.ProfileID)], keep.people[string(c.Email)] = true, true, true
	}
	for _, d := range one.Result.Dropped {
		keep.words[string(d.Category)], keep.words[string(d.Raw)] = true, true
		keep.names = append(keep.names, string(d.Category))
	}
	lookedUp := l.lookedUp(one, keep)
	test, hidden := newMap(), mapping.Record{File: one.Record.File, Row: int64(l.before + len(l.tests.items) + 1), Key: []byte(hide(string(one.Record.Key), keep))}
	if one.Layout.Nested() {
		var cells *node
		cells, hidden.JSON = hideJSON(one.Record.JSON, keep)
		if cells == nil || l.becomes(one, &hidden) != before {
			return
		}
		l.neededMembers(one, &hidden, cells, before)
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
	if l.again(one, &hidden, &res); becameAsIs(&res) != before || len(test.items[0].inline()) > maxTestRow {
		return
	}
	if hidden.File = ""; l.becomes(one, &hidden) != before { // the name of the file counts
		test.set("file", plain(one.File))
	}
	for _, line := range lines {
		l.seen[line] = -1
	}
	if len(hidden.Key) > 0 {
		test.set("key", inQuotes(string(hidden.Key)))
	}
	expect(test, &res)
	l.tests.items = append(l.tests.items, test)
}

// fresh reports whether one of the lines is still to be covered, and counts the attempt.
func (l *learner) fresh(lines []string) (fresh bool) {
	for _, line := range lines {
		n, known := l.seen[line]
		switch {
		case !known && len(l.seen) == maxKnown:
			l.more = true
		case n >= 0:
			fresh = fresh || n < maxAttempts
			l.seen[line] = n + 1
		}
	}
	return fresh
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
	columns, all := layout.Columns, slices.Clone(rec.Cells)
	bisect(0, len(rec.Cells), func(from, to int) bool {
		if !l.may(len(one.Row.Raw)) {
			return false
		}
		for i := from; i < to; i++ {
			if !slices.Contains(l.always[layout], columns[i]) {
				rec.Cells[i] = nil
			}
		}
		if l.becomes(one, rec) == before {
			return true
		}
		copy(rec.Cells[from:to], all[from:to])
		return false
	})
	cells := flowMap()
	for i, cell := range rec.Cells {
		if len(cell) > 0 || slices.Contains(l.always[layout], columns[i]) {
			cells.set(columns[i], inQuotes(string(cell)))
		}
	}
	if len(cells.items) == 0 && len(columns) > 0 {
		cells.set(columns[0], inQuotes(""))
	}
	return cells
}

// neededMembers takes out of a JSON row, which is given as a node as well, what it becomes
// the same without: the outermost members first.
func (l *learner) neededMembers(one *rows.One, rec *mapping.Record, row *node, before string) {
	var shrink func(n *node)
	shrink = func(n *node) {
		keys, items, gone := n.keys, n.items, make([]bool, len(n.items))
		without := func() {
			n.keys, n.items = nil, nil
			for i := range items {
				if gone[i] {
					continue
				}
				if n.items = append(n.items, items[i]); n.kind == mapNode {
					n.keys = append(n.keys, keys[i])
				}
			}
		}
		bisect(0, len(items), func(from, to int) bool {
			if !l.may(len(rec.JSON)) {
				return false
			}
			set := func(to []bool, is bool) {
				for i := range to {
					to[i] = is
				}
			}
			set(gone[from:to], true)
			without()
			whole := rec.JSON
			if rec.JSON = []byte(row.inline()); l.becomes(one, rec) == before {
				return true
			}
			rec.JSON = whole
			set(gone[from:to], false)
			without()
			return false
		})
		for _, item := range n.items {
			shrink(item)
		}
	}
	shrink(row)
}

// may reports whether another row of that many bytes may be mapped again, and counts it.
func (l *learner) may(size int) bool {
	l.tried += size
	return l.tried <= maxTried
}

// bisect has everything in a range dropped, or each half of what cannot be.
func bisect(from, to int, drop func(from, to int) bool) {
	if from == to || drop(from, to) || to-from == 1 {
		return
	}
	middle := (from + to) / 2
	bisect(from, middle, drop)
	bisect(middle, to, drop)
}

// becomes says what a changed row becomes.
func (l *learner) becomes(one *rows.One, rec *mapping.Record) string {
	var res mapping.Result
	l.again(one, rec, &res)
	return becameAsIs(&res)
}

// becameAsIs says what a row became and from what values, whoever it is about.
func becameAsIs(res *mapping.Result) string {
	return outcomeOf(res) + "\n" + strings.Join(linesOf(res), "\n")
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
