package intempt

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

var accept = says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

// Ten thousand requests of 32 workers take 32 connections, and leave nothing.
func TestConnectionsAreReused(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%t", secure), func(t *testing.T) {
			const workers = 32
			requests := 10_000
			if secure {
				requests = 2000
			}
			s := serve(t, secure, accept)
			cfg := s.config(t, Docs)
			cfg.Concurrency = workers
			before := runtime.NumGoroutine()
			c := newClient(t, cfg)
			var wg sync.WaitGroup
			var left, sent atomic.Int64
			left.Store(int64(requests))
			for range workers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if c.Send(t.Context(), full()).Class == delivery.Sent {
							sent.Add(1)
						}
					}
				})
			}
			wg.Wait()
			assert.EqualValues(t, requests, sent.Load())
			assert.LessOrEqual(t, s.accepted.Load(), int64(workers))
			c.Close()
			for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			assert.LessOrEqual(t, runtime.NumGoroutine(), before, "goroutines, the server's one a connection too, must end")
			assert.EqualValues(t, requests, c.Stats().Snapshot().Requests)
		})
	}
}

// More requests at once than connections are kept work too.
func TestMoreThanConcurrency(t *testing.T) {
	s := serve(t, false, func(w net.Conn, r request) bool { time.Sleep(time.Millisecond); return accept(w, r) })
	cfg := s.config(t, SDK)
	cfg.Concurrency = 2
	c := newClient(t, cfg)
	var wg sync.WaitGroup
	var sent atomic.Int64
	for range 16 {
		wg.Go(func() {
			if c.Send(t.Context(), full()).Class == delivery.Sent {
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 16, sent.Load())
	c.mu.Lock()
	defer c.mu.Unlock()
	assert.LessOrEqual(t, len(c.idle), 2)
}

// A server may close a kept connection at any time. One that was idle for long
// is looked at first; else it is trouble like any other, and the next request
// finds a good one.
func TestStaleConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%t", secure), func(t *testing.T) {
			s := serve(t, secure, once(accept))
			c := newClient(t, s.config(t, Docs))
			require.Equal(t, delivery.Sent, c.Send(t.Context(), full()).Class)
			awaitClosed(t, c)
			age(c, 2*idleSure)
			require.Equal(t, delivery.Sent, c.Send(t.Context(), full()).Class, "looked at, so a new connection was made")

			awaitClosed(t, c)
			got := c.Send(t.Context(), full())
			assert.Equal(t, delivery.Transient, got.Class)
			assert.Regexp(t, "^connection (closed|reset) before the answer$", got.Message)
			assert.False(t, got.Unreached)
			require.Equal(t, delivery.Sent, c.Send(t.Context(), full()).Class)
			assert.EqualValues(t, 3, s.requests.Load(), "nothing was sent twice")
		})
	}
}

// awaitClosed waits until the other side's end has arrived on all connections
// that are kept, by looking at the socket only.
func awaitClosed(t *testing.T, c *Client) {
	t.Helper()
	time.Sleep(20 * time.Millisecond) // on loopback it takes some microseconds
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Len(t, c.idle, 1)
}

// age makes kept connections look unused for a while.
func age(c *Client, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cn := range c.idle {
		cn.used = cn.used.Add(-by)
	}
}

func TestIdleConnections(t *testing.T) {
	s := serve(t, true, accept)
	c := newClient(t, s.config(t, Docs))
	for _, step := range []struct {
		age  time.Duration
		want int64 // connections made so far
	}{{0, 1}, {0, 1}, {2 * idleSure, 1}, {2 * idleMax, 2}, {2 * idleSure, 2}} {
		age(c, step.age)
		require.Equal(t, delivery.Sent, c.Send(t.Context(), full()).Class)
		assert.Equal(t, step.want, s.accepted.Load())
	}
}

