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
// records (4), a CRC-32C of what follows (4), and the records: those of one size without what
// they begin with (see appendTrimmed), those of different sizes compressed by S2.
const blockHead = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBlock appends records of a size, 0 when they differ, as they are stored.
func appendBlock(dst, records []byte, size int) []byte {
	from := len(dst)
	if trimmed(size) {
		dst = appendTrimmed(slices.Grow(dst, blockHead)[:from+blockHead], records, size)
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
	if trimmed(size) {
		return openTrimmed(dst, stored, n, size)
	}
	if is, err := s2.DecodedLen(stored); err != nil || is != n {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return s2.Decode(dst[:cap(dst)], stored)
}

// trimmed reports whether records of a size are stored without what they all begin with:
// sizes of longer ones nobody has.
func trimmed(size int) bool { return size >= 8 && size <= maxTrimmedSize }

const maxTrimmedSize = 128

// slack is how many bytes behind a trimmed block may be written or read.
const slack = 8

// trimHead is how many bytes stand before the records of a trimmed block.
func trimHead(size int) int { return size/8 + size }

// appendTrimmed appends records of one size to dst. Their words of eight bytes,
// big-endian, stand one below the other, and each column is stored without the bytes that
// all words of it begin with. Before the columns stand how many bytes of a word are left
// in each, and the first record, from which the others get back what they begin with. The
// bytes behind the last whole word follow as they are.
//
// Half of what is sorted are hashes, in which a code finds no more than that their first
// bytes are the same, and takes time to find it: see BenchmarkBlock.
func appendTrimmed(dst, records []byte, size int) []byte {
	at := len(dst)
	dst = slices.Grow(dst, trimHead(size)+len(records)+slack)[:at+trimHead(size)+len(records)+slack]
	widths := dst[at : at+size/8]
	at += len(widths)
	at += copy(dst[at:], records[:size])
	for w := range widths {
		column := records[8*w:]
		first, differ := binary.BigEndian.Uint64(column), uint64(0)
		for i := 0; i < len(column); i += size {
			differ |= binary.BigEndian.Uint64(column[i:]) ^ first
		}
		width := (bits.Len64(differ) + 7) / 8
		widths[w] = byte(width)
		if width == 0 {
			continue
		}
		for i := 0; i < len(column); i += size {
			binary.LittleEndian.PutUint64(dst[at:], binary.BigEndian.Uint64(column[i:]))
			at += width
		}
	}
	if size%8 > 0 {
		for rec := range slices.Chunk(records, size) {
			at += copy(dst[at:], rec[size&^7:])
		}
	}
	return dst[:at]
}

// openTrimmed is the way back to n bytes of records. Behind stored, slack bytes more have
// room to be read.
func openTrimmed(dst, stored []byte, n, size int) ([]byte, error) {
	head, tail := trimHead(size), size%8
	if n == 0 || n%size != 0 || len(stored) < head {
		return nil, io.ErrUnexpectedEOF
	}
	widths, first := stored[:size/8], stored[size/8:head]
	left := tail
	for _, width := range widths {
		if width > 8 {
			return nil, io.ErrUnexpectedEOF
		}
		left += int(width)
	}
	if len(stored) != head+n/size*left {
		return nil, io.ErrUnexpectedEOF
	}
	dst = slices.Grow(dst[:0], n)[:n]
	stored = stored[head : len(stored)+slack]
	for w, width := range widths {
		mask := uint64(1)<<(8*width) - 1
		begin := binary.BigEndian.Uint64(first[8*w:]) &^ mask
		column := dst[8*w:]
		for i := 0; i < len(column); i += size {
			binary.BigEndian.PutUint64(column[i:], begin|binary.LittleEndian.Uint64(stored)&mask)
			stored = stored[width:]
		}
	}
	if tail > 0 {
		for rec := range slices.Chunk(dst, size) {
			stored = stored[copy(rec[size-tail:], stored[:tail]):]
		}
	}
	return dst, nil
}
