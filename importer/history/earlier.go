package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/consentimport/consentimport/importer/extsort"
)

// Earlier is what other imports have sent before this one, as a sorted file.
//
// The file is a zstd stream: earlierMagic, a salt of saltSize bytes, then records of
// earlierSize bytes, big-endian, in the order of their bytes: the hash of the subject
// (16) and of the category (8), the time (8, as in an index) and the decision (1); then
// flags (1), the number of the import that has sent it (2), the place in that (8), and
// when it ends (8, epoch milliseconds; 0: never). A hash is the beginning of a SHA-256
// over the salt, a byte that says of what, and the subject or category as it is
// compared; the first half of that of an address is over the address with its domain in the
// form that the DNS has. A key has each time and decision once.
type Earlier struct {
	salt []byte
	open func() (io.ReadCloser, error)
}

const (
	earlierMagic = "consentimport since 2\n"
	saltSize     = 16
	earlierSize  = 52
	earlierKey   = 33

	flagArrivedLast = 1 // of its key
)

// OpenEarlier reads the beginning of a file; open opens it from its beginning, each
// time that it is gone through.
func OpenEarlier(open func() (io.ReadCloser, error)) (*Earlier, error) {
	e := &Earlier{open: open}
	r, err := e.reader()
	if err != nil {
		return nil, err
	}
	e.salt = r.salt
	return e, r.close()
}

// Salt is what goes into the hashes beside what is hashed.
func (e *Earlier) Salt() []byte { return e.salt }

// sent is a decision that another import has sent.
type sent struct {
	time     int64
	decision Decision
	last     bool // the last to arrive of its key
	origin   uint16
	place    Place
	until    int64
}

func (s *sent) append(b, key []byte) []byte {
	b = append(b, key[:groupSize]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.time)^1<<63)
	flags := byte(0)
	if s.last {
		flags = flagArrivedLast
	}
	b = append(b, byte(s.decision), flags)
	b = binary.BigEndian.AppendUint16(b, s.origin)
	b = binary.BigEndian.AppendUint64(b, uint64(s.place))
	return binary.BigEndian.AppendUint64(b, uint64(s.until))
}

func (s *sent) decode(b []byte) {
	_ = b[earlierSize-1]
	s.time = int64(binary.BigEndian.Uint64(b[groupSize:]) ^ 1<<63)
	s.decision, s.last = Decision(b[32]), b[33]&flagArrivedLast != 0
	s.origin, s.place = binary.BigEndian.Uint16(b[34:]), Place(binary.BigEndian.Uint64(b[36:]))
	s.until = int64(binary.BigEndian.Uint64(b[44:]))
}

// earlierReader goes through a file, record by record.
type earlierReader struct {
	file io.ReadCloser
	zstd *zstd.Decoder
	buf  *bufio.Reader
	salt []byte
	rec  []byte // the next one; nil at the end
}

func (e *Earlier) reader() (*earlierReader, error) {
	f, err := e.open()
	if err != nil {
		return nil, err
	}
	r := &earlierReader{file: f, salt: make([]byte, saltSize)}
	r.zstd, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.buf = bufio.NewReaderSize(r.zstd, 64<<10)
	head := make([]byte, len(earlierMagic))
	if _, err = io.ReadFull(r.buf, head); err == nil && string(head) != earlierMagic {
		err = errors.New("it is in a form that is not known")
	}
	if err == nil {
		_, err = io.ReadFull(r.buf, r.salt)
	}
	if err == nil {
		r.rec = make([]byte, earlierSize)
		err = r.next()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read what was sent earlier: %w", err), r.close())
	}
	return r, nil
}

// next goes on to the next record.
func (r *earlierReader) next() error {
	_, err := io.ReadFull(r.buf, r.rec)
	if err == io.EOF {
		r.rec, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("read what was sent earlier: %w", err)
	}
	return nil
}

func (r *earlierReader) close() error {
	r.zstd.Close()
	return r.file.Close()
}

// before is what other imports have sent about the key that a walk is at.
type before struct {
	reader  *earlierReader // nil: there are no other imports
	any     bool
	newest  sent
	arrived sent // the last to arrive
	decided sent // the one that was looked at last
}

