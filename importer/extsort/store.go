package extsort

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// run is a sequence of sorted records in a file.
type run struct {
	file  File
	at    int64 // of its first block
	bytes int64 // of its blocks, as they are stored
	// begins is at how many of these bytes the records of each range begin; all of a
	// block are of one range.
	begins [ranges]int64
}

// ranges is into how many ranges of records, by the first bits of these, a run can be
// divided. They take about the same room where records are spread.
const (
	rangeBits = 3
	ranges    = 1 << rangeBits
)

// part is the ranges of a run from one on and below another.
func (r run) part(from, to int) run {
	end := r.bytes
	if to < ranges {
		end = r.begins[to]
	}
	return run{file: r.file, at: r.at + r.begins[from], bytes: end - r.begins[from]}
}

// store writes runs, and merges them until they can be read side by side.
type store struct {
	cfg   Config
	files []File
	runs  []run // nil until the first one is begun
	block []byte
	out   []byte
}

// write appends a pile as a run to the file in use, and frees its memory as it goes.
func (s *store) write(p *pile) error {
	if len(s.files) == 0 {
		if err := s.begin(); err != nil {
			return err
		}
	}
	at := piled{end: len(p.parts)}
	written := 0 // parts
	return s.append(func() ([]byte, error) {
		for len(at.order) == 0 && written < at.part {
			p.parts[written].free(p.spare)
			written++
		}
		return at.next(p)
	})
}

// begin opens another file.
func (s *store) begin() error {
	f, err := s.cfg.Temp()
	if err != nil {
		return fmt.Errorf("make a file to sort in: %w", err)
	}
	s.files = append(s.files, f)
	return nil
}

func (s *store) append(next func() ([]byte, error)) error {
	f := s.files[len(s.files)-1]
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("sort: %w", err)
	}
	r := run{file: f, at: at}
	s.block = s.block[:0]
	flush := func() error {
		if len(s.block) == 0 {
			return nil
		}
		s.out = appendBlock(s.out[:0], s.block, s.cfg.Size)
		n, err := f.Write(s.out)
		if err == nil && n < len(s.out) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return fmt.Errorf("sort: %w", err)
		}
		r.bytes += int64(len(s.out))
		s.block = s.block[:0]
		return nil
	}
	begun := 0 // range
	for {
		rec, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if of := int(prefix(rec) >> (64 - rangeBits)); of > begun {
			if err := flush(); err != nil {
				return err
			}
			for ; begun < of; begun++ {
				r.begins[begun+1] = r.bytes
			}
		}
		if s.cfg.Size == 0 {
			s.block = binary.LittleEndian.AppendUint32(s.block, uint32(len(rec)))
		}
		s.block = append(s.block, rec...)
		if len(s.block) >= blockSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	for ; begun < ranges-1; begun++ {
		r.begins[begun+1] = r.bytes
	}
	s.runs = append(s.runs, r)
	return nil
}

// reduce merges runs until there are few enough to be read side by side.
func (s *store) reduce() error {
	for len(s.runs) > fanIn {
		old, files := s.runs, s.files
		s.runs, s.files = []run{}, nil
		if err := s.begin(); err != nil {
			s.files = append(s.files, files...)
			return err
		}
		var err error
		for len(old) > 0 && err == nil {
			some := old[:min(fanIn, len(old))]
			old = old[len(some):]
			var m *merge
			if m, err = newMerge(s.cfg, some, 0, ranges, nil, piled{}); err == nil {
				err = s.append(m.next)
			}
		}
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *store) close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	s.files, s.runs = nil, nil
	return errors.Join(errs...)
}

// bytes is how much room the runs take.
func (s *store) bytes() (n int64) {
	for _, r := range s.runs {
		n += r.bytes
	}
	return n
}
