package importer

import (
	"context"
	"fmt"
	"time"
)

// What is under way. A request whose sender died, or gave up waiting, cannot be
// called back: a queue, a proxy or a slow link may deliver it later, when it would
// be the last word about its person if a newer decision had left meanwhile. So
// nothing of a key leaves while an earlier request of that key may be under way,
// for as long as one request may take (Limits.Timeout) from when it was given up.
//
//	a request past its time in this run   its task is offered again, or gets its
//	                                      outcome, that much later (sender.later)
//	requests of runs before this one      tasks of rows that a run before may have
//	                                      sent, and that have no outcome, are held
//	                                      until then (task.held, lanes.enter)
//
// Which of the unfinished rows were in flight when a process died is not known, as
// nothing is written down before a request leaves. So all of those up to the
// highest row that was marked as read are held; a run marks rows in small portions
// (run.portion), so that these are few. All other keys go on at once.
//
// When the order in which rows come is changed: the first task of a key to be added
// has to be held when any unfinished consent of the key lies in such a row.

// heldFor is how long the requests of earlier runs are to be waited for still: at
// most timeout, however the clock of the machine has been set since.
func (im *Import) heldFor(timeout time.Duration) time.Duration {
	if im.state == nil || im.state.Unanswered.IsZero() {
		return 0
	}
	left := im.state.Unanswered.Add(timeout).Sub(im.cfg.Now())
	return max(0, min(left, timeout))
}

// holdBack sets which tasks of this run wait, and until when, and says so.
func (r *run) holdBack(ctx context.Context) {
	wait := r.im.heldFor(r.out.Limits.Timeout)
	if wait == 0 || r.out.Arrived != nil && r.out.Arrived(ctx) {
		return
	}
	r.lanes.holdFor(wait)
	r.held = r.im.reached()
	r.say(fmt.Sprintf("an earlier run was cut off while requests were under way, which may still arrive: what it had not finished waits %s before it is sent again; all else goes on at once",
		readable(wait)))
}

// reached is the last row that any run of the import has read.
func (im *Import) reached() int64 {
	var last int64
	for n := range im.state.Passes {
		last = max(last, im.state.High(n+1))
	}
	return last
}

// readable rounds a duration up to what a person reads.
func readable(d time.Duration) string {
	if d > time.Second {
		return (d + time.Second - 1).Truncate(time.Second).String()
	}
	return (d + time.Millisecond - 1).Truncate(time.Millisecond).String()
}

// stopwatch gives the time since it was made. It goes by the monotonic clock: all
// waits and time-outs of a run do, so that setting the machine's clock neither ends
// nor stalls one.
func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
