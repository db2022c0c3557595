package keyed

import (
	"errors"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
)

// writeSize is how many bytes are written to a file at a time, unless a row has more.
const writeSize = 256 << 10

// store is bytes that are written once, from the beginning, and read at any place: in
// memory up to a limit, else in a file.
type store struct {
	limit int
	temp  func() (extsort.File, error)
	mem   []byte
	file  extsort.File
	at    io.ReaderAt
	size  int64
}

// write appends p; long writes are for the caller to put together.
func (s *store) write(p []byte) error {
	s.size += int64(len(p))
	if s.file == nil && len(s.mem)+len(p) <= s.limit {
		s.mem = append(s.mem, p...)
		return nil
	}
	if s.file == nil {
		f, err := s.temp()
		if err != nil {
			return err
		}
		s.file = f
		var ok bool
		if s.at, ok = f.(io.ReaderAt); !ok {
			return errors.New("temporary files cannot be read from any place")
		}
	}
	if len(s.mem)+len(p) > writeSize {
		if err := s.flush(); err != nil {
			return err
		}
		if cap(s.mem) > 2*writeSize {
			s.mem = make([]byte, 0, writeSize)
		}
	}
	s.mem = append(s.mem, p...)
	return nil
}

// flush writes what is in memory to the file, where there is one.
func (s *store) flush() error {
	if s.file == nil || len(s.mem) == 0 {
		return nil
	}
	n, err := s.file.Write(s.mem)
	if err == nil && n < len(s.mem) {
		err = io.ErrShortWrite
	}
	s.mem = s.mem[:0]
	return err
}

// end makes all that was written readable.
func (s *store) end() error {
	if err := s.flush(); err != nil {
		return err
	}
	if s.file != nil {
		s.mem = nil
	}
	return nil
}

// read fills p from a place.
func (s *store) read(p []byte, at int64) error {
	if s.file == nil {
		if at < 0 || at+int64(len(p)) > int64(len(s.mem)) {
			return fmt.Errorf("read what was sorted: %w", io.ErrUnexpectedEOF)
		}
		copy(p, s.mem[at:])
		return nil
	}
	if _, err := s.at.ReadAt(p, at); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read what was sorted: %w", err)
	}
	return nil
}

func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
