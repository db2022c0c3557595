package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
)

// Sending is how the consents of an import leave.
type Sending struct {
	Target Target
	Pacer  Pacer
	// HTTP gives the requests of this run so far, for the journal, with their
	// latencies when these are asked for. Retries are counted here.
	HTTP    func(latencies bool) journal.HTTP
	Limits  Limits
	Backoff delivery.Backoff
	// Say tells the user something while the run goes on; nil: nothing is told.
	Say func(string)
	// Log is told what the run decides: rows and counts, never a person; nil: nobody is told.
	Log *slog.Logger
	// Waits is told what the run waits for when it begins to (see timetable.go), and the
	// zero value when it goes on; nil: nobody is told. It must not call the import.
	Waits func(Waiting)
	// Arrived waits until all that earlier runs have sent has arrived, and reports
	// whether it has. nil: unknown, so time decides, as with a real target.
	Arrived func(context.Context) bool
}

// Run sends what is not sent yet, until the export is done or something stops
// it: ctx (a signal), a limit, or the target. It reports why it stopped, nil
// when it got to the end. Whatever it returns, the journal holds every outcome.
//
// An error is one of the disk or of reading the export; it stops the run too.
func (im *Import) Run(ctx context.Context, out Sending) (*Stop, error) {
	if err := im.Arrange(ctx); err != nil {
		im.follower.End()
		return nil, err
	}
	defer im.follower.End()
	r := newRun(im, out)
	r.holdBack(ctx)
	if err := r.begin(); err != nil {
		return nil, err
	}
	r.logBeginning()
	take, halt := context.WithCancel(ctx)
	defer halt()
	send, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	r.onStop = func() {
		r.helm.free()
		r.times.stop()
		r.mu.Lock()
		why := r.stopped.Kind
		r.mu.Unlock()
		r.lanes.stop(why == StopSignal || why == StopBudget || why == StopExport)
		halt()
		time.AfterFunc(grace, cut)
	}
	// The signal may have come already: what it stops has to be there.
	defer context.AfterFunc(ctx, func() { r.stop(Stop{StopSignal, "stopped by a signal"}) })()

	var g errgroup.Group // not one that cancels: what is in flight is to finish
	g.Go(func() error { return r.failing(r.feed(take)) })
	g.Go(func() error { r.lanes.requeueDue(); return nil })
	for range out.Limits.Concurrency {
		g.Go(func() error { return r.failing(r.sender.loop(take, send)) })
	}
	r.helm.attach(func() { _ = r.failing(r.sender.loop(take, send)) }) // an error is in what the run ended with
	ticking, untick := context.WithCancel(context.Background())
	var ticker sync.WaitGroup
	ticker.Go(func() { r.tick(ticking) })
	err := g.Wait()
	r.helm.leave()
	untick()
	ticker.Wait()
	return r.end(err)
}

// run is one process's work on an import.
type run struct {
	im     *Import
	out    Sending
	lanes  *lanes
	sender *sender
	count  *counters
	helm   *helm
	times  *timetable // nil: requests may always leave
	log    *slog.Logger

	halting sync.Once

	mu      sync.Mutex
	stopped *Stop
	onStop  func()
	high    int64 // last row read in this pass
	read    source.Mark
	lookup  *lookup      // of the sweep that feeds the lanes
	turns   turns        // its memory
	paced   paced        // what the log knows of the pace
	limited atomic.Bool  // rows are left that --limit kept out
	cut     int64        // the last row that --limit lets in, or unknownCut; 0: there is no limit
	later   atomic.Int64 // consents of rows behind it: they belong to histories that were let in
	rows    []int64      // of consents that were let in, where the last row is unknown
	held    int64        // what is unfinished up to this row may be under way still; 0: nothing is
	// checkpoint is the file as it lay there when the run began.
	checkpoint os.FileInfo
	gone       error // it does not lie there any more
	portion    int   // rows that are marked as read at a time
	share      share // in a shard: what is kept back
}

