package history

// plan says for each consent of a history that is to be sent how it leaves.
func (h *hist) plan() error {
	var left, whole remains // to be sent, and with it what this pass has sent or tried already
	again := false
	err := h.due(func(e *entry, s Step) error {
		if s.Kind != 0 {
			return h.step(s)
		}
		left.add(e, h.options.Near)
		again = again || e.again
		return nil
	}, func(e *entry) { whole.add(e, h.options.Near) })
	if err != nil || left.n == 0 {
		return err
	}
	leader := left.first
	front, first := h.front(&left, &whole)
	switch {
	case h.options.Mode == Rows && !again:
		return nil // what comes in its place comes as the rows stand
	case first:
		leader = front
	case left.n == 1 || !left.apart():
		return nil // lanes keep the order in which rows come
	}
	return h.due(func(e *entry, s Step) error {
		if s.Kind != 0 || e.place == leader {
			return nil
		}
		return h.step(Step{Place: e.place, Kind: Pull, Other: leader})
	}, func(*entry) {})
}

// due gives the consents that are to be sent, oldest first, each with the step that
// keeps it from being sent; the kind is 0 when none does. each gets those that are, and
// those between them that this pass has sent or tried.
func (h *hist) due(f func(e *entry, s Step) error, each func(*entry)) error {
	var newest entry
	ours := false // the newest that arrived is this import's
	if h.newest >= 0 {
		h.group.at(h.newest, &newest)
		ours = newest.state == Sent && !h.overtaken(&newest)
	}
	var e entry
	var err error
	h.moments(func(m span) {
		if h.options.Mode == Chronological {
			h.keep(m)
		}
		for i := m.i; i < m.j && err == nil; i++ {
			h.group.at(i, &e)
			if e.found {
				err = f(&e, Step{Place: e.place, Kind: Skip})
				continue
			}
			if e.state != Open {
				if int(e.pass) == h.options.Pass && (e.state == Sent || e.state == Missed) {
					each(&e)
				}
				continue
			}
			s := Step{Place: e.place, Kind: Supersede}
			switch {
			case h.overtaken(&e) && !(ours && i < h.newest && (h.options.Mode != Rows || e.again)):
				s.Other, s.Import = h.before.newest.place, h.before.newest.origin
			case h.options.Mode == Latest && i != h.n-1:
				s.Other = h.last.place
			case i < h.newest && (h.options.Mode != Rows || e.again):
				s.Other = newest.place
			case h.options.Mode == Chronological:
				s.Other = h.repeats(&e)
			}
			if s.Other == 0 {
				s = Step{}
			}
			if err = f(&e, s); s.Kind == 0 {
				each(&e)
			}
		}
	})
	return err
}

// front gives where a history begins that goes before all rows, because an earlier run
// has begun it: the target stands at an accept, or may do so, and a reject is the last
// that is to come; or a run may have died while one was under way, which would not be
// among the first to go on in its place.
func (h *hist) front(left, whole *remains) (Place, bool) {
	if left.last == Reject {
		if h.may {
			return Front, true
		}
		if h.newest >= 0 {
			var newest entry
			if h.group.at(h.newest, &newest); newest.decision == Accept && newest.state == Sent {
				return Front, true
			}
		}
	}
	return Begun, h.begun && (whole.apart() || left.answered && left.last == Reject)
}

// remains is what of a history is still to be sent.
type remains struct {
	n          int64
	first      Place // in the export
	furthest   Place
	disordered bool // an older one stands behind a newer
	last       Decision
	standing   Place // an accept that no reject has followed yet
	answered   bool  // one has followed
	far        bool  // one that follows stands not within a few rows
}

// apart reports whether the consents do not leave as they should when each leaves
// with its row.
func (r *remains) apart() bool { return r.disordered || r.far && r.last == Reject }

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
