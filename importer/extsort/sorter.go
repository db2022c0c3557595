package extsort

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// File is where runs are written, by one goroutine. Several may read at a time from any
// place of what was written.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	io.Closer
}

// Config says what is sorted and with how much memory.
type Config struct {
	// Size is the size of every record in bytes; 0 when they differ. A record may
	// have maxRecord bytes at most.
	Size int
	// Key is by how many of its first bytes a record is compared; a record is at
	// least as long.
	Key int
	// Spread: the records begin with eight bytes that are evenly spread, as those of a
	// hash are. Then they are put into parts as they come, each of which is sorted and
	// read within the processor's caches, and most of them without a comparison.
	Spread bool
	// Buffer is how much memory one of the two buffers may take, in bytes; 0 means
	// defaultBuffer. Of spread records the second one takes no more than what comes
	// while the first is written, whose memory it takes over bit by bit.
	Buffer int
	// Temp opens a new and empty file for runs. Closing it removes it.
	Temp func() (File, error)
}

const (
	// defaultBuffer is the memory of one of the two buffers.
	defaultBuffer = 20 << 20
	// maxRecord is the size of the longest record.
	maxRecord = 4 << 20
	// chunkSize is in what pieces at most a buffer grows: nothing is copied when it does.
	// spreadChunk is that of each part of spread records.
	chunkSize   = 1 << 20
	spreadChunk = 32 << 10
	// fanIn is how many runs are merged at a time.
	fanIn = 48
)

// Sorter takes records in any order. It is used by one goroutine.
type Sorter struct {
	cfg   Config
	n     int64
	fill  *pile
	spare spareChunks
	store *store
	group sync.WaitGroup

	mu  sync.Mutex
	err error // of the goroutine that writes

	spilled bool // a run was handed over; the store's runs belong to the goroutine that writes
}

// New makes a Sorter.
func New(cfg Config) *Sorter {
	if cfg.Buffer <= 0 {
		cfg.Buffer = defaultBuffer
	}
	s := &Sorter{cfg: cfg, store: &store{cfg: cfg}, spare: spareChunks{size: chunkSize}}
	if cfg.Spread {
		s.spare.size = spreadChunk
	}
	s.fill = newPile(&s.cfg, &s.spare)
	return s
}

// Add takes in a record, which it copies.
func (s *Sorter) Add(rec []byte) error {
	if len(rec) > maxRecord || len(rec) < s.cfg.Key || s.cfg.Size > 0 && len(rec) != s.cfg.Size {
		return fmt.Errorf("sort: a record of %d bytes", len(rec))
	}
	cost := s.fill.cost(len(rec))
	if s.fill.bytes+cost > s.cfg.Buffer && s.fill.n > 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.fill.bytes += cost
	s.fill.add(rec)
	s.n++
	return nil
}

// Spread is records that another goroutine has put into parts as a Sorter of spread ones
// does, for this to take them in a part at a time.
type Spread struct{ parts [1 << spreadBits][]byte }

// Add takes in a record of a size, which begins with eight bytes of a prefix, and gives
// the memory for it, which is to be filled.
func (p *Spread) Add(prefix uint64, size int) []byte {
	part := &p.parts[prefix>>(64-spreadBits)]
	n := len(*part)
	*part = slices.Grow(*part, size)[:n+size]
	return (*part)[n:]
}

// AddSpread takes in spread records, of the one size that it sorts, and empties p.
func (s *Sorter) AddSpread(p *Spread) error {
	size := s.cfg.Size
	if !s.cfg.Spread || size < 8 {
		return errors.New("sort: records that were put into parts, of a size that is not known")
	}
	for i := range p.parts {
		for records := p.parts[i]; len(records) > 0; {
			if len(records)%size != 0 {
				return fmt.Errorf("sort: records of %d bytes", len(records))
			}
			fit := (s.cfg.Buffer - s.fill.bytes) / size
			if fit <= 0 && s.fill.n > 0 {
				if err := s.flush(); err != nil {
					return err
				}
				continue
			}
			some := records[:min(max(fit, 1)*size, len(records))]
			s.fill.addAll(i, some)
			s.fill.bytes += len(some)
			s.n += int64(len(some) / size)
			records = records[len(some):]
		}
		p.parts[i] = p.parts[i][:0]
	}
	return nil
}

// flush hands the pile over to be written as a run, and begins another.
func (s *Sorter) flush() error {
	if !s.spilled { // the first one: no goroutine writes yet
		s.spilled, s.store.runs = true, []run{}
	}
	full := s.fill
	s.fill = newPile(&s.cfg, &s.spare)
	s.group.Wait() // for the write before
	if err := s.failed(); err != nil {
		return err
	}
	s.group.Go(func() {
		if err := s.store.write(full); err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
		}
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
	switch {
	case s.fill.n == 0:
	case !s.spilled || s.cfg.Spread: // those that are not spread have no parts
		s.fill.sort()
		out.memory = s.fill
	default:
		if err := s.flush(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.group.Wait()
	err := s.failed()
	s.fill, s.spare.chunks = nil, nil // nothing refers to the memory any more, but what is read
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
