package journal

import (
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"runtime"
	"sync"
	"time"
)

// syncEvery is how long an outcome may be written and not yet be on the medium.
// It leaves the disk half of the second that is promised for a power loss.
const syncEvery = 500 * time.Millisecond

// Writer appends to a checkpoint. Its methods may be called from any number of
// goroutines at once.
//
// Each method returns when its record was written, so that it outlives the
// process; it outlives a power loss after the next sync, half a second later at
// most. What several goroutines append while a write is under way is written
// together next.
//
// The first error of a write or a sync is the last: every method returns it
// from then on, since nothing may be believed to be on disk any more.
type Writer struct {
	lock io.Closer

	// mu guards the group that is open for joining, and err.
	mu    sync.Mutex
	group *group
	err   error

	// writing guards the file and what describes its end. It is taken before mu.
	writing sync.Mutex
	file    File
	place   // of the next line
	table   *crc32.Table
	sum     hash.Hash // of everything before offset
	sealed  int64     // offset after the last seal
	told    place     // of the next line when the last one that is no seal was written
	ran     bool      // a run was begun
	synced  int64     // offset up to which everything is on the medium
	buf     []byte
	spans   []span

	knowing sync.Mutex
	known   knownFile // guarded by knowing

	stop    chan struct{} // closed to end the goroutine that syncs
	stopped chan struct{} // closed when it has ended
	close   sync.Once
	closed  error
}

