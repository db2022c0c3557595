package history

// only looks at the one decision that there is about a key, when no other import has
// anything to do with it. Most keys have no more.
func (w *walker) only(e *entry) {
	w.spelling(e)
	if e.decision == None {
		w.word(e.category).None++
		w.stand(e.category, None)
		return
	}
	w.lastWord(e)
	d := None
	if w.arrives(e, true) {
		d = e.decision
	}
	w.stand(e.category, d)
}

// lastWord counts the last word about a key.
func (w *walker) lastWord(e *entry) {
	w.out.Keys++
	w.count(e)
	word := w.word(e.category)
	switch {
	case e.decision == Reject:
		word.Reject++
	case e.expired:
		word.Expired++
	default:
		word.Accept++
	}
}

// count counts the person once who has a consent.
func (w *walker) count(e *entry) {
	if !w.person.counted && e.state != Unsendable {
		w.person.counted = true
		w.out.Subjects++
	}
}

// word is where the last words about a category are counted.
func (w *walker) word(hash uint64) *LastWord {
	near := &w.near[hash%uint64(len(w.near))]
	if near.word != nil && near.category == hash {
		return near.word
	}
	n := w.words[hash]
	switch {
	case n != nil:
	case w.index.names[hash] == nil:
		return &w.other
	default:
		n = &LastWord{}
		w.words[hash] = n
	}
	*near = nearWord{hash, n}
	return n
}

// stand counts the person by the decision that arrived last from this import; None: none
// did, so what one before it has sent stands.
func (w *walker) stand(category uint64, d Decision) {
	if !w.options.Standing {
		return
	}
	if d == None && w.before.any {
		d = w.before.arrived.decision
	}
	n := w.stands[category]
	if n == nil {
		if n = (&LastWord{}); w.index.names[category] == nil {
			n = &w.elsewhere
		} else {
			w.stands[category] = n
		}
	}
	switch d {
	case Accept:
		n.Accept++
	case Reject:
		n.Reject++
	default:
		n.None++
	}
}
