package extsort

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// Sorted is the sorted records. They may be read any number of times.
type Sorted struct {
	cfg    Config
	n      int64
	memory *pile // those that came last; nil: there are none
	store  *store
}

// Len is the number of records.
func (s *Sorted) Len() int64 { return s.n }

// Disk is how many bytes the records take on the disk, 0 when they fit into memory.
func (s *Sorted) Disk() int64 { return s.store.bytes() }

// Close removes what lies on the disk, and frees the memory.
func (s *Sorted) Close() error {
	s.memory = nil
	return s.store.close()
}

// Reader gives all records. Any number of goroutines may have one each.
func (s *Sorted) Reader() (*Reader, error) { return s.Part(0, 1) }

// Part gives the records of one of n parts, which follow each other and take about the
// same room: those of spread records. n is a power of two, [MaxParts] at most.
func (s *Sorted) Part(i, n int) (*Reader, error) {
	var in piled
	if s.memory != nil {
		parts := len(s.memory.parts)
		in = piled{part: i * parts / n, end: (i + 1) * parts / n}
		if len(s.store.runs) == 0 {
			return &Reader{memory: s.memory, at: in}, nil
		}
	}
	m, err := newMerge(s.cfg, s.store.runs, i*ranges/n, (i+1)*ranges/n, s.memory, in)
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

// merge reads runs side by side: a tournament in which the record that comes first wins.
// The winner is replaced by the next of its run, which plays again where that one has
// played: once for each doubling of the runs.
type merge struct {
	cfg   Config
	games []contender // in each, who has lost it; game i is between the winners of 2i and 2i+1
	first contender   // who has won
	given bool        // its record was: it goes on with the next call
}

// contender is what a run has next; run is nil at its end.
type contender struct {
	prefix uint64
	run    *runReader
}

// runReader reads one run, block by block, or what is in memory.
type runReader struct {
	run
	memory *pile // nil: the run is in a file
	in     piled
	stored []byte
	block  []byte
	rest   []byte // of the block
	rec    []byte
	seat   int // below the games
}

// newMerge merges the ranges of runs from one on and below another with what is in memory,
// if anything is, from a place on.
func newMerge(cfg Config, runs []run, from, to int, memory *pile, in piled) (*merge, error) {
	var readers []*runReader
	for _, r := range runs {
		readers = append(readers, &runReader{run: r.part(from, to)})
	}
	if memory != nil {
		readers = append(readers, &runReader{memory: memory, in: in})
	}
	m := &merge{cfg: cfg, games: make([]contender, len(readers))}
	begun := make([]contender, len(readers))
	for i, r := range readers {
		r.seat = len(readers) + i
		var err error
		if begun[i], err = r.advance(&cfg); err != nil {
			return nil, err
		}
	}
	if len(readers) > 0 {
		m.first = m.play(1, begun)
	}
	return m, nil
}

// play plays a game, and those before it, and gives the winner.
func (m *merge) play(game int, begun []contender) contender {
	if game >= len(m.games) {
		return begun[game-len(m.games)]
	}
	a, b := m.play(2*game, begun), m.play(2*game+1, begun)
	if m.less(&b, &a) {
		a, b = b, a
	}
	m.games[game] = b
	return a
}

func (m *merge) next() ([]byte, error) {
	if m.given {
		c, err := m.first.run.advance(&m.cfg)
		if err != nil {
			return nil, err
		}
		for game := m.first.run.seat / 2; game > 0; game /= 2 {
			if lost := &m.games[game]; m.less(lost, &c) {
				c, *lost = *lost, c
			}
		}
		m.first, m.given = c, false
	}
	if m.first.run == nil {
		return nil, io.EOF
	}
	m.given = true
	return m.first.run.rec, nil
}

func (m *merge) less(a, b *contender) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	if a.run == nil || b.run == nil {
		return b.run == nil && a.run != nil
	}
	return bytes.Compare(a.run.rec[:m.cfg.Key], b.run.rec[:m.cfg.Key]) < 0
}

// advance goes to the next record of the run.
func (r *runReader) advance(cfg *Config) (contender, error) {
	if r.memory != nil {
		var err error
		if r.rec, err = r.in.next(r.memory); err == io.EOF {
			return contender{prefix: math.MaxUint64}, nil
		}
		return contender{prefix(r.rec), r}, err
	}
	if len(r.rest) == 0 {
		if r.bytes == 0 {
			return contender{prefix: math.MaxUint64}, nil
		}
		if err := r.read(cfg.Size); err != nil {
			return contender{}, damagedRun(err)
		}
	}
	n := cfg.Size
	if n == 0 {
		if len(r.rest) < 4 {
			return contender{}, damagedRun(io.ErrUnexpectedEOF)
		}
		n = int(binary.LittleEndian.Uint32(r.rest))
		r.rest = r.rest[4:]
	}
	if len(r.rest) < n || n < cfg.Key {
		return contender{}, damagedRun(io.ErrUnexpectedEOF)
	}
	r.rec, r.rest = r.rest[:n:n], r.rest[n:]
	return contender{prefix(r.rec), r}, nil
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
	if want := int(stored) + slack; cap(r.stored) < want {
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
