package history

import (
	"cmp"
	"slices"
)

// Course is how the decisions about one key arrived, where that is not simply oldest
// first and all of them.
type Course struct {
	Category string // as it is written first; empty beyond the first thousand
	Why      Matter
	Word     Decision // the last word
	Stands   Decision // what arrived last, from this import or one before it; None: nothing did
	Turns    []Turn   // oldest first: the last maxTurns, and what arrived last
	Earlier  int64    // older ones that are left out
}

// Turn is one decision of a course.
type Turn struct {
	Place    Place
	Time     int64 // epoch milliseconds; First or Last where it cannot be read
	Decision Decision
	State    State
	// Order says which of these arrived first, from 1, by the rules that the import keeps
	// to; of a walk that foresees, would arrive. 0: it did not arrive.
	Order int
}

// Matter is why the course of a key matters.
type Matter uint8

// The matters, the gravest first.
const (
	TooPermissive Matter = 1 + iota // an accept stands, and the last word is a reject
	NotLastWord                     // what arrived last is not the last word
	OutOfOrder                      // decisions arrived in another order than that of their times
	Overtaken                       // decisions were held back, because newer ones stand in the export or have arrived
)

const (
	// maxCourses is of how many keys the course is kept.
	maxCourses = 8
	// maxTurns is how many decisions of a key.
	maxTurns = 12
)

// courses are those of the keys where they matter most: by the gravity, then by where the
// key stands first in the export.
type courses struct {
	count int64 // keys where it matters
	kept  []keptCourse
}

type keptCourse struct {
	rank  int
	first Place
	Course
}

func (a *keptCourse) compare(b *keptCourse) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.first, b.first))
}

// keeps reports whether a course is among the gravest so far.
func (s *courses) keeps(c *keptCourse) bool {
	return len(s.kept) < maxCourses || s.kept[maxCourses-1].compare(c) > 0
}

// keep keeps a course if it is among the gravest.
func (s *courses) keep(c *keptCourse) {
	if !s.keeps(c) {
		return
	}
	i, _ := slices.BinarySearchFunc(s.kept, c, func(a keptCourse, b *keptCourse) int { return a.compare(b) })
	if s.kept = slices.Insert(s.kept, i, *c); len(s.kept) > maxCourses {
		s.kept = s.kept[:maxCourses]
	}
}

// course looks at how the decisions of a history arrived.
func (h *hist) course() {
	if !h.options.Courses || !h.odd && h.options.Mode != Rows {
		return
	}
	c := keptCourse{}
	if c.rank, c.Why = h.matters(); c.rank == 0 {
		return
	}
	w := h.walker
	w.courses.count++
	var e entry
	c.first = h.last.place
	for i := h.from; i < h.n; i++ {
		h.group.at(i, &e)
		c.first = min(c.first, e.place)
	}
	if !w.courses.keeps(&c) {
		return
	}
	if name := w.index.names[h.last.category]; name != nil {
		c.Category = name.name
	}
	c.Word, c.Stands = h.last.decision, None
	switch {
	case h.found:
		c.Stands = h.arrivedLast.decision
	case h.before.any:
		c.Stands = h.before.arrived.decision
	}
	c.Turns, c.Earlier = h.turns()
	w.courses.keep(&c)
}

// matters says why the course matters, and how much: 1 is the most, 0 not at all.
func (h *hist) matters() (rank int, why Matter) {
	switch {
	case h.permissive:
		return 1, TooPermissive
	case !h.found:
		return 0, 0
	case h.arrivedLast.decision != h.last.decision:
		return 2, NotLastWord
	}
	var e, before entry
	var far Place
	pass, held := uint16(0), false
	for i := h.from; i < h.n; i++ {
		h.group.at(i, &e)
		if e.state == Held && !(i > h.from && e.repeats(&before)) {
			held = held || !h.followed(i, &e)
		}
		before = e
		if !h.comes(i, &e) || h.options.Mode != Rows {
			continue
		}
		if p := h.passOf(&e); p < pass || p == pass && p <= 1 && e.place < far {
			return 3, OutOfOrder
		} else {
			pass, far = p, max(far, e.place)
		}
	}
	switch last := &h.arrivedLast; {
	case last.time != h.last.time:
		return 4, NotLastWord
	case held:
		return 4, Overtaken
	}
	return 0, 0
}

// repeats reports whether one of the same time says the same in all that is sent.
func (e *entry) repeats(o *entry) bool {
	return e.time == o.time && e.decision == o.decision && e.digest == o.digest
}

// followed reports whether the next decision repeats this one.
func (h *hist) followed(i int64, e *entry) bool {
	if i+1 == h.n {
		return false
	}
	var next entry
	h.group.at(i+1, &next)
	return next.repeats(e)
}

// comes reports whether a decision has arrived from this import, or would.
func (h *hist) comes(i int64, e *entry) bool {
	return h.arrives(e, i == h.n-1) && !(h.options.Foresee && e.state == Open && h.overtaken(e))
}

// passOf is the pass in which a decision arrived, or would.
func (h *hist) passOf(e *entry) uint16 {
	if e.state == Open {
		return 1
	}
	return e.pass
}

// turns are the decisions that are shown, oldest first, and how many are left out.
func (h *hist) turns() (all []Turn, left int64) {
	shown := make([]int64, 0, maxTurns)
	for i := max(h.from, h.n-maxTurns); i < h.n; i++ {
		shown = append(shown, i)
	}
	if h.found && h.arrivedAt < shown[0] { // shown in place of the oldest
		shown[0] = h.arrivedAt
	}
	type arrival struct {
		turn int
		pass uint16
		at   uint64
	}
	var arrived []arrival
	var e entry
	for _, i := range shown {
		h.group.at(i, &e)
		all = append(all, Turn{Place: e.place, Time: e.time, Decision: e.decision, State: e.state})
		if !h.comes(i, &e) {
			continue
		}
		a := arrival{turn: len(all) - 1, pass: h.passOf(&e), at: uint64(i)}
		if h.options.Mode == Rows && a.pass <= 1 { // what comes again comes by its time
			a.at = uint64(e.place)
		}
		arrived = append(arrived, a)
	}
	slices.SortFunc(arrived, func(a, b arrival) int { return cmp.Or(cmp.Compare(a.pass, b.pass), cmp.Compare(a.at, b.at)) })
	for n, a := range arrived {
		all[a.turn].Order = n + 1
	}
	return all, h.n - h.from - int64(len(all))
}
