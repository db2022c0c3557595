package keyed

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"os"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Config says which file is to be read, and how.
type Config struct {
	Lookup *mapping.Lookup
	Path   string        // where its file lies
	SHA256 string        // that it has to have; empty: any
	Source source.Config // how it is read; Paths is not looked at
	// Memory is how many bytes of what was sorted stay in memory; 0: 16 MiB.
	Memory int
	// Temp opens a file that is gone when it is closed.
	Temp func() (extsort.File, error)
}

const (
	defaultMemory = 16 << 20
	// sortBuffer is the memory of one of the sorter's two buffers.
	sortBuffer = 8 << 20
)

// Open reads the file and sorts it. Errors are for the user. The Table has to be closed.
func Open(ctx context.Context, cfg Config) (_ *Table, err error) {
	l := cfg.Lookup
	name := fmt.Sprintf("lookup %s: %s", l.Name(), cfg.Path)
	if source.IsRemote(cfg.Path) {
		return nil, blocked.Errorf("download it, and name the copy in the mapping", "%s lies elsewhere; only an export may", name)
	}
	before, err := os.Stat(cfg.Path)
	if err != nil {
		return nil, blocked.Errorf("a file of a lookup is sought from the directory of the mapping", "%s: lookup %s: %w", l.Place(), l.Name(), err)
	}
	if !before.Mode().IsRegular() {
		return nil, blocked.Errorf("name a file", "%s is not a regular file", name)
	}
	sum, err := source.Sum(ctx, cfg.Path)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("lookup %s: %w", l.Name(), err)}
	}
	if cfg.SHA256 != "" && sum != cfg.SHA256 {
		return nil, blocked.Errorc(blocked.SameLookup, "%s is not the file that the import has begun with", name)
	}
	reading := cfg.Source
	reading.Paths = []string{cfg.Path}
	export, err := source.Open(reading)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("lookup %s: %w", l.Name(), err)}
	}
	defer export.Close()
	if len(export.Layouts) > 1 {
		return nil, blocked.Errorf("put its rows into one file", "%s has files of different columns", name)
	}
	t := &Table{
		path: cfg.Path, sha: sum, bytes: before.Size(), name: filepath.Base(cfg.Path), key: l.Key(), layout: &export.Layouts[0],
		rows: extsort.Spool{Limit: cfg.Memory, Temp: cfg.Temp}, directory: extsort.Spool{Temp: cfg.Temp},
	}
	if t.rows.Limit == 0 {
		t.rows.Limit = defaultMemory
	}
	t.directory.Limit = t.rows.Limit / 4
	t.buffers.New = func() any { return new(buffer) }
	seed := maphash.MakeSeed() // nobody can make keys that fall together
	t.hash = func(text []byte) uint64 { return maphash.Bytes(seed, text) }
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	sorted, err := t.sort(ctx, export, l, cfg.Temp)
	if err != nil {
		return nil, refusal(l, err)
	}
	defer sorted.Close()
	if err := t.store(ctx, sorted); err != nil {
		return nil, refusal(l, err)
	}
	after, err := os.Stat(cfg.Path)
	if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, blocked.Errorf("run it again when nobody writes it any more", "%s has changed while it was read", name)
	}
	return t, nil
}

// refusal makes an error one for the user.
func refusal(l *mapping.Lookup, err error) error {
	var b *blocked.Error
	var m *mapping.Error
	if errors.As(err, &b) {
		return err
	}
	if errors.As(err, &m) {
		return &blocked.Error{Err: err, Hint: m.Hint}
	}
	return &blocked.Error{Err: fmt.Errorf("lookup %s: %w", l.Name(), err), Cure: blocked.RemoveCause}
}

// sort sorts the rows that have a key.
func (t *Table) sort(ctx context.Context, export *source.Export, l *mapping.Lookup, temp func() (extsort.File, error)) (_ *extsort.Sorted, err error) {
	keys, err := l.KeyReader(t.Layout())
	if err != nil {
		return nil, err
	}
	reader, err := export.Read(export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	sorter := extsort.New(extsort.Config{Key: sortedBy, Buffer: sortBuffer, Temp: temp})
	ended := false
	defer func() {
		if err != nil && !ended {
			err = errors.Join(err, sorter.Close())
		}
	}()
	var rec mapping.Record
	var scratch, form, record []byte
	for {
		b, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // of the file itself: more room does not cure it
			return nil, &blocked.Error{Err: fmt.Errorf("lookup %s: %w", l.Name(), err)}
		}
		for i := range b.Rows {
			row := &b.Rows[i]
			fault := row.Reason
			rec.File, rec.Row, rec.Key = t.name, row.Number, row.Key
			if fault == "" {
				if rec.JSON, rec.Cells, scratch, err = t.layout.Open(row.Raw, rec.Cells[:0], scratch[:0]); err != nil {
					fault = err.Error()
				}
			}
			var key []byte
			if fault == "" {
				key, fault = keys.Key(&rec)
			}
			if fault != "" {
				if t.unread++; t.unread == 1 {
					t.unreadAt = row.Line
				}
				continue
			}
			if len(key) == 0 {
				continue
			}
			form = mapping.SpellingKey(key, form[:0])
			record = appendRow(record[:0], t.hash(form), t.hash(key), uint64(row.Line), key, row.Raw)
			if err := sorter.Add(record); err != nil {
				return nil, err
			}
		}
		b.Release()
	}
	ended = true
	return sorter.Sort()
}

// store writes the sorted rows, as many of a key as it takes to know what it has, and
// their directory.
func (t *Table) store(ctx context.Context, sorted *extsort.Sorted) error {
	t.count = sorted.Len()
	t.ranges = uint64(t.count/perRange + 1)
	reader, err := sorted.Reader()
	if err != nil {
		return err
	}
	defer reader.Close()
	var entry [8]byte
	next := uint64(0) // the first range whose beginning was not written yet
	begin := func(upTo uint64) error {
		binary.BigEndian.PutUint64(entry[:], uint64(t.rows.Size()))
		for ; next <= upTo; next++ {
			if err := t.directory.Add(entry[:]); err != nil {
				return err
			}
		}
		return nil
	}
	var of sameKey
	for n := 0; ; n++ {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !of.adds(record) {
			continue
		}
		at, _ := bits.Mul64(binary.BigEndian.Uint64(record), t.ranges)
		if err := begin(at); err != nil {
			return err
		}
		if err := t.rows.Add(record); err != nil {
			return err
		}
	}
	if err := begin(t.ranges); err != nil {
		return err
	}
	return errors.Join(t.rows.End(), t.directory.End())
}

// sameKey goes over the rows of one key, which lie one after the other.
type sameKey struct {
	first []byte // the record of the first one
	twice bool   // another one says something else
}

// adds reports whether a record says anything about its key that those before it do not.
func (s *sameKey) adds(record []byte) bool {
	a, ok := parse(record)
	b, same := parse(s.first)
	same = same && ok && a.hash == b.hash && bytes.Equal(a.key, b.key)
	switch {
	case !same:
		s.first, s.twice = append(s.first[:0], record...), false
	case s.twice || bytes.Equal(a.raw, b.raw):
		return false
	default:
		s.twice = true
	}
	return true
}
