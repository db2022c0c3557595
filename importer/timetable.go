package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/journal"
)

// When consents may leave. Outside of the hours, or when the requests of the day are used
// up, a run waits: it does not end, and no clock runs that says a target is gone.
//
//	an hour           is one on the wall of the zone: an hour that comes twice in autumn is
//	                  open twice, one that spring leaves out is not made up for
//	a day             is one of the same calendar, from midnight to midnight
//	a request         counts when it may leave, each attempt by itself; one that found no
//	                  connection is given back
//	a resume          goes on with the day's count, whatever killed the run: what may leave is
//	                  written down before, a few requests at a time (timetable.step). So a
//	                  kill never makes it more than the number, and wastes a few at most
//	another zone      of a resume makes other days: all days that overlap count
//	a reject that     takes back what has just arrived is not left until morning: the accept
//	                  leaves on a day that has room for both (timetable.cost), and when the
//	                  hours end between the two, the reject leaves all the same, for as long
//	                  as after a stop (grace)

// Timetable says when consents may leave; the zero value: at any time, any number.
type Timetable struct {
	Hours  Hours
	PerDay int64 // requests on a day of the hours' zone at most; 0: any number
}

// Waiting is what a run waits for; the zero value: nothing.
type Waiting struct {
	Until  time.Time `json:"until,omitzero"` // in the zone of the timetable
	Why    string    `json:"why,omitempty"`  // WaitsHours or WaitsDay
	Detail string    `json:"detail,omitempty"`
}

// What a run may wait for.
const (
	WaitsHours = "between"
	WaitsDay   = "per-day"
)

// timetable lets requests leave when they may. It is nil where they always may.
type timetable struct {
	Timetable
	pacer Pacer
	now   func() time.Time     // the clock on the wall
	clock func() time.Duration // a stopwatch
	note  func(journal.Day) error
	told  func(Waiting)
	goOn  func(waited time.Duration)
	step  int64 // requests that are written down at a time

	mu          sync.Mutex
	seen, until time.Time // open holds from one to the other
	open        bool
	days        []journal.Day // days before this one
	day         journal.Day
	other       int64 // what other days that overlap it have used
	noted       int64 // of the day, in the checkpoint
	reserved    int64 // of the day, for what takes back accepts that have left
	full        bool  // what comes next has no room in the day
	wait        Waiting
	since       time.Duration // on the stopwatch: it waits since then
	changed     chan struct{} // closed when it goes on

	done chan struct{} // closed when the run stops: nobody waits any longer
}

func newTimetable(cfg Timetable, r *run) *timetable {
	t := &timetable{
		Timetable: cfg, pacer: r.out.Pacer, now: r.im.cfg.Now, clock: r.sender.clock, changed: make(chan struct{}), done: make(chan struct{}),
		step: max(1, min(int64(r.out.Limits.Concurrency), cfg.PerDay/20)),
		note: func(d journal.Day) error { return r.failing(r.im.journal.Day(d)) },
		told: r.waits,
		goOn: r.goOn,
	}
	if r.im.state != nil {
		t.days = slices.Clone(r.im.state.Days)
	}
	return t
}

// errWaits is a request that cannot leave in this run any more.
var errWaits = errors.New("outside of the hours")

// acquire waits until a task may leave, by the timetable and by the pacer. Cost is how many
// requests the day has to have room for.
func (t *timetable) acquire(ctx context.Context, x *task, cost int64) error {
	for {
		if err := t.await(ctx, x); err != nil {
			return err
		}
		if err := t.pacer.Acquire(ctx); err != nil {
			return err
		}
		took, err := t.admit(x, cost)
		if took && err == nil {
			return nil
		}
		t.pacer.Release(delivery.Answer{}) // it was long in coming
		if err != nil {
			return err
		}
	}
}