func newRun(im *Import, out Sending) *run {
	r := &run{im: im, out: out, count: &im.count, log: logTo(out.Log)}
	clock := stopwatch()
	// No more is offered ahead than what keeps the senders busy: what was offered may
	// have left when the process dies.
	r.portion = max(2*out.Limits.Concurrency, 16)
	r.lanes = newLanes(max(out.Limits.Concurrency, 8), out.Limits.window(), clock)
	r.lanes.places = out.Limits.Concurrency
	r.sender = &sender{
		target: out.Target, pacer: out.Pacer, lanes: r.lanes, book: followed{im.journal, im.follower},
		limits: out.Limits, backoff: out.Backoff, stop: r.stop, clock: clock, now: im.cfg.Now, count: r.count, say: r.say, log: r.log,
	}
	r.sender.breaker = newBreaker(clock, r.sender.probeDelay)
	r.sender.breaker.log = r.log
	pacer, _ := out.Pacer.(steered)
	r.helm = &helm{run: r, pacer: pacer, loops: out.Limits.Concurrency, now: Steering{Rate: out.Limits.Rate, Concurrency: out.Limits.Concurrency}}
	if w := out.Limits.When; w != (Timetable{}) {
		r.times = newTimetable(w, r)
		r.sender.times = r.times
	}
	im.watch.Store(&watch{r.lanes, out.Pacer, r.helm, r.times})
	return r
}

// begin sets down that a process works on the import.
func (r *run) begin() error {
	if err := r.im.CommitPass(); err != nil {
		return err
	}
	r.checkpoint, _ = os.Stat(filepath.Join(r.im.cfg.Dir, journal.Name)) // nil: nothing is known of it
	r.high, r.read = r.im.high, r.im.read
	r.lanes.advance(r.im.from)
	// The order was found in all rows, and what was approved: none of them may change.
	r.read = further(r.read, r.im.whole)
	err := r.im.journal.Run(journal.Run{
		N: r.im.runs + 1, At: r.im.cfg.Now().UTC(), Tool: r.im.cfg.Tool, Pass: r.im.pass.N, From: r.im.from.Row,
		Approved: r.im.cfg.Approved, Inputs: r.im.moved(), Arranged: r.im.arranged(),
	})
	if err != nil {
		return err
	}
	return r.im.journal.Sync() // so that a checkpoint that loses what comes now is known to be cut
}

// further is the mark that covers more of the export.
func further(a, b source.Mark) source.Mark {
	if b.Input > a.Input || b.Input == a.Input && b.Bytes >= a.Bytes {
		return b
	}
	return a
}

// stop ends the run for a reason; the first one counts. When it returns nothing more
// leaves, whoever was the first: a sender that was told to stop asks for its next task at once.
func (r *run) stop(s Stop) {
	r.halting.Do(func() {
		r.mu.Lock()
		r.stopped = &s
		r.mu.Unlock()
		r.onStop()
		r.log.Warn("stopping", "why", s.Kind)
	})
}

// say tells the user something, if Say is set.
func (r *run) say(text string) {
	if r.out.Say != nil {
		r.out.Say(text)
	}
}

// failing stops the run when one of its parts fails, and passes the error on.
func (r *run) failing(err error) error {
	if err == nil {
		return nil
	}
	kind := StopDisk
	if errors.As(err, new(*rows.ReadError)) {
		kind = StopExport
	}
	r.stop(Stop{kind, err.Error()})
	return err
}

// latencyEvery is after how many seconds the latencies go into the journal: they
// are a few hundred bytes.
const latencyEvery = 15

// idleMark is after how many seconds a run marks where it is that waits for its hours.
const idleMark = 600

