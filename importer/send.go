package importer

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// Pacer decides when the next request may leave. Every Acquire that returns nil
// is followed by one Release with the answer.
type Pacer interface {
	Acquire(ctx context.Context) error
	Release(delivery.Answer)
	Throttled() (now bool, total time.Duration)
}

// recorder takes outcomes; Append returns when the outcome is written.
type recorder interface {
	Append(journal.Outcome) error
	Begin(journal.Ref) error
	AppendAll([]journal.Outcome) error
}

// sender sends the tasks of the lanes. Its methods may be used from many
// goroutines.
type sender struct {
	target  Target
	pacer   Pacer
	times   *timetable // nil: requests may always leave
	lanes   *lanes
	book    recorder
	limits  Limits
	backoff delivery.Backoff
	stop    func(Stop)
	clock   func() time.Duration // of all waits; monotonic
	now     func() time.Time     // of what the journal keeps
	count   *counters
	say     func(string)
	log     *slog.Logger
	breaker *breaker

	lastSuccess atomic.Int64 // on the clock: the last final answer; 0: none yet
	lastThrough atomic.Int64 // on the clock: when the latest of those that got a final answer had left
	lastHeard   atomic.Int64 // on the clock: the last final answer or the start, from which a gone target is measured
	reached     atomic.Bool  // a connection was made at least once
	unanswered  atomic.Int64 // unix nanoseconds: when a request was last given up without an answer; 0: never
	told        atomic.Bool  // the user knows that requests were given up
	putOff      atomic.Pointer[putOff]
}

// putOff is that a target has asked for a longer wait than it may be gone.
type putOff struct {
	said  string
	until time.Duration // on the clock
}

// loop sends tasks one after the other until there are none left or the lanes
// were stopped. An error is the end of the run: the journal cannot be written.
func (s *sender) loop(take, send context.Context) error {
	var c mapping.Consent // of the task being sent
	var t *task           // the next of the lane of the last one
	for {
		waiting := take
		if t != nil && t.must {
			waiting = send
		}
		probe, ok := s.breaker.enter(waiting, s.lanes.fedDone)
		if !ok {
			return nil
		}
		if t == nil {
			if t, ok = s.lanes.next(take); !ok {
				s.breaker.nothing(probe)
				return nil
			}
			waiting = take
		}
		var err error
		if t, err = s.deliver(waiting, send, t, &c, probe); err != nil {
			return err
		}
	}
}

// deliver sends a task, or ends it without. A probe is one that the breaker has let
// through alone.
// It gives the next task of its lane, if that is to be sent at once.
func (s *sender) deliver(take, send context.Context, t *task, c *mapping.Consent, probe bool) (*task, error) {
	if t.failed != nil { // what it had under way has arrived, or never will
		s.breaker.nothing(probe)
		return s.record(t, *t.failed)
	}
	if t.risks { // before it leaves, so that a resume begins with it
		if err := s.book.Begin(t.ref); err != nil {
			s.breaker.nothing(probe)
			return nil, err
		}
		t.risks, t.told = false, true
	}
	*c = unpack(t.packed)
	if s.acquire(take, t) != nil {
		s.breaker.nothing(probe)
		return nil, nil // stopping; the consent stays pending
	}
	s.count.flying.Add(1)
	left := s.clock()
	answer := s.target.Send(send, c)
	s.count.flying.Add(-1)
	s.pacer.Release(answer)
	t.tries++
	s.count.request(t.tries > 1)
	if !answer.Unreached {
		s.reached.Store(true)
	} else if s.times != nil {
		s.times.giveBack()
	}
	if down(answer) {
		s.breaker.broke(probe, s.patience())
	} else {
		s.breaker.heard(probe)
	}
	switch answer.Class {
	case delivery.Sent:
		s.heard(left)
		return s.record(t, journal.Outcome{State: journal.Sent})
	case delivery.Refused:
		s.heard(left)
		return s.record(t, journal.Outcome{State: journal.Refused, Status: answer.Status, Message: answer.Message})
	case delivery.Stopped:
		s.stop(Stop{StopRefused, refusal(answer)})
		return nil, nil
	default:
		return s.later(send, t, answer, probe)
	}
}

