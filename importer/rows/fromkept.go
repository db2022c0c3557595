package rows

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"

	"github.com/klauspost/compress/s2"

	"github.com/consentimport/consentimport/mapping"
)

// fromKept is what is kept of the rows of a batch.
type fromKept struct {
	parts  []keptPart
	texts  [][]byte // of the parts: what the rows became points into them
	stored []byte
	rows   []keptRow
}

// keptPart is a block that has some of the rows.
type keptPart struct {
	kept  *Kept
	block keptBlock
}

// keptRow is what was made of a row once.
type keptRow struct {
	row int64
	made
}

// begin finds the blocks that have some of the rows of a batch.
func (f *fromKept) begin(b *Batch, all []*Kept) {
	f.parts, f.rows = f.parts[:0], f.rows[:0]
	if b.n == 0 {
		return
	}
	first, last := b.Number(0), b.Number(b.n-1)
	for _, k := range all {
		if k == nil || !k.ended || k.lost.Load() {
			continue
		}
		n := sort.Search(len(k.blocks), func(n int) bool { return k.blocks[n].last >= first })
		for ; n < len(k.blocks) && k.blocks[n].first <= last; n++ {
			f.parts = append(f.parts, keptPart{k, k.blocks[n]})
		}
	}
}

// read reads the blocks. Any goroutine may do it.
func (f *fromKept) read(b *Batch) {
	for n, p := range f.parts {
		if n == len(f.texts) {
			f.texts = append(f.texts, nil)
		}
		if !f.readBlock(b, p, &f.texts[n]) {
			p.kept.lost.Store(true) // a disk that fails once is not asked again
		}
	}
	if byRow := func(a, b keptRow) int { return cmp.Compare(a.row, b.row) }; len(f.parts) > 1 && !slices.IsSortedFunc(f.rows, byRow) {
		slices.SortStableFunc(f.rows, byRow)
	}
}

// readBlock reads a block into memory, and reports whether it is as it was written.
func (f *fromKept) readBlock(b *Batch, p keptPart, text *[]byte) bool {
	f.stored = slices.Grow(f.stored[:0], p.block.size)[:p.block.size]
	stored := f.stored
	if err := p.kept.spool.ReadFull(stored, p.block.at); err != nil {
		return false
	}
	if binary.LittleEndian.Uint32(stored) != crc32.Checksum(stored[keptSum:], castagnoli) {
		return false
	}
	var err error
	if *text, err = s2.Decode((*text)[:cap(*text)], stored[keptSum:]); err != nil {
		return false
	}
	for rest := *text; len(rest) > 0; {
		var head [keptNumbers]uint64
		for i := range head {
			v, n := binary.Uvarint(rest)
			if n <= 0 {
				return false
			}
			head[i], rest = v, rest[n:]
		}
		res := mapping.Result{Consents: b.consents[len(b.consents):], Dropped: b.dropped[len(b.dropped):]} // they are made where they stay
		var ok bool
		if rest, ok = res.Unpack(rest); !ok || head[1] >= uint64(len(p.kept.by)) {
			return false
		}
		row := p.block.first + int64(head[0])
		if row < b.Number(0) || row > b.Number(b.n-1) {
			continue
		}
		f.rows = append(f.rows, keptRow{row, made{by: p.kept.by[head[1]], file: int(head[2]), kept: true, result: b.stays(&res)}})
	}
	return true
}

// find looks for what a mapping has made of a row in the form of a file.
func (f *fromKept) find(row int64, by *bound, file int) *made {
	k := sort.Search(len(f.rows), func(k int) bool { return f.rows[k].row >= row })
	for ; k < len(f.rows) && f.rows[k].row == row; k++ {
		if m := &f.rows[k].made; m.by == by && m.file == file {
			return m
		}
	}
	return nil
}

// size is about how much memory it takes.
func (f *fromKept) size() int {
	n := 0
	for _, text := range f.texts {
		n += cap(text)
	}
	return n
}
