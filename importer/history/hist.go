package history

import "encoding/binary"

// hist is the history of one key: decisions from to n-1 of a group, oldest first.
type hist struct {
	*walker
	group   *group
	from, n int64

	newest int64 // the newest that arrived; -1 when none did
	begun  bool  // this pass has an outcome of it already
	may    bool  // one that is to be sent may have arrived
	open   int64 // consents to send, or to set down as known
	last   entry // the last word

	odd         bool  // one of them did not simply arrive
	found       bool  // something of it arrived from this import, or would
	arrivedLast entry // what arrived last
	arrivedAt   int64
	permissive  bool // the target is, or would be
}

// look learns what there is to learn of a history, and plans how it is sent.
func (h *hist) look() error {
	if h.from == h.n { // nothing could be read
		var e entry
		h.group.at(0, &e)
		h.word(e.category).None++
		h.stand(e.category, None)
		return h.handOnEarlier()
	}
	h.group.at(h.n-1, &h.last)
	h.lastWord(&h.last)
	if h.n-h.from == 1 && !h.before.any && h.sent == nil { // most are that short, and leave as they come
		found := h.arrives(&h.last, true)
		if h.change(&h.last, found); found {
			h.stand(h.last.category, h.last.decision)
		} else {
			h.stand(h.last.category, None)
		}
		return nil
	}
	h.forward()
	h.backward()
	if err := h.arrived(); err != nil {
		return err
	}
	h.course()
	if h.options.Plan && h.open > 0 {
		return h.plan()
	}
	return nil
}

// moments gives the runs of decisions that have one time.
func (h *hist) moments(f func(span)) {
	var e entry
	for i := h.from; i < h.n; {
		h.group.at(i, &e)
		t, j := e.time, i+1
		for ; j < h.n; j++ {
			if h.group.at(j, &e); e.time != t {
				break
			}
		}
		f(span{i, j})
		i = j
	}
}

// forward finds what arrived, contradictions and repeats.
func (h *hist) forward() {
	var e entry
	h.newest = -1
	sendable := int64(0)
	for i := h.from; i < h.n; i++ {
		h.group.at(i, &e)
		h.spelling(&e)
		h.count(&e)
		if e.state.arrived() {
			h.newest = i
		}
		if e.state == Open || e.found {
			h.open++
			h.may = h.may || e.begun
		}
		if e.state != Unsendable {
			sendable++
		}
		h.odd = h.odd || e.state != Sent && !(e.state == Open && h.options.Foresee)
		if int(e.pass) == h.options.Pass && (e.state == Sent || e.state == Missed) {
			h.begun = true
		}
	}
	h.moments(func(m span) {
		if m.j-m.i < 2 {
			return
		}
		var first, at entry
		h.group.at(m.i, &first)
		h.group.at(m.j-1, &at)
		if first.decision != at.decision && !at.timeless() {
			h.out.Contradictions.at(at.place)
		}
		h.keep(m)
		for i := m.i; i < m.j; i++ {
			if h.group.at(i, &at); at.state != Unsendable && h.repeats(&at) != 0 {
				h.out.Repeats.at(at.place)
			}
		}
	})
	if h.options.Mode == Latest && sendable > 0 && h.newest < 0 && !h.before.any && h.n-h.from > 1 &&
		(h.last.state == Unsendable || h.last.state == Missed) {
		h.out.Withheld++
	}
	// What a row held back that was the last word then, and is read otherwise now, is the
	// last word again and was never sent.
	if h.options.Mode == Latest && h.last.state == Held && !h.overtaken(&h.last) {
		h.out.Withheld++
	}
}

// maxKept bounds the consents of one moment among which repeats are looked for.
const maxKept = 1 << 16

// keep notes which consents of a moment are sent, of those that are equal: one that
// arrived, or the first.
func (h *hist) keep(m span) {
	if h.kept == nil {
		h.kept = map[uint64]Place{}
	}
	clear(h.kept)
	if m.j-m.i < 2 {
		return
	}
	var e entry
	for rank := range 3 {
		for i := m.i; i < m.j; i++ {
			if h.group.at(i, &e); e.state == Unsendable || e.state.rank() != rank {
				continue
			}
			if _, ok := h.kept[e.digest]; !ok && len(h.kept) < maxKept {
				h.kept[e.digest] = e.place
			}
		}
	}
}

// repeats gives the consent that e repeats, 0 when it is none of its moment.
func (h *hist) repeats(e *entry) Place {
	if p, ok := h.kept[e.digest]; ok && p != e.place {
		return p
	}
	return 0
}

