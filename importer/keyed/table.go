package keyed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// headSize is how many bytes stand before the key of a stored row.
const headSize = 8 + 8 + 4 + 4

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

// buffer is the memory of one look.
type buffer struct {
	form, rows []byte
	ends       [16]byte
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
		hash := t.hash(b.form)
		if err := t.candidates(b, hash); err != nil {
			return 0, "", err
		}
		var first []byte
		var firstLine uint64
		near := false
		for rest := b.rows; len(rest) > 0; {
			h, line, k, raw, after, ok := parse(rest)
			if !ok {
				return 0, "", fmt.Errorf("what was sorted is damaged")
			}
			rest = after
			switch {
			case h != hash:
			case !bytes.Equal(k, key):
				near = true
			case first == nil:
				first, firstLine = raw, line
			case !bytes.Equal(first, raw): // the same row twice says the same
				return mapping.Doubtful, fmt.Sprintf("%s has more than one row with that %s (lines %d and %d), so it is unclear which is meant", t.name, t.key, min(firstLine, line), max(firstLine, line)), nil
			}
		}
		if first != nil {
			return t.open(first, mem, rec)
		}
		if near {
			return mapping.Near, "", nil
		}
	}
	if t.unread > 0 {
		return mapping.Doubtful, fmt.Sprintf("%s has no row with that %s that can be read, and %d that cannot, the first on line %d", t.name, t.key, t.unread, t.unreadAt), nil
	}
	return mapping.Missing, "", nil
}

// candidates reads the rows of the range of a hash into b.rows.
func (t *Table) candidates(b *buffer, hash uint64) error {
	at, _ := bits.Mul64(hash, t.ranges)
	if err := t.directory.ReadFull(b.ends[:], int64(at)*8); err != nil {
		return fmt.Errorf("read what was sorted: %w", err)
	}
	from, to := int64(binary.BigEndian.Uint64(b.ends[:])), int64(binary.BigEndian.Uint64(b.ends[8:]))
	if from > to || to > t.rows.Size() {
		return fmt.Errorf("what was sorted is damaged")
	}
	n := int(to - from)
	if cap(b.rows) < n {
		b.rows = make([]byte, n)
	}
	b.rows = b.rows[:n]
	if n == 0 {
		return nil
	}
	if err := t.rows.ReadFull(b.rows, from); err != nil {
		return fmt.Errorf("read what was sorted: %w", err)
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

// appendRow makes the record of a row that is sorted and stored.
func appendRow(dst []byte, hash, line uint64, key, raw []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, hash)
	dst = binary.BigEndian.AppendUint64(dst, line)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(key)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(raw)))
	return append(append(dst, key...), raw...)
}

// parse reads the first of stored rows.
func parse(b []byte) (hash, line uint64, key, raw, rest []byte, ok bool) {
	if len(b) < headSize {
		return 0, 0, nil, nil, nil, false
	}
	hash, line = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	k, n := int(binary.BigEndian.Uint32(b[16:])), int(binary.BigEndian.Uint32(b[20:]))
	b = b[headSize:]
	if k > len(b) || n > len(b)-k {
		return 0, 0, nil, nil, nil, false
	}
	return hash, line, b[:k], b[k : k+n], b[k+n:], true
}

func baseOf(path string) string { return filepath.Base(path) }
