package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A network that is slow, or breaks connections in the middle of a request or of
// an answer, costs time and nothing else: every decision arrives, in order, and
// what arrives twice is what was tried twice.
func TestASpoiltNetworkLosesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harms  []harm
		faults string // of the sandbox behind
		calm   bool   // every request gets its answer, so nothing is sent twice
		unsent bool   // what breaks never arrived, so nothing arrives twice
	}{
		"slow requests":      {harms: []harm{{way: up, share: 1, rate: 10_000}}, calm: true},
		"slow answers":       {harms: []harm{{way: down, share: 1, rate: 3_000}}, calm: true},
		"a long way":         {harms: []harm{{way: up, share: 1, delay: 20 * time.Millisecond}, {way: down, share: 1, delay: 20 * time.Millisecond}}, calm: true},
		"a few bytes a time": {harms: []harm{{way: up, share: 1, pieces: 40}, {way: down, share: 1, pieces: 9}}, calm: true},
		// The server is done with a connection, but does not say so for a while.
		"slow to close": {harms: []harm{{way: down, share: 1, close: 300 * time.Millisecond}}, faults: "lost=4%,cut=4%"},
		// A request is about 400 bytes long, an answer 130.
		"ends in a request":            {harms: []harm{{way: up, share: 1, limit: 1900}}, unsent: true},
		"ends in a request, at times":  {harms: []harm{{way: up, share: 0.5, limit: 150}}, unsent: true},
		"ends in the head of answers":  {harms: []harm{{way: down, share: 1, limit: 275}}},
		"ends before an answer begins": {harms: []harm{{way: down, share: 0.4, limit: 1}}},
		"reset in a request":           {harms: []harm{{way: up, share: 0.4, reset: true}}, unsent: true},
		"reset before the answer":      {harms: []harm{{way: down, share: 0.4, reset: true}}},
		"everything at once": {harms: []harm{{way: up, share: 0.5, delay: 5 * time.Millisecond}, {way: down, share: 0.5, pieces: 50},
			{way: down, share: 0.1, reset: true}, {way: up, share: 0.1, limit: 3000}}, faults: "429=2%,500=2%,lost=1%"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 120, c.faults)
			n := networkOf(t, r, c.harms...)
			// A consent may meet the same fault often; that it is tried often
			// enough is not what this is about.
			r.here(t, nil, r.args(n.flags("--concurrency", "16", "--attempts", "40")...)...).requireCode(t, exitComplete)
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
// a request may take. Those behind them wait, all others go on.
func TestConnectionsThatHangHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	for _, way := range []string{up, down} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			// A machine that stands still lets requests run out of time as well: what is
			// held up by those that hang is held up each time.
			for try := 0; !othersGoOn(t, way); try++ {
				require.Less(t, try, 2, "fewer than 250 of 500 decisions arrived before a request was given up")
			}
		})
	}
}

// othersGoOn reports whether half of the decisions arrive before the first request on a
// connection that hangs is given up.
func othersGoOn(t *testing.T, way string) bool {
	r := rehearse(t, 500, "")
	n := networkOf(t, r, harm{way: way, share: 0.25, swallow: true})
	r.timeout = 2500 * time.Millisecond
	began := time.Now()
	done := make(chan finished, 1)
	go func() { done <- r.here(t, nil, r.args(n.flags("--concurrency", "48", "--attempts", "20")...)...) }()
	arrived := r.server.Stats().Distinct
	for arrived < 250 && !n.givenUp() && time.Since(began) < time.Minute {
		time.Sleep(tick)
		arrived = r.server.Stats().Distinct
	}
	(<-done).requireCode(t, exitComplete)
	assert.Greater(t, time.Since(began), r.timeout, "nothing hung, so this tried nothing")
	repeats := r.account(t)
	h := summaryIn(t, r.out()).HTTP
	assert.NotZero(t, h.Retries)
	assert.Equal(t, h.ByStatus["0"], h.Retries, "only silence is a reason to send again")
	if way == up {
		assert.Zero(t, repeats, "what the way swallowed never arrived")
	} else {
		assert.LessOrEqual(t, int64(repeats), h.Retries)
	}
	return arrived >= 250
}

// The way breaks off in the middle of the import and is there again: in time, or
// only for the next run.
func TestAWayThatBreaksOffAndComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		off     func(*network)
		on      func(*network, *testing.T)
		inTime  bool
		silence bool // it is not a refusal, but silence
	}{
		"refuses, and is back in time": {off: (*network).cut, on: (*network).start, inTime: true},
		"refuses for good":             {off: (*network).cut, on: (*network).start},
		"swallows all, in time":        {off: (*network).swallow, on: func(n *network, _ *testing.T) { n.release() }, inTime: true, silence: true},
		"swallows all for good":        {off: (*network).swallow, on: func(n *network, _ *testing.T) { n.release() }, silence: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 300, "latency=2ms")
			n := networkOf(t, r, harm{way: up, share: 1, delay: 10 * time.Millisecond}, harm{way: down, share: 1, delay: 10 * time.Millisecond}) // so that there is time to break off
			r.timeout = 300 * time.Millisecond
			attempts, within := "2", "1s"
			if c.silence { // speaks of a record as long as others got through within a minute
				attempts = "6"
			}
			if c.inTime {
				within = "1m"
			}
			flags := n.flags("--concurrency", "8", "--attempts", attempts, "--retry-for", within)
			done := make(chan finished, 1)
			go func() { done <- r.here(t, nil, r.args(flags...)...) }()
			require.Eventually(t, func() bool { return r.server.Stats().Distinct > 40 }, waitFor, tick)
			c.off(n)
			assert.Less(t, r.server.Stats().Distinct, int64(250), "it broke off in the middle")
			if c.inTime {
				time.Sleep(400 * time.Millisecond)
				c.on(n, t)
				(<-done).requireCode(t, exitComplete)
			} else {
				got := (<-done).requireCode(t, exitIncomplete)
				assert.Contains(t, got.stderr, "accepted nothing for 1s")
				s := summaryIn(t, r.out())
				assert.Zero(t, s.Failures(), "a target that is gone uses up nobody's attempts")
				assert.NotZero(t, s.Consents.Sent)
				c.on(n, t)
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