// acquire waits until a task may leave.
func (s *sender) acquire(ctx context.Context, t *task) error {
	if s.times == nil {
		return s.pacer.Acquire(ctx)
	}
	cost := int64(1)
	if s.times.PerDay > 0 && !t.must && t.reserved == 0 {
		cost = s.lanes.cost(t)
	}
	return s.times.acquire(ctx, t, cost)
}

// down reports whether an answer says that the target is down, for whatever was
// asked: it did not come, or something before the target gave it.
func down(a delivery.Answer) bool {
	return a.Class == delivery.Transient && !a.Canceled && a.Status != 429 && a.Status != 503
}

// within is for how long the target may be gone.
func (s *sender) within() time.Duration {
	if s.reached.Load() {
		return s.limits.RetryFor
	}
	return s.limits.unreached()
}

// patience is for how long the target may go on to be gone.
func (s *sender) patience() time.Duration {
	return max(0, s.within()-(s.clock()-time.Duration(s.lastHeard.Load())))
}

// probeDelay is how long to wait before a probe, after so many that failed. When next
// to nothing is left, each consent has its own back-off, and that is enough.
func (s *sender) probeDelay(attempt int) time.Duration {
	if s.lanes.alone(fewLeft) {
		return 0
	}
	return s.backoff.Delay(attempt, 0)
}

// heard notes the final answer to a request that left at some time: the target is there.
func (s *sender) heard(left time.Duration) {
	now := int64(max(s.clock(), 1))
	s.lastSuccess.Store(now)
	s.lastHeard.Store(now)
	for {
		old := s.lastThrough.Load()
		if int64(left) <= old || s.lastThrough.CompareAndSwap(old, int64(left)) {
			return
		}
	}
}

// later gives a task its next attempt, or sets it down as failed.
func (s *sender) later(send context.Context, t *task, a delivery.Answer, probe bool) (*task, error) {
	if a.Timeout || a.Canceled {
		s.unanswered.Store(s.now().UnixNano())
	}
	if send.Err() != nil {
		return nil, nil // cut off by the stop, not by the target
	}
	if s.counts(t, a, probe) {
		t.attempts++
	}
	now := max(s.clock(), 1)
	t.broke = now
	if t.attempts >= s.limits.Attempts {
		failed := journal.Outcome{State: journal.Failed, Status: a.Status, Message: a.Message}
		if a.Timeout && s.limits.Timeout > 0 {
			t.failed = &failed
			s.lanes.again(t, s.limits.Timeout)
			return nil, nil
		}
		return s.record(t, failed)
	}
	gone := now - time.Duration(s.lastHeard.Load())
	if gone >= s.within() {
		why := "the target does not answer"
		if s.reached.Load() {
			why = fmt.Sprintf("the target has accepted nothing for %s", s.limits.RetryFor)
		}
		s.stop(Stop{StopGone, why + ": " + a.Message})
		return nil, nil
	}
	wait := s.backoff.Delay(t.tries, a.RetryAfter)
	// The last try comes when the target's time is up, not long after. One that asks to be
	// left alone until then is not asked again before: overdue ends the run.
	switch left := s.limits.RetryFor - gone; {
	case a.RetryAfter == 0:
		wait = min(wait, left)
	case wait > left+firstContact:
		s.putOff.Store(&putOff{a.Message, now + wait})
	}
	if a.Timeout { // it may be under way still, and nothing of its key may overtake it
		wait = max(wait, s.limits.Timeout)
		if s.say != nil && !s.told.Swap(true) {
			s.say(fmt.Sprintf("a request got no answer within %s and may still arrive: what is left of that person waits %s before it is sent, here and whenever this happens again; all others go on", s.limits.Timeout, s.limits.Timeout))
		}
	}
	s.log.Info("retry", "row", t.ref.Row, "consent", t.ref.Consent, "status", a.Status, "timeout", a.Timeout, "attempts", t.attempts, "after", wait)
	s.lanes.again(t, wait) // from here on it is another sender's
	return nil, nil
}

