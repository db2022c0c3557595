package extsort

import (
	"encoding/binary"
	"io"
	"sync"
)

// pile holds records until they are written, or all of them where they fit into memory.
// Its parts are in order: what one holds comes before all that the next holds. Within a
// part they stand as they came; they are put in order where they are read.
type pile struct {
	cfg   *Config
	spare *spareChunks
	parts []part
	shift uint // how many bits of the prefix do not say which part a record is of
	n     int
	bytes int
	order []entry // of the only part, once it was sorted
}

// spreadBits is by how many bits evenly spread records are put into parts: of a full
// pile, each part takes less than 400 KiB.
const spreadBits = 7

func newPile(cfg *Config, spare *spareChunks) *pile {
	p := &pile{cfg: cfg, spare: spare, shift: 64, parts: make([]part, 1)}
	if cfg.Spread {
		p.shift, p.parts = 64-spreadBits, make([]part, 1<<spreadBits)
	}
	return p
}

// cost is how much memory a record of n bytes takes. That of entries counts where
// those of all records are needed at a time.
func (p *pile) cost(n int) int {
	if p.cfg.Size == 0 {
		n += 4
	}
	if !p.cfg.Spread {
		n += entrySize
	}
	return n
}

func (p *pile) add(rec []byte) {
	x := &p.parts[prefix(rec)>>p.shift]
	need := len(rec)
	if p.cfg.Size == 0 {
		need += 4
	}
	if cap(x.last)-len(x.last) < need {
		p.grow(x, need)
	}
	if p.cfg.Size == 0 {
		x.last = binary.LittleEndian.AppendUint32(x.last, uint32(len(rec)))
	}
	x.last = append(x.last, rec...)
	x.n++
	p.n++
}

// addAll takes in whole records of the pile's size that are all of one part.
func (p *pile) addAll(part int, records []byte) {
	x, size := &p.parts[part], p.cfg.Size
	x.n += len(records) / size
	p.n += len(records) / size
	for len(records) > 0 {
		fits := (cap(x.last) - len(x.last)) / size * size
		if fits == 0 {
			p.grow(x, size)
			continue
		}
		fits = min(fits, len(records))
		x.last = append(x.last, records[:fits]...)
		records = records[fits:]
	}
}

// grow gives a part another chunk: small ones first, for small exports.
func (p *pile) grow(x *part, need int) {
	size := p.spare.size / 16
	if x.last != nil {
		x.full = append(x.full, x.last)
		size = min(2*cap(x.last), p.spare.size)
	}
	if size = max(size, need); size == p.spare.size {
		x.last = p.spare.take()
		return
	}
	x.last = make([]byte, 0, size)
}

// sort puts the records of the only part in order, once.
func (p *pile) sort() {
	if len(p.parts) == 1 && p.order == nil {
		var s sorting
		p.order = s.sort(p.cfg, &p.parts[0])
	}
}

// piled is a place in a pile.
type piled struct {
	sorting
	part  int // behind the one whose order it is
	end   int // behind the last one to read
	order []entry
	in    *part
}

// next gives the record of a place and goes on to the next; io.EOF behind the last.
func (at *piled) next(p *pile) ([]byte, error) {
	for len(at.order) == 0 {
		if at.part == at.end {
			return nil, io.EOF
		}
		at.in = &p.parts[at.part]
		if at.order = p.order; at.order == nil {
			at.order = at.sort(p.cfg, at.in)
		}
		at.part++
	}
	rec := at.in.record(p.cfg, &at.order[0])
	at.order = at.order[1:]
	return rec, nil
}

// part is a part of a pile. It grows by chunks, so that nothing is copied when it does.
type part struct {
	full [][]byte
	last []byte
	n    int
}

// chunk gives a chunk by its number; the last one is the one that is filled.
func (x *part) chunk(i uint32) []byte {
	if int(i) < len(x.full) {
		return x.full[i]
	}
	return x.last
}

func (x *part) record(cfg *Config, e *entry) []byte {
	c := x.chunk(e.chunk)[e.at:]
	if cfg.Size > 0 {
		return c[:cfg.Size:cfg.Size]
	}
	n := binary.LittleEndian.Uint32(c)
	return c[4 : 4+n : 4+n]
}

// free empties a part and keeps its memory for others.
func (x *part) free(spare *spareChunks) {
	for _, c := range append(x.full, x.last) {
		spare.give(c)
	}
	*x = part{}
}

// spareChunks are the full-sized chunks that nobody uses at the moment: what is written
// frees them for what comes.
type spareChunks struct {
	size   int
	mu     sync.Mutex
	chunks [][]byte
}

func (s *spareChunks) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.chunks) - 1; n >= 0 {
		c := s.chunks[n]
		s.chunks = s.chunks[:n]
		return c
	}
	return make([]byte, 0, s.size)
}

func (s *spareChunks) give(c []byte) {
	if cap(c) != s.size {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = append(s.chunks, c[:0])
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
