package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// chunkSize is the size in bytes of the pieces that are kept in. A record never
// spans two of them, and the largest request fits into one.
const chunkSize = 4 << 20

// kept holds packed records in order of arrival: the last piece in memory, and those
// that are full on the disk. So a hundred million consents take no more memory than
// ten thousand.
//
// A record is: length of the rest (uvarint), position of the record before of its
// bucket plus one (uvarint, 0 is none), sequence number (uvarint), arrival in
// microseconds since epoch (uvarint), dialect (byte), packed consent.
type kept struct {
	spill spill
	file  *os.File // piece n is at n*chunkSize; nil until the first is full
	sizes []int32  // of the pieces in it
	tail  []byte   // the piece in memory
}

// place appends a record and returns its position.
func (k *kept) place(rec []byte) (uint64, error) {
	if len(k.tail)+len(rec)+binary.MaxVarintLen64 > chunkSize {
		if err := k.flush(); err != nil {
			return 0, err
		}
	}
	if k.tail == nil {
		k.tail = make([]byte, 0, chunkSize)
	}
	at := uint64(len(k.sizes))*chunkSize + uint64(len(k.tail))
	k.tail = append(binary.AppendUvarint(k.tail, uint64(len(rec))), rec...)
	return at, nil
}

// flush puts the piece that is full on the disk. Its memory is left to whoever reads it.
func (k *kept) flush() error {
	if k.file == nil {
		f, err := k.spill.open()
		if err != nil {
			return err
		}
		k.file = f
	}
	if _, err := k.file.WriteAt(k.tail, int64(len(k.sizes))*chunkSize); err != nil {
		return fmt.Errorf("write what was kept: %w", err)
	}
	k.sizes = append(k.sizes, int32(len(k.tail)))
	k.tail = nil
	return nil
}

// view is what was kept at one moment. Nothing in it changes later, so it is read
// without a lock.
type view struct {
	kept
	epoch time.Time
}

// all yields the consents in order of arrival, until yield returns false. The consent
// is reused.
func (v *view) all(yield func(*Consent) bool) error {
	var piece []byte
	for n := range len(v.sizes) + 1 {
		chunk := v.tail
		if n < len(v.sizes) {
			piece = slices.Grow(piece[:0], chunkSize)[:v.sizes[n]]
			if err := v.read(piece, int64(n)*chunkSize); err != nil {
				return err
			}
			chunk = piece
		}
		for len(chunk) > 0 {
			size, k := binary.Uvarint(chunk)
			c := v.decode(chunk[k : k+int(size)])
			chunk = chunk[k+int(size):]
			if !yield(&c) {
				return nil
			}
		}
	}
	return nil
}

func (v *view) read(b []byte, at int64) error {
	if _, err := v.file.ReadAt(b, at); err != nil {
		if errors.Is(err, io.EOF) { // which says of a reader that all is well
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read what was kept: %w", err)
	}
	return nil
}

// usualRecord is how many bytes are read at once to get at one record.
const usualRecord = 512

// record gives the one at a position. buf is memory that may be used for it.
func (v *view) record(at uint64, buf []byte) (rec []byte, err error) {
	n, off := int(at/chunkSize), int(at%chunkSize)
	if n == len(v.sizes) {
		size, k := binary.Uvarint(v.tail[off:])
		return v.tail[off+k:][:size], nil
	}
	left := int(v.sizes[n]) - off
	buf = slices.Grow(buf[:0], usualRecord)[:min(left, usualRecord)]
	if err := v.read(buf, int64(at)); err != nil {
		return nil, err
	}
	size, k := binary.Uvarint(buf)
	if whole := k + int(size); whole > len(buf) {
		have := len(buf)
		buf = slices.Grow(buf, whole-have)[:whole]
		if err := v.read(buf[have:], int64(at)+int64(have)); err != nil {
			return nil, err
		}
	}
	return buf[k : k+int(size)], nil
}

func (v *view) decode(rec []byte) Consent {
	r := packReader(rec)
	r.uvarint()
	var c Consent
	c.Seq = int64(r.uvarint())
	c.At = v.epoch.Add(time.Duration(r.uvarint()) * time.Microsecond)
	c.Dialect = Dialect(r.byte())
	unpack(r, &c)
	return c
}

// chain yields one subject's consents in order of arrival, until yield returns false:
// those of the user, or, when user is empty, those that name the profile and no user.
// last is the position of the last record of the subject's bucket plus one.
func (v *view) chain(last uint64, user, profile string, yield func(*Consent) bool) error {
	var places []uint64
	var buf []byte
	for last > 0 {
		rec, err := v.record(last-1, buf)
		if err != nil {
			return err
		}
		c := v.decode(rec)
		if c.UserID == user && (user != "" || c.ProfileID == profile) { // else another subject of the bucket
			places = append(places, last-1)
		}
		last, _ = binary.Uvarint(rec)
	}
	for _, at := range slices.Backward(places) {
		rec, err := v.record(at, buf)
		if err != nil {
			return err
		}
		c := v.decode(rec)
		if !yield(&c) {
			return nil
		}
	}
	return nil
}
