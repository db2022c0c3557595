package extsort

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"
)

// Sorted is the sorted records. They may be read any number of times, by one
// goroutine at a time.
type Sorted struct {
	cfg    Config
	n      int64
	memory *pile // nil when they are in the store
	store  *store
}

// Len is the number of records.
func (s *Sorted) Len() int64 { return s.n }

// Disk is how many bytes the records take on the disk, 0 when they fit into memory.
func (s *Sorted) Disk() int64 { return s.store.bytes() }

// Close removes what lies on the disk.
func (s *Sorted) Close() error { return s.store.close() }

// Reader begins at the first record. Readers of one Sorted may be used in turn, not
// by several goroutines at a time.
func (s *Sorted) Reader() (*Reader, error) {
	if s.memory != nil {
		return &Reader{memory: s.memory}, nil
	}
	m, err := newMerge(s.cfg, s.store.runs)
	if err != nil {
		return nil, err
	}
	return &Reader{merge: m}, nil
}

// Reader gives records in order.
type Reader struct {
	memory *pile
	at     piled
	merge  *merge
}

// Next gives the next record, which is good until the next call; io.EOF after the
// last.
func (r *Reader) Next() ([]byte, error) {
	if r.memory != nil {
		return r.at.next(r.memory)
	}
	return r.merge.next()
}

// Close frees the memory of the reader.
func (r *Reader) Close() { r.memory, r.merge = nil, nil }

// merge reads runs side by side.
type merge struct {
	cfg  Config
	runs []*runReader // a heap by the record that each has next
	last *runReader   // whose record was given last: it goes on with the next call
}

// runReader reads one run, block by block.
type runReader struct {
	run
	stored []byte
	block  []byte
	rest   []byte // of the block
	rec    []byte
	prefix uint64
}

func newMerge(cfg Config, runs []run) (*merge, error) {
	m := &merge{cfg: cfg}
	for _, r := range runs {
		x := &runReader{run: r}
		ok, err := x.advance(m)
		if err != nil {
			return nil, err
		}
		if ok {
			m.runs = append(m.runs, x)
		}
	}
	for i := len(m.runs)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

func (m *merge) next() ([]byte, error) {
	if m.last != nil {
		ok, err := m.last.advance(m)
		if err != nil {
			return nil, err
		}
		if !ok {
			n := len(m.runs) - 1
			m.runs[0] = m.runs[n]
			m.runs = m.runs[:n]
		}
		m.last = nil
		m.down(0)
	}
	if len(m.runs) == 0 {
		return nil, io.EOF
	}
	m.last = m.runs[0]
	return m.last.rec, nil
}

// down restores the heap below i.
func (m *merge) down(i int) {
	for {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < len(m.runs) && m.less(m.runs[c], m.runs[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.runs[i], m.runs[least] = m.runs[least], m.runs[i]
		i = least
	}
}

func (m *merge) less(a, b *runReader) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return bytes.Compare(a.rec[:m.cfg.Key], b.rec[:m.cfg.Key]) < 0
}

// advance goes to the next record of the run; false at its end.
func (r *runReader) advance(m *merge) (bool, error) {
	if len(r.rest) == 0 {
		if r.bytes == 0 {
			return false, nil
		}
		if err := r.read(); err != nil {
			if errors.Is(err, io.EOF) { // which says of a reader that all is well
				err = io.ErrUnexpectedEOF
			}
			return false, damagedRun(err)
		}
	}
	n := m.cfg.Size
	if n == 0 {
		if len(r.rest) < 4 {
			return false, damagedRun(io.ErrUnexpectedEOF)
		}
		n = int(binary.LittleEndian.Uint32(r.rest))
		r.rest = r.rest[4:]
	}
	if len(r.rest) < n || n < m.cfg.Key {
		return false, damagedRun(io.ErrUnexpectedEOF)
	}
	r.rec, r.rest = r.rest[:n:n], r.rest[n:]
	r.prefix = prefix(r.rec)
	return true, nil
}

// read reads the next block.
func (r *runReader) read() error {
	if _, err := r.file.Seek(r.at, io.SeekStart); err != nil {
		return err
	}
	var head [blockHead]byte
	if _, err := io.ReadFull(r.file, head[:]); err != nil {
		return err
	}
	n, size := int64(binary.LittleEndian.Uint32(head[:])), int(binary.LittleEndian.Uint32(head[4:]))
	if n > r.bytes-blockHead || size > blockSize+maxRecord+4 {
		return fmt.Errorf("a block of %d bytes: %w", n, io.ErrUnexpectedEOF)
	}
	if int64(cap(r.stored)) < n {
		r.stored = make([]byte, n)
	}
	r.stored = r.stored[:n]
	if _, err := io.ReadFull(r.file, r.stored); err != nil {
		return err
	}
	if crc32.Checksum(r.stored, castagnoli) != binary.LittleEndian.Uint32(head[8:]) {
		return fmt.Errorf("a block that was damaged: %w", io.ErrUnexpectedEOF)
	}
	if is, err := s2.DecodedLen(r.stored); err != nil || is != size {
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	var err error
	if r.block, err = s2.Decode(r.block[:cap(r.block)], r.stored); err != nil {
		return err
	}
	r.at += blockHead + n
	r.bytes -= blockHead + n
	r.rest = r.block
	return nil
}

func damagedRun(err error) error { return fmt.Errorf("read back what was sorted: %w", err) }
