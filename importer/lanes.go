package importer

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/consentimport/consentimport/importer/source"
)

// lanes hold the tasks that are not finished. Tasks of one key leave in the
// order in which they came, one at a time: the next leaves when the one before
// it is done. A task that waits for its turn or for its next attempt holds up
// nobody else.
//
// What is unfinished is bounded: add waits while fresh tasks queue up, or while
// the waiting ones take more memory than the window allows.
type lanes struct {
	fresh  chan *task    // first of their lane, in row order; bounded, so that addRow waits
	signal chan struct{} // urgent is not empty

	mu       sync.Mutex
	urgent   lane // their turn has come: next of a lane, or due again
	room     *sync.Cond
	open     map[key]lane // of each key that has a task out: those behind it
	delayed  delays
	head     openRow         // ring of the unfinished rows, oldest first
	cursor   source.Position // every row before it was added, or makes nothing to send
	bytes    int64
	tasks    int
	fed      bool // nothing more will be added
	stopped  bool
	fedDone  chan struct{} // closed when fed and empty
	stopDone chan struct{} // closed when stopped
	wake     chan struct{} // a delay was added that is due sooner
	window   window
	clock    func() time.Duration // a stopwatch: monotonic
	hold     time.Duration        // until when held tasks wait
	held     int                  // of the delayed ones
}

// window bounds what is unfinished.
type window struct {
	Bytes int64
	Tasks int
}

// lane is a queue of tasks: those behind the one of a key that is out.
type lane struct{ first, last *task }

func (q *lane) push(t *task) {
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
}

func (q *lane) pop() *task {
	t := q.first
	if t != nil {
		if q.first = t.next; q.first == nil {
			q.last = nil
		}
		t.next = nil
	}
	return t
}

// openRow is a row with unfinished consents, in a ring in row order.
type openRow struct {
	prev, next *openRow
	at         source.Position
	left       int
}

func newLanes(fresh int, w window, clock func() time.Duration) *lanes {
	l := &lanes{
		fresh:    make(chan *task, fresh),
		signal:   make(chan struct{}, 1),
		open:     make(map[key]lane),
		fedDone:  make(chan struct{}),
		stopDone: make(chan struct{}),
		wake:     make(chan struct{}, 1),
		window:   w,
		clock:    clock,
	}
	l.head.prev, l.head.next = &l.head, &l.head
	l.room = sync.NewCond(&l.mu)
	return l
}

// addRow takes the tasks of one row, at least one, in order, and reports whether it did: false
// when the lanes were stopped meanwhile. It waits for room.
func (l *lanes) addRow(at source.Position, tasks []task) bool {
	row := &tasks[0].begins
	row.at, row.left = at, len(tasks)
	l.mu.Lock()
	for !l.stopped && (l.bytes >= l.window.Bytes || l.tasks+len(tasks) > l.window.Tasks) && l.tasks > 0 {
		l.room.Wait()
	}
	if l.stopped {
		l.mu.Unlock()
		return false
	}
	row.prev, row.next = l.head.prev, &l.head
	row.prev.next, l.head.prev = row, row
	l.tasks += len(tasks)
	for i := range tasks {
		tasks[i].row = row
		l.bytes += tasks[i].size()
	}
	l.mu.Unlock()
	for i := range tasks {
		if !l.enter(&tasks[i]) {
			return false
		}
	}
	return true
}

// enter puts a task behind its lane, or offers it when the lane is free.
func (l *lanes) enter(t *task) bool {
	l.mu.Lock()
	if q, busy := l.open[t.key]; busy {
		q.push(t)
		l.open[t.key] = q
		l.mu.Unlock()
		return true
	}
	l.open[t.key] = lane{}
	if t.held && l.clock() < l.hold {
		l.held++
		l.delay(t, l.hold)
		l.mu.Unlock()
		return true
	}
	t.held = false
	l.mu.Unlock()
	select {
	case l.fresh <- t:
		return true
	case <-l.stopDone:
		return false
	}
}

// take gives the next task to send, false when none will come any more or the
// lanes were stopped.
func (l *lanes) take(ctx context.Context) (*task, bool) {
	for {
		l.mu.Lock()
		if l.stopped {
			l.mu.Unlock()
			return nil, false
		}
		t := l.urgent.pop()
		more := l.urgent.first != nil
		l.mu.Unlock()
		if more {
			l.notify()
		}
		if t != nil {
			return t, true
		}
		select { // mostly there is one, and a look at one channel is cheap
		case t := <-l.fresh:
			return t, true
		default:
		}
		select {
		case <-l.signal:
		case t := <-l.fresh:
			return t, true
		case <-l.fedDone:
			return nil, false
		case <-l.stopDone:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}

// notify wakes one taker for the urgent tasks; that one wakes the next.
func (l *lanes) notify() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// done ends a task that has its outcome; the next of its lane gets its turn.
func (l *lanes) done(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.open[t.key]
	if next := q.pop(); next != nil {
		l.open[t.key] = q
		l.urgent.push(next)
		l.notify()
	} else {
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
}

// again offers the task once more after a delay; its lane waits with it.
func (l *lanes) again(t *task, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay(t, l.clock()+after)
}

// delay offers a task when it is due; mu is held.
func (l *lanes) delay(t *task, due time.Duration) {
	t.due = due
	heap.Push(&l.delayed, t)
	if l.delayed[0] == t {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// holdFor makes tasks that are held wait from now on. It is called before any is
// added.
func (l *lanes) holdFor(wait time.Duration) { l.hold = l.clock() + wait }

// requeueDue offers delayed tasks when they are due, until the lanes are drained or stopped.
func (l *lanes) requeueDue() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.mu.Lock()
		wait := time.Hour
		for len(l.delayed) > 0 {
			if wait = l.delayed[0].due - l.clock(); wait > 0 {
				break
			}
			wait = time.Hour
			t := heap.Pop(&l.delayed).(*task)
			if t.held {
				t.held = false
				l.held--
			}
			l.urgent.push(t)
			l.notify()
		}
		l.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-l.wake:
		case <-l.fedDone:
			return
		case <-l.stopDone:
			return
		}
	}
}

// close says that nothing more will be added.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fed {
		l.fed = true
		if l.tasks == 0 {
			close(l.fedDone)
		}
	}
}

// stop makes take and addRow give up at once. Tasks that are out may still be done.
func (l *lanes) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.stopped = true
		close(l.stopDone)
		l.room.Broadcast()
	}
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

// alone reports whether at most n tasks are unfinished and nothing more comes.
func (l *lanes) alone(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fed && l.tasks <= n
}

// waiting is the number of tasks that wait for their next attempt, and of those
// that are held for what an earlier run had under way.
func (l *lanes) waiting() (retrying, held int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.delayed) - l.held, l.held
}

// delays is a heap by due time.
type delays []*task

func (d delays) Len() int           { return len(d) }
func (d delays) Less(i, j int) bool { return d[i].due < d[j].due }
func (d delays) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *delays) Push(x any)        { *d = append(*d, x.(*task)) }
func (d *delays) Pop() any {
	old := *d
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	return t
}
