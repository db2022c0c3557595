package rows

import (
	"errors"
	"io"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Single maps the rows of an export one after the other on one processor, and shows
// each with its cells: for those who look at some of them.
type Single struct {
	export  *source.Export
	lookups lookups
	tables  map[string]mapping.Table
	units   mapping.Units
	mappers []*mapping.Mapper
	reader  *source.Reader
	batch   *source.Batch
	next    int
	memory  memory
}

// One is a row, taken apart, with what it became. It is good until the next one.
type One struct {
	Text
	Layout *source.Layout
	Record *mapping.Record
	Result *mapping.Result
	mapper *mapping.Mapper
}

// OpenSingle opens an export as a mapping has it read.
func OpenSingle(cfg source.Config, spec *mapping.Spec) (*Single, error) {
	export, err := source.Open(Config(cfg, spec.Input()))
	if err != nil {
		return nil, err
	}
	s := &Single{export: export}
	s.units, err = learn(export, spec, &s.lookups)
	if err == nil {
		if s.tables, err = s.lookups.of(spec); err == nil {
			s.mappers, err = bind(export, spec, s.units, s.tables, nil)
		}
	}
	if err == nil {
		s.reader, err = export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	}
	if err != nil {
		return nil, errors.Join(err, s.lookups.close(), export.Close())
	}
	return s, nil
}

// Layouts are the layouts of the export.
func (s *Single) Layouts() []source.Layout { return s.export.Layouts }

// Units are the units of its columns of epoch times.
func (s *Single) Units() mapping.Units { return s.units }

// Tables are the files of the mapping's lookups.
func (s *Single) Tables() map[string]mapping.Table { return s.tables }

// Close closes the export.
func (s *Single) Close() error {
	return errors.Join(s.reader.Close(), s.lookups.close(), s.export.Close())
}

// Next maps the next row; io.EOF after the last.
func (s *Single) Next() (One, error) { return s.NextOf(func(int64) bool { return true }) }

// NextOf maps the next row whose number is wanted, and passes over those before it;
// io.EOF after the last.
func (s *Single) NextOf(wanted func(number int64) bool) (One, error) {
	for {
		one, err := s.read(wanted)
		if one.Row != nil || err != nil {
			return one, err
		}
	}
}

// read maps the next row if it is wanted; One has none when it is not.
func (s *Single) read(wanted func(number int64) bool) (One, error) {
	for s.batch == nil || s.next == len(s.batch.Rows) {
		b, err := s.reader.Next()
		if errors.Is(err, io.EOF) {
			return One{}, io.EOF
		}
		if err != nil {
			return One{}, &ReadError{err}
		}
		s.batch, s.next = b, 0
	}
	m := &s.export.Members[s.batch.Member]
	row := &s.batch.Rows[s.next]
	s.next++
	if !wanted(row.Number) {
		return One{}, nil
	}
	layout := &s.export.Layouts[m.Layout]
	s.memory.result.Reset()
	s.memory.scratch = s.memory.scratch[:0]
	s.memory.mapRow(s.mappers[m.Layout], layout, m.Name, row)
	if err := s.lookups.err(); err != nil {
		return One{}, &ReadError{err}
	}
	return One{
		Text: Text{Row: row, Layout: m.Layout, File: m.Name}, Layout: layout,
		Record: &s.memory.record, Result: &s.memory.result, mapper: s.mappers[m.Layout],
	}, nil
}

// LookedUp are the columns of other files that the mapping reads, as the row has them.
func (o *One) LookedUp() []mapping.LookedUp { return o.mapper.LookedUp() }

// Again maps another record as the row of a One was mapped.
func (o *One) Again(rec *mapping.Record, res *mapping.Result) { o.mapper.Map(rec, res) }