// overdue reports whether a target that has put off everybody for longer was gone for as
// long as it may be, and why the run stops.
func (s *sender) overdue() (Stop, bool) {
	asked, now := s.putOff.Load(), s.clock()
	if asked == nil || now >= asked.until || now-time.Duration(s.lastHeard.Load()) < s.limits.RetryFor {
		return Stop{}, false
	}
	return Stop{StopGone, fmt.Sprintf("the target has accepted nothing for %s, and asks for a longer wait: %s", s.limits.RetryFor, asked.said)}, true
}

// counts reports whether an attempt counts against its consent: the target is
// there for others, or for no other consent any more. A target that is gone for
// all uses up no attempts.
func (s *sender) counts(t *task, a delivery.Answer, probe bool) bool {
	if a.Status == 0 && (a.Unreached || !s.reached.Load()) {
		return false
	}
	last := s.lastSuccess.Load()
	if a.Status == 0 && !a.Timeout {
		// The connection broke: neither an answer nor a silence. It speaks of
		// this consent when others get through between its attempts, and of a
		// target that is gone when none does. What had left before, and whose answer
		// lay there until somebody had the time to read it, has not got through since.
		return t.broke != 0 && time.Duration(s.lastThrough.Load()) > t.broke || s.lanes.alone(fewLeft)
	}
	// A probe leaves when the breaker has found the target gone for all, however short
	// ago somebody got through: whoever happens to ask pays nothing for it.
	gone := probe && a.Status != 500
	if last != 0 && !gone && s.clock()-time.Duration(last) < lively {
		return true
	}
	// An own error of the target's program (500) speaks of the record; an
	// absent or busy one (502, 503, 504, 429, silence) speaks of the target,
	// unless next to nothing else is left that could have told.
	if a.Status == 500 {
		return s.lanes.alone(1 << 30)
	}
	return s.lanes.alone(fewLeft)
}

// fewLeft is how many unfinished consents count as "nothing else is left to send".
const fewLeft = 8

// record writes the outcome and frees the lane, whose next task it gives.
func (s *sender) record(t *task, o journal.Outcome) (*task, error) {
	o.Ref, o.Last = t.ref, t.last
	if o.State == journal.Refused || o.State == journal.Failed {
		o.Attempts = t.tries
		s.log.Warn(o.State.String(), "row", t.ref.Row, "consent", t.ref.Consent, "status", o.Status, "attempts", o.Attempts)
	}
	if err := s.book.Append(o); err != nil {
		return nil, err
	}
	if t.rest != nil {
		more, err := t.rest.load()
		if err != nil {
			return nil, err
		}
		s.lanes.extend(more)
	}
	next := s.lanes.finish(t, o.State == journal.Sent)
	if s.times != nil {
		s.times.pass(t, next)
	}
	s.count.recent.addOutcome(&o)
	failures, outcomes := s.count.outcome(o.State)
	if o.State != journal.Sent && s.limits.MaxFailures.spent(failures, outcomes) {
		s.stop(Stop{StopBudget, fmt.Sprintf("%d of %d consents failed, more than the failure budget of %s allows", failures, outcomes, s.limits.MaxFailures)})
	}
	return next, nil
}

// supersede writes the outcomes of consents that do not leave.
func (s *sender) supersede(all []journal.Outcome) error {
	if err := s.book.AppendAll(all); err != nil {
		return err
	}
	for i := range all {
		s.count.outcome(all[i].State)
	}
	return nil
}

func refusal(a delivery.Answer) string {
	switch {
	case a.Status == 401 || a.Status == 403:
		return fmt.Sprintf("the target refused the key (HTTP %d): %s", a.Status, orNothing(a.Message))
	case a.Status == 402:
		return fmt.Sprintf("the target says that a plan limit is reached (HTTP 402): %s", orNothing(a.Message))
	case a.Status == 404:
		return fmt.Sprintf("the target does not know the organisation or project (HTTP 404): %s", orNothing(a.Message))
	case a.Status/100 == 3:
		return fmt.Sprintf("the target answers HTTP %d: %s", a.Status, orNothing(a.Message))
	case a.Status == 0:
		return a.Message
	case a.Status/100 == 2:
		return "the target " + a.Message
	default:
		return fmt.Sprintf("the target refused the run (HTTP %d): %s", a.Status, orNothing(a.Message))
	}
}

func orNothing(message string) string {
	if message == "" {
		return "no text"
	}
	return message
}
