package mapping

// historySlots is how many subjects and categories are remembered at a time:
// with 16 bytes each, 4 MiB. In an export with more, a new one takes the place
// of an old, so that what is found is the least there is.
const historySlots = 1 << 18

// moment is one consent in the history of its subject and category.
type moment struct {
	key uint64 // hash of subject and category
	at  int64  // ms twice, plus one for a reject
	row int64
}

// history remembers the last consent of each subject and category.
type history struct {
	slots []slot
}

type slot struct {
	key uint64
	at  int64 // as moment.at
}

// fold adds moments in row order and counts those that contradict the one
// before, and with order those that are older than it.
func (h *history) fold(moments []moment, order bool, seen *[ruleCount]sightings) {
	if len(moments) == 0 {
		return
	}
	if h.slots == nil {
		h.slots = make([]slot, historySlots)
	}
	for i := range moments {
		m := &moments[i]
		s := &h.slots[m.key>>46]
		if s.key != m.key {
			*s = slot{m.key, m.at}
			continue
		}
		switch {
		case s.at>>1 == m.at>>1:
			if s.at != m.at {
				seen[ruleContradiction].at(m.row)
			}
		case m.at>>1 < s.at>>1:
			if order {
				seen[ruleOrder].at(m.row)
			}
			continue // the newest stays: one old row is one finding
		}
		s.at = m.at
	}
}
