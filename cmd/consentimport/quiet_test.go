package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
)

// quietly is a server that a run may ask, at /quiet, whether what the one before it has
// sent has arrived: it has when no other connection is open any more. To count requests
// would not do, for one may lie in a socket that nobody has read yet.
type quietly struct {
	http.Handler
	mu      sync.Mutex
	open    map[net.Conn]bool
	changed chan struct{} // closed when open changes
}

// startQuietly starts a server with a handler for all else.
func startQuietly(h http.Handler) *httptest.Server {
	q := &quietly{Handler: h, open: map[net.Conn]bool{}, changed: make(chan struct{})}
	s := httptest.NewUnstartedServer(q)
	s.Config.ConnState = q.note
	s.Start()
	return s
}

func (q *quietly) note(c net.Conn, state http.ConnState) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch state {
	case http.StateNew:
		q.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(q.open, c)
	}
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *quietly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/quiet" {
		q.Handler.ServeHTTP(w, r)
		return
	}
	for {
		q.mu.Lock()
		others, changed := len(q.open)-1, q.changed
		q.mu.Unlock()
		if others == 0 {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
