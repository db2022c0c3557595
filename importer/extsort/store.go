package extsort

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"
)

// blockSize is about how many bytes of records are compressed together.
const blockSize = 64 << 10

// A block is stored as the size of what follows (4 bytes, little-endian), that of the
// records (4), a CRC-32C of what follows (4), and the records compressed by S2: half of
// what is sorted are hashes, on which a stronger code is time lost (BenchmarkSort).
const blockHead = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBlock appends records as they are stored.
func appendBlock(dst, records []byte) []byte {
	from := len(dst)
	dst = slices.Grow(dst, blockHead+s2.MaxEncodedLen(len(records)))
	dst = dst[:from+blockHead]
	stored := s2.Encode(dst[from+blockHead:cap(dst)], records)
	head := dst[from:]
	binary.LittleEndian.PutUint32(head, uint32(len(stored)))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(records)))
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(stored, castagnoli))
	return dst[:from+blockHead+len(stored)]
}

// run is a sequence of sorted records in a file.
type run struct {
	file  File
	at    int64 // of its first block
	bytes int64 // of its blocks, as they are stored
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
	var at piled
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
		s.out = appendBlock(s.out[:0], s.block)
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
	for {
		rec, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
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
			if m, err = newMerge(s.cfg, some); err == nil {
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
