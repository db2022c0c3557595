package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever a server may think of: who is not concerned goes through, who is has
// the outcome that fits, nobody is overtaken, nothing is lost.
func TestTheServerFromHell(t *testing.T) {
	t.Parallel()
	bad := map[lane]bool{{"u3", "mail"}: true, {"u3", "ads"}: true, {"u3", "stats"}: true}
	for name, c := range map[string]struct {
		faults   string
		flags    []string
		concerns map[lane]bool // whose consents cannot arrive
		repeats  bool          // some arrive and are said not to
		status   string        // of the answers that tried something
	}{
		"429 for a while":                   {faults: "429for=400ms", status: "429"},
		"429 for a while, with Retry-After": {faults: "429for=400ms,retryafter=1", status: "429"},
		"503 now and then":                  {faults: "503=3%", status: "503"},
		"500 for one subject for ever":      {faults: "subject500=u3", flags: []string{"--attempts", "2"}, concerns: bad, status: "500"},
		"400 for one subject for ever":      {faults: "subject400=u3", concerns: bad, status: "400"},
		"200 with junk":                     {faults: "junk=40%", status: "200"},
		"200 that is cut off":               {faults: "cut=40%", repeats: true, status: "200"},
		"200 drop by drop":                  {faults: "slow=1%", status: "200"},
		"204":                               {faults: "204=30%", status: "204"},
		"400 with 10 MB of HTML":            {faults: "html=2%", status: "400"},
		"resets before it is stored":        {faults: "reset=8%", status: "0"},
		"resets after it is stored":         {faults: "lost=8%", repeats: true, status: "0"},
		"gone for a while and back":         {faults: "down=50+300ms", flags: []string{"--attempts", "2"}, status: "0"},
		"a 500 now and then":                {faults: "500=8%,502=2%,504=2%,408=2%", status: "500"},
		"a limit of requests a second":      {faults: "rate=40", status: "429"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 120, c.faults)
			got := r.here(t, nil, r.args(append([]string{"--concurrency", "16"}, c.flags...)...)...)
			repeats := r.account(t)
			if !c.repeats {
				assert.Zero(t, repeats)
			}
			s := summaryIn(t, r.out())
			assert.NotZero(t, s.HTTP.ByStatus[c.status], "the fault never struck: %v", s.HTTP.ByStatus)
			failed := asSet(t, column(t, r.out(), "failures.csv", "row"))
			want := map[string]bool{}
			for l, rows := range r.lanes {
				for _, row := range rows {
					if c.concerns[l] {
						want[fmt.Sprint(row)] = true
					}
				}
			}
			switch {
			case c.faults[:4] == "html": // the record is refused, whatever the text
				assert.Len(t, failed, int(s.HTTP.ByStatus["400"]))
				for _, m := range column(t, r.out(), "failures.csv", "message") {
					assert.LessOrEqual(t, len([]rune(m)), 300)
				}
			case c.concerns != nil:
				assert.Equal(t, want, failed)
				require.Contains(t, []int{exitFailures, exitPermissive}, got.code, got.stderr)
			default:
				got.requireCode(t, exitComplete)
			}
			// Well again, it takes the rest.
			r.faults(t, "")
			r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
			assert.Zero(t, summaryIn(t, r.out()).Failures())
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// A target that refuses everybody stops the run, whenever it begins to. Nothing
// has failed, and a resume does the rest.
func TestATargetThatTurnsAgainstTheRunStopsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ faults, says string }{
		"401 in the middle": {"401after=100", "401"},
		"402 in the middle": {"402after=100", "402"},
		"302 in the middle": {"302after=100", "302"},
		"404 in the middle": {"404after=100", "404"},
		"302 elsewhere":     {"redirect=3%", "redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 300, c.faults)
			got := r.here(t, nil, r.args("--concurrency", "8")...).requireCode(t, exitIncomplete)
			assert.Contains(t, got.stderr, c.says)
			s := summaryIn(t, r.out())
			assert.Zero(t, s.Failures())
			assert.NotZero(t, s.Consents.Pending)
			assert.Equal(t, r.server.Stats().Stored, s.Consents.Sent)
			r.faults(t, "")
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
			assert.Zero(t, r.account(t))
			assert.Zero(t, r.server.Stats().RedirectsFollowed)
		})
	}
}

// A target that cannot be reached at all: everything stays pending, and the
// message says what is wrong.
func TestATargetThatCannotBeReached(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are to fail
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct{ url, says string }{
		"no such host":             {"https://nowhere.invalid/v1", "look up host"},
		"a certificate of nobody":  {untrusted.URL, "certificate of 127.0.0.1 does not verify"},
		"no TLS where it should":   {"https" + plain.URL[len("http"):], "does not speak TLS"},
		"somebody else's web site": {plain.URL, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 100, "")
			began := time.Now()
			got := r.exec(t, r.args("--base-url", c.url, "--retry-for", "1s", "--attempts", "1")...).requireCode(t, exitIncomplete)
			assert.Less(t, time.Since(began), 20*time.Second)
			assert.Contains(t, got.stderr, c.says)
			assert.Equal(t, c.says == "404", strings.Contains(got.stdout, "Check the API key"), "advice about a key is for those whose key was looked at")
			s := summaryIn(t, r.out())
			assert.Zero(t, s.Consents.Sent)
			assert.Equal(t, s.Consents.Made, s.Consents.Pending)
			assert.NotZero(t, s.Consents.Pending)
		})
	}
}

// A target that is always too busy, and asks to come again in hours, is gone all the same:
// the run ends when --retry-for is over, whatever wait was asked for.
func TestATargetThatPutsEverybodyOffIsGone(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]string{"from the start": "503=100%,retryafter=7200", "later": "503after=30,retryafter=7200", "429": "429=100%,retryafter=absurd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 100, faults)
			began := time.Now()
			got := r.exec(t, r.args("--retry-for", "1s")...).requireCode(t, exitIncomplete)
			assert.Less(t, time.Since(began), 30*time.Second)
			assert.Contains(t, got.stdout, "has accepted nothing for 1s, and asks for a longer wait")
			s := summaryIn(t, r.out())
			assert.Zero(t, s.Failures())
			assert.NotZero(t, s.Consents.Pending)
			r.faults(t, "")
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
			assert.Zero(t, r.account(t))
		})
	}
}