func (t *timetable) await(ctx context.Context, x *task) error {
	for {
		t.mu.Lock()
		now := t.look()
		may, changed := t.may(x), t.changed
		wait := min(t.wait.Until.Sub(now), time.Minute) // the clock on the wall may be set
		t.mu.Unlock()
		switch {
		case may:
			return nil
		case t.stopped():
			return errWaits
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-t.done:
		case <-ctx.Done():
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// may reports whether a task may leave; mu is held.
func (t *timetable) may(x *task) bool {
	return t.wait.Why == "" || x.must && !t.stopped() && (t.clock()-t.since < grace || t.wait.Why == WaitsDay && x.reserved > 0)
}

// admit counts a request that leaves, once it is written down; false when none may.
func (t *timetable) admit(x *task, cost int64) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.look(); !t.may(x) {
		return false, nil
	}
	if t.PerDay == 0 {
		return true, nil
	}
	switch used := t.used(); {
	case x.must:
		if x.reserved > 0 { // else it is tried once more
			x.reserved--
			t.reserved--
		}
	case used > 0 && used+cost > t.PerDay:
		t.full = true
		t.look()
		return false, nil
	default:
		x.reserved += cost - 1
		t.reserved += cost - 1
	}
	if t.day.Used == t.noted {
		upTo := t.day
		upTo.Used += max(1, min(t.step, t.PerDay-t.other-t.day.Used))
		if err := t.write(upTo); err != nil {
			return false, err
		}
	}
	t.day.Used++
	return true, nil
}

// used is what of the day has left or is spoken for; mu is held.
func (t *timetable) used() int64 { return t.other + t.day.Used + t.reserved }

// pass hands on what is reserved for what takes an accept back; next is nil when there is
// nothing of its key that leaves now.
func (t *timetable) pass(x, next *task) {
	if x.reserved == 0 {
		return
	}
	if next != nil && next.must {
		next.reserved = x.reserved
	} else {
		t.mu.Lock()
		t.reserved -= x.reserved
		t.mu.Unlock()
	}
	x.reserved = 0
}

// write sets down what the day has used; mu is held.
func (t *timetable) write(d journal.Day) error {
	d.At = t.now().UTC()
	if err := t.note(d); err != nil {
		return err
	}
	t.noted = d.Used
	return nil
}

// giveBack takes back a request that has not left after all.
func (t *timetable) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.day.Used = max(0, t.day.Used-1)
}

// look settles what holds now; mu is held.
func (t *timetable) look() time.Time {
	now := t.now()
	if t.PerDay > 0 && (now.Before(t.day.From) || !now.Before(t.day.Until)) {
		t.begin(now)
	}
	if now.Before(t.seen) || !now.Before(t.until) {
		t.open, t.seen, t.until = t.Hours.open(now), now, t.Hours.until(now)
	}
	w := t.waits()
	switch {
	case w.Until.Equal(t.wait.Until): // the reason may be another at midnight, the end is the same
	case w.Why == "":
		t.wait = w
		t.goOn(t.clock() - t.since)
		close(t.changed)
		t.changed = make(chan struct{})
		t.told(w)
	default:
		if t.wait.Why == "" {
			t.since = t.clock()
		}
		t.wait = w
		t.told(w)
	}
	return now
}

// waits is what is to be waited for; mu is held.
func (t *timetable) waits() Waiting {
	switch {
	case t.PerDay > 0 && (t.full || t.used() >= t.PerDay):
		at := t.day.Until
		if !t.Hours.open(at) {
			at = t.Hours.until(at)
		}
		return Waiting{t.Hours.in(at), WaitsDay, fmt.Sprintf("%d requests have left of the %d of this day (%s)", t.other+t.day.Used, t.PerDay, t.Hours.zoneName())}
	case !t.open:
		return Waiting{t.Hours.in(t.until), WaitsHours, "consents leave between " + t.Hours.String()}
	}
	return Waiting{}
}

// begin begins a day, or goes on with it; mu is held.
func (t *timetable) begin(now time.Time) {
	if !t.day.From.IsZero() {
		t.days = append(t.days, t.day)
	}
	from, until := t.Hours.day(now)
	t.day, t.other, t.full = journal.Day{From: from, Until: until}, 0, false
	for _, d := range t.days {
		switch {
		case d.Same(t.day):
			t.day.Used = max(t.day.Used, d.Used)
		case d.From.Before(until) && from.Before(d.Until):
			t.other += d.Used
		}
	}
	t.noted = t.day.Used
}

// waiting is what the run waits for now.
func (t *timetable) waiting() Waiting {
	if t == nil {
		return Waiting{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look()
	return t.wait
}

// stop lets nobody wait any longer. It is called once.
func (t *timetable) stop() {
	if t != nil {
		close(t.done)
	}
}

func (t *timetable) stopped() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// end sets down what the day has used, to the last request.
func (t *timetable) end() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.noted == t.day.Used {
		return nil
	}
	return t.write(t.day)
}

// waits tells what the run waits for, or that it goes on.
func (r *run) waits(w Waiting) {
	if w.Why == "" {
		r.log.Info("going on", "after", WaitsHours+" or "+WaitsDay)
	} else {
		r.log.Info("waiting", "why", w.Why, "until", w.Until, "detail", w.Detail)
	}
	if r.out.Waits != nil {
		r.out.Waits(w)
	}
}

// goOn is told that the run goes on after it has waited. Nobody was asked meanwhile, so
// nobody was gone; and whoever finds the checkpoint is to know that requests leave again.
func (r *run) goOn(waited time.Duration) {
	r.sender.overlook(waited)
	_ = r.failing(r.mark(false)) // an error ends the run
}

// overlook takes a time out of that for which the target was not heard of.
func (s *sender) overlook(waited time.Duration) {
	for {
		was := s.lastHeard.Load()
		if s.lastHeard.CompareAndSwap(was, int64(min(max(s.clock(), 1), time.Duration(was)+waited))) {
			return
		}
	}
}
