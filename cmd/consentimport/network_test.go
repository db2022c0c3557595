package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The two ways of a connection: requests go up, answers come down.
const (
	up   = "up"
	down = "down"
)

// harm is what a network does to a share of the connections, one way.
type harm struct {
	way   string
	share float64
	// One of these.
	delay   time.Duration // each piece of data comes that late, plus or minus half of it
	rate    int           // bytes per second
	pieces  int           // bytes that arrive at a time
	close   time.Duration // the end of the connection is told that late
	limit   int           // the connection ends after as many bytes
	reset   bool          // the connection is reset by the first data
	swallow bool          // data is taken and goes nowhere
}

// network is a TCP proxy between the program and the sandbox that does harm.
type network struct {
	to, addr string
	harms    []harm

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool // true: it swallowed something
	silent   bool              // every connection swallows what goes up
	gone     bool              // cut, and not started again
	given    bool              // somebody did not wait any longer for what was swallowed
	pumps    sync.WaitGroup
}

// networkOf makes one to the sandbox of a rehearsal.
func networkOf(t *testing.T, r *rehearsal, harms ...harm) *network {
	t.Helper()
	to, err := url.Parse(r.server.URL())
	require.NoError(t, err)
	n := &network{to: to.Host, addr: "127.0.0.1:0", harms: harms, open: map[net.Conn]bool{}}
	n.start(t)
	t.Cleanup(func() { n.cut(); n.pumps.Wait() })
	return n
}

// flags lead over the network.
func (n *network) flags(more ...string) []string {
	return append([]string{"--base-url", "http://" + n.addr + "/v1"}, more...)
}

// start listens, at the address of before if there was one.
func (n *network) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", n.addr)
	require.NoError(t, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listener, n.addr, n.gone = l, l.Addr().String(), false
	n.pumps.Go(func() { n.accept(t, l) })
}

// cut stops listening and breaks all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone = true
	_ = n.listener.Close()
	for c := range n.open {
		_ = c.Close()
	}
}

// swallow makes every connection silent, those that are open too.
func (n *network) swallow() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = true
}

// release ends that; what was swallowed is lost, so its connections break.
func (n *network) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = false
	for c, swallowed := range n.open {
		if swallowed {
			_ = c.Close()
		}
	}
}

func (n *network) accept(t *testing.T, l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			assert.ErrorIs(t, err, net.ErrClosed)
			return
		}
		server, err := net.Dial("tcp", n.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		n.mu.Lock()
		gone := n.gone // while this connection was made
		if !gone {
			n.open[client], n.open[server] = false, false
		}
		n.mu.Unlock()
		if gone {
			_, _ = client.Close(), server.Close()
			continue
		}
		var harms []harm // of this connection
		for _, h := range n.harms {
			if rand.Float64() < h.share {
				harms = append(harms, h)
			}
		}
		n.pumps.Go(func() { n.pump(client, server, up, harms) })
		n.pumps.Go(func() { n.pump(server, client, down, harms) })
	}
}

// pump passes on what comes one way, until the connection ends.
func (n *network) pump(from, to net.Conn, way string, harms []harm) {
	defer n.drop(from, to)
	passed, buf := 0, make([]byte, 32<<10)
	for {
		size, err := from.Read(buf)
		data := buf[:size]
		if size > 0 && n.swallows(from, to, way, harms) {
			continue
		}
		pieces, rate, last := len(data), 0, false
		for _, h := range harms {
			if h.way != way {
				continue
			}
			switch {
			case h.delay > 0 && size > 0:
				time.Sleep(h.delay/2 + rand.N(h.delay))
			case h.reset && size > 0:
				for _, c := range []net.Conn{from, to} {
					_ = c.(*net.TCPConn).SetLinger(0) // so that its end is a reset
				}
				return
			case h.limit > 0 && passed+len(data) >= h.limit:
				data, last = data[:h.limit-passed], true
			case h.pieces > 0:
				pieces = h.pieces
			case h.rate > 0:
				rate, pieces = h.rate, 100
			case h.close > 0 && err != nil:
				time.Sleep(h.close)
			}
		}
		passed += len(data)
		for len(data) > 0 {
			piece := data[:min(max(pieces, 1), len(data))]
			data = data[len(piece):]
			if _, err := to.Write(piece); err != nil {
				return
			}
			switch {
			case rate > 0:
				time.Sleep(time.Duration(len(piece)) * time.Second / time.Duration(rate))
			case len(data) > 0:
				time.Sleep(200 * time.Microsecond) // so that it does not arrive as one
			}
		}
		if last {
			return
		}
		if errors.Is(err, io.EOF) {
			_ = to.(*net.TCPConn).CloseWrite()
		}
		if err != nil {
			return
		}
	}
}

// swallows reports whether data of a connection goes nowhere.
func (n *network) swallows(from, to net.Conn, way string, harms []harm) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	gone := n.silent && way == up
	for _, h := range harms {
		gone = gone || h.swallow && h.way == way
	}
	if gone {
		n.open[from], n.open[to] = true, true
	}
	return gone
}

// drop ends a connection.
func (n *network) drop(conns ...net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range conns {
		n.given = n.given || n.open[c]
		delete(n.open, c)
	}
}

// givenUp reports whether a connection that swallowed something has ended.
func (n *network) givenUp() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.given
}