func TestCancel(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		s := serve(t, false, accept)
		c := newClient(t, s.config(t, Docs))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got := c.Send(ctx, full())
		assert.True(t, got.Canceled)
		assert.Zero(t, s.requests.Load())
	})
	t.Run("while connecting", func(t *testing.T) {
		s := serve(t, false, accept)
		cfg := s.config(t, Docs)
		ctx, cancel := context.WithCancel(t.Context())
		cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		got := newClient(t, cfg).Send(ctx, full())
		assert.True(t, got.Canceled)
		assert.Equal(t, delivery.Transient, got.Class)
	})
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("while waiting, tls=%t", secure), func(t *testing.T) {
			got := make(chan struct{}, 1)
			var quiet atomic.Bool
			s := serve(t, secure, func(w net.Conn, r request) bool {
				if !quiet.Load() {
					return accept(w, r)
				}
				got <- struct{}{}
				return hang("")(w, r)
			})
			cfg := s.config(t, Docs)
			cfg.Timeout = time.Minute
			c := newClient(t, cfg)
			ctx, cancel := context.WithCancel(t.Context())
			require.Equal(t, delivery.Sent, c.Send(ctx, full()).Class)
			quiet.Store(true)
			go func() { <-got; cancel() }()
			start := time.Now()
			answer := c.Send(ctx, full())
			assert.Less(t, time.Since(start), 10*time.Second)
			assert.True(t, answer.Canceled)
			assert.Equal(t, delivery.Transient, answer.Class)
			assert.False(t, answer.Timeout)
			assert.EqualValues(t, 1, c.Stats().Snapshot().Requests, "what nobody waited for is not counted")
		})
	}
	t.Run("a connection outlives its context", func(t *testing.T) {
		s := serve(t, false, accept)
		c := newClient(t, s.config(t, Docs))
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			require.Equal(t, delivery.Sent, c.Send(ctx, full()).Class)
			require.Equal(t, delivery.Sent, c.Send(t.Context(), full()).Class)
			cancel()
		}
		assert.EqualValues(t, 1, s.accepted.Load())
		// One whose context ended while it was idle is not used again.
		ctx, cancel := context.WithCancel(t.Context())
		require.Equal(t, delivery.Sent, c.Send(ctx, full()).Class)
		cancel()
		require.Equal(t, delivery.Sent, c.Send(t.Context(), full()).Class)
		assert.EqualValues(t, 2, s.accepted.Load())
	})
	t.Run("a deadline of the caller", func(t *testing.T) {
		s := serve(t, false, hang(""))
		c := newClient(t, s.config(t, Docs))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		assert.True(t, c.Send(ctx, full()).Canceled)
	})
	t.Run("many at once, at any moment", func(t *testing.T) {
		s := serve(t, false, func(w net.Conn, r request) bool { time.Sleep(100 * time.Microsecond); return accept(w, r) })
		c := newClient(t, s.config(t, Docs))
		for i := range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for ctx.Err() == nil {
						if got := c.Send(ctx, full()); got.Class != delivery.Sent && !got.Canceled {
							t.Errorf("%+v", got)
						}
					}
				})
			}
			time.Sleep(time.Duration(i) * 50 * time.Microsecond)
			cancel()
			wg.Wait()
		}
	})
}

// A body that the server does not read to its end is answered all the same.
func TestLargeBody(t *testing.T) {
	c := full()
	c.Message = bytes.Repeat([]byte("m"), 1<<20)
	t.Run("taken", func(t *testing.T) {
		s := serve(t, true, accept)
		client := newClient(t, s.config(t, Docs))
		for range 2 {
			require.Equal(t, delivery.Sent, client.Send(t.Context(), c).Class)
		}
		assert.EqualValues(t, 1, s.accepted.Load())
		client.mu.Lock()
		defer client.mu.Unlock()
		assert.LessOrEqual(t, cap(client.idle[0].out)+cap(client.idle[0].body), 2*keptBuffer, "its memory is given back")
	})
	t.Run("never read", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		cfg := (&rawServer{url: "http://" + ln.Addr().String()}).config(t, Docs)
		cfg.Timeout = 100 * time.Millisecond
		c.Message = bytes.Repeat([]byte("m"), 16<<20) // more than the socket's buffers
		got := newClient(t, cfg).Send(t.Context(), c)
		assert.Equal(t, "no answer within 100ms", got.Message)
		assert.True(t, got.Timeout)
	})
	t.Run("refused before it was read", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		go func() {
			for {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = nc.Write([]byte("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge"))
				_ = nc.(*net.TCPConn).CloseWrite()
				time.Sleep(50 * time.Millisecond)
				nc.Close()
			}
		}()
		cfg := (&rawServer{url: "http://" + ln.Addr().String()}).config(t, Docs)
		c.Message = c.Message[:1<<20]
		got := newClient(t, cfg).Send(t.Context(), c)
		// The answer or, if the reset overtook it, trouble that is tried again.
		if got.Class != delivery.Transient {
			assert.Equal(t, delivery.Refused, got.Class)
			assert.Equal(t, "large", got.Message)
		}
	})
}

// However a client, its config or its key is printed, the key is not.
func TestClientHidesKey(t *testing.T) {
	s := serve(t, false, accept)
	cfg := s.config(t, SDK)
	c := newClient(t, cfg)
	for _, v := range []any{c, cfg, &cfg, cfg.Key, &cfg.Key, struct{ c *Client }{c}, struct{ k Key }{cfg.Key}, []Key{cfg.Key}, map[string]Key{"k": cfg.Key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assertClean(t, head(fmt.Sprintf(verb, v)))
		}
	}
}

// head cuts a text to what assertClean allows for messages.
func head(s string) string { return s[:min(len(s), delivery.MaxMessage)] }

func TestMessagesOfManyAtOnce(t *testing.T) {
	s := serve(t, false, echo("400 Bad Request"))
	c := newClient(t, s.config(t, Docs))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 15 {
				consent := &mapping.Consent{Action: mapping.Accept, Source: []byte("web"), UserID: fmt.Appendf(nil, "person-%d-%d", g, i)}
				got := c.Send(t.Context(), consent)
				assert.NotContains(t, got.Message, "person-", "the identifiers of one are masked, not of another")
				c.Stats().Snapshot()
			}
		})
	}
	wg.Wait()
}
