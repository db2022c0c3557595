package sandbox

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
)

// connections are those that are open, and tell when one comes or goes.
type connections struct {
	mu      sync.Mutex
	open    map[net.Conn]string // with the client's address, which a later one may have again
	changed chan struct{}       // closed at the next change
}

func newConnections() *connections {
	return &connections{open: make(map[net.Conn]string), changed: make(chan struct{})}
}

// note is the server's hook. A connection is closed when its handler has returned,
// so what it brought is kept by then.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = conn.RemoteAddr().String()
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	default:
		return
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// until waits until a condition on the open connections holds.
func (c *connections) until(ctx context.Context, holds func(open map[net.Conn]string) bool) error {
	for {
		c.mu.Lock()
		ok, changed := holds(c.open), c.changed
		c.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// AwaitQuiet waits until nothing is under way to the sandbox any more: everything
// that was sent to it before the call has been answered or given up, and every
// connection is closed, even those that nobody had accepted yet. It is for whoever
// has ended a client and wants to know what it has brought about.
func (s *Server) AwaitQuiet(ctx context.Context) error {
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	// Connections are accepted in the order in which they were made. So when the one
	// made now is accepted, there are none before it that are not known yet.
	last, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return fmt.Errorf("wait until the sandbox is quiet: %w", err)
	}
	own := last.LocalAddr().String()
	err = s.conns.until(ctx, func(open map[net.Conn]string) bool { return slices.Contains(slices.Collect(maps.Values(open)), own) })
	_ = last.Close() // it was used for nothing
	if err == nil {
		err = s.conns.until(ctx, func(open map[net.Conn]string) bool { return len(open) == 0 })
	}
	if err != nil {
		return fmt.Errorf("wait until the sandbox is quiet: %w", err)
	}
	return nil
}
