package report

import (
	"bufio"
	"bytes"
	"io"

	"github.com/consentimport/consentimport/importer/journal"
)

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int64) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) set(i int64)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int64) bool { return b[i/64]&(1<<(i%64)) != 0 }

// spill is a log that is written once and read a few times. It stays in memory
// while it is small. Its file holds identifiers, so it has no name where the
// system lets an open file be removed: a crash leaves nothing of it.
type spill struct {
	disk  journal.Disk
	path  string
	limit int // bytes that stay in memory
	mem   []byte
	file  journal.File
	named bool
}

func (s *spill) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if s.mem = append(s.mem, b...); len(s.mem) < s.limit {
		return nil
	}
	if s.file == nil {
		f, err := s.disk.Create(s.path)
		if err != nil {
			return err
		}
		s.file = f
		s.named = s.disk.Remove(s.path) != nil
	}
	_, err := s.file.Write(s.mem)
	s.mem = s.mem[:0]
	return err
}

// reader reads the log from its beginning.
func (s *spill) reader() (*bufio.Reader, error) {
	if s.file == nil {
		return bufio.NewReaderSize(bytes.NewReader(s.mem), 64<<10), nil
	}
	if len(s.mem) > 0 {
		if _, err := s.file.Write(s.mem); err != nil {
			return nil, err
		}
		s.mem = s.mem[:0]
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(s.file, 256<<10), nil
}

func (s *spill) close() {
	s.mem = nil
	if s.file != nil {
		// Nothing of it is needed any more, so an error changes nothing.
		_ = s.file.Close()
		if s.named {
			_ = s.disk.Remove(s.path)
		}
		s.file = nil
	}
}
