package importer

import (
	"container/heap"
	"time"

	"github.com/consentimport/consentimport/mapping"
)

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

func (d *delays) Push(x any) { *d = append(*d, x.(*task)) }

func (d *delays) Pop() any {
	old := *d
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	return t
}
