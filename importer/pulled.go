package importer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/mapping"
)

// pulled holds the consents that leave with the history that they belong to, packed,
// in the order in which they leave: by the place with which the history leaves, then
// oldest first.
//
// A record is, big-endian, that place (8 bytes), a hash of the key (8), the time (8),
// decision and own place (1 and 8); then whether it is the last consent of its row (1),
// and the consent as pack writes it.
type pulled struct {
	sorted *extsort.Sorted
	reader *extsort.Reader
	next   moved
	loaded bool
	ended  bool
	rest   overflow
}

// moved is a consent that leaves with a history.
type moved struct {
	with     history.Place
	group    uint64 // hash of the key: many histories leave before all rows
	time     int64
	decision mapping.Action
	place    history.Place
	last     bool
	packed   []byte
}

const (
	movedKey    = 8 + 8 + 8 + 1 + 8
	pulledBytes = 16 << 20 // memory, twice
)

func (m *moved) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(m.with))
	b = binary.BigEndian.AppendUint64(b, m.group)
	b = binary.BigEndian.AppendUint64(b, uint64(m.time)^1<<63)
	b = append(b, byte(m.decision))
	b = binary.BigEndian.AppendUint64(b, uint64(m.place))
	last := byte(0)
	if m.last {
		last = 1
	}
	return append(append(b, last), m.packed...)
}

func (m *moved) decode(b []byte) error {
	if len(b) <= movedKey {
		return io.ErrUnexpectedEOF
	}
	m.with, m.group = history.Place(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])
	m.time = int64(binary.BigEndian.Uint64(b[16:]) ^ 1<<63)
	m.decision, m.place = mapping.Action(b[24]), history.Place(binary.BigEndian.Uint64(b[25:]))
	m.last, m.packed = b[movedKey] == 1, b[movedKey+1:]
	return nil
}

// before is the order of a history.
func (m *moved) before(o *moved) bool {
	return cmp.Or(cmp.Compare(m.time, o.time), cmp.Compare(m.decision, o.decision), cmp.Compare(m.place, o.place)) < 0
}

