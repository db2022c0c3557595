package intempt

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

const (
	// idleMax is how long an unused connection is kept. Servers and what stands
	// before them drop theirs after a minute mostly, some after seconds.
	idleMax = 30 * time.Second
	// lastLook is how long an answer is looked for when the time for it is over.
	lastLook = 100 * time.Millisecond
	// idleSure is how long an unused connection is trusted without a look.
	idleSure = time.Second
)

// Client sends consents to the target. It is safe for concurrent use; how many
// requests are in flight is the caller's (see Pacer).
//
// It never sends anything twice and never follows a redirect.
type Client struct {
	form    form
	timeout time.Duration
	target  *target
	dialer  *dialer
	masker  *masker
	stats   *delivery.Stats

	mu     sync.Mutex
	idle   []*conn // the last used comes first again, so that the others can go
	keep   int
	dialed int
	closed bool
}

// New makes a client for a target. It connects to nothing yet.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = DefaultConcurrency
	}
	target, err := cfg.target()
	if err != nil {
		return nil, err
	}
	dialer, err := newDialer(cfg, target)
	if err != nil {
		return nil, err
	}
	return &Client{
		form: cfg.form(), timeout: cfg.Timeout,
		target: target, dialer: dialer, masker: newMasker(cfg.Key), stats: delivery.NewStats(),
		keep: cfg.Concurrency,
	}, nil
}

// String names the client without the key that it holds.
func (c *Client) String() string { return "client of " + c.target.url.String() }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Stats counts what the client did.
func (c *Client) Stats() *delivery.Stats { return c.stats }

// Close closes the connections that are not in use, and the others when they
// have their answer.
func (c *Client) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, cn := range idle {
		cn.close()
	}
}

// Send sends one consent and waits for the answer, as long as the time-out and
// ctx allow. The consent's bytes are not kept.
func (c *Client) Send(ctx context.Context, consent *mapping.Consent) delivery.Answer {
	start := time.Now()
	deadline := start.Add(c.timeout)
	if ctx.Err() != nil {
		return delivery.Answer{Class: delivery.Transient, Canceled: true, Message: "canceled"}
	}
	cn := c.idleConn(ctx, start)
	if cn == nil {
		nc, err := c.dialer.connect(ctx, deadline)
		if err != nil {
			return c.finish(ctx, 0, start, failed(connectFailure(err, c.target.host, c.timeout)))
		}
		cn = newConn(nc)
		cn.shard = c.nextShard()
		cn.watch(ctx)
	}
	_ = cn.SetDeadline(deadline)
	if ctx.Err() != nil { // it ended before the deadline was set, which undid the interruption
		cn.close()
		return delivery.Answer{Class: delivery.Transient, Canceled: true, Message: "canceled"}
	}

	cn.body = c.form.appendBody(cn.body[:0], consent)
	writeErr := cn.write(c.target.head)
	if writeErr != nil && isTimeout(writeErr) {
		cn.close()
		return c.finish(ctx, cn.shard, start, failed(exchangeFailure(writeErr, false, c.timeout)))
	}
	// A server that refuses a body may answer and close before it has read all
	// of it: then writing fails, and the answer is there.
	status, reusable, begun, err := cn.read()
	if err != nil && isTimeout(err) && ctx.Err() == nil && cn.SetReadDeadline(time.Now().Add(lastLook)) == nil {
		// The process may have been stopped for longer than a request may take: the
		// answer then lies there, and nobody has read it.
		status, reusable, begun, err = cn.read()
	}
	if err != nil {
		cn.close()
		if writeErr != nil && !begun {
			err = writeErr
		}
		return c.finish(ctx, cn.shard, start, failed(exchangeFailure(err, begun, c.timeout)))
	}
	latency := time.Since(start)
	answer := delivery.Answer{Class: classify(status), Status: status, Latency: latency}
	if answer.Class == delivery.Sent {
		// What it says decides, so it may take as long as the answer itself.
		_ = cn.SetReadDeadline(deadline)
	} else if soon := time.Now().Add(bodyWait); soon.Before(deadline) {
		_ = cn.SetReadDeadline(soon)
	}
	end := cn.readBody(status)
	whole := end == bodyWhole
	if answer.Class == delivery.Sent {
		answer.Class, end = cn.verdict(end)
	}
	if answer.Class != delivery.Sent {
		c.explain(&answer, cn, end, consent, start.Add(latency))
	}
	cn.closeBody()
	c.stats.Record(cn.shard, status, latency)
	if reusable && whole && writeErr == nil && cn.br.Buffered() == 0 {
		c.put(cn, start.Add(latency))
	} else {
		cn.close()
	}
	return answer
}

