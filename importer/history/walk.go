package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

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
	// Standing: count people by what arrived last.
	Standing bool
	// Examples: find a few of the people who stand under several names.
	Examples bool
	// Courses: keep how decisions arrived where that matters most.
	Courses bool
}

// Walk goes over the index once. The result has to be closed.
func (x *Index) Walk(ctx context.Context, o Options) (*Result, error) {
	return x.walk(ctx, o, nil, 0)
}

// walk is a walk that hands on what was sent, if sent is not nil.
func (x *Index) walk(ctx context.Context, o Options, sent *extsort.Sorter, origin uint16) (_ *Result, err error) {
	made := x.newMade(o)
	defer func() {
		if err != nil {
			err = errors.Join(err, made.close())
		}
	}()
	walkers := make([]*walker, x.walkers(sent))
	var g errgroup.Group
	for i := range walkers {
		w := &walker{
			index: x, options: o, made: made, sent: sent, origin: origin, changes: map[uint64]*Change{},
			group: group{temp: x.cfg.Temp, limit: x.memory},
			words: map[uint64]*LastWord{}, stands: map[uint64]*LastWord{},
		}
		walkers[i] = w
		g.Go(func() error { return w.walk(ctx, i, len(walkers)) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, w := range walkers[1:] {
		walkers[0].join(w)
	}
	return walkers[0].result()
}

// maxWalkers is how many goroutines go over an index at most: each has a block in memory
// of every run that is read.
const maxWalkers = 4

// walkers is how many goroutines go over the index, each over the people of a part of the
// hashes. What other imports have sent is one stream, which one goroutine goes along.
func (x *Index) walkers(sent *extsort.Sorter) int {
	if sent != nil || x.cfg.Earlier != nil {
		return 1
	}
	n := 1
	for 2*n <= min(runtime.GOMAXPROCS(0), maxWalkers, extsort.MaxParts) {
		n *= 2
	}
	return n
}

// walk goes over part i of n of the index.
func (w *walker) walk(ctx context.Context, i, n int) (err error) {
	x := w.index
	defer func() {
		w.people.close()
		err = errors.Join(err, w.group.close())
		if w.before.reader != nil {
			err = errors.Join(err, w.before.reader.close())
		}
	}()
	if x.cfg.Earlier != nil {
		if w.before.reader, err = x.cfg.Earlier.reader(); err != nil {
			return err
		}
	}
	if err := w.people.begin(x, i, n, &w.made.split); err != nil {
		return err
	}
	r, err := x.sorted.Part(i, n)
	if err != nil {
		return err
	}
	defer r.Close()
	for n := 0; ; n++ {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if n&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if w.now != [groupSize]byte(rec) || n == 0 {
			if err := w.end(); err != nil {
				return err
			}
			if [subjectEnd]byte(w.now[:]) != [subjectEnd]byte(rec) || n == 0 {
				if err := w.next(rec); err != nil {
					return err
				}
			}
			copy(w.now[:], rec)
			if err := w.beginKey(rec); err != nil {
				return err
			}
		}
		if w.before.reader != nil {
			if ok, err := w.known(rec); err != nil {
				return err
			} else if ok {
				found(rec)
			} else if State(rec[53]&stateMask) == Known {
				w.out.Unfounded++
			}
		}
		if err := w.add(rec); err != nil {
			return err
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	if err := w.next(nil); err != nil {
		return err
	}
	if b := &w.before; b.reader != nil && w.sent != nil {
		for b.reader.rec != nil {
			if err := errors.Join(w.passOn(b.reader.rec), b.reader.next()); err != nil {
				return err
			}
		}
	}
	return nil
}

// walker is one goroutine of a walk: what it is at, and what it has found so far.
type walker struct {
	index                       *Index
	options                     Options
	group                       group
	made                        *made
	words                       map[uint64]*LastWord
	near                        [16]nearWord         // some of them, by the hash
	other                       LastWord             // of the categories beyond maxCategories
	stands                      map[uint64]*LastWord // where people stand at the target
	elsewhere                   LastWord             // of the categories beyond maxCategories
	person                      person
	people                      people
	courses                     courses
	out                         Result
	record                      []byte
	kept                        map[uint64]Place // of the digests of one moment: the consent that is sent
	now                         [groupSize]byte  // the key that the walk is at
	first                       [recordSize]byte // its first decision, as long as it is the only one
	alone                       bool             // it is
	before                      before
	changes                     map[uint64]*Change
	sent                        *extsort.Sorter // of what was sent, for imports after this one; nil: nobody asks
	origin                      uint16          // this import, for these
	pulled, superseded, skipped int64
}

// nearWord is a last word and the category of which it is; nil: none.
type nearWord struct {
	category uint64
	word     *LastWord
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

// add takes in a decision about the key.
func (w *walker) add(rec []byte) error {
	switch {
	case w.alone:
		if err := w.gather(); err != nil {
			return err
		}
	case w.group.n == 0:
		copy(w.first[:], rec)
		w.alone = true
		return nil
	}
	return w.group.add(rec)
}

// gather puts the only decision into the group.
func (w *walker) gather() error {
	w.alone = false
	return w.group.add(w.first[:])
}

// end looks at what was read about the key, and makes room for the next.
func (w *walker) end() error {
	if w.alone {
		if w.before.reader == nil && w.sent == nil {
			var e entry
			e.decode(w.first[:])
			w.only(&e)
			w.alone = false
			return nil
		}
		if err := w.gather(); err != nil {
			return err
		}
	}
	g := &w.group
	if g.n == 0 {
		return nil
	}
	if err := g.done(); err != nil {
		return err
	}
	if _, err := w.known(nil); err != nil {
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

// next goes on to another subject, that of a record; nil: there is none.
func (w *walker) next(rec []byte) error {
	if !w.person.seen {
		return nil
	}
	if rec != nil && bytes.Equal(w.now[:nameEnd], rec[:nameEnd]) { // another form of the same name
		w.person.counted = false
		return nil
	}
	err := w.people.look(w.now[:subjectEnd], &w.person, &w.out.Split)
	w.person = person{}
	return err
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
	return w.made.steps.add(w.record)
}
