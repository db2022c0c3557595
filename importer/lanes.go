package importer

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
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

	// line holds the tasks that are first of their lane, until so many more rows were
	// added that what follows closely in the export is behind them in their lane. It
	// belongs to the goroutine that adds rows.
	line []queued

	mu    sync.Mutex
	added int64 // rows
	// early holds accepts whose turn came before so many rows were added behind them.
	early   []*task
	urgent  lane // their turn has come: next of a lane, or due again
	room    *sync.Cond
	open    map[key]lane // of each key that has a task out: those behind it
	delayed delays
	head    openRow         // ring of the unfinished rows, oldest first
	cursor  source.Position // every row before it was added, or makes nothing to send
	bytes   int64
	tasks   int
	behind  int  // outcomes of what was held back, behind an open row
	fed     bool // nothing more will be added
	stopped bool
	// finishing: what stands at an accept that a reject takes back is finished all the
	// same. places is how many keys may stand so, 0: any number; aside are those that
	// wait for one of the places.
	finishing      bool
	places, placed int
	aside          lane
	fedDone        chan struct{} // closed when fed and empty
	stopDone       chan struct{} // closed when stopped
	wake           chan struct{} // a delay was added that is due sooner
	window         window
	clock          func() time.Duration // a stopwatch: monotonic
	hold           time.Duration        // until when held tasks wait
	turn           int64                // of the task delayed last
	held           int                  // of the delayed ones
}

// queued is a task that is offered when enough rows were added behind it.
type queued struct {
	task *task
	row  int64
}

// near is how many rows behind each other consents of one key may stand to be sent
// back to back although each leaves when its row comes.
const near = 64

// window bounds what is unfinished.
type window struct {
	Bytes int64
	Tasks int
}

// lane is a queue of tasks: those behind the one of a key that is out.
type lane struct {
	first, last *task
	rejects     int  // among them, and behind them in their history
	standing    bool // the last of the key that arrived is an accept
	placed      bool // it has one of the places
}

func (q *lane) push(t *task) {
	q.rejects += t.rejects()
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
		q.rejects -= t.rejects()
	}
	return t
}

// openRow is a row with unfinished consents, in a ring in row order.
type openRow struct {
	prev, next *openRow
	at         source.Position
	left       int
	behind     int // outcomes of what stands behind it, before the next open row
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

// pass takes note of n outcomes of rows that were read and have nothing to send: until
// all before them is finished, whoever reads the journal holds them in memory, so they
// take room as tasks do. It reports false when the lanes were stopped meanwhile.
func (l *lanes) pass(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := l.head.prev; n > 0 && last != &l.head {
		last.behind += n
		l.behind += n
	}
	return l.awaitRoom(0)
}

// awaitRoom waits for room for n tasks, and reports whether there is: false when the lanes
// were stopped meanwhile. mu is held.
func (l *lanes) awaitRoom(n int) bool {
	full := func() bool {
		return !l.stopped && (l.bytes >= l.window.Bytes || l.tasks+l.behind+n > l.window.Tasks) && l.tasks > 0
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
		l.room.Wait()
	}
	return !l.stopped
}

// ripe gives those their turn that so many rows were added behind; mu is held.
func (l *lanes) ripe(behind int64) {
	n := 0
	for ; n < len(l.early) && l.early[n].entered+behind <= l.added; n++ {
		l.urgent.push(l.early[n])
		l.notify()
	}
	l.early = slices.Delete(l.early, 0, n)
}

// offer offers what so many rows were added behind, and reports whether it could:
// false when the lanes were stopped meanwhile. It waits for takers.
func (l *lanes) offer(behind int64) bool {
	l.mu.Lock()
	l.ripe(behind)
	added := l.added
	l.mu.Unlock()
	n := 0
	for ; n < len(l.line) && l.line[n].row+behind <= added; n++ {
		select {
		case l.fresh <- l.line[n].task:
		case <-l.stopDone:
			return false
		}
	}
	l.line = slices.Delete(l.line, 0, n)
	return true
}

// enter puts a task behind its lane, or, when the lane is free, into the line.
func (l *lanes) enter(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.entered = l.added
	if q, busy := l.open[t.key]; busy {
		q.push(t)
		l.open[t.key] = q
		return
	}
	l.open[t.key] = lane{standing: t.standing}
	if t.held && l.clock() < l.hold {
		l.held++
		l.delay(t, l.hold)
		return
	}
	t.held = false
	l.line = append(l.line, queued{t, l.added})
}

// next gives the next task to send, false when none will come any more or the
// lanes were stopped.
func (l *lanes) next(ctx context.Context) (*task, bool) {
	for {
		l.mu.Lock()
		if l.stopped {
			l.mu.Unlock()
			return nil, false
		}
		t := l.urgent.pop()
		for t != nil && !l.admit(t) {
			t = l.urgent.pop()
		}
		more := l.urgent.first != nil
		l.mu.Unlock()
		if more {
			l.notify()
		}
		if t != nil {
			return t, true
		}
		t = nil
		select { // mostly there is one, and a look at one channel is cheap
		case t = <-l.fresh:
		default:
		}
		if t == nil {
			select {
			case <-l.signal:
				continue
			case t = <-l.fresh:
			case <-l.fedDone:
				return nil, false
			case <-l.stopDone:
				return nil, false
			case <-ctx.Done():
				return nil, false
			}
		}
		l.mu.Lock()
		leaves := l.admit(t)
		l.mu.Unlock()
		if leaves {
			return t, true
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

// extend puts more of a long history behind the task of it that is out.
func (l *lanes) extend(tasks []task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range tasks {
		t := &tasks[i]
		q := l.open[t.key]
		q.push(t)
		l.open[t.key] = q
		l.tasks++
		l.bytes += t.size()
	}
}

// again offers the task once more after a delay; its lane waits with it.
func (l *lanes) again(t *task, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.action() == mapping.Reject {
		q := l.open[t.key]
		l.leave(&q)
		l.open[t.key] = q
	}
	l.delay(t, l.clock()+after)
}

// delay offers a task when it is due; mu is held.
func (l *lanes) delay(t *task, due time.Duration) {
	l.turn++
	t.due, t.turn = due, l.turn
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
			l.urgent.push(t)
			if t.held {
				t.held = false
				if l.held--; l.held == 0 {
					l.recall()
				}
			}
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
	l.offer(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fed {
		l.fed = true
		l.ripe(0)
		if l.tasks == 0 {
			close(l.fedDone)
		}
	}
}

// stop makes next and addRow give up at once. Tasks that are out may still be done;
// finish says that a key which stands at an accept is finished as well.
func (l *lanes) stop(finish bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finishing = finish
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

// delays is a heap by due time; those of one time are in the order in which they came.
type delays []*task

func (d delays) Len() int { return len(d) }
func (d delays) Less(i, j int) bool {
	return d[i].due < d[j].due || d[i].due == d[j].due && d[i].turn < d[j].turn
}
func (d delays) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *delays) Push(x any)   { *d = append(*d, x.(*task)) }
func (d *delays) Pop() any {
	old := *d
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	return t
}
