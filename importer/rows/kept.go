package rows

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/mapping"
)

// Kept holds what rows became, outside of memory, for later sweeps over them: these take
// it from here and do not map the rows again. Rows are kept in ascending order, by one
// goroutine; then, after End, sweeps may read.
//
// It is an economy, and nothing depends on it: what does not fit, or cannot be written or
// read back, is mapped again.
type Kept struct {
	// Temp opens a file that is gone when it is closed.
	Temp func() (extsort.File, error)
	// Limit is how many bytes of the disk it may take.
	Limit int64

	spool  *extsort.Spool // nil: nothing was kept yet
	blocks []keptBlock
	text   []byte // of the block that is being made
	packed []byte
	first  int64 // row of it
	last   int64 // row that was kept last
	full   bool
	ended  bool
	by     []*bound // of the readings of what is kept
	lost   atomic.Bool
	memory int // bytes of it that stay in memory; 0: keptMemory
}

// keptBlock is where the results of some rows are.
type keptBlock struct {
	first, last int64 // rows
	at          int64
	size        int // as it is stored
}

const (
	// keptMemory is how many bytes of it stay in memory.
	keptMemory = 2 << 20
	// keptBlockSize is how many bytes are packed together at least.
	keptBlockSize = 16 << 10
	// keptBatch is how many bytes of one batch are kept at most.
	keptBatch = 4 << 20
	keptSum   = 4 // bytes of the CRC-32C before a block
	// keptNumbers come before each result (varints): rows behind the first of the block, the
	// mapping among Kept.by, and the file that the row was read from.
	keptNumbers = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Add keeps all that was made of the rows of a batch that are wanted; nil: of all of them.
// What was taken from a Kept is there already. Nothing is kept by a nil Kept.
func (k *Kept) Add(b *Batch, wanted func(i int) bool) {
	if k == nil || k.full || k.ended {
		return
	}
	for i, from := 0, len(k.text); i < b.n && len(k.text)-from < keptBatch; i++ {
		if wanted != nil && !wanted(i) {
			continue
		}
		for _, m := range b.made[b.at[i]:b.at[i+1]] {
			if !m.kept {
				k.add(b.Number(i), &m)
			}
		}
	}
	if len(k.text) >= keptBlockSize { // a sweep that comes again reads the same batches mostly
		k.flush()
	}
}

// add keeps what was made of a row, unless that is very much.
func (k *Kept) add(row int64, m *made) {
	if len(k.text) == 0 {
		k.first = row
	}
	from := len(k.text)
	for _, n := range [keptNumbers]uint64{uint64(row - k.first), uint64(k.reading(m.by)), uint64(m.file)} {
		k.text = binary.AppendUvarint(k.text, n)
	}
	r := &m.result
	res := mapping.Result{Status: r.Status, Reason: r.Reason, Column: r.Column, Missed: r.Missed, Consents: r.Consents, Dropped: r.Dropped}
	text, ok := res.Pack(k.text)
	if !ok {
		text = text[:from]
	}
	k.text, k.last = text, row
}

// reading is the number of a mapping among those that are kept.
func (k *Kept) reading(by *bound) int {
	if i := slices.Index(k.by, by); i >= 0 {
		return i
	}
	k.by = append(k.by, by)
	return len(k.by) - 1
}

// flush packs the block that is being made and puts it away.
func (k *Kept) flush() {
	if len(k.text) == 0 || k.full {
		return
	}
	if k.spool == nil {
		k.spool = &extsort.Spool{Limit: cmp.Or(k.memory, keptMemory), Temp: k.Temp}
	}
	if most := keptSum + s2.MaxEncodedLen(len(k.text)); cap(k.packed) < most {
		k.packed = make([]byte, most)
	}
	packed := s2.Encode(k.packed[keptSum:cap(k.packed)], k.text)
	packed = k.packed[:keptSum+len(packed)]
	binary.LittleEndian.PutUint32(packed, crc32.Checksum(packed[keptSum:], castagnoli))
	k.text = k.text[:0]
	if k.spool.Size()+int64(len(packed)) > k.Limit {
		k.full = true
		return
	}
	k.blocks = append(k.blocks, keptBlock{k.first, k.last, k.spool.Size(), len(packed)})
	if err := k.spool.Add(packed); err != nil {
		k.drop()
	}
}

// drop gives back what it has of the disk.
func (k *Kept) drop() {
	_ = k.spool.Close() // nothing of it is needed any more
	k.spool, k.blocks, k.full = nil, nil, true
}

// End makes what was kept readable.
func (k *Kept) End() {
	if k == nil || k.ended {
		return
	}
	k.flush()
	k.ended, k.text, k.packed = true, nil, nil
	if k.spool != nil && k.spool.End() != nil {
		k.drop()
	}
}

// Close gives up what was kept.
func (k *Kept) Close() error {
	if k == nil {
		return nil
	}
	spool := k.spool
	k.spool, k.blocks, k.full = nil, nil, true
	if spool == nil {
		return nil
	}
	return spool.Close()
}
