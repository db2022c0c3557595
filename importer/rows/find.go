package rows

import (
	"fmt"
	"io"
	"strconv"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// Text is a row as the export has it.
type Text struct {
	Row    *source.Row
	Layout int
	File   string
}

// Stream finds rows by their number, in ascending order.
type Stream struct {
	export *source.Export
	owned  bool // the export is closed with the stream
	reader *source.Reader
	number *Lineage // nil: rows have their own numbers
	batch  *source.Batch
	next   int
	ended  bool
}

// StreamOf begins at the first row of an export.
func StreamOf(export *source.Export, number *Lineage) (*Stream, error) {
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	return &Stream{export: export, reader: reader, number: number}, nil
}

// At gives row n; a Text without a row when there is none. It is good until
// the next call.
func (s *Stream) At(n int64) (Text, error) {
	for !s.ended {
		if s.batch != nil {
			for ; s.next < len(s.batch.Rows); s.next++ {
				row := &s.batch.Rows[s.next]
				if row.Number == n {
					m := &s.export.Members[s.batch.Member]
					return Text{Row: row, Layout: m.Layout, File: m.Name}, nil
				}
				if row.Number > n {
					return Text{}, nil
				}
			}
		}
		b, err := s.reader.Next()
		if err == io.EOF {
			s.ended = true
			break
		}
		if err != nil {
			return Text{}, err
		}
		if s.number != nil {
			if err := s.number.Apply(b); err != nil {
				return Text{}, err
			}
		}
		s.batch, s.next = b, 0
	}
	return Text{}, nil
}

// Close closes what the stream reads from, and the export if it is its own.
func (s *Stream) Close() error {
	err := s.reader.Close()
	if s.owned {
		if e := s.export.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Lineage reads the number of the original row out of repaired rows.
type Lineage struct {
	Layouts []source.Layout
	Members []source.Member
	cells   [][]byte
	scratch []byte
	last    int64
}

// The columns that rejected.* adds to the export's own.
const (
	RowColumn   = "_row"
	ErrorColumn = "_error"
)

// Apply gives the rows of a batch the numbers of the rows that they repair.
func (l *Lineage) Apply(b *source.Batch) error {
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
	}
	return nil
}

// Of gives the number of the row that a row repairs.
func (l *Lineage) Of(layout *source.Layout, row *source.Row) (int64, error) {
	var text string
	if layout.Format == source.JSONL {
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

// HasLineage reports whether an export looks like the rejected rows of another
// import.
func HasLineage(e *source.Export) bool {
	l := &e.Layouts[0]
	if l.Format == source.CSV {
		return ColumnOf(l.Columns, RowColumn) >= 0
	}
	reader, err := e.Read(e.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return false // the next reader of the export says so
	}
	defer reader.Close()
	b, err := reader.Next()
	if err != nil {
		return false
	}
	_, ok := jsonvalue.NumberAt(b.Rows[0].Raw, RowColumn)
	return ok
}

// ColumnOf gives the index of a column, -1 when there is none of that name.
func ColumnOf(columns []string, name string) int {
	for i, c := range columns {
		if c == name {
			return i
		}
	}
	return -1
}
