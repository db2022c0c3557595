package report

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/journal"
)

const (
	// maxRuns is how many sorted runs lie beside one another before they become
	// one: each takes a buffer and an open file while they are merged.
	maxRuns = 24
	// runBuffer is the buffer of one run, in bytes.
	runBuffer = 64 << 10
	// maxRunKey bounds what is read back as one key: a row may have 1 MiB, its
	// category and value stand in it, and NULs in them are doubled.
	maxRunKey = 4 << 20
)

// Overflow keeps the lines of a decision table that do not fit into memory as
// sorted files in the out directory. It implements mapping.Overflow. Its files
// hold what people wrote: they have no name where the system lets an open file
// be removed, so that a crash leaves nothing of them.
type Overflow struct {
	temps journal.Temps
	runs  []extsort.File // sorted: a line is the length of its key, the key, its count
}

// NewOverflow makes an Overflow that writes into dir when it has to.
func NewOverflow(disk journal.Disk, dir string) *Overflow {
	return &Overflow{temps: journal.Temps{Disk: disk, Dir: dir, Name: "decisions"}}
}

// Close removes what was written.
func (o *Overflow) Close() {
	for _, r := range o.runs {
		_ = r.Close() // nothing of it is needed any more
	}
	o.runs = nil
}

// Add implements mapping.Overflow.
func (o *Overflow) Add(lines iter.Seq2[string, int64]) error {
	r, err := o.write(func(line func(string, int64) error) error {
		for key, count := range lines {
			if err := line(key, count); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.runs = append(o.runs, r)
	if len(o.runs) <= maxRuns {
		return nil
	}
	one, err := o.write(func(line func(string, int64) error) error { return o.Merge(nil, line) })
	if err != nil {
		return err
	}
	o.Close()
	o.runs = []extsort.File{one}
	return nil
}

// write writes one run.
func (o *Overflow) write(give func(line func(string, int64) error) error) (extsort.File, error) {
	f, err := o.temps.Open()
	if err != nil {
		return nil, fmt.Errorf("set aside decisions: %w", err)
	}
	w := bufio.NewWriterSize(f, runBuffer)
	var head []byte
	err = give(func(key string, count int64) error {
		head = binary.AppendUvarint(head[:0], uint64(len(key)))
		head = binary.AppendUvarint(append(head, key...), uint64(count))
		_, err := w.Write(head)
		return err
	})
	if err = errors.Join(err, w.Flush()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("set aside decisions: %w", err)
	}
	return f, nil
}

// Merge implements mapping.Overflow.
func (o *Overflow) Merge(last iter.Seq2[string, int64], give func(key string, count int64) error) error {
	var heads heads
	for _, r := range o.runs {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		in := bufio.NewReaderSize(r, runBuffer)
		heads = append(heads, &head{next: func(h *head) (bool, error) { return h.read(in) }})
	}
	if last != nil {
		next, stop := iter.Pull2(last)
		defer stop()
		heads = append(heads, &head{next: func(h *head) (ok bool, _ error) {
			h.key, h.count, ok = next()
			return ok, nil
		}})
	}
	for i := 0; i < len(heads); {
		ok, err := heads[i].next(heads[i])
		if err != nil {
			return err
		}
		if !ok {
			heads = append(heads[:i], heads[i+1:]...)
			continue
		}
		i++
	}
	heap.Init(&heads)
	for len(heads) > 0 {
		key, count := heads[0].key, int64(0)
		for len(heads) > 0 && heads[0].key == key {
			count += heads[0].count
			ok, err := heads[0].next(heads[0])
			switch {
			case err != nil:
				return err
			case ok:
				heap.Fix(&heads, 0)
			default:
				heap.Pop(&heads)
			}
		}
		if err := give(key, count); err != nil {
			return err
		}
	}
	return nil
}

// head is the line of a run that comes next.
type head struct {
	key   string
	count int64
	next  func(*head) (bool, error)
}

func (h *head) read(in *bufio.Reader) (bool, error) {
	size, err := binary.ReadUvarint(in)
	if err == io.EOF {
		return false, nil
	}
	if err == nil && size > maxRunKey {
		err = errors.New("a line is too long")
	}
	if err != nil {
		return false, fmt.Errorf("read decisions: %w", err)
	}
	key := make([]byte, size)
	if _, err = io.ReadFull(in, key); err != nil {
		return false, fmt.Errorf("read decisions: %w", err)
	}
	count, err := binary.ReadUvarint(in)
	if err != nil {
		return false, fmt.Errorf("read decisions: %w", err)
	}
	h.key, h.count = string(key), int64(count)
	return true, nil
}

// heads is a heap of runs by their next line.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].key < h[j].key }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*head)) }
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