// tick marks where the run is, every journal.MarkEvery.
func (r *run) tick(ctx context.Context) {
	t := time.NewTicker(journal.MarkEvery)
	defer t.Stop()
	for n := 1; ; n++ {
		select {
		case <-t.C:
			r.logPace()
			if r.failing(r.removed()) != nil {
				return
			}
			if stop, ok := r.sender.overdue(); ok && r.asking() {
				r.stop(stop)
			}
			idle := r.times.waiting().Why != "" && r.count.flying.Load() == 0
			if idle && n%idleMark != 0 {
				continue // for hours, maybe
			}
			if r.failing(r.mark(n%latencyEvery == 0)) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// removed says so when the checkpoint does not lie any more where it lay when the run began:
// nobody would know what was sent from then on, and another process could begin there.
func (r *run) removed() error {
	path := filepath.Join(r.im.cfg.Dir, journal.Name)
	is, err := os.Stat(path)
	if r.checkpoint == nil || err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(r.checkpoint, is) {
		return nil
	}
	err = fmt.Errorf("%s was removed while the run was at work: %w", path, journal.ErrNone)
	r.mu.Lock()
	r.gone = err
	r.mu.Unlock()
	return err
}

// asking reports whether requests may leave, as far as the user goes: neither the hours
// nor an order keeps them.
func (r *run) asking() bool {
	r.helm.mu.Lock()
	defer r.helm.mu.Unlock()
	return !r.helm.now.Paused && r.times.waiting().Why == ""
}

// mark writes where the run is. Latencies go in now and then, and at the end.
func (r *run) mark(latencies bool) error {
	r.mu.Lock()
	m := journal.Mark{High: r.high, Read: r.read}
	r.mu.Unlock()
	m.At, m.Low, m.HTTP = r.im.cfg.Now().UTC(), r.lanes.low(), r.out.HTTP(latencies)
	m.HTTP.Retries = r.count.retries.Load()
	_, throttled := r.out.Pacer.Throttled()
	m.HTTP.Throttled = throttled.Seconds()
	return r.im.journal.Mark(m)
}

// end sets down how the run ended.
func (r *run) end(err error) (*Stop, error) {
	why := journal.End{At: r.im.cfg.Now().UTC(), State: "complete"}
	r.mu.Lock()
	stopped := r.stopped // a signal may still come; it finds the run at its end
	err = cmp.Or(err, r.gone)
	r.mu.Unlock()
	if stopped == nil && err == nil && r.limited.Load() {
		rows := "rows"
		if r.out.Limits.Rows == 1 {
			rows = "row"
		}
		detail := fmt.Sprintf("stopped after %d %s, as asked", r.out.Limits.Rows, rows)
		switch later := r.later.Load(); later {
		case 0:
		case 1:
			detail += "; 1 consent of a later row came along, because a person's decisions leave together"
		default:
			detail += fmt.Sprintf("; %d consents of later rows came along, because a person's decisions leave together", later)
		}
		stopped = &Stop{StopLimit, detail}
	}
	if stopped != nil {
		why.State, why.Why, why.Detail = "incomplete", string(stopped.Kind), stopped.Detail
	}
	if at := r.sender.unanswered.Load(); at != 0 {
		why.Unanswered = time.Unix(0, at).UTC()
	}
	if e := r.times.end(); e != nil && err == nil {
		err = e
	}
	if e := r.mark(true); e != nil && err == nil {
		err = e
	}
	if e := r.im.journal.End(why); e != nil && err == nil {
		err = e
	}
	if err != nil && stopped == nil {
		stopped = &Stop{StopDisk, err.Error()}
	}
	return stopped, err
}

// CommitDryRun sets down that this was a dry run, which is complete as soon as it
// begins: what it finds is in the survey.
func (im *Import) CommitDryRun() error {
	at := im.cfg.Now().UTC()
	if err := im.journal.Run(journal.Run{N: im.runs + 1, At: at, Tool: im.cfg.Tool, Pass: im.pass.N, From: 1}); err != nil {
		return err
	}
	return im.journal.End(journal.End{At: at, State: "complete"})
}
