package importer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// longest is how many consents of one history wait in the lanes at most.
const longest = 512

// overflow keeps the rest of histories that are too long to wait in the lanes as a
// whole. Its methods may be used from several goroutines.
type overflow struct {
	temp func() (extsort.File, error)

	mu   sync.Mutex
	file extsort.File
	end  int64
}

// remainder is the part of a long history that has not entered the lanes yet.
type remainder struct {
	in       *overflow
	at, left int64 // in the file, and consents
	rejects  int64 // among these
	row      *openRow
	key      key
}

func (o *overflow) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// add appends a consent, and gives its place in the file.
func (o *overflow) add(t *task) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		f, err := o.temp()
		if err != nil {
			return 0, fmt.Errorf("keep a long history: %w", err)
		}
		o.file = f
	}
	if _, err := o.file.Seek(o.end, io.SeekStart); err != nil {
		return 0, fmt.Errorf("keep a long history: %w", err)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 16+len(t.packed)), uint32(len(t.packed)))
	b = binary.BigEndian.AppendUint64(b, uint64(t.ref.Row))
	b = binary.BigEndian.AppendUint32(b, uint32(t.ref.Consent)<<1|uint32(flag(t.last)))
	b = append(b, t.packed...)
	if n, err := o.file.Write(b); err != nil || n < len(b) {
		return 0, fmt.Errorf("keep a long history: %w", errors.Join(err, shortIf(n < len(b))))
	}
	at := o.end
	o.end += int64(len(b))
	return at, nil
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func shortIf(short bool) error {
	if short {
		return io.ErrShortWrite
	}
	return nil
}

// load gives the next consents of a long history; the last of them has what remains.
func (r *remainder) load() ([]task, error) {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	tasks := make([]task, min(r.left, longest))
	head := make([]byte, 16)
	if _, err := r.in.file.Seek(r.at, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read a long history: %w", err)
	}
	for i := range tasks {
		t := &tasks[i]
		if _, err := io.ReadFull(r.in.file, head); err != nil {
			return nil, fmt.Errorf("read a long history: %w", err)
		}
		t.packed = make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(r.in.file, t.packed); err != nil {
			return nil, fmt.Errorf("read a long history: %w", err)
		}
		n := binary.BigEndian.Uint32(head[12:])
		t.ref = journal.Ref{Row: int64(binary.BigEndian.Uint64(head[4:])), Consent: int32(n >> 1)}
		t.last, t.key, t.row = n&1 == 1, r.key, r.row
		r.at += int64(len(head) + len(t.packed))
		if t.action() == mapping.Reject {
			r.rejects--
		}
	}
	if r.left -= int64(len(tasks)); r.left > 0 {
		tasks[len(tasks)-1].rest = r
	}
	return tasks, nil
}
