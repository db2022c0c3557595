package extsort

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	// spoolWrite is how many bytes are written to a file at a time, unless more are added
	// at once.
	spoolWrite = 256 << 10
	// spoolRead is how many are read at a time.
	spoolRead = 64 << 10
)

// Spool is bytes that are written once, from the beginning, and read in order or at any
// place when all of them are there: in memory up to a limit, else in a file. The file
// is made when it is needed.
type Spool struct {
	// Limit is how many bytes stay in memory.
	Limit int
	// Temp makes the file.
	Temp func() (File, error)

	mem  []byte
	file File
	size int64
}

// Size is how many bytes there are.
func (s *Spool) Size() int64 { return s.size }

// Add appends p. To put little pieces together is for the caller.
func (s *Spool) Add(p []byte) error {
	s.size += int64(len(p))
	if s.file == nil && len(s.mem)+len(p) <= s.Limit {
		s.mem = append(s.mem, p...)
		return nil
	}
	if s.file == nil {
		f, err := s.Temp()
		if err != nil {
			return err
		}
		s.file = f
	}
	if len(s.mem)+len(p) > spoolWrite {
		if err := s.flush(); err != nil {
			return err
		}
		if cap(s.mem) > 2*spoolWrite {
			s.mem = make([]byte, 0, spoolWrite)
		}
	}
	s.mem = append(s.mem, p...)
	return nil
}

// flush writes what is in memory to the file, where there is one.
func (s *Spool) flush() error {
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

// End makes all that was added readable. Nothing is added any more.
func (s *Spool) End() error {
	if err := s.flush(); err != nil {
		return err
	}
	if s.file != nil {
		s.mem = nil
	}
	return nil
}

// Reader reads everything in order, after End.
func (s *Spool) Reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.mem), nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(s.file, spoolRead), nil
}

// ReadFull fills p from a place, after End. Several goroutines may do so at a time.
func (s *Spool) ReadFull(p []byte, at int64) error {
	if s.file == nil {
		if at < 0 || at+int64(len(p)) > int64(len(s.mem)) {
			return io.ErrUnexpectedEOF
		}
		copy(p, s.mem[at:])
		return nil
	}
	return readFull(s.file, p, at)
}

// readFull fills p from a place of a file. The end of the file before that is an error:
// io.EOF says of a reader that all is well.
func readFull(file File, p []byte, at int64) error {
	n, err := file.ReadAt(p, at)
	switch {
	case n == len(p): // what comes with all of it is the end of the file
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close lets go of everything, the file included.
func (s *Spool) Close() error {
	s.mem = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
