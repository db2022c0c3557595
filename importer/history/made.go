package history

import (
	"errors"
	"slices"
	"sync"

	"github.com/consentimport/consentimport/importer/extsort"
)

// made is what a walk gathers beside its counts. All goroutines of the walk add to it.
type made struct {
	over  gathered // places: see Result.Permissive
	steps gathered // of the plan
	split gathered // subjects and places of people who stand under several names
}

func (x *Index) newMade(o Options) *made {
	m := new(made)
	m.over.sorter = extsort.New(extsort.Config{Size: 8, Key: 8, Buffer: sideBuffer, Temp: x.cfg.Temp})
	if o.Plan {
		m.steps.sorter = extsort.New(extsort.Config{Size: stepSize, Key: 8, Buffer: sideBuffer, Temp: x.cfg.Temp})
	}
	if x.beside != nil {
		m.split.sorter = extsort.New(extsort.Config{Size: linkSize, Key: linkSize, Spread: true, Buffer: sideBuffer, Temp: x.cfg.Temp})
	}
	return m
}

// sideBuffer is the memory of one of the two buffers of a sorter beside the walk.
const sideBuffer = 4 << 20

// close gives up what was not sorted.
func (m *made) close() error { return errors.Join(m.over.close(), m.steps.close(), m.split.close()) }

// gathered is records that several goroutines add.
type gathered struct {
	mu     sync.Mutex
	sorter *extsort.Sorter // nil: nobody asks, or it was sorted
}

func (g *gathered) add(rec []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sorter.Add(rec)
}

// sort ends the adding.
func (g *gathered) sort() (*extsort.Sorted, error) {
	s := g.sorter
	g.sorter = nil
	return s.Sort()
}

func (g *gathered) close() error {
	if g.sorter == nil {
		return nil
	}
	return g.sorter.Close()
}

// join takes in what another goroutine has found of other people.
func (w *walker) join(o *walker) {
	a, b := &w.out, &o.out
	a.Subjects += b.Subjects
	a.Keys += b.Keys
	a.Overtaken += b.Overtaken
	a.Withheld += b.Withheld
	a.Unfounded += b.Unfounded
	a.Contradictions.join(b.Contradictions)
	a.Repeats.join(b.Repeats)
	a.OutOfOrder.join(b.OutOfOrder)
	a.Split.join(b.Split)
	w.pulled += o.pulled
	w.superseded += o.superseded
	w.skipped += o.skipped
	joinWords(w.words, o.words)
	joinWords(w.stands, o.stands)
	w.other.join(&o.other)
	w.elsewhere.join(&o.elsewhere)
	for _, n := range o.people.few {
		w.people.few.add(n)
	}
	w.courses.count += o.courses.count
	for i := range o.courses.kept {
		w.courses.keep(&o.courses.kept[i])
	}
}

func joinWords(into, from map[uint64]*LastWord) {
	for category, n := range from {
		if was := into[category]; was != nil {
			was.join(n)
		} else {
			into[category] = n
		}
	}
}

func (n *LastWord) join(o *LastWord) {
	n.Accept += o.Accept
	n.Reject += o.Reject
	n.None += o.None
	n.Expired += o.Expired
}

// join takes in what was seen elsewhere.
func (s *Sightings) join(o Sightings) {
	s.Count += o.Count
	s.Rows = append(s.Rows, o.Rows...)
	slices.Sort(s.Rows)
	s.Rows = slices.Compact(s.Rows)
	s.Rows = s.Rows[:min(len(s.Rows), firstRows)]
}