// failed is the answer that a failure amounts to.
func failed(f *failure) delivery.Answer {
	return delivery.Answer{Class: f.class, Message: f.phrase, Timeout: f.timeout, Unreached: f.refused}
}

// finish completes an answer that never came.
func (c *Client) finish(ctx context.Context, shard int, start time.Time, a delivery.Answer) delivery.Answer {
	a.Latency = time.Since(start)
	if ctx.Err() != nil {
		return delivery.Answer{Class: delivery.Transient, Canceled: true, Message: "canceled", Latency: a.Latency}
	}
	c.stats.Record(shard, 0, a.Latency)
	return a
}

// explain fills in what an answer says beside its status.
func (c *Client) explain(a *delivery.Answer, cn *conn, end bodyEnd, consent *mapping.Consent, now time.Time) {
	header := &cn.resp.Header
	peek := func(name string) string { return string(header.Peek(name)) }
	if a.Class == delivery.Transient {
		a.RetryAfter = parseRetryAfter(peek("Retry-After"), peek("Date"), now)
		if a.Status == fasthttp.StatusTooManyRequests && a.RetryAfter == 0 {
			a.Rate, a.Burst = parseRate(peek("X-RateLimit-Replenish-Rate"), peek("X-RateLimit-Burst-Capacity"), peek("X-RateLimit-Requested-Tokens"))
		}
	}
	if a.Status >= 300 && a.Status <= 399 {
		a.Message = c.masker.mask(redirectMessage(c.target.url, peek("Location")), false, consent)
		return
	}
	if a.Status >= 200 && a.Status <= 299 {
		switch {
		case a.Class == delivery.Stopped && end == bodyHuge:
			a.Message = fmt.Sprintf("answers %d with more than %d MB of JSON, which is not the API: a proxy on the way, or a wrong base URL", a.Status, maxJSON>>20)
			return
		case a.Class == delivery.Stopped:
			a.Message = fmt.Sprintf("answers %d with a web page, which is not the API: a login page, a proxy or a captive portal on the way, or a wrong base URL", a.Status)
			return
		case a.Class == delivery.Transient:
			a.Message, a.Timeout = "answer cut off in the middle", end == bodyLate
			return
		}
	}
	if text := bodyText(cn.body); text != "" {
		a.Message = c.masker.mask(text, end != bodyWhole, consent)
	}
	if a.Message == "" {
		a.Message = statusPhrase(a.Status)
	}
}

// statusPhrase words a status that came without a text.
func statusPhrase(status int) string {
	if name := fasthttp.StatusMessage(status); name != "Unknown Status Code" {
		return strings.ToLower(name) + " (without a message)"
	}
	return "unknown status (without a message)"
}

// idleConn gives the connection that was used last, if it can be used again.
func (c *Client) idleConn(ctx context.Context, now time.Time) *conn {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return nil
		}
		cn := c.idle[n-1]
		c.idle[n-1] = nil
		c.idle = c.idle[:n-1]
		c.mu.Unlock()

		age := now.Sub(cn.used)
		if cn.watch(ctx) && age < idleMax && (age < idleSure || cn.alive()) {
			return cn
		}
		cn.close()
	}
}

// put keeps a connection for the next request.
func (c *Client) put(cn *conn, now time.Time) {
	cn.rest(now)
	var old *conn
	c.mu.Lock()
	if len(c.idle) > 0 && now.Sub(c.idle[0].used) > idleMax {
		// One at a time is enough to drop those that are not needed.
		old = c.idle[0]
		c.idle = append(c.idle[:0], c.idle[1:]...)
	}
	if c.closed || len(c.idle) >= c.keep {
		c.mu.Unlock()
		cn.close()
	} else {
		c.idle = append(c.idle, cn)
		c.mu.Unlock()
	}
	if old != nil {
		old.close()
	}
}

// nextShard spreads connections over the counters.
func (c *Client) nextShard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialed++
	return c.dialed
}
