package main

import (
	"errors"
	"io"
	"slices"
	"sync"
	"syscall"
	"time"
)

// How long a write may wait for whoever reads. Messages are of use at once or not at
// all; a result may wait for a slow reader, not for one that is gone.
const (
	stderrPatience = 500 * time.Millisecond
	stdoutPatience = 10 * time.Second
)

// errUnread is a write to a pipe or terminal that nobody reads.
var errUnread = errors.New("nobody reads the output")

// stream is an output of the program that never holds it up for long: a full pipe
// that nobody reads would stop an import, and signals would not end it. As long as
// somebody reads, it writes at once and in order. A write that takes longer than
// patience goes on by itself, and what comes meanwhile is dropped.
//
// What a command prints that does nothing else may wait for as long as somebody takes to
// read a page of it: until hurry is called, a patient stream waits. And whoever has read as
// much as he wanted closes a pipe: that is no error of the command, which still ends with
// its own exit code.
type stream struct {
	to       io.Writer
	patience time.Duration
	turn     chan struct{} // holds one while a write is under way
	hurried  chan struct{} // closed: patience counts
	once     sync.Once
}

func newStream(to io.Writer, patience time.Duration) *stream {
	s := newPatientStream(to, patience)
	s.hurry()
	return s
}

func newPatientStream(to io.Writer, patience time.Duration) *stream {
	return &stream{to: to, patience: patience, turn: make(chan struct{}, 1), hurried: make(chan struct{})}
}

// hurry has what is written, and what is being written, take no longer than patience.
func (s *stream) hurry() { s.once.Do(func() { close(s.hurried) }) }

// Write implements io.Writer; the error is errUnread when the text was dropped.
func (s *stream) Write(text []byte) (int, error) {
	late, release := s.late()
	defer release()
	select {
	case s.turn <- struct{}{}:
	case <-late:
		return 0, errUnread
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	text = slices.Clone(text) // it may be in use for longer than the caller knows
	go func() {
		n, err := s.to.Write(text)
		<-s.turn
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		if errors.Is(r.err, syscall.EPIPE) {
			return len(text), nil
		}
		return r.n, r.err
	case <-late:
		return 0, errUnread
	}
}

// late gives a channel that is closed when a write has taken too long.
func (s *stream) late() (late <-chan struct{}, release func()) {
	c, done := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-s.hurried:
		case <-done:
			return
		}
		timer := time.NewTimer(s.patience)
		defer timer.Stop()
		select {
		case <-timer.C:
			close(c)
		case <-done:
		}
	}()
	return c, func() { close(done) }
}

// nobodyReads reports whether a write failed because there is no reader any more: the
// terminal was closed, or nobody takes anything out of the pipe.
func nobodyReads(err error) bool {
	return errors.Is(err, errUnread) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO)
}
