package main

import (
	"errors"
	"io"
	"slices"
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
type stream struct {
	to       io.Writer
	patience time.Duration
	turn     chan struct{} // holds one while a write is under way
}

func newStream(to io.Writer, patience time.Duration) *stream {
	return &stream{to: to, patience: patience, turn: make(chan struct{}, 1)}
}

// Write implements io.Writer; the error is errUnread when the text was dropped.
func (s *stream) Write(text []byte) (int, error) {
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case s.turn <- struct{}{}:
	case <-timer.C:
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
		return r.n, r.err
	case <-timer.C:
		return 0, errUnread
	}
}

// nobodyReads reports whether a write failed because there is no reader any more: the
// pipe or the terminal was closed, or nobody takes anything out of it.
func nobodyReads(err error) bool {
	return errors.Is(err, errUnread) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO)
}
