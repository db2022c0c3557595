package extsort

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// pile holds records until they are written, or all of them where they fit into memory.
// Its parts are in order: what one holds comes before all that the next holds.
type pile struct {
	parts []buffer
	shift uint // how many bits of the prefix do not say which part a record is of
	n     int
	bytes int
}

// spreadBits is by how many bits evenly spread records are put into parts: of a full
// pile, each part takes some 100 KiB.
const spreadBits = 7

func newPile(cfg *Config) *pile {
	p := &pile{shift: 64, parts: make([]buffer, 1)}
	largest, smallest := chunkSize, 64<<10
	if cfg.Spread {
		p.shift, p.parts = 64-spreadBits, make([]buffer, 1<<spreadBits)
		largest, smallest = 32<<10, 2<<10
	}
	for i := range p.parts {
		p.parts[i] = buffer{size: cfg.Size, smallest: smallest, largest: largest}
	}
	return p
}

func (p *pile) add(rec []byte) {
	begins := prefix(rec)
	p.bytes += p.parts[begins>>p.shift].add(rec, begins)
	p.n++
}

func (p *pile) sort(key int) {
	for i := range p.parts {
		p.parts[i].sort(key)
	}
}

// sorted sorts the pile and gives its records in order.
func (p *pile) sorted(key int) func() ([]byte, error) {
	p.sort(key)
	var at piled
	return func() ([]byte, error) { return at.next(p) }
}

// piled is a place in a sorted pile.
type piled struct{ part, record int }

// next gives the record of a place and goes on to the next; io.EOF behind the last.
func (at *piled) next(p *pile) ([]byte, error) {
	for at.part < len(p.parts) {
		b := &p.parts[at.part]
		if at.record < len(b.entries) {
			at.record++
			return b.record(&b.entries[at.record-1]), nil
		}
		at.part, at.record = at.part+1, 0
	}
	return nil, io.EOF
}

func (p *pile) reset() {
	for i := range p.parts {
		p.parts[i].reset()
	}
	p.n, p.bytes = 0, 0
}

// buffer is a part of a pile. It grows by chunks, so that nothing is copied when it does.
type buffer struct {
	size              int // of every record; 0: they differ
	smallest, largest int // chunk
	chunks            [][]byte
	used              int // chunks in use
	entries           []entry
}

// entry is a record of a buffer: what it begins with, and where it is.
type entry struct {
	prefix uint64
	chunk  uint16
	at     uint32
}

const entrySize = 16

// add gives how much memory the record takes.
func (b *buffer) add(rec []byte, begins uint64) int {
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
	b.entries = append(b.entries, entry{prefix: begins, chunk: uint16(b.used - 1), at: uint32(at)})
	return need + entrySize
}

// next is the size of the next chunk: small ones first, for small exports.
func (b *buffer) next() int {
	if b.used == 0 {
		return b.smallest
	}
	return min(2*cap(b.chunks[b.used-1]), b.largest)
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

func (b *buffer) reset() {
	for i := range b.chunks {
		b.chunks[i] = b.chunks[i][:0]
	}
	b.entries, b.used = b.entries[:0], 0
}
