package sandbox

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

const (
	// recentMost is how many numbers are in memory before they become a run.
	recentMost = 1 << 18
	// runsMost is how many runs are counted side by side before they become one.
	runsMost = 8
)

// distinct counts different numbers, exactly, in memory of a fixed size: the recent
// ones are in a map, and whenever that is full they are written out in order, as a
// run. They are counted by going through all runs side by side.
type distinct struct {
	spill  spill
	recent map[uint64]struct{}
	file   *os.File // that the next run goes to
	end    int64    // of what is in it, in bytes
	runs   []run
	counts int64 // tallies taken over
}

// run is a sequence of different numbers in ascending order, 8 bytes each.
type run struct {
	file *os.File
	at   int64 // in bytes
	n    int64
}

func (d *distinct) add(v uint64) error {
	if d.recent == nil {
		d.recent = make(map[uint64]struct{})
	}
	d.recent[v] = struct{}{}
	if len(d.recent) < recentMost {
		return nil
	}
	if d.file == nil {
		f, err := d.spill.open()
		if err != nil {
			return err
		}
		d.file, d.end = f, 0
	}
	text := make([]byte, 0, 8*len(d.recent))
	for _, v := range slices.Sorted(maps.Keys(d.recent)) {
		text = binary.LittleEndian.AppendUint64(text, v)
	}
	if _, err := d.file.WriteAt(text, d.end); err != nil {
		return fmt.Errorf("write what was counted: %w", err)
	}
	d.runs = append(d.runs, run{d.file, d.end, int64(len(d.recent))})
	d.end += int64(len(text))
	clear(d.recent)
	return nil
}

// tally is what a distinct held at one moment. It is counted without holding up
// whoever adds more.
type tally struct {
	spill  spill
	runs   []run
	recent []uint64 // in order; nil when there are no runs
	inMap  int64    // how many are recent
	turn   int64
	merged run // all runs as one, when there were many
	end    int64
}

func (d *distinct) tally() *tally {
	t := &tally{spill: d.spill, runs: slices.Clip(d.runs), inMap: int64(len(d.recent)), turn: d.counts}
	if len(d.runs) > 0 {
		t.recent = slices.Sorted(maps.Keys(d.recent))
	}
	return t
}

// count gives how many different numbers there are.
func (t *tally) count() (int64, error) {
	if len(t.runs) == 0 {
		return t.inMap, nil
	}
	if len(t.runs) > runsMost {
		if err := t.merge(); err != nil {
			return 0, fmt.Errorf("count: %w", err)
		}
	}
	runs := t.runs
	if t.merged.file != nil {
		runs = []run{t.merged}
	}
	i, n := 0, int64(0)
	err := ascending(runs, func(v uint64) error {
		n++
		for ; i < len(t.recent) && t.recent[i] < v; i++ {
			n++
		}
		if i < len(t.recent) && t.recent[i] == v {
			i++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n + int64(len(t.recent)-i), nil
}

// merge makes one run of all, in a file of its own.
func (t *tally) merge() error {
	f, err := t.spill.open()
	if err != nil {
		return err
	}
	m := run{file: f}
	out := bufio.NewWriterSize(f, 64<<10)
	var b [8]byte
	err = ascending(t.runs, func(v uint64) error {
		m.n++
		binary.LittleEndian.PutUint64(b[:], v)
		_, err := out.Write(b[:])
		return err
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return errors.Join(err, f.Close())
	}
	t.merged, t.end = m, 8*m.n
	return nil
}

// adopt takes over the one run that a tally made of many. Runs may have been added
// since the tally was taken.
func (d *distinct) adopt(t *tally) {
	if t.merged.file == nil || t.turn != d.counts {
		return
	}
	d.counts++
	d.runs = append([]run{t.merged}, d.runs[len(t.runs):]...)
	d.file, d.end = t.merged.file, t.end
}

// ascending yields the different numbers of all runs in ascending order.
func ascending(runs []run, yield func(uint64) error) error {
	h := make(heads, 0, len(runs))
	for _, r := range runs {
		x := &head{in: bufio.NewReaderSize(io.NewSectionReader(r.file, r.at, 8*r.n), 32<<10), left: r.n}
		if err := x.next(); err != nil {
			return err
		}
		h = append(h, x)
	}
	heap.Init(&h)
	for first, last := true, uint64(0); len(h) > 0; {
		x := h[0]
		if v := x.v; first || v != last {
			first, last = false, v
			if err := yield(v); err != nil {
				return err
			}
		}
		if x.left == 0 {
			heap.Pop(&h)
			continue
		}
		if err := x.next(); err != nil {
			return err
		}
		heap.Fix(&h, 0)
	}
	return nil
}

// head is the number that a run has next.
type head struct {
	in   *bufio.Reader
	left int64
	v    uint64
}

func (x *head) next() error {
	var b [8]byte
	if _, err := io.ReadFull(x.in, b[:]); err != nil {
		return fmt.Errorf("read what was counted: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	x.left--
	x.v = binary.LittleEndian.Uint64(b[:])
	return nil
}

// heads is a heap of them.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].v < h[j].v }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*head)) }
func (h *heads) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