// backward counts what stands behind a newer decision in the export, and whether
// the last one of the export is the last word.
func (h *hist) backward() {
	const none = Place(1<<64 - 1)
	var e entry
	newer, moment := none, none // least places: of newer ones, of this decision and time
	var time int64
	var decision Decision
	final, finalAt, finalDigest := Place(0), int64(-1), uint64(0)
	word := int64(-1)
	var wordDigest uint64
	for i := h.n - 1; i >= h.from; i-- {
		h.group.at(i, &e)
		if e.state != Unsendable {
			if word < 0 {
				word, wordDigest = i, e.digest
			}
			if e.place > final {
				final, finalAt, finalDigest = e.place, i, e.digest
			}
		}
		if e.timeless() {
			continue
		}
		if e.time != time || e.decision != decision {
			newer, moment = min(newer, moment), none
			time, decision = e.time, e.decision
		}
		if e.place > newer {
			h.out.OutOfOrder.at(e.place)
		}
		moment = min(moment, e.place)
	}
	if finalAt != word && finalDigest != wordDigest {
		h.out.Overtaken++
	}
}

// foreseen is the pass of what is open, where it counts as sent.
const foreseen = 1<<16 - 1

// arrives reports whether a decision has arrived from this import, or will; last: it is
// the last word.
func (w *walker) arrives(e *entry, last bool) bool {
	return e.state == Sent || w.options.Foresee && e.state == Open && (w.options.Mode != Latest || last)
}

// arrived finds out what arrived last, in this import or before it, and holds it
// against the last word and against what arrived before.
func (h *hist) arrived() error {
	if h.before.reader == nil && h.sent == nil && h.last.decision != Reject && !h.options.Standing &&
		!(h.options.Courses && (h.odd || h.options.Mode == Rows)) {
		return nil
	}
	var e, last entry
	found := false
	for i := h.from; i < h.n; i++ {
		h.group.at(i, &e)
		if !h.comes(i, &e) {
			continue
		}
		if h.sent != nil {
			if err := h.handOn(&e, false); err != nil {
				return err
			}
		}
		if e.state == Open {
			e.pass = foreseen
		}
		// Older ones never follow newer ones, but where rows are sent as they stand, which
		// the first pass alone does: what comes again comes by its time.
		later := e.pass > 1 && e.pass < foreseen
		if !found || h.options.Mode != Rows || e.pass > last.pass || e.pass == last.pass && (later || e.place > last.place) {
			last, found = e, true
			h.arrivedAt = i
		}
	}
	h.arrivedLast, h.found = last, found
	h.change(&last, found)
	if found {
		h.stand(h.last.category, last.decision)
	} else {
		h.stand(h.last.category, None)
	}
	if h.sent != nil {
		if found {
			return h.handOn(&last, true)
		}
		if err := h.handOnEarlier(); err != nil {
			return err
		}
	}
	decision := last.decision
	if !found {
		if !h.before.any {
			return nil
		}
		decision = h.before.arrived.decision
	}
	// What another import has sent and is newer than all that the export says is the
	// person's last word.
	if h.last.decision != Reject || decision != Accept || h.overtaken(&h.last) {
		return nil
	}
	h.permissive = true
	h.record = binary.BigEndian.AppendUint64(h.record[:0], uint64(h.last.place))
	return h.made.over.add(h.record)
}

// overtaken reports whether another import has sent something newer.
func (h *hist) overtaken(e *entry) bool {
	b := &h.before
	return b.any && (e.time < b.newest.time || e.time == b.newest.time && e.decision < b.newest.decision)
}

// handOn hands a decision on that was sent; last: it was the last to arrive of its key.
func (h *hist) handOn(e *entry, last bool) error {
	s := sent{time: e.time, decision: e.decision, last: last, origin: h.origin, place: e.place, until: int64(e.digest)}
	h.record = s.append(h.record[:0], h.now[:])
	return h.sent.Add(h.record)
}

// handOnEarlier hands on what arrived last before this import, of which nothing did.
func (h *hist) handOnEarlier() error {
	if h.sent == nil || !h.before.any {
		return nil
	}
	h.record = h.before.arrived.append(h.record[:0], h.now[:])
	return h.sent.Add(h.record)
}

// change counts the person when what arrived last changes what they get.
func (h *hist) change(last *entry, found bool) {
	if h.before.reader == nil || !found {
		return
	}
	b := &h.before
	was := b.any && b.arrived.decision == Accept && (b.arrived.until == 0 || b.arrived.until >= h.index.now)
	is := last.decision == Accept && !last.expired
	if was == is {
		return
	}
	category := h.last.category
	if h.index.names[category] == nil {
		category = 0
	}
	n := h.changes[category]
	if n == nil {
		n = &Change{}
		h.changes[category] = n
	}
	if is {
		n.Begin++
	} else {
		n.Cease++
	}
}
