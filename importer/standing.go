package importer

import "github.com/consentimport/consentimport/mapping"

// What stands too permissive for a while. Between an accept and the reject that takes
// it back, the target allows more than the person does. That is to last for no longer
// than a request, for no more keys at a time than requests may be in flight:
//
//	what is left of a key     leaves before anything of other keys: whoever has sent one
//	                          consent goes on with the next of its lane (lanes.finish)
//	an accept with a reject   takes one of as many places as requests may be in flight,
//	behind it                 before it leaves for the first time; without one it waits,
//	                          and other keys go on (lanes.admit). That it leaves stands in
//	                          the checkpoint before (journal.Writer.Begin)
//	its place                 is given back when the lane is empty, or when the reject was
//	                          answered and waits for its next attempt: it may take long
//	a stop                    lets a key that stands so be finished first, within the time
//	                          that what is in flight has (lanes.finish)
//	a resume                  begins with the keys that earlier runs have left so, or may have
//	                          (history.Front). They may be more than there are places, as a
//	                          reject that waits has none. They go before all others: until each
//	                          has had its place, what is allowed anew waits, of their own keys
//	                          too; and while some are held for what may be under way (underway.go)

// action is the decision of a task.
func (t *task) action() mapping.Action {
	if len(t.packed) == 0 {
		return mapping.Undecided
	}
	return mapping.PackedAction(t.packed)
}

// rejects is how many rejects a task stands for: itself, and those of its history that
// have not entered the lanes yet.
func (t *task) rejects() int {
	n := 0
	if t.action() == mapping.Reject {
		n = 1
	}
	if t.rest != nil {
		n += int(t.rest.rejects)
	}
	return n
}

// risky reports whether a lane is about to leave the target too permissive, or has
// done so already, when its next task leaves.
func (q *lane) risky(next *task) bool {
	if next.action() == mapping.Accept {
		return q.rejects > 0 || next.rest != nil && next.rest.rejects > 0
	}
	return q.standing && next.action() == mapping.Reject
}

// cost is how many requests take back what a task is about to allow, itself included: those
// up to the first reject behind an accept.
func (l *lanes) cost(t *task) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.open[t.key]
	if !q.risky(t) || t.action() == mapping.Reject {
		return 1
	}
	n := int64(1)
	for x := q.first; x != nil; x = x.next {
		if n++; x.action() == mapping.Reject {
			return n
		}
		if x.rest != nil {
			n += x.rest.left
		}
	}
	if t.rest != nil {
		n += t.rest.left
	}
	return n
}

// admit lets a task leave, or puts it aside until there is a place; mu is held.
func (l *lanes) admit(t *task) bool {
	q := l.open[t.key]
	t.risks = t.risks || !t.told && !q.standing && t.action() == mapping.Accept && q.risky(t)
	if l.places == 0 || !q.risky(t) {
		l.take(t.key, &q, false)
		return true
	}
	// Of a key at which the target does not stand yet, an accept waits for all those at which
	// it may: they count whether they have a place or not.
	waits := t.action() == mapping.Accept && !q.standing && !q.begun
	switch {
	case q.placed && waits && (l.beginning || l.placed+l.unplaced > l.places):
		l.leave(&q)
		l.open[t.key] = q
		l.aside.push(t)
		return false
	case q.placed:
		return true
	case l.held == 0 && l.placed < l.places && !(waits && l.crowded()):
		l.take(t.key, &q, true)
		return true
	case q.begun:
		l.begun.push(t)
	default:
		l.aside.push(t)
	}
	return false
}

// crowded reports whether keys at which the target may stand leave no place for others; mu
// is held.
func (l *lanes) crowded() bool { return l.beginning || l.placed+l.unplaced >= l.places }

// take gives a lane that leaves its place, if it needs one; mu is held.
func (l *lanes) take(k key, q *lane, place bool) {
	first := q.unplaced
	if first {
		q.unplaced = false
		l.unplaced--
	}
	if place {
		q.placed = true
		l.placed++
	}
	l.open[k] = *q
	if first && !place {
		l.place() // for who has waited for it
	}
}

// leave gives a lane's place back, and the place to who waits for one; mu is held.
func (l *lanes) leave(q *lane) {
	if !q.placed {
		return
	}
	q.placed = false
	l.placed--
	l.place()
}

// setPlaces changes how many keys may stand too permissive at a time.
func (l *lanes) setPlaces(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places = n
	l.place()
}

// place gives free places to who waits for one; mu is held.
func (l *lanes) place() {
	for l.placed < l.places {
		t := l.begun.pop()
		if t == nil && !l.crowded() {
			t = l.aside.pop()
		}
		if t == nil {
			return
		}
		o := l.open[t.key]
		l.take(t.key, &o, true)
		l.urgent.push(t)
		l.notify()
	}
}

// begin says whether keys at which the target may stand are being added; mu is not held.
func (l *lanes) begin(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beginning = on
	l.place()
}

// recall offers those that were put aside once more, behind what was held; mu is held.
func (l *lanes) recall() {
	for _, from := range []*lane{&l.begun, &l.aside} {
		for t := from.pop(); t != nil; t = from.pop() {
			l.urgent.push(t)
		}
	}
}

// finish ends a task that has its outcome, and gives the next of its lane, which
// whoever calls is to send at once; nil when there is none. After a stop it gives one
// only as long as the target stands at an accept that the lane takes back.
func (l *lanes) finish(t *task, sent bool) *task {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.open[t.key]
	if sent {
		q.standing, q.begun = t.action() == mapping.Accept, false
	}
	next := q.pop()
	if next != nil {
		l.open[t.key] = q
		next.must = q.standing && (q.rejects > 0 || next.rejects() > 0)
		switch {
		case l.stopped && !(l.finishing && next.must):
			next = nil
		case !l.fed && next.action() == mapping.Accept && q.rejects == 0 && next.rest == nil && next.entered+near > l.added:
			l.early = append(l.early, next) // a reject may stand close behind it
			next = nil
		case !l.admit(next):
			next = nil
		}
	} else {
		l.leave(&q)
		delete(l.open, t.key)
	}
	l.tasks--
	l.bytes -= t.size()
	if t.row.left--; t.row.left == 0 {
		t.row.prev.next, t.row.next.prev = t.row.next, t.row.prev
	}
	l.room.Signal()
	if l.fed && l.tasks == 0 {
		close(l.fedDone)
	}
	return next
}