// newWriter goes on at the end of a file, as a scanner left it. Nothing of the
// file is taken to be on the medium: a process that was killed did not sync.
func newWriter(file File, lock io.Closer, s *scanner, sealed int64, known knownFile) *Writer {
	w := &Writer{
		known:   known,
		lock:    lock,
		file:    file,
		place:   s.place,
		table:   s.table,
		sum:     s.sum,
		sealed:  sealed,
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go w.syncLoop()
	return w
}

// Pass begins a pass.
func (w *Writer) Pass(p Pass) error { return w.record(kindPass, p) }

// Run begins a run.
func (w *Writer) Run(r Run) error {
	if err := w.record(kindRun, r); err != nil {
		return err
	}
	w.writing.Lock()
	w.ran = true
	w.writing.Unlock()
	return nil
}

// Mark writes a mark. It stands below all outcomes whose Append returned.
func (w *Writer) Mark(m Mark) error { return w.record(kindMark, m) }

// End ends a run and brings everything to the medium.
func (w *Writer) End(e End) error {
	if err := w.record(kindEnd, e); err != nil {
		return err
	}
	return w.Sync()
}

// Order writes what somebody wanted of the run.
func (w *Writer) Order(o Order) error { return w.record(kindOrder, o) }

// Day writes how many requests may have left on a day, before they do.
func (w *Writer) Day(d Day) error { return w.record(kindDay, d) }

// Purge writes that what holds people is being removed, and brings everything to the
// medium.
func (w *Writer) Purge(p Purge) error {
	if err := w.record(kindPurge, p); err != nil {
		return err
	}
	return w.Sync()
}

// Append writes an outcome.
func (w *Writer) Append(o Outcome) error {
	if err := o.check(); err != nil {
		return err
	}
	return w.join(func(g *group) { g.put(o) })
}

// Begin writes that a consent is about to leave which the target is not to be left with.
func (w *Writer) Begin(r Ref) error {
	if !r.valid() {
		return fmt.Errorf("begin to send: there is no consent %s", r)
	}
	return w.join(func(g *group) { g.begun = append(g.begun, sentRef{Ref: r}) })
}

// AppendAll writes several outcomes at once.
func (w *Writer) AppendAll(all []Outcome) error {
	for i := range all {
		if err := all[i].check(); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	return w.join(func(g *group) {
		for i := range all {
			g.put(all[i])
		}
	})
}

func (o *Outcome) check() error {
	switch {
	case !o.Ref.valid():
		return fmt.Errorf("append outcome: there is no consent %s", o.Ref)
	case o.State == Pending || o.State > Known:
		return fmt.Errorf("append outcome: %s is not an outcome", o.State)
	case o.State == Superseded && (!o.By.valid() || o.In < 0 || o.In > MaxEarlier):
		return fmt.Errorf("append outcome: consent %s was superseded by no consent", o.Ref)
	}
	return nil
}

func (w *Writer) record(kind string, v any) error {
	body, err := appendJSON(nil, kind, v)
	if err != nil {
		return err
	}
	return w.join(func(g *group) { g.records = append(g.records, body) })
}

// join puts something into the open group and returns when the group was
// written. The goroutine that opens a group writes it: as soon as the one before is done,
// and with everything that others have put into it by then.
func (w *Writer) join(put func(*group)) error {
	w.mu.Lock()
	if w.err != nil {
		w.mu.Unlock()
		return w.err
	}
	g := w.group
	leads := g == nil
	if leads {
		g = &group{done: make(chan struct{})}
		w.group = g
	}
	put(g)
	w.mu.Unlock()
	if !leads {
		<-g.done
		return g.err
	}

	w.writing.Lock()
	// Outcomes that are there by now come along: a write costs more than the wait.
	runtime.Gosched()
	w.mu.Lock()
	w.group = nil
	g.err = w.err
	w.mu.Unlock()
	if g.err == nil {
		g.err = w.writeGroup(g)
	}
	w.writing.Unlock()
	close(g.done)
	return g.err
}

// writeGroup writes a group's lines at once; writing is held.
func (w *Writer) writeGroup(g *group) error {
	w.buf = w.buf[:0]
	end, check := w.place, w.check
	line := func(from int) {
		check = crc32.Update(check, w.table, w.buf[from:])
		w.buf = appendCheck(w.buf, check)
		end.line++
	}
	sent := func(kind string) func([]span, int64) {
		return func(spans []span, n int64) {
			from := len(w.buf)
			w.buf = appendSent(w.buf, kind, spans, n)
			line(from)
		}
	}
	eachLine(g.begun, &w.spans, sent(kindBegun))
	eachLine(g.sent, &w.spans, sent(kindSent))
	eachLine(g.known, &w.spans, sent(kindKnown))
	for i := range g.rest {
		from := len(w.buf)
		if o := &g.rest[i]; o.State == Superseded {
			w.buf = appendHeld(w.buf, o)
		} else {
			w.buf = appendFail(w.buf, o)
		}
		line(from)
	}
	for _, body := range g.records {
		from := len(w.buf)
		w.buf = append(w.buf, body...)
		line(from)
	}
	end.check = check
	end.offset += int64(len(w.buf))
	err := w.write(end)
	if err == nil {
		w.told = end
	}
	return err
}

// write puts buf at the end of the file, whose end it then is; writing is held.
func (w *Writer) write(end place) error {
	n, err := w.file.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		// What was written of it would be dropped as a torn line when the file is
		// next opened, but a file that ends well is better. Never mind if not.
		_ = w.file.Truncate(w.offset)
		return w.fail(fmt.Errorf("write checkpoint: %w", err))
	}
	w.sum.Write(w.buf)
	w.place = end
	return nil
}

// fail makes an error the last word.
func (w *Writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err
}

func (w *Writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Sync seals what was written since the last seal and returns when everything
// is on the medium. The Writer does so by itself at least once a second.
// Appends do not wait for it.
func (w *Writer) Sync() error {
	w.writing.Lock()
	err := w.failed()
	if err == nil && w.offset > w.sealed {
		err = w.seal()
	}
	end, synced, told := w.offset, w.synced, w.told
	if !w.ran {
		told = place{} // nothing was sent
	}
	w.writing.Unlock()
	if err != nil || end == synced {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return w.fail(fmt.Errorf("sync checkpoint: %w", err))
	}
	w.writing.Lock()
	w.synced = max(w.synced, end)
	w.writing.Unlock()
	w.knowing.Lock()
	defer w.knowing.Unlock()
	if err := w.known.put(told); err != nil {
		return w.fail(fmt.Errorf("sync checkpoint: %w", err))
	}
	return nil
}

// seal writes a seal; writing is held.
func (w *Writer) seal() error {
	body, err := appendJSON(w.buf[:0], kindSeal, Seal{
		At:     now(),
		Bytes:  w.offset,
		SHA256: fmt.Sprintf("%x", w.sum.Sum(nil)),
	})
	if err != nil {
		return err
	}
	check := crc32.Update(w.check, w.table, body)
	w.buf = appendCheck(body, check)
	err = w.write(place{offset: w.offset + int64(len(w.buf)), line: w.line + 1, check: check})
	if err == nil {
		w.sealed = w.offset
	}
	return err
}

// now is the time as it can be written and read again.
func now() time.Time { return time.Now().UTC().Round(0) }

// syncLoop syncs now and then until the Writer is closed. An error stays with
// the Writer and comes out of whatever is called next.
func (w *Writer) syncLoop() {
	defer close(w.stopped)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			if w.Sync() != nil {
				return
			}
		}
	}
}

// Close seals and syncs what is still to be, closes the file and gives up the
// lock. It returns the error that the Writer stopped at, if there was one.
func (w *Writer) Close() error {
	w.close.Do(func() {
		close(w.stop)
		<-w.stopped
		err := w.Sync()
		if err != nil {
			_ = w.file.Sync() // what was written before the error may still be saved
		}
		w.knowing.Lock()
		closing := errors.Join(w.file.Close(), w.known.close())
		w.knowing.Unlock()
		if closing != nil {
			closing = fmt.Errorf("close checkpoint: %w", closing)
		}
		_ = w.fail(errors.New("write checkpoint: it was closed"))
		w.closed = errors.Join(err, closing, w.lock.Close())
	})
	return w.closed
}