// pull reads the consents that the plan pulls together, and maps no other rows. An export
// in which none is costs nothing.
func (im *Import) pull(ctx context.Context, plan *history.Plan) (_ *pulled, err error) {
	p := &pulled{rest: overflow{temp: im.temps("rest")}}
	if plan.Pulled == 0 {
		p.ended = true
		return p, nil
	}
	steps, err := plan.Steps()
	if err != nil {
		return nil, err
	}
	defer steps.Close()
	sorter := extsort.New(extsort.Config{Key: movedKey, Buffer: pulledBytes, Temp: im.temps("pulled")})
	left := plan.Pulled
	ahead := make(chan []pulledStep, pulledAhead) // of the batches that are being mapped
	sweep := &rows.Sweep{Files: im.files, Reading: im.reading, Kept: im.kept, Plan: func(b *rows.Batch) error {
		found, err := pullsOf(b, steps)
		for i := range found {
			b.Want(found[i].row, im.reading)
		}
		select {
		case ahead <- found:
		case <-ctx.Done():
			err = ctx.Err()
		}
		return err
	}}
	kept := im.keep("pulled-rows", plan.Pulled)
	defer kept.End()
	var rec, scratch []byte
	add := func(b *rows.Batch) error {
		found := <-ahead
		if len(found) > 0 {
			kept.Add(b, nil) // for when their rows are come to
		}
		for _, step := range found {
			res := b.Result(step.row, im.reading)
			k := int(step.Place.Number()) - 1
			if res == nil || res.Status != mapping.Mapped || k >= len(res.Consents) {
				continue // found missing at the end
			}
			c := &res.Consents[k]
			m := moved{
				with: step.Other, group: keyOf(c, &scratch).hi, time: c.Timestamp, decision: c.Action, place: step.Place,
				last: k == len(res.Consents)-1, packed: pack(c),
			}
			rec = m.append(rec[:0])
			if err := sorter.Add(rec); err != nil {
				return err
			}
			left--
		}
		if left == 0 {
			return rows.ErrStop
		}
		return nil
	}
	err = im.each(ctx, sweep, im.from, false, func(b *rows.Batch) func() error { return func() error { return add(b) } })
	if err == nil && left != 0 {
		err = fmt.Errorf("the export has changed while it was read: %d consents are not there any more", left)
	}
	if err != nil {
		return nil, errors.Join(err, sorter.Close())
	}
	if p.sorted, err = sorter.Sort(); err != nil {
		return nil, err
	}
	if p.reader, err = p.sorted.Reader(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// pulledStep is a step of a row of a batch.
type pulledStep struct {
	row int
	history.Step
}

// pulledAhead is how many batches may be planned and not added yet: more than a sweep
// has.
const pulledAhead = 1 << 12

// pullsOf are the consents of a batch's rows that leave with a history.
func pullsOf(b *rows.Batch, steps *history.Steps) (found []pulledStep, err error) {
	for i := 0; i < b.Len(); {
		s, ok, err := steps.Peek()
		switch {
		case err != nil || !ok:
			return found, err
		case s.Place.Row() > b.Number(i):
			i++
			continue
		case s.Place.Row() == b.Number(i) && s.Kind == history.Pull:
			found = append(found, pulledStep{i, s})
		}
		if _, _, err := steps.At(s.Place); err != nil {
			return found, err
		}
	}
	return found, nil
}

func (p *pulled) close() error {
	if p.reader != nil {
		p.reader.Close()
	}
	err := p.rest.close()
	if p.sorted != nil {
		err = errors.Join(err, p.sorted.Close())
	}
	return err
}

// peek gives the next consent that leaves with a place, if there is one.
func (p *pulled) peek(with history.Place) (*moved, error) {
	if !p.loaded && !p.ended {
		rec, err := p.reader.Next()
		if err == nil {
			err = p.next.decode(rec)
			p.loaded = err == nil
		}
		if err == io.EOF {
			p.ended = true
		} else if err != nil {
			return nil, fmt.Errorf("read what leaves together: %w", err)
		}
	}
	if p.loaded && p.next.with == with {
		return &p.next, nil
	}
	return nil, nil
}

// advance goes on behind what peek gave.
func (p *pulled) advance() { p.loaded = false }

// told is the tasks of a row, and of the histories that leave with it.
type told struct {
	im    *Import
	tasks []task
	group uint64 // of the history that is being told
	n     int64
	rest  *remainder
	cut   int64   // the last row that a limit lets in, or unknownCut; 0: there is no limit
	later int64   // consents of rows behind it
	rows  []int64 // of all consents, where it is unknown
}

// unknownCut stands for a last row that is not known yet.
const unknownCut = -1

// begin begins another history.
func (x *told) begin(group uint64) { x.group, x.n, x.rest = group, 0, nil }

// add adds the next consent of a history. Of a very long one only the beginning waits
// in the lanes.
func (x *told) add(t task) error {
	switch {
	case x.cut == unknownCut:
		x.rows = append(x.rows, t.ref.Row)
	case x.cut > 0 && t.ref.Row > x.cut:
		x.later++
	}
	if x.n++; x.n <= longest {
		x.tasks = append(x.tasks, t)
		return nil
	}
	at, err := x.im.order.pulled.rest.add(&t)
	if err != nil {
		return err
	}
	if x.rest == nil {
		x.rest = &remainder{in: &x.im.order.pulled.rest, at: at, key: t.key}
		x.tasks[len(x.tasks)-1].rest = x.rest
	}
	x.rest.left++
	if t.action() == mapping.Reject {
		x.rest.rejects++
	}
	return nil
}

// history adds a consent with all that leaves with it, in the order in which it leaves.
func (x *told) history(own *moved, t task) error {
	x.begin(own.group)
	p := x.im.order.pulled
	added := false
	for {
		m, err := p.peek(own.place)
		if err != nil {
			return err
		}
		if !added && (m == nil || own.before(m)) {
			added = true
			if err := x.add(t); err != nil {
				return err
			}
		}
		if m == nil {
			return nil
		}
		if err := x.add(movedTask(m, t.held)); err != nil {
			return err
		}
		p.advance()
	}
}

// movedTask makes a task of a consent that leaves with a history.
func movedTask(m *moved, held bool) task {
	packed := bytes.Clone(m.packed)
	c := unpack(packed)
	return task{ref: refOf(m.place), last: m.last, key: keyOf(&c, new([]byte)), packed: packed, held: held}
}
