package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
)

// Mode is in which order the decisions about a key arrive.
type Mode uint8

// The modes.
const (
	Chronological Mode = iota
	Latest
	Rows
)

// modes are their names, as the checkpoint and the command line have them.
var modes = [...]string{Chronological: "chronological", Latest: "latest", Rows: "rows"}

func (m Mode) String() string { return modes[m] }

// ParseMode gives the mode of a name.
func ParseMode(name string) (Mode, error) {
	for m, n := range modes {
		if n == name {
			return Mode(m), nil
		}
	}
	return 0, fmt.Errorf("no order of histories is called %q: chronological, latest or rows", name)
}

// Options say what a walk is for.
type Options struct {
	Mode Mode
	// Pass is the number of the pass whose plan is made.
	Pass int
	// Near is how many rows behind each other two consents may stand to leave back
	// to back although each leaves when its row comes.
	Near int64
	// Plan: make the plan of the pass.
	Plan bool
	// Foresee counts what is open as sent, in the order of the mode: what an import
	// of which nothing is refused would lead to.
	Foresee bool
}

// Walk goes over the index once. The result has to be closed.
func (x *Index) Walk(ctx context.Context, o Options) (_ *Result, err error) {
	w := &walker{
		index: x, options: o,
		group: group{temp: x.cfg.Temp, limit: x.memory},
		over:  extsort.New(extsort.Config{Size: 8, Key: 8, Buffer: sideBuffer, Temp: x.cfg.Temp}),
		words: map[uint64]*LastWord{},
	}
	if o.Plan {
		w.steps = extsort.New(extsort.Config{Size: stepSize, Key: 8, Buffer: sideBuffer, Temp: x.cfg.Temp})
	}
	defer func() {
		err = errors.Join(err, w.group.close())
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	r, err := x.sorted.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var now [groupSize]byte
	for n := 0; ; n++ {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !bytes.Equal(now[:], rec[:groupSize]) || n == 0 {
			if err := w.end(); err != nil {
				return nil, err
			}
			if !bytes.Equal(now[:subjectEnd], rec[:subjectEnd]) || n == 0 {
				w.next()
			}
			copy(now[:], rec)
		}
		if err := w.group.add(rec); err != nil {
			return nil, err
		}
	}
	if err := w.end(); err != nil {
		return nil, err
	}
	w.next()
	return w.result()
}

// sideBuffer is the memory of the sorters that stand beside the walk.
const sideBuffer = 4 << 20

// walker is one walk.
type walker struct {
	index                       *Index
	options                     Options
	group                       group
	steps                       *extsort.Sorter
	over                        *extsort.Sorter
	words                       map[uint64]*LastWord
	other                       LastWord // of the categories beyond maxCategories
	person                      person
	out                         Result
	record                      []byte
	kept                        map[uint64]Place // of the digests of one moment: the consent that is sent
	pulled, superseded, skipped int64
}

// person is what is known of the subject that the walk is at.
type person struct {
	counted  bool
	seen     bool
	first    Place // where the person stands first in the export
	spelling uint32
	other    Place // where first under another spelling; 0: nowhere
}

// span is decisions i to j-1 of the group.
type span struct{ i, j int64 }

// end looks at the group that was read, and makes room for the next.
func (w *walker) end() error {
	g := &w.group
	if g.n == 0 {
		return nil
	}
	if err := g.done(); err != nil {
		return err
	}
	var e entry
	from := int64(0)
	for ; from < g.n; from++ {
		g.at(from, &e)
		w.spelling(&e)
		if e.decision != None {
			break
		}
	}
	h := hist{walker: w, group: g, from: from, n: g.n}
	err := h.look()
	if err == nil {
		err = g.err
	}
	g.reset()
	return err
}

// spelling looks at how the person is spelt.
func (w *walker) spelling(e *entry) {
	p := &w.person
	switch {
	case !p.seen:
		p.seen, p.first, p.spelling = true, e.place, e.spelling
	case e.place < p.first:
		if e.spelling != p.spelling {
			p.other = p.first
		}
		p.first, p.spelling = e.place, e.spelling
	case e.spelling != p.spelling && (p.other == 0 || e.place < p.other):
		p.other = e.place
	}
}

// next goes on to another person.
func (w *walker) next() {
	if w.person.other != 0 {
		w.out.Split.at(w.person.other)
	}
	w.person = person{}
}

// step plans something.
func (w *walker) step(s Step) error {
	switch s.Kind {
	case Pull:
		w.pulled++
	case Supersede:
		w.superseded++
	case Skip:
		w.skipped++
	}
	w.record = s.append(w.record[:0])
	return w.steps.Add(w.record)
}

func (w *walker) close() error {
	var errs []error
	if w.steps != nil {
		errs = append(errs, w.steps.Close())
	}
	return errors.Join(append(errs, w.over.Close())...)
}
