package extsort

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// File is where runs are written. It is read and written by one goroutine at a time.
type File interface {
	io.Reader
	io.Writer
	io.Seeker
	io.Closer
}

// Config says what is sorted and with how much memory.
type Config struct {
	// Size is the size of every record in bytes; 0 when they differ. A record may
	// have MaxRecord bytes at most.
	Size int
	// Key is by how many of its first bytes a record is compared; a record is at
	// least as long.
	Key int
	// Buffer is how much memory one of the two buffers may take, in bytes; 0 means
	// DefaultBuffer.
	Buffer int
	// Temp opens a new and empty file for runs. Closing it removes it.
	Temp func() (File, error)
}

const (
	// DefaultBuffer is the memory of one of the two buffers.
	DefaultBuffer = 20 << 20
	// MaxRecord is the size of the longest record.
	MaxRecord = 4 << 20
	// chunkSize is in what pieces a buffer grows: nothing is copied when it does.
	chunkSize = 1 << 20
	// fanIn is how many runs are merged at a time.
	fanIn = 48
)

// Sorter takes records in any order. It is used by one goroutine.
type Sorter struct {
	cfg   Config
	n     int64
	fill  *buffer
	spare chan *buffer // the other buffer, when no goroutine writes it
	store *store
	group sync.WaitGroup

	mu  sync.Mutex
	err error // of the goroutine that writes

	spilled bool // a run was handed over; the store's runs belong to the goroutine that writes
}

// New makes a Sorter.
func New(cfg Config) *Sorter {
	if cfg.Buffer <= 0 {
		cfg.Buffer = DefaultBuffer
	}
	return &Sorter{cfg: cfg, fill: &buffer{size: cfg.Size}, spare: make(chan *buffer, 1), store: &store{cfg: cfg}}
}

// Add takes in a record, which it copies.
func (s *Sorter) Add(rec []byte) error {
	if len(rec) > MaxRecord || len(rec) < s.cfg.Key || s.cfg.Size > 0 && len(rec) != s.cfg.Size {
		return fmt.Errorf("sort: a record of %d bytes", len(rec))
	}
	if s.fill.bytes+len(rec)+entrySize > s.cfg.Buffer && len(s.fill.entries) > 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.fill.add(rec)
	s.n++
	return nil
}

// flush hands the buffer over to be written as a run.
func (s *Sorter) flush() error {
	if !s.spilled { // the first one: no goroutine writes yet
		s.spilled, s.store.runs = true, []run{}
		s.spare <- &buffer{size: s.cfg.Size}
	}
	full := s.fill
	s.fill = <-s.spare // waits for the write before
	if err := s.failed(); err != nil {
		return err
	}
	s.group.Go(func() {
		err := s.store.write(full.sorted(s.cfg.Key), len(full.entries))
		full.reset()
		if err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
		}
		s.spare <- full
	})
	return nil
}

func (s *Sorter) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Len is the number of records so far.
func (s *Sorter) Len() int64 { return s.n }

// Sort ends the input. The Sorter is not used any more, whatever it returns; the
// Sorted has to be closed.
func (s *Sorter) Sort() (*Sorted, error) {
	out := &Sorted{cfg: s.cfg, n: s.n, store: s.store}
	if !s.spilled {
		s.fill.sort(s.cfg.Key)
		out.memory = s.fill
		return out, nil
	}
	if len(s.fill.entries) > 0 {
		if err := s.flush(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.group.Wait()
	err := s.failed()
	s.fill = nil
	<-s.spare // nothing refers to the buffers any more
	if err == nil {
		err = s.store.reduce()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return out, nil
}

// Close gives up what was collected. It is for a Sorter whose Sort is not called.
func (s *Sorter) Close() error {
	s.group.Wait()
	return s.store.close()
}

// buffer holds records until it is written.
type buffer struct {
	size    int // of every record; 0: they differ
	chunks  [][]byte
	used    int // chunks in use
	entries []entry
	bytes   int
}

// entry is a record of a buffer: what it begins with, and where it is.
type entry struct {
	prefix uint64
	chunk  uint16
	at     uint32
}

const entrySize = 16

func (b *buffer) add(rec []byte) {
	need := len(rec)
	long := b.size == 0
	if long {
		need += 4
	}
	if b.used == 0 || len(b.chunks[b.used-1])+need > cap(b.chunks[b.used-1]) {
		if b.used == len(b.chunks) {
			b.chunks = append(b.chunks, make([]byte, 0, max(need, b.next())))
		} else if cap(b.chunks[b.used]) < need {
			b.chunks[b.used] = make([]byte, 0, need)
		}
		b.used++
	}
	c := &b.chunks[b.used-1]
	at := len(*c)
	if long {
		*c = binary.LittleEndian.AppendUint32(*c, uint32(len(rec)))
	}
	*c = append(*c, rec...)
	b.entries = append(b.entries, entry{prefix: prefix(rec), chunk: uint16(b.used - 1), at: uint32(at)})
	b.bytes += need + entrySize
}

// next is the size of the next chunk: small ones first, for small exports.
func (b *buffer) next() int {
	if b.used == 0 {
		return 64 << 10
	}
	return min(2*cap(b.chunks[b.used-1]), chunkSize)
}

// prefix is what a record begins with, as a number of the same order.
func prefix(rec []byte) uint64 {
	if len(rec) >= 8 {
		return binary.BigEndian.Uint64(rec)
	}
	var b [8]byte
	copy(b[:], rec)
	return binary.BigEndian.Uint64(b[:])
}

func (b *buffer) record(e *entry) []byte {
	c := b.chunks[e.chunk][e.at:]
	if b.size > 0 {
		return c[:b.size:b.size]
	}
	n := binary.LittleEndian.Uint32(c)
	return c[4 : 4+n : 4+n]
}

func (b *buffer) sort(key int) {
	slices.SortFunc(b.entries, func(x, y entry) int {
		if x.prefix != y.prefix || key <= 8 && b.size > 0 && b.size >= 8 {
			return cmp.Compare(x.prefix, y.prefix)
		}
		return bytes.Compare(b.record(&x)[:key], b.record(&y)[:key])
	})
}

// sorted sorts the buffer and gives its records in order.
func (b *buffer) sorted(key int) func() ([]byte, error) {
	b.sort(key)
	i := -1
	return func() ([]byte, error) {
		if i++; i >= len(b.entries) {
			return nil, io.EOF
		}
		return b.record(&b.entries[i]), nil
	}
}

func (b *buffer) reset() {
	for i := range b.chunks {
		b.chunks[i] = b.chunks[i][:0]
	}
	b.entries, b.used, b.bytes = b.entries[:0], 0, 0
}

// encoder and decoder are made once a store: each keeps memory of its own.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true), zstd.WithWindowSize(blockSize), zstd.WithLowerEncoderMem(true))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(2*MaxRecord))
}
