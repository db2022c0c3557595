package keyed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// sortedBy is how many bytes rows are ordered by: their hash, that of the key as it is, and
// their line. headSize is how many stand before the key of a stored row.
const (
	sortedBy = 8 + 8 + 8
	headSize = sortedBy + 4 + 4
)

// perRange is how many rows there are on average for one entry of the directory.
const perRange = 8

// Table has the rows of a file by their key. Any number of goroutines may look rows up.
type Table struct {
	path, sha string
	bytes     int64
	name      string // of the file, without its directories
	key       string // column of the key
	layout    *source.Layout
	hash      func([]byte) uint64
	rows      extsort.Spool
	directory extsort.Spool
	ranges    uint64
	count     int64
	unread    int64 // rows that could not be read, and the line of the first
	unreadAt  int64
	buffers   sync.Pool
	failure   atomic.Pointer[error]
}

// Path is where the file lies.
func (t *Table) Path() string { return t.path }

// Bytes is its size.
func (t *Table) Bytes() int64 { return t.bytes }

// SHA256 is the digest (hex) of the file as it lies there.
func (t *Table) SHA256() string { return t.sha }

// Len is how many rows have a key.
func (t *Table) Len() int64 { return t.count }

// Close removes what was sorted.
func (t *Table) Close() error {
	return errors.Join(t.rows.Close(), t.directory.Close())
}

// Err is what kept rows from being looked up; what was mapped since is not to be
// trusted.
func (t *Table) Err() error {
	if err := t.failure.Load(); err != nil {
		return fmt.Errorf("look a row up in %s: %w", t.path, *err)
	}
	return nil
}

// Layout implements mapping.Table.
func (t *Table) Layout() mapping.Layout {
	return mapping.Layout{Columns: t.layout.Columns, JSON: t.layout.Nested()}
}

// pieceSize is how much of a range is read at once: nearly always the whole.
const pieceSize = 32 << 10

// buffer is the memory of one look.
type buffer struct {
	form, piece, first []byte
	ends               [16]byte
	met                met
}

// met is what a look has met: rows of the key, the lines of two that say different things,
// and whether the key stands there in another spelling.
type met struct {
	there, near  bool
	line, second uint64 // second is 0 where all say the same
}

// meet takes a row of the range that a key may lie in.
func (b *buffer) meet(r storedRow, hash uint64, key []byte) {
	m := &b.met
	switch {
	case r.hash != hash:
	case !bytes.Equal(r.key, key):
		m.near = true
	case !m.there:
		m.there, m.line, b.first = true, r.line, append(b.first[:0], r.raw...)
	case m.second == 0 && !bytes.Equal(b.first, r.raw): // the same row twice says the same
		m.second = r.line
	}
}

// Find implements mapping.Table.
func (t *Table) Find(key []byte, mem *[]byte, rec *mapping.Record) (mapping.Found, string) {
	b := t.buffers.Get().(*buffer)
	defer t.buffers.Put(b)
	b.form = mapping.SpellingKey(key, b.form[:0])
	found, reason, err := t.find(b, key, mem, rec)
	if err != nil {
		t.failure.CompareAndSwap(nil, &err)
		return mapping.Doubtful, "nothing could be looked up in " + t.name
	}
	return found, reason
}

func (t *Table) find(b *buffer, key []byte, mem *[]byte, rec *mapping.Record) (mapping.Found, string, error) {
	if t.count > 0 {
		b.met = met{}
		if err := t.within(b, t.hash(b.form), key); err != nil {
			return 0, "", err
		}
		switch m := &b.met; {
		case m.second > 0:
			return mapping.Doubtful, fmt.Sprintf("%s has more than one row with that %s (lines %d and %d), so it is unclear which is meant", t.name, t.key, m.line, m.second), nil
		case m.there:
			return t.open(b.first, mem, rec)
		case m.near:
			return mapping.Near, "", nil
		}
	}
	if t.unread > 0 {
		return mapping.Doubtful, fmt.Sprintf("%s has no row with that %s that can be read, and %d that cannot, the first on line %d", t.name, t.key, t.unread, t.unreadAt), nil
	}
	return mapping.Missing, "", nil
}

var errDamaged = errors.New("what was sorted is damaged")

// within goes through the rows of the range of a hash, piece by piece.
func (t *Table) within(b *buffer, hash uint64, key []byte) error {
	at, _ := bits.Mul64(hash, t.ranges)
	if err := t.directory.ReadFull(b.ends[:], int64(at)*8); err != nil {
		return fmt.Errorf("read what was sorted: %w", err)
	}
	from, to := int64(binary.BigEndian.Uint64(b.ends[:])), int64(binary.BigEndian.Uint64(b.ends[8:]))
	if from < 0 || from > to || to > t.rows.Size() {
		return errDamaged
	}
	need := int64(pieceSize)
	for from < to {
		n := int(min(need, to-from))
		if cap(b.piece) < n {
			b.piece = make([]byte, n)
		}
		b.piece = b.piece[:n]
		if err := t.rows.ReadFull(b.piece, from); err != nil {
			return fmt.Errorf("read what was sorted: %w", err)
		}
		rest := b.piece
		for {
			r, ok := parse(rest)
			if !ok {
				break
			}
			b.meet(r, hash, key)
			rest = rest[r.size():]
		}
		from += int64(n - len(rest))
		need = pieceSize
		if len(rest) == n { // one row is longer than the piece
			size, ok := sizeOf(rest)
			if !ok || size <= int64(n) || size > to-from {
				return errDamaged
			}
			need = size
		}
	}
	return nil
}

// open takes a row apart.
func (t *Table) open(raw []byte, mem *[]byte, rec *mapping.Record) (mapping.Found, string, error) {
	from := len(*mem)
	*mem = append(*mem, raw...)
	raw = (*mem)[from:len(*mem):len(*mem)]
	cells := rec.Cells[:0]
	*rec = mapping.Record{File: t.name}
	var err error
	rec.JSON, rec.Cells, *mem, err = t.layout.Open(raw, cells, *mem)
	return mapping.There, "", err
}

// storedRow is a row as it is stored.
type storedRow struct {
	hash, line uint64
	key, raw   []byte
}

func (r storedRow) size() int { return headSize + len(r.key) + len(r.raw) }

// appendRow makes the record of a row that is sorted and stored.
func appendRow(dst []byte, hash, exact, line uint64, key, raw []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, hash)
	dst = binary.BigEndian.AppendUint64(dst, exact)
	dst = binary.BigEndian.AppendUint64(dst, line)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(key)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(raw)))
	return append(append(dst, key...), raw...)
}

// sizeOf is how long the first of stored rows is; false where its head is not whole.
func sizeOf(b []byte) (int64, bool) {
	if len(b) < headSize {
		return 0, false
	}
	return headSize + int64(binary.BigEndian.Uint32(b[sortedBy:])) + int64(binary.BigEndian.Uint32(b[sortedBy+4:])), true
}

// parse reads the first of stored rows; false where it is not whole.
func parse(b []byte) (storedRow, bool) {
	size, ok := sizeOf(b)
	if !ok || size > int64(len(b)) {
		return storedRow{}, false
	}
	raw := headSize + int(binary.BigEndian.Uint32(b[sortedBy:]))
	return storedRow{hash: binary.BigEndian.Uint64(b), line: binary.BigEndian.Uint64(b[16:]), key: b[headSize:raw], raw: b[raw:size]}, true
}
