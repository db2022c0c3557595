package importer

import (
	"errors"
	"fmt"
	"sync"

	"github.com/consentimport/consentimport/importer/journal"
)

// Order is what somebody wants of a run that is at work. Exactly one of its members is
// set.
type Order struct {
	Pause, Resume, Stop bool
	Rate                *float64 // consents per second at most; 0: no fixed limit
	Concurrency         *int     // requests in flight at most
}

// String gives the order as it is written: pause, resume, stop, rate=100, concurrency=8.
func (o Order) String() string {
	switch {
	case o.Pause:
		return "pause"
	case o.Resume:
		return "resume"
	case o.Stop:
		return "stop"
	case o.Rate != nil:
		return fmt.Sprintf("rate=%g", *o.Rate)
	case o.Concurrency != nil:
		return fmt.Sprintf("concurrency=%d", *o.Concurrency)
	}
	return "nothing"
}

// Steering is how a run is steered now.
type Steering struct {
	Paused      bool    `json:"paused"`
	Rate        float64 `json:"rate"` // 0: no fixed limit
	Concurrency int     `json:"concurrency"`
}

// steered is a pacer that takes orders.
type steered interface {
	Pause(bool)
	SetRate(float64)
	SetMax(int)
}

// ErrNotSteered is an order for a run that is not at work, or comes to its end.
var ErrNotSteered = errors.New("no run is at work")

// helm takes the orders of a run.
type helm struct {
	run *run

	mu    sync.Mutex
	now   Steering
	pacer steered
	loops int         // senders that were started
	more  func(n int) // starts others; nil when the run comes to its end
	extra sync.WaitGroup
}

// Steer carries out an order, once it is in the checkpoint. It may be called from any
// goroutine while Run is at work.
func (im *Import) Steer(o Order) error {
	w := im.watch.Load()
	if w == nil || w.helm == nil {
		return ErrNotSteered
	}
	return w.helm.steer(o)
}

// Steering is how the run is steered; false when none is at work.
func (im *Import) Steering() (Steering, bool) {
	w := im.watch.Load()
	if w == nil || w.helm == nil {
		return Steering{}, false
	}
	w.helm.mu.Lock()
	defer w.helm.mu.Unlock()
	return w.helm.now, w.helm.more != nil
}

func (h *helm) steer(o Order) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.more == nil || h.pacer == nil {
		return ErrNotSteered
	}
	r := h.run
	if r.stopping() { // what it has begun is to be finished
		return ErrNotSteered
	}
	if err := r.im.journal.Order(journal.Order{At: r.im.cfg.Now().UTC(), What: o.String()}); err != nil {
		return r.failing(err)
	}
	r.log.Info("order", "what", o.String())
	switch {
	case o.Pause:
		h.now.Paused = true
		h.pacer.Pause(true)
	case o.Resume:
		h.now.Paused = false
		r.sender.lastHeard.Store(int64(max(r.sender.clock(), 1))) // nobody was asked meanwhile, so nobody was gone
		h.pacer.Pause(false)
	case o.Stop:
		r.stop(Stop{StopSignal, "stopped by consentimport ctl"})
	case o.Rate != nil:
		h.now.Rate = *o.Rate
		h.pacer.SetRate(*o.Rate)
	case o.Concurrency != nil:
		h.now.Concurrency = *o.Concurrency
		h.pacer.SetMax(*o.Concurrency)
		r.lanes.setPlaces(*o.Concurrency)
		if n := *o.Concurrency - h.loops; n > 0 {
			h.more(n)
			h.loops += n
		}
	}
	return nil
}

// stopping reports whether the run comes to its end early.
func (r *run) stopping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped != nil
}

// attach makes the helm ready: loop is what one more sender does.
func (h *helm) attach(loop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.more = func(n int) {
		for range n {
			h.extra.Go(loop)
		}
	}
}

// leave takes no more orders and waits for the senders that were started by one.
func (h *helm) leave() {
	h.mu.Lock()
	h.more = nil
	h.mu.Unlock()
	h.extra.Wait()
}

// free lets go of a pause, since a run that stops has to finish what it has begun. It
// does not wait for an order that is being carried out: stopping may be part of one.
func (h *helm) free() {
	if h.pacer != nil {
		h.pacer.Pause(false)
	}
}
