package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// weather is what the long tests import through.
const weather = "400=2%,429=5%,500=2%,reset=0.5%,lost=0.2%,latency=1ms"

// longRows is how many rows the long tests import.
func longRows() int {
	if soak {
		return 200_000
	}
	return 20_000
}

func TestEveryConsentIsAccountedForInBadWeather(t *testing.T) {
	t.Parallel()
	r := rehearse(t, longRows(), weather)
	got := r.exec(t, r.args()...)
	require.Contains(t, []int{exitFailures, exitPermissive}, got.code, got.stderr)
	repeats := r.account(t)
	stats := r.server.Stats()
	s := summaryIn(t, r.out())
	assert.LessOrEqual(t, int64(repeats), stats.Faults["lost"], "only a lost answer is a reason to send again")
	assert.NotZero(t, stats.Faults["lost"])
	assert.Equal(t, stats.Requests, s.HTTP.Requests)
	assert.Equal(t, stats.Requests-int64(r.rows), s.HTTP.Retries)
	assert.InDelta(t, 0.02*float64(r.rows), float64(s.Consents.Refused), 0.006*float64(r.rows))
	r.exec(t, "verify", r.out()).requireConsistent(t)
}

// A process is killed again and again, in the middle of sending and right after
// it began to resume. Nothing is lost, and what arrives again is what was in
// flight.
func TestKillsLoseNothingAndRepeatLittle(t *testing.T) {
	t.Parallel()
	const concurrency = 16
	kills, rows := 8, longRows()/2
	if soak {
		kills, rows = 20, longRows()
	}
	r := rehearse(t, rows, weather)
	random := rand.New(rand.NewPCG(2, 3))
	killed := 0
	for i := 1; i <= kills; i++ {
		child := r.start(t, r.args("--concurrency", strconv.Itoa(concurrency), "--resume")...)
		if i%4 == 0 { // while it starts
			time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
		} else {
			from := r.server.Stats().Requests
			upTo := from + int64(random.IntN(r.rows/kills))
			for deadline := time.Now().Add(30 * time.Second); r.server.Stats().Requests <= upTo && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
		}
		require.NoError(t, child.cmd.Process.Signal(syscall.SIGKILL))
		if f := child.wait(t); f.code == -1 {
			killed++
		}
		if _, err := os.Stat(r.out()); err == nil && i == kills/2 {
			r.exec(t, "report", r.out()).requireCode(t, exitIncomplete)
		}
	}
	assert.Equal(t, kills, killed)
	got := r.exec(t, r.args("--concurrency", strconv.Itoa(concurrency), "--resume")...)
	require.Contains(t, []int{exitFailures, exitPermissive}, got.code, got.stderr)
	repeats := r.account(t)
	assert.LessOrEqual(t, int64(repeats), int64(killed*concurrency)+r.server.Stats().Faults["lost"])
	assert.LessOrEqual(t, r.server.Stats().InFlightMax, int64(concurrency)*2, "of the one killed and the next")
	r.exec(t, "verify", r.out()).requireConsistent(t)
}
