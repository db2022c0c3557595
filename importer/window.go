package importer

import (
	"github.com/consentimport/consentimport/importer/source"
)

// window bounds what is unfinished.
type window struct {
	Bytes int64
	Tasks int
}

// openRow is a row with unfinished consents, in a ring in row order.
type openRow struct {
	prev, next *openRow
	at         source.Position
	left       int
}

// addRow takes the tasks of one row, at least one, in order, and reports whether it did: false
// when the lanes were stopped meanwhile. It waits for room.
func (l *lanes) addRow(at source.Position, tasks []task) bool {
	row := &tasks[0].begins
	row.at, row.left = at, len(tasks)
	l.mu.Lock()
	if !l.awaitRoom(len(tasks)) {
		l.mu.Unlock()
		return false
	}
	row.prev, row.next = l.head.prev, &l.head
	row.prev.next, l.head.prev = row, row
	l.tasks += len(tasks)
	for i := range tasks {
		tasks[i].row = row
		l.bytes += tasks[i].size()
		if rest := tasks[i].rest; rest != nil {
			rest.row = row
			row.left += int(rest.left)
		}
	}
	l.mu.Unlock()
	for i := range tasks {
		l.enter(&tasks[i])
	}
	l.mu.Lock()
	l.added++
	l.mu.Unlock()
	return l.offer(near)
}

// awaitRoom waits for room for n tasks, and reports whether there is: false when the lanes
// were stopped meanwhile. mu is held.
func (l *lanes) awaitRoom(n int) bool {
	full := func() bool {
		return !l.stopped && (l.bytes >= l.window.Bytes || l.tasks+n > l.window.Tasks) && l.tasks > 0
	}
	if full() && len(l.line) > 0 { // nothing is finished as long as it is not offered
		l.mu.Unlock()
		ok := l.offer(0)
		l.mu.Lock()
		if !ok {
			return false
		}
	}
	for full() {
		if len(l.early) > 0 {
			l.ripe(0)
			continue
		}
		if l.beginning { // they are more than there is room for: some have to go on
			l.beginning = false
			l.place()
		}
		l.room.Wait()
	}
	return !l.stopped
}

// advance says that every row before at was added, or makes nothing to send.
func (l *lanes) advance(at source.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cursor = at
}

// low is a row before which everything is finished: the oldest unfinished one,
// or the cursor.
func (l *lanes) low() source.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head.next != &l.head {
		return l.head.next.at
	}
	return l.cursor
}
