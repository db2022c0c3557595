package extsort

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// Sorted is the sorted records. They may be read any number of times.
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

// Reader gives all records. Any number of goroutines may have one each.
func (s *Sorted) Reader() (*Reader, error) { return s.Part(0, 1) }

// Part gives the records of one of n parts, which follow each other and take about the
// same room: those of spread records. n is a power of two, [MaxParts] at most.
func (s *Sorted) Part(i, n int) (*Reader, error) {
	if s.memory != nil {
		parts := len(s.memory.parts)
		return &Reader{memory: s.memory, at: piled{part: i * parts / n, end: (i + 1) * parts / n}}, nil
	}
	m, err := newMerge(s.cfg, s.store.runs, i*ranges/n, (i+1)*ranges/n)
	if err != nil {
		return nil, err
	}
	return &Reader{merge: m}, nil
}

// MaxParts is into how many parts sorted records can be divided.
const MaxParts = ranges

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

// newMerge merges the ranges of runs from one on and below another.
func newMerge(cfg Config, runs []run, from, to int) (*merge, error) {
	m := &merge{cfg: cfg}
	for _, r := range runs {
		x := &runReader{run: r.part(from, to)}
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
		if err := r.read(m.cfg.Size); err != nil {
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
func (r *runReader) read(size int) error {
	var head [blockHead]byte
	if err := readFull(r.file, head[:], r.at); err != nil {
		return err
	}
	stored, records := int64(binary.LittleEndian.Uint32(head[:])), int(binary.LittleEndian.Uint32(head[4:]))
	if stored > r.bytes-blockHead || records > blockSize+maxRecord+4 {
		return fmt.Errorf("a block of %d bytes: %w", stored, io.ErrUnexpectedEOF)
	}
	if want := int(stored) + deltaSlack(size); cap(r.stored) < want {
		r.stored = make([]byte, want)
	}
	r.stored = r.stored[:stored]
	if err := readFull(r.file, r.stored, r.at+blockHead); err != nil {
		return err
	}
	if crc32.Checksum(r.stored, castagnoli) != binary.LittleEndian.Uint32(head[8:]) {
		return fmt.Errorf("a block that was damaged: %w", io.ErrUnexpectedEOF)
	}
	var err error
	if r.block, err = openBlock(r.block, r.stored, records, size); err != nil {
		return err
	}
	r.at += blockHead + stored
	r.bytes -= blockHead + stored
	r.rest = r.block
	return nil
}

func damagedRun(err error) error { return fmt.Errorf("read back what was sorted: %w", err) }
