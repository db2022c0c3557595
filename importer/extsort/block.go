package extsort

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/s2"
)

// blockSize is about how many bytes of records are stored together.
const blockSize = 64 << 10

// A block is stored as the size of what follows (4 bytes, little-endian), that of the
// records (4), a CRC-32C of what follows (4), and the records: those of one size by what
// differs from the record before (see appendDelta), those of different sizes compressed by S2.
const blockHead = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBlock appends records of a size, 0 when they differ, as they are stored.
func appendBlock(dst, records []byte, size int) []byte {
	from := len(dst)
	if delta(size) {
		dst = appendDelta(slices.Grow(dst, blockHead+maxDelta(len(records), size))[:from+blockHead], records, size)
	} else {
		dst = slices.Grow(dst, blockHead+s2.MaxEncodedLen(len(records)))
		stored := s2.Encode(dst[from+blockHead:cap(dst)], records)
		dst = dst[:from+blockHead+len(stored)]
	}
	head := dst[from:]
	binary.LittleEndian.PutUint32(head, uint32(len(head)-blockHead))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(records)))
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(head[blockHead:], castagnoli))
	return dst
}

// openBlock gives the n bytes of records of a size that a block holds behind its head;
// it may use the memory of dst.
func openBlock(dst, stored []byte, n, size int) ([]byte, error) {
	if delta(size) {
		return openDelta(dst, stored, n, size)
	}
	if is, err := s2.DecodedLen(stored); err != nil || is != n {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return s2.Decode(dst[:cap(dst)], stored)
}

// delta reports whether records of a size are stored by their differences: sizes of
// longer ones nobody has.
func delta(size int) bool { return size >= 8 && size <= maxDeltaSize }

const maxDeltaSize = 128

// deltaSlack is how many bytes behind the last one that counts may be written or read.
func deltaSlack(size int) int { return 2*size + 16 }

// maxDelta is how many bytes appendDelta may need for n bytes of records.
func maxDelta(n, size int) int { return n/size*(size+deltaHead(size)) + deltaSlack(size) }

// deltaHead is how many bytes of a record say how long its words are.
func deltaHead(size int) int { return (size/8 + 1) / 2 }

// appendDelta appends sorted records of one size to dst, which has room for maxDelta. Of a
// record, the words of eight bytes, big-endian, are stored by what differs from those of
// the record before: the exclusive or, without the zeros that it begins with,
// little-endian. How many bytes of each are left stands before them, four bits a word; the
// bytes behind the last whole word follow as they are.
//
// Half of what is sorted are hashes, in which a code finds no more than that their first
// bytes repeat, and takes time to find it: see BenchmarkBlock.
func appendDelta(dst, records []byte, size int) []byte {
	at := len(dst)
	dst = dst[:cap(dst)]
	words, head := size/8, deltaHead(size)
	var before [maxDeltaSize / 8]uint64
	for ; len(records) >= size; records = records[size:] {
		rec, lengths, heads := records[:size], uint64(0), dst[at:at+head]
		at += head
		for w := range before[:words] {
			word := binary.BigEndian.Uint64(rec)
			x := word ^ before[w]
			before[w] = word
			n := uint(bits.Len64(x)+7) / 8
			binary.LittleEndian.PutUint64(dst[at:], x)
			at += int(n)
			lengths |= uint64(n) << (4 * w)
			rec = rec[8:]
		}
		for i := range heads {
			heads[i] = byte(lengths >> (8 * i))
		}
		at += copy(dst[at:], rec)
	}
	return dst[:at]
}

// openDelta is the way back to n bytes of records. Behind stored, deltaSlack bytes more
// have room to be read.
func openDelta(dst, stored []byte, n, size int) ([]byte, error) {
	words, head, end := size/8, deltaHead(size), len(stored)
	stored = stored[:end+deltaSlack(size)]
	dst = slices.Grow(dst[:0], n)[:n]
	var before [maxDeltaSize / 8]uint64
	at := 0
	for left := dst; len(left) > 0; left = left[size:] {
		if len(left) < size || at >= end {
			return nil, io.ErrUnexpectedEOF
		}
		rec, lengths := left[:size], binary.LittleEndian.Uint64(stored[at:])
		at += head
		for w := range before[:words] {
			n := lengths >> (4 * w) & 15
			before[w] ^= binary.LittleEndian.Uint64(stored[at:]) & lowBytes[n]
			at += int(n)
			binary.BigEndian.PutUint64(rec, before[w])
			rec = rec[8:]
		}
		at += copy(rec, stored[at:])
	}
	if at != end {
		return nil, io.ErrUnexpectedEOF
	}
	return dst, nil
}

// lowBytes keeps the first bytes of a little-endian word; more than eight are nonsense.
var lowBytes = [16]uint64{
	0, 1<<8 - 1, 1<<16 - 1, 1<<24 - 1, 1<<32 - 1, 1<<40 - 1, 1<<48 - 1, 1<<56 - 1, 1<<64 - 1,
}
