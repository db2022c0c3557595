package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// campaign is an import that is stopped again and again, its resumes, retries and
// repairs included. One person never gets an answer while there are stops, so that
// the low row stays at the beginning whatever else is sent, and has more decisions
// than may be unfinished at once. Everybody else has an older and a newer one.
type campaign struct {
	*rehearsal
	random      *rand.Rand
	concurrency int
	always      string // faults, beside those of a stop
	stops       int    // that may lead to repeats
}

func newCampaign(t *testing.T, concurrency, people int, seed uint64) *campaign {
	t.Helper()
	c := &campaign{newRehearsal(t, ""), rand.New(rand.NewPCG(seed, uint64(concurrency))), concurrency, "subject503=slow,subject400=no", 0}
	var text strings.Builder
	text.WriteString(exportHeader)
	row := 0
	add := func(subject, decision string) {
		row++
		text.WriteString(exportRow(row, subject, "mail", decision))
	}
	add("slow", "yes")
	for _, decision := range []string{"yes", "no"} { // all the old ones before all the new ones
		for p := range people {
			add(fmt.Sprint("p", p), decision)
			if p%8 == 0 {
				add("slow", decision)
			}
			if p%40 == 0 {
				add(fmt.Sprint("odd", p), "hm") // invalid, until it is repaired
			}
		}
		add("no", decision) // refused, until it is tried again
	}
	c.rows = row
	c.write(t, "export.csv", text.String())
	if c.random.IntN(2) == 0 {
		c.env = append(c.env, fmt.Sprintf("%s=%d", windowSize, max(20, people/10)))
	}
	return c
}

// stop runs the program until a stop of a random kind ends it, at a random place.
func (c *campaign) stop(t *testing.T, args []string) {
	t.Helper()
	p := c.program
	faults, sign := c.always, syscall.Signal(0)
	place := 1 + c.random.IntN(c.rows/2+1)
	switch kind := c.random.IntN(8); kind {
	case 0:
		faults += fmt.Sprintf(",401after=%d", place)
	case 1, 2:
		sign = syscall.SIGTERM
	case 3:
		p.env = append([]string{fmt.Sprintf("%s=%s@%d", diskFault, []string{"kill", "tear", "fail"}[c.random.IntN(3)], 5+c.random.IntN(40))}, p.env...)
		sign = syscall.SIGKILL
	case 4:
		p.env = append([]string{fmt.Sprintf("%s=%s@%d", sendFault, []string{"before", "after"}[c.random.IntN(2)], place)}, p.env...)
		sign = syscall.SIGKILL
	case 5: // soon: in the first marks of a resume
		place, sign = 1+c.random.IntN(4), syscall.SIGKILL
	default:
		sign = syscall.SIGKILL
	}
	c.faults(t, faults)
	from := c.server.Stats().Requests
	child := p.start(t, args...)
	var ended atomic.Bool
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		last, since := from, time.Now()
		for !ended.Load() {
			now := c.server.Stats().Requests
			if now != last {
				last, since = now, time.Now()
			}
			switch stuck := now > from && time.Since(since) > 300*time.Millisecond; {
			case stuck && sign == 0: // the one that never gets an answer is all that is left
				_ = child.cmd.Process.Signal(syscall.SIGTERM)
				return
			case stuck || sign != 0 && now-from >= int64(place):
				_ = child.cmd.Process.Signal(sign)
				return
			}
			time.Sleep(500 * time.Microsecond)
		}
	}()
	f := child.wait(t)
	ended.Store(true)
	<-watched
	require.Contains(t, []int{-1, exitIncomplete, exitRefused, exitFailures, exitComplete, exitPermissive}, f.code, f.stderr)
	c.stops++
}

// run is a call that nothing stops.
func (c *campaign) run(t *testing.T, faults string, args []string) finished {
	t.Helper()
	c.faults(t, faults)
	return c.exec(t, args...)
}

// play stops an import, then a retry and a repair of it, some times each, and
// checks in the end what has arrived.
func (c *campaign) play(t *testing.T, stops int) {
	t.Helper()
	with := func(more ...string) []string {
		return c.args(append(more, "--concurrency", strconv.Itoa(c.concurrency), "--progress", "none", "--max-failures", "100%")...)
	}
	for range stops {
		c.stop(t, with("--resume"))
	}
	got := c.run(t, "subject400=no", with("--resume"))
	require.Contains(t, []int{exitFailures, exitPermissive}, got.code, got.stderr)

	c.always = "latency=1ms"
	for range stops {
		c.stop(t, with("--resume", "--retry"))
		if c.random.IntN(2) == 0 {
			c.stop(t, with("--resume"))
		}
	}
	c.run(t, "", with("--resume", "--retry"))

	repair := c.repairOdd(t)
	for range stops {
		c.stop(t, repair)
		if c.random.IntN(2) == 0 {
			c.stop(t, with("--resume"))
		}
	}
	c.run(t, "", with("--resume"))
	got = c.run(t, "", repair)
	if got.code != exitComplete { // a repair that a stop left behind was gone on with
		got = c.run(t, "", with("--resume"))
	}
	got.requireCode(t, exitComplete)
	c.weigh(t)
}