// begin goes on to a key.
func (w *walker) beginKey(key []byte) error {
	b := &w.before
	b.any = false
	if b.reader == nil {
		return nil
	}
	for b.reader.rec != nil && bytes.Compare(b.reader.rec[:groupSize], key[:groupSize]) < 0 {
		if err := w.passOn(b.reader.rec); err != nil { // of a key about which the export says nothing
			return err
		}
		if err := b.reader.next(); err != nil {
			return err
		}
	}
	return nil
}

// passOn copies a record for those who come later.
func (w *walker) passOn(rec []byte) error {
	if w.sent == nil {
		return nil
	}
	return w.sent.Add(rec)
}

// known reports whether another import has sent a decision of the index. Decisions
// of a key are asked for in their order; nil: there are no more.
func (w *walker) known(rec []byte) (bool, error) {
	b := &w.before
	for r := b.reader; r != nil && r.rec != nil && bytes.Equal(r.rec[:groupSize], w.now[:]); {
		if rec != nil && bytes.Compare(r.rec[groupSize:earlierKey-1], rec[groupSize:earlierKey-1]) > 0 {
			break
		}
		if rec != nil && bytes.Equal(r.rec[groupSize:earlierKey-1], rec[groupSize:earlierKey-1]) && r.rec[earlierKey-1] > decisionOf(rec) {
			break
		}
		b.decided.decode(r.rec)
		b.any, b.newest = true, b.decided
		if b.decided.last {
			b.arrived = b.decided
		}
		if w.sent != nil { // which one arrived last is settled at the end of the key
			rec := append(w.record[:0], r.rec...)
			rec[earlierKey] &^= flagArrivedLast
			w.record = rec
			if err := w.sent.Add(rec); err != nil {
				return false, err
			}
		}
		if err := r.next(); err != nil {
			return false, err
		}
	}
	if rec == nil || !b.any {
		return false, nil
	}
	t := int64(binary.BigEndian.Uint64(rec[groupSize:]) ^ 1<<63)
	return b.decided.time == t && byte(b.decided.decision) == decisionOf(rec), nil
}

// WriteEarlier writes what an import has sent, with what those have that it was held
// against itself, and gives the number of decisions. The index was built with the
// salt. origin is the number of the import for those who read the file.
func (x *Index) WriteEarlier(ctx context.Context, mode Mode, origin uint16, out io.Writer) (int64, error) {
	sorter := extsort.New(extsort.Config{Size: earlierSize, Key: earlierKey, Buffer: x.cfg.Buffer, Temp: x.cfg.Temp})
	found, err := x.walk(ctx, Options{Mode: mode}, sorter, origin)
	if err != nil {
		return 0, errors.Join(err, sorter.Close())
	}
	if err := found.Close(); err != nil {
		return 0, errors.Join(err, sorter.Close())
	}
	sorted, err := sorter.Sort()
	if err != nil {
		return 0, err
	}
	n, err := writeEarlier(sorted, x.cfg.Salt, out)
	return n, errors.Join(err, sorted.Close())
}

func writeEarlier(sorted *extsort.Sorted, salt []byte, out io.Writer) (n int64, err error) {
	r, err := sorted.Reader()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	if err != nil {
		return 0, err
	}
	if _, err := z.Write(append([]byte(earlierMagic), salt...)); err != nil {
		return 0, err
	}
	held := make([]byte, 0, earlierSize)
	put := func() error {
		if len(held) == 0 {
			return nil
		}
		n++
		_, err := z.Write(held)
		return err
	}
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return n, err
		}
		if len(held) > 0 && bytes.Equal(held[:earlierKey], rec[:earlierKey]) {
			// The last one to arrive, or the first of those that are equal.
			if a, b := rec[earlierKey], held[earlierKey]; a > b || a == b && bytes.Compare(rec[earlierKey+1:], held[earlierKey+1:]) < 0 {
				held = append(held[:0], rec...)
			}
			continue
		}
		if err := put(); err != nil {
			return n, err
		}
		held = append(held[:0], rec...)
	}
	if err := put(); err != nil {
		return n, err
	}
	return n, z.Close()
}
