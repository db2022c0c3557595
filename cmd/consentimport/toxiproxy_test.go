package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// path is the network between the program and the sandbox: a TCP proxy that
// spoils connections by toxics.
type path struct{ *toxiproxy.Proxy }

// pathOf makes one to the sandbox of a rehearsal, without a toxic yet.
func pathOf(t *testing.T, r *rehearsal) path {
	t.Helper()
	to, err := url.Parse(r.server.URL())
	require.NoError(t, err)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := path{toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", to.Host)}
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return p
}

// flags lead over the path.
func (p path) flags(more ...string) []string {
	return append([]string{"--base-url", "http://" + p.Listen + "/v1"}, more...)
}

// spoil adds a toxic: its type, "up" (requests) or "down" (answers), the share of
// connections that have it, and its attributes as JSON.
func (p path) spoil(t *testing.T, kind, way string, share float64, attributes string) {
	t.Helper()
	_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name": "%s %s", "type": %q, "stream": "%sstream", "toxicity": %g, "attributes": {%s}}`, kind, way, kind, way, share, attributes)))
	require.NoError(t, err)
}

// A network that is slow, or breaks connections in the middle of a request or of
// an answer, costs time and nothing else: every decision arrives, in order, and
// what arrives twice is what was tried twice.
func TestASpoiltNetworkLosesNothing(t *testing.T) {
	t.Parallel()
	type toxic struct {
		kind, way  string
		share      float64
		attributes string
	}
	for name, c := range map[string]struct {
		toxics []toxic
		faults string // of the sandbox behind
		calm   bool   // every request gets its answer, so nothing is sent twice
		unsent bool   // what breaks never arrived, so nothing arrives twice
	}{
		"slow requests":      {toxics: []toxic{{"bandwidth", "up", 1, `"rate": 10`}}, calm: true},
		"slow answers":       {toxics: []toxic{{"bandwidth", "down", 1, `"rate": 3`}}, calm: true},
		"a long way":         {toxics: []toxic{{"latency", "up", 1, `"latency": 20, "jitter": 15`}, {"latency", "down", 1, `"latency": 20, "jitter": 15`}}, calm: true},
		"a few bytes a time": {toxics: []toxic{{"slicer", "up", 1, `"average_size": 40, "size_variation": 20, "delay": 200`}, {"slicer", "down", 1, `"average_size": 9, "size_variation": 5, "delay": 200`}}, calm: true},
		// The server is done with a connection, but nobody says so for a while.
		"slow to close": {toxics: []toxic{{"slow_close", "down", 1, `"delay": 300`}}, faults: "lost=4%,cut=4%"},
		// A request is about 400 bytes long, an answer 130.
		"ends in a request":            {toxics: []toxic{{"limit_data", "up", 1, `"bytes": 1900`}}, unsent: true},
		"ends in a request, at times":  {toxics: []toxic{{"limit_data", "up", 0.5, `"bytes": 150`}}, unsent: true},
		"ends in the head of answers":  {toxics: []toxic{{"limit_data", "down", 1, `"bytes": 275`}}},
		"ends before an answer begins": {toxics: []toxic{{"limit_data", "down", 0.4, `"bytes": 1`}}},
		"reset in a request":           {toxics: []toxic{{"reset_peer", "up", 0.4, `"timeout": 0`}}, unsent: true},
		"reset before the answer":      {toxics: []toxic{{"reset_peer", "down", 0.4, `"timeout": 5`}}},
		"everything at once": {toxics: []toxic{{"latency", "up", 0.5, `"latency": 5, "jitter": 5`}, {"slicer", "down", 0.5, `"average_size": 50, "size_variation": 20, "delay": 100`},
			{"reset_peer", "down", 0.1, `"timeout": 5`}, {"limit_data", "up", 0.1, `"bytes": 3000`}}, faults: "429=2%,500=2%,lost=1%"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 120, c.faults)
			p := pathOf(t, r)
			for _, x := range c.toxics {
				p.spoil(t, x.kind, x.way, x.share, x.attributes)
			}
			// A consent may meet the same fault often; that it is tried often
			// enough is not what this is about.
			r.here(t, nil, r.args(p.flags("--concurrency", "16", "--attempts", "40")...)...).requireCode(t, exitComplete)
			repeats := r.account(t)
			h := summaryIn(t, r.out()).HTTP
			if c.calm {
				assert.Zero(t, h.Retries)
			} else {
				assert.NotZero(t, h.Retries, "the network did no harm, so this tried nothing")
			}
			if c.unsent || c.calm {
				assert.Zero(t, repeats)
			}
			assert.LessOrEqual(t, int64(repeats), h.Retries)
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// Some connections swallow what they are given and say nothing, for longer than
// a request may take. Those behind them wait, everybody else goes on.
func TestConnectionsThatHangHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"up", "down"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 500, "")
			p := pathOf(t, r)
			p.spoil(t, "timeout", way, 0.25, `"timeout": 0`)
			r.timeout = 2500 * time.Millisecond
			began := time.Now()
			done := make(chan finished, 1)
			go func() { done <- r.here(t, nil, r.args(p.flags("--concurrency", "48", "--attempts", "20")...)...) }()
			for r.server.Stats().Distinct < 250 && time.Since(began) < r.timeout {
				time.Sleep(tick)
			}
			assert.GreaterOrEqual(t, r.server.Stats().Distinct, int64(250), "while nobody has been given up yet")
			(<-done).requireCode(t, exitComplete)
			assert.Greater(t, time.Since(began), r.timeout, "nothing hung, so this tried nothing")
			repeats := r.account(t)
			h := summaryIn(t, r.out()).HTTP
			assert.NotZero(t, h.Retries)
			assert.Equal(t, h.ByStatus["0"], h.Retries, "only silence is a reason to send again")
			if way == "up" {
				assert.Zero(t, repeats, "what the way swallowed never arrived")
			} else {
				assert.LessOrEqual(t, int64(repeats), h.Retries)
			}
		})
	}
}

