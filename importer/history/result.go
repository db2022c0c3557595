package history

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/consentimport/consentimport/importer/extsort"
)

// Result is what a walk found.
type Result struct {
	Subjects int64 // persons about whom consents were made
	Keys     int64 // persons and categories about whom a decision could be read
	// LastWords counts persons by their last word, by category in the order of names;
	// categories beyond the first thousand are summed without a name, last.
	LastWords []LastWord
	More      bool // there are categories beyond those
	// Standing counts the same persons by what arrived last, from this import or one before
	// it, when it was asked for; None: nothing did. None are expired: the target has accepts.
	Standing []LastWord

	Contradictions Sightings // moments of a key at which it has both decisions
	Repeats        Sightings // consents that equal another in all that is sent
	OutOfOrder     Sightings // decisions that stand behind a newer one of their key
	Split          Sightings // persons who stand under several spellings or identifiers
	Twins          Sightings // categories that differ from another in letter case, form or blanks alone
	// SplitNames and TwinNames are a few of these people, and of these categories in groups
	// that are one word to the eye.
	SplitNames []Names
	TwinNames  [][]CategoryName

	// Courses tell of a few keys how their decisions arrived, the gravest first; CourseKeys is
	// of how many there is something to tell. Both are for who has asked.
	Courses    []Course
	CourseKeys int64

	// Overtaken is the number of keys of which the last one in the order of rows is
	// not the last word.
	Overtaken int64
	// Withheld is the number of keys of which nothing was sent, or would be, because
	// the last word alone counts and it was refused, or stands in an invalid row.
	Withheld int64
	// Permissive has the last words, rejects, of the keys of which an accept arrived
	// last.
	Permissive *Places
	// Changes counts the persons of a category who newly get messages, or get none any
	// more, against what other imports have sent, in the order of names; without such,
	// it is empty.
	Changes []Change
	// Unfounded counts decisions that are said to be Known and that no other import has
	// sent.
	Unfounded int64
	// Plan is nil unless it was asked for.
	Plan *Plan
}

// LastWord counts the persons of a category by their last word. Expired ones are no
// accepts. None: nothing that could be read.
type LastWord struct {
	Category                      string
	Accept, Reject, None, Expired int64
}

// Change counts the persons of a category for whom something changes: from no accept
// that holds to one, and from one to none.
type Change struct {
	Category     string
	Begin, Cease int64
}

// firstRows is how many rows Sightings name.
const firstRows = 10

// Sightings count where something was seen.
type Sightings struct {
	Count int64
	Rows  []int64 // the first ten, ascending, each once
}

func (s *Sightings) at(p Place) {
	s.Count++
	row := p.Row()
	i, found := slices.BinarySearch(s.Rows, row)
	if found || i >= firstRows {
		return
	}
	if s.Rows = slices.Insert(s.Rows, i, row); len(s.Rows) > firstRows {
		s.Rows = s.Rows[:firstRows]
	}
}

// Close removes what lies on the disk.
func (r *Result) Close() error {
	err := r.Permissive.sorted.Close()
	if r.Plan != nil {
		err = errors.Join(err, r.Plan.Close())
	}
	return err
}

// result sums the walk up.
func (w *walker) result() (*Result, error) {
	out := new(Result)
	*out = w.out // which would keep the walker, and so the index
	for hash, n := range w.words {
		n.Category = w.index.names[hash].name
		out.LastWords = append(out.LastWords, *n)
	}
	slices.SortFunc(out.LastWords, func(a, b LastWord) int { return cmp.Compare(a.Category, b.Category) })
	if w.other != (LastWord{}) {
		out.More = true
		out.LastWords = append(out.LastWords, w.other)
	}
	for hash, n := range w.stands {
		n.Category = w.index.names[hash].name
		out.Standing = append(out.Standing, *n)
	}
	slices.SortFunc(out.Standing, func(a, b LastWord) int { return cmp.Compare(a.Category, b.Category) })
	if w.elsewhere != (LastWord{}) {
		out.Standing = append(out.Standing, w.elsewhere)
	}
	for hash, n := range w.changes {
		if x := w.index.names[hash]; x != nil {
			n.Category = x.name
		}
		out.Changes = append(out.Changes, *n)
	}
	slices.SortFunc(out.Changes, func(a, b Change) int { return cmp.Compare(a.Category, b.Category) })
	out.Twins, out.TwinNames = twins(w.index.names)
	err := w.people.count(&w.made.split, &out.Split)
	if err != nil {
		return nil, err
	}
	if w.options.Examples {
		if out.SplitNames, err = w.people.few.examples(w.index); err != nil {
			return nil, err
		}
	}
	out.CourseKeys = w.courses.count
	for i := range w.courses.kept {
		out.Courses = append(out.Courses, w.courses.kept[i].Course)
	}
	over, err := w.made.over.sort()
	if err != nil {
		return nil, err
	}
	out.Permissive = &Places{over}
	if w.options.Plan {
		steps, err := w.made.steps.sort()
		if err != nil {
			return nil, errors.Join(err, over.Close())
		}
		out.Plan = &Plan{sorted: steps, Pulled: w.pulled, Superseded: w.superseded, Skipped: w.skipped}
	}
	return out, nil
}

// Places are places in the order of the export.
type Places struct{ sorted *extsort.Sorted }

// Len is how many there are.
func (p *Places) Len() int64 { return p.sorted.Len() }

// Reader begins with the first of them.
func (p *Places) Reader() (*PlaceReader, error) {
	r, err := p.sorted.Reader()
	if err != nil {
		return nil, err
	}
	return &PlaceReader{reader: r}, nil
}

// PlaceReader goes through places in the order of the export.
type PlaceReader struct {
	reader        *extsort.Reader
	place         Place
	loaded, ended bool
}

// Peek gives the next place, if there is one, without going on.
func (r *PlaceReader) Peek() (Place, bool, error) {
	if !r.loaded && !r.ended {
		rec, err := r.reader.Next()
		switch {
		case err == io.EOF:
			r.ended = true
		case err != nil:
			return 0, false, err
		default:
			r.place, r.loaded = Place(binary.BigEndian.Uint64(rec)), true
		}
	}
	return r.place, r.loaded, nil
}

// Next goes on behind what Peek gave.
func (r *PlaceReader) Next() { r.loaded = false }

// Close frees the memory of the reader.
func (r *PlaceReader) Close() { r.reader.Close() }
