package source

import (
	"errors"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// errOther is a file that was written over between two readings of one process: what was
// found out about its rows need not hold for those that stand there now.
var errOther = errors.New("the file has changed since it was first read: give it as it was, or start over")

// witnessed is the size in bytes of the pieces that are held against an earlier reading: as
// much of a file that was written over may be given before that shows.
const witnessed = 1 << 20

// firstSums are sums of the raw bytes of an export as this process has read them first, 8
// bytes for each piece. An export is read more than once, and what the first reading finds
// (the order of times, what was approved) has to hold for what is sent. Where a checkpoint
// is gone on with, a Mark proves the same against what an earlier process has read.
type firstSums struct {
	mu  sync.Mutex
	sum map[int][]uint64 // by input; 0: not read yet
}

// same keeps the sum of a piece that is read first, and says of one that was read before
// whether it is as it was. A piece is named by the byte behind it.
func (f *firstSums) same(input int, end int64, sum uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sum == nil {
		f.sum = map[int][]uint64{}
	}
	i, known := int((end-1)/witnessed), f.sum[input]
	if i < len(known) && known[i] != 0 {
		return known[i] == sum
	}
	if i >= len(known) {
		known = append(known, make([]uint64, i+1-len(known))...)
	}
	known[i] = sum
	f.sum[input] = known
	return true
}

// witness sums what one reader reads, piece by piece. The zero value begins anywhere.
type witness struct {
	input  int
	at     int64 // the byte that comes next
	lacks  bool  // the beginning of this piece was not read
	piece  xxhash.Digest
	inited bool
}

// read takes bytes at an offset of an input of a size, and reports whether all pieces that
// end in them are as they were read first.
func (w *witness) read(first *firstSums, input int, size, offset int64, p []byte) bool {
	if !w.inited || input != w.input || offset != w.at {
		w.inited, w.input, w.at = true, input, offset
		w.lacks = offset%witnessed != 0
		w.piece.Reset()
	}
	for len(p) > 0 {
		n := min(witnessed-w.at%witnessed, int64(len(p)))
		_, _ = w.piece.Write(p[:n])
		w.at += n
		p = p[n:]
		if w.at%witnessed != 0 && w.at != size {
			continue
		}
		if !w.lacks && !first.same(input, w.at, w.piece.Sum64()) {
			return false
		}
		w.lacks = false
		w.piece.Reset()
	}
	return true
}
