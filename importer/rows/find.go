package rows

import (
	"io"

	"github.com/consentimport/consentimport/importer/source"
)

// Text is a row as the export has it.
type Text struct {
	Row    *source.Row
	Layout int
	File   string
}

// stream finds rows by their number, in ascending order.
type stream struct {
	export *source.Export
	reader *source.Reader
	number *RowNumbers // nil: rows have their own numbers
	batch  *source.Batch
	next   int
	ended  bool
}

// newStream begins at the first row of an export.
func newStream(export *source.Export, number *RowNumbers) (*stream, error) {
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	return &stream{export: export, reader: reader, number: number}, nil
}

// at gives row n; a Text without a row when there is none. It is good until
// the next call.
func (s *stream) at(n int64) (Text, error) {
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
			if err := s.number.apply(b); err != nil {
				return Text{}, err
			}
		}
		s.batch, s.next = b, 0
	}
	return Text{}, nil
}
