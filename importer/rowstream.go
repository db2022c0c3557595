package importer

import (
	"fmt"
	"io"
	"strconv"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// rowStream finds rows by their number, in ascending order.
type rowStream struct {
	export *source.Export
	owned  bool // the export is closed with the stream
	reader *source.Reader
	number *lineage // nil: rows have their own numbers
	batch  *source.Batch
	next   int
	ended  bool
}

// streamOf begins at the first row of an export.
func streamOf(export *source.Export, number *lineage) (*rowStream, error) {
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	return &rowStream{export: export, reader: reader, number: number}, nil
}

// at gives row n; a rowText without a row when there is none. It is good until
// the next call.
func (s *rowStream) at(n int64) (rowText, error) {
	for !s.ended {
		if s.batch != nil {
			for ; s.next < len(s.batch.Rows); s.next++ {
				row := &s.batch.Rows[s.next]
				if row.Number == n {
					m := &s.export.Members[s.batch.Member]
					return rowText{row: row, layout: m.Layout, file: m.Name}, nil
				}
				if row.Number > n {
					return rowText{}, nil
				}
			}
		}
		b, err := s.reader.Next()
		if err == io.EOF {
			s.ended = true
			break
		}
		if err != nil {
			return rowText{}, err
		}
		if s.number != nil {
			if err := s.number.apply(b); err != nil {
				return rowText{}, err
			}
		}
		s.batch, s.next = b, 0
	}
	return rowText{}, nil
}

func (s *rowStream) close() error {
	err := s.reader.Close()
	if s.owned {
		if e := s.export.Close(); err == nil {
			err = e
		}
	}
	return err
}

// lineage reads the number of the original row out of repaired rows.
type lineage struct {
	layouts []source.Layout
	members []source.Member
	cells   [][]byte
	scratch []byte
	last    int64
}

// The columns that rejected.* adds to the export's own.
const (
	RowColumn   = "_row"
	ErrorColumn = "_error"
)

// apply gives the rows of a batch the numbers of the rows that they repair.
func (l *lineage) apply(b *source.Batch) error {
	layout := &l.layouts[l.members[b.Member].Layout]
	for i := range b.Rows {
		n, err := l.of(layout, &b.Rows[i])
		if err != nil {
			return fmt.Errorf("line %d of the repaired file: %w", b.Rows[i].Line, err)
		}
		if n <= l.last {
			return fmt.Errorf("line %d of the repaired file: row %d stands behind row %d", b.Rows[i].Line, n, l.last)
		}
		l.last = n
		b.Rows[i].Number = n
	}
	return nil
}

func (l *lineage) of(layout *source.Layout, row *source.Row) (int64, error) {
	var text string
	if layout.Format == source.JSONL {
		var ok bool
		if text, ok = mapping.NumberAt(row.Raw, RowColumn); !ok {
			return 0, fmt.Errorf("it has no %s, or is no JSON object", RowColumn)
		}
	} else {
		var err error
		if l.cells, l.scratch, err = layout.Split(row.Raw, l.cells[:0], l.scratch[:0]); err != nil {
			return 0, err
		}
		at := columnOf(layout.Columns, RowColumn)
		if at < 0 {
			return 0, fmt.Errorf("it has no column %s", RowColumn)
		}
		text = string(l.cells[at])
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("its %s is no row number", RowColumn)
	}
	return n, nil
}

// hasLineage reports whether an export looks like the rejected rows of another
// import.
func hasLineage(e *source.Export) bool {
	l := &e.Layouts[0]
	if l.Format == source.CSV {
		return columnOf(l.Columns, RowColumn) >= 0
	}
	reader, err := e.Read(e.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return false // whoever reads the export next says so
	}
	defer reader.Close()
	b, err := reader.Next()
	if err != nil {
		return false
	}
	_, ok := mapping.NumberAt(b.Rows[0].Raw, RowColumn)
	return ok
}

func columnOf(columns []string, name string) int {
	for i, c := range columns {
		if c == name {
			return i
		}
	}
	return -1
}
