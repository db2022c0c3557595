package rows

import (
	"errors"
	"fmt"
)

// formFinder finds, for the rows of one file, what the other files have in their
// place, in ascending order of rows.
type formFinder struct {
	numbers *RowNumbers // of the rows that are gone over; nil: they have their own
	streams []formStream
}

type formStream struct {
	file int
	*stream
}

// forms finds the other forms of the rows of a file.
func (f *Files) forms(over int) (*formFinder, error) {
	finder := &formFinder{}
	for i := range f.all {
		export := f.all[i].export
		var numbers *RowNumbers
		if i > 0 {
			numbers = &RowNumbers{Layouts: export.Layouts, Members: export.Members}
		}
		if i == over {
			finder.numbers = numbers
			continue
		}
		s, err := newStream(export, numbers)
		if err != nil {
			return nil, errors.Join(err, finder.close())
		}
		finder.streams = append(finder.streams, formStream{i, s})
	}
	return finder, nil
}

// attach gives a batch the other forms of its rows, and repaired rows the number
// of those that they repair.
func (f *formFinder) attach(b *Batch) error {
	if f.numbers != nil {
		if err := f.numbers.apply(b.Src); err != nil {
			return err
		}
	}
	if len(f.streams) == 0 {
		return nil
	}
	for i := range b.n {
		for _, s := range f.streams {
			t, err := s.at(b.Number(i))
			if err != nil {
				return err
			}
			if t.Row != nil {
				row := *t.Row
				t.Row = &row
				b.forms = append(b.forms, form{row: i, file: s.file, text: t})
			} else if s.file == 0 {
				return fmt.Errorf("the repaired file names row %d, which the export does not have", b.Number(i))
			}
		}
	}
	return nil
}

func (f *formFinder) close() error {
	var errs []error
	for _, s := range f.streams {
		errs = append(errs, s.reader.Close())
	}
	return errors.Join(errs...)
}