// The way breaks off in the middle of the import and is there again: in time, or
// only for the next run.
func TestAWayThatBreaksOffAndComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		off     func(path, *testing.T)
		on      func(path, *testing.T)
		inTime  bool
		silence bool // it is no refusal, but silence
	}{
		"refuses, and is back in time": {off: path.cut, on: path.mend, inTime: true},
		"refuses for good":             {off: path.cut, on: path.mend},
		"swallows all, in time":        {off: path.swallow, on: path.release, inTime: true, silence: true},
		"swallows all for good":        {off: path.swallow, on: path.release, silence: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 300, "latency=2ms")
			p := pathOf(t, r)
			r.timeout = 300 * time.Millisecond
			for _, way := range []string{"up", "down"} { // so that there is time to break off
				p.spoil(t, "latency", way, 1, `"latency": 10`)
			}
			attempts, within := "2", "1s"
			if c.silence { // speaks of a record as long as others got through within a minute
				attempts = "6"
			}
			if c.inTime {
				within = "1m"
			}
			flags := p.flags("--concurrency", "8", "--attempts", attempts, "--retry-for", within)
			done := make(chan finished, 1)
			go func() { done <- r.here(t, nil, r.args(flags...)...) }()
			require.Eventually(t, func() bool { return r.server.Stats().Distinct > 40 }, waitFor, tick)
			c.off(p, t)
			assert.Less(t, r.server.Stats().Distinct, int64(250), "it broke off in the middle")
			if c.inTime {
				time.Sleep(400 * time.Millisecond)
				c.on(p, t)
				(<-done).requireCode(t, exitComplete)
			} else {
				got := (<-done).requireCode(t, exitIncomplete)
				assert.Contains(t, got.stderr, "accepted nothing for 1s")
				s := summaryIn(t, r.out())
				assert.Zero(t, s.Failures(), "a target that is gone uses up nobody's attempts")
				assert.NotZero(t, s.Consents.Sent)
				c.on(p, t)
				r.here(t, nil, r.args(append(flags, "--resume")...)...).requireCode(t, exitComplete)
			}
			repeats := r.account(t)
			s := summaryIn(t, r.out())
			assert.Zero(t, s.Failures())
			assert.LessOrEqual(t, int64(repeats), s.HTTP.ByStatus["0"])
			if !c.silence {
				assert.LessOrEqual(t, repeats, 8, "what was in flight when it broke off")
			}
		})
	}
}

func (p path) cut(*testing.T) { p.Stop() }

func (p path) mend(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Start())
}

func (p path) swallow(t *testing.T) {
	t.Helper()
	p.spoil(t, "timeout", "up", 1, `"timeout": 0`)
}

func (p path) release(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Toxics.RemoveToxic(context.Background(), "timeout up"))
}
