package importer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
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
	fed     bool // nothing more will be added
	stopped bool
	// finishing: what stands at an accept that a reject takes back is finished all the
	// same. places is how many keys may stand so, 0: any number; aside are those that
	// wait for one of the places.
	finishing      bool
	places, placed int
	aside          lane
	// begun are those aside with whose keys earlier runs may have left the target so: they go
	// first. unplaced is how many of these keys have had no place yet; beginning: more of
	// them are being added.
	begun     lane
	unplaced  int
	beginning bool
	fedDone   chan struct{} // closed when fed and empty
	stopDone  chan struct{} // closed when stopped
	wake      chan struct{} // a delay was added that is due sooner
	window    window
	clock     func() time.Duration // a stopwatch: monotonic
	hold      time.Duration        // until when held tasks wait
	turn      int64                // of the task delayed last
	held      int                  // of the delayed ones
}

// queued is a task that is offered when enough rows were added behind it.
type queued struct {
	task *task
	row  int64
}

// near is how many rows behind each other consents of one key may stand to be sent
// back to back although each leaves when its row comes.
const near = journal.Near

// lane is a queue of tasks: those behind the one of a key that is out.
type lane struct {
	first, last *task
	rejects     int  // among them, and behind them in their history
	standing    bool // the last of the key that arrived is an accept
	begun       bool // it may be, by an earlier run, and nothing of the key arrived in this one
	unplaced    bool // of those that are begun: it has had no place yet
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
		t.held = false // the first of the lane is, where that is needed
		q.push(t)
		l.open[t.key] = q
		return
	}
	l.open[t.key] = lane{standing: t.begun && t.action() == mapping.Reject, begun: t.begun, unplaced: t.begun}
	if t.begun {
		l.unplaced++
	}
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

// alone reports whether at most n tasks are unfinished and nothing more comes.
func (l *lanes) alone(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fed && l.tasks <= n
}
