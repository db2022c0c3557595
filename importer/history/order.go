package history

// plan says for each consent of a history that is to be sent how it leaves.
func (h *hist) plan() error {
	var r remains
	err := h.due(func(e *entry, by Place) error {
		if by != 0 {
			return h.step(Step{e.place, Supersede, by})
		}
		r.add(e, h.options.Near)
		return nil
	})
	if err != nil || h.options.Mode == Rows {
		return err
	}
	leader := r.first
	switch {
	case r.n == 0:
		return nil
	case h.front(&r):
		leader = Front
	case r.n == 1 || !r.disordered && !(r.far && r.last == Reject):
		return nil // lanes keep the order in which rows come
	}
	return h.due(func(e *entry, by Place) error {
		if by != 0 || e.place == leader {
			return nil
		}
		return h.step(Step{e.place, Pull, leader})
	})
}

// due gives the consents that are to be sent, oldest first, each with the one that
// supersedes it, 0 when none does.
func (h *hist) due(f func(e *entry, by Place) error) error {
	var newest entry
	if h.newest >= 0 {
		h.group.at(h.newest, &newest)
	}
	var e entry
	var err error
	h.moments(func(m span) {
		if h.options.Mode == Chronological {
			h.keep(m)
		}
		for i := m.i; i < m.j && err == nil; i++ {
			if h.group.at(i, &e); e.state != Open {
				continue
			}
			by := Place(0)
			switch {
			case h.options.Mode == Latest && i != h.n-1:
				by = h.last.place
			case i < h.newest && (h.options.Mode != Rows || e.again):
				by = newest.place
			case h.options.Mode == Chronological:
				by = h.repeats(&e)
			}
			err = f(&e, by)
		}
	})
	return err
}

// front reports whether a history goes before all rows, because an earlier run has
// begun it: the target stands at an accept, or may do so, and a reject is the last
// that is to come.
func (h *hist) front(r *remains) bool {
	if r.last != Reject {
		return false
	}
	var newest entry
	if h.newest >= 0 {
		h.group.at(h.newest, &newest)
	}
	return newest.decision == Accept || h.begun && r.answered
}

// remains is what of a history is still to be sent.
type remains struct {
	n          int64
	first      Place // in the export
	furthest   Place
	disordered bool // an older one stands behind a newer
	last       Decision
	standing   Place // an accept that no reject has followed yet
	answered   bool  // a reject follows an accept
	far        bool  // not within a few rows
}

// add takes in the next one.
func (r *remains) add(e *entry, near int64) {
	r.disordered = r.disordered || e.place < r.furthest
	r.furthest = max(r.furthest, e.place)
	if r.n == 0 || e.place < r.first {
		r.first = e.place
	}
	r.n++
	r.last = e.decision
	switch {
	case e.decision == Accept && r.standing == 0:
		r.standing = e.place
	case e.decision == Reject && r.standing != 0:
		r.answered = true
		r.far = r.far || e.place.Row()-r.standing.Row() > near
		r.standing = 0
	}
}
