package rows

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// RowNumbers reads the number of the original row out of repaired rows.
type RowNumbers struct {
	Layouts []source.Layout
	Members []source.Member
	cells   [][]byte
	scratch []byte
	last    int64
}

// The columns that rejected.* adds to the export's own.
const (
	RowColumn   = "_row"
	KeyMember   = mapping.KeyMember // of a row that stood in an object of rows
	ErrorColumn = "_error"
)

// apply gives the rows of a batch the numbers of the rows that they repair.
func (l *RowNumbers) apply(b *source.Batch) error {
	layout := &l.Layouts[l.Members[b.Member].Layout]
	for i := range b.Rows {
		n, err := l.Of(layout, &b.Rows[i])
		if err != nil {
			return fmt.Errorf("line %d of the repaired file: %w", b.Rows[i].Line, err)
		}
		if n <= l.last {
			return fmt.Errorf("line %d of the repaired file: row %d comes after row %d", b.Rows[i].Line, n, l.last)
		}
		l.last = n
		b.Rows[i].Number = n
		if layout.Nested() {
			unwrap(&b.Rows[i])
		}
	}
	return nil
}

// Of gives the number of the row that a row repairs.
func (l *RowNumbers) Of(layout *source.Layout, row *source.Row) (int64, error) {
	var text string
	if layout.Nested() {
		var ok bool
		if text, ok = jsonvalue.NumberAt(row.Raw, RowColumn); !ok {
			return 0, fmt.Errorf("it has no %s, or is not a JSON object", RowColumn)
		}
	} else {
		var err error
		if l.cells, l.scratch, err = layout.Split(row.Raw, l.cells[:0], l.scratch[:0]); err != nil {
			return 0, err
		}
		at := ColumnOf(layout.Columns, RowColumn)
		if at < 0 {
			return 0, fmt.Errorf("it has no column %s", RowColumn)
		}
		text = string(l.cells[at])
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("its %s is not a row number", RowColumn)
	}
	return n, nil
}

// OwnNames gives which of the names that rejected.* adds an export has itself, as the
// rejected rows of another import do; of JSON its first row.
func OwnNames(e *source.Export) (names []string) {
	l := &e.Layouts[0]
	has := func(name string) bool { return ColumnOf(l.Columns, name) >= 0 }
	if l.Nested() {
		reader, err := e.Read(e.Start(), source.ReadOptions{NoMarks: true})
		if err != nil {
			return nil // the next reader of the export says so
		}
		defer reader.Close()
		b, err := reader.Next()
		if err != nil {
			return nil
		}
		var members map[string]json.RawMessage
		_ = json.Unmarshal(b.Rows[0].Raw, &members) // what is not an object has none
		has = func(name string) bool { return members[name] != nil }
	}
	for _, name := range ours() {
		if has(name) {
			names = append(names, name)
		}
	}
	return names
}

// ours are the names that are not the export's own in rejected.*.
func ours() []string { return []string{RowColumn, ErrorColumn} }

// ColumnOf gives the index of a column, -1 when there is none of that name.
func ColumnOf(columns []string, name string) int {
	for i, c := range columns {
		if c == name {
			return i
		}
	}
	return -1
}