// weigh checks what has arrived against the model: everything, little of it twice,
// and of nobody an older decision after a newer one.
func (c *campaign) weigh(t *testing.T) {
	t.Helper()
	s := summaryIn(t, c.out())
	assert.Equal(t, "complete", s.State)
	assert.EqualValues(t, c.rows, s.Consents.Sent)
	arrived := map[int]bool{}
	last := map[string]int{}
	total := 0
	for a := range c.server.All {
		row, err := strconv.Atoi(strings.TrimPrefix(a.Message, "row "))
		require.NoError(t, err)
		require.GreaterOrEqual(t, row, last[a.UserID], "an older decision of %s arrived after a newer one", a.UserID)
		last[a.UserID], arrived[row] = row, true
		total++
	}
	assert.Len(t, arrived, c.rows, "everything has arrived")
	assert.LessOrEqual(t, total-len(arrived), c.stops*c.concurrency, "repeats after %d stops", c.stops)
	assert.EqualValues(t, 1, c.server.Stats().MaxInFlight, "in flight of one subject and category")
	c.exec(t, "verify", c.out()).requireConsistent(t)
	t.Logf("%d stops, %d rows, lost %d, repeats %d of %d", c.stops, c.rows, c.rows-len(arrived), total-len(arrived), c.stops*c.concurrency)
}

// An import that is stopped, resumed and stopped again, by whatever and wherever,
// and so are its retry and its repair, loses nothing, repeats little, and overtakes
// nobody.
func TestStopsOfStoppedRunsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	seeds, stops := 2, 2
	if soak {
		seeds, stops = 20, 3
	}
	for _, concurrency := range []int{1, 3, 64, 500} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%d in flight, %d", concurrency, seed), func(t *testing.T) {
				t.Parallel()
				people := 200
				if concurrency > 50 {
					people = 1500
				}
				newCampaign(t, concurrency, people, uint64(seed)).play(t, stops)
			})
		}
	}
}

// One record never gets its answer and everything else does; the run is stopped, the
// resume is stopped right after it began, and the next one goes on to the end.
func TestAStoppedResumeForgetsNothing(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"kill", "term", "401"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, 8, 2000, 1)
			c.always = "subject503=slow"
			args := c.args("--resume", "--concurrency", "8", "--progress", "none", "--attempts", "100") // the one without an answer is not to fail, however long the stop takes
			for n := range 2 {
				journaled, _ := os.ReadFile(filepath.Join(c.out(), journal.Name)) // none before the first run
				switch how {
				case "401":
					c.faults(t, fmt.Sprintf("subject503=slow,401after=%d", max(1, 4000-c.server.Stats().Stored)))
				default:
					c.faults(t, c.always)
				}
				child := c.start(t, args...)
				if how != "401" {
					require.Eventually(t, func() bool {
						if n == 0 {
							return c.server.Stats().Stored >= 4000
						}
						now, _ := os.ReadFile(filepath.Join(c.out(), journal.Name))
						return bytes.Contains(now[len(journaled):], []byte(`"mark"`))
					}, waitFor, 200*time.Microsecond)
					require.NoError(t, child.cmd.Process.Signal(map[string]os.Signal{"kill": syscall.SIGKILL, "term": syscall.SIGTERM}[how]))
				}
				child.wait(t)
				c.stops++
			}
			require.GreaterOrEqual(t, c.server.Stats().Stored, int64(3900))
			c.run(t, "", args)
			repaired := c.repairOdd(t)
			c.run(t, "", repaired).requireCode(t, exitComplete)
			c.weigh(t)
		})
	}
}

// repairOdd is the call that repairs the invalid rows.
func (c *campaign) repairOdd(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.out(), "rejected.csv"))
	require.NoError(t, err)
	repaired := c.write(t, "repaired.csv", strings.ReplaceAll(string(text), ",hm,", ",yes,"))
	return append(append([]string{"run", "--concurrency", strconv.Itoa(c.concurrency), "--progress", "none"}, c.target()...), "--repair", c.out(), repaired)
}
