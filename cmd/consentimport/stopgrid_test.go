//go:build !windows

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

// How many may be in flight, and how many rows may be unfinished at once, in a grid.
const (
	gridConcurrency = 3
	gridWindow      = 6
)

// gridPass is a pass whose every stop is stopped again: what comes before it, its own
// command, and what never gets an answer meanwhile.
type gridPass struct {
	name  string
	ready func(t *testing.T, g *grid)
	args  func(g *grid) []string
}

// gridPasses all have the same rows to send, more than the window, and among them one
// person who never gets an answer as long as there are stops, with more decisions than
// the window.
func gridPasses() []gridPass {
	resume := func(g *grid) []string { return g.with("--resume") }
	retry := func(g *grid) []string { return g.with("--resume", "--retry") }
	repair := func(g *grid) []string {
		return append(append([]string{"run", "--concurrency", strconv.Itoa(gridConcurrency), "--progress", "none", "--max-failures", "100%", "--attempts", "10000"}, g.target()...), "--repair", g.out(), filepath.Join(g.dir, "repaired.csv"))
	}
	refused := func(t *testing.T, g *grid) {
		g.faults(t, "400=100%")
		g.here(t, nil, g.with("--resume")...)
	}
	invalid := func(t *testing.T, g *grid) {
		g.export = g.write(t, "export.csv", g.text(true))
		g.faults(t, "")
		g.here(t, nil, g.with("--resume")...)
		text, err := os.ReadFile(filepath.Join(g.out(), "rejected.csv"))
		require.NoError(t, err)
		g.write(t, "repaired.csv", strings.NewReplacer(",hy,", ",yes,", ",hn,", ",no,").Replace(string(text)))
	}
	return []gridPass{
		{"import", func(*testing.T, *grid) {}, resume},
		{"retry", refused, retry},
		{"repair", invalid, repair},
		{"retry of a repair", func(t *testing.T, g *grid) {
			invalid(t, g)
			g.faults(t, "400=100%")
			g.here(t, nil, repair(g)...)
		}, retry},
	}
}

// grid is one import of a grid.
type grid struct {
	*rehearsal
	stops int
	hit   int // of the stops: as planned
}

func newGrid(t *testing.T) *grid {
	g := &grid{rehearsal: newRehearsal(t, "")}
	g.env = append(g.env, fmt.Sprintf("%s=%d", windowSize, gridWindow))
	g.export = g.write(t, "export.csv", g.text(false))
	return g
}

// text is the export. What is to be repaired says neither yes nor no.
func (g *grid) text(unclear bool) string {
	var b strings.Builder
	b.WriteString(exportHeader)
	g.rows = 0
	add := func(subject, decision string) {
		g.rows++
		if unclear && g.rows > 1 { // or it would be no import at all
			decision = map[string]string{"yes": "hy", "no": "hn"}[decision]
		}
		b.WriteString(exportRow(g.rows, subject, "mail", decision))
	}
	add("first", "yes")
	add("slow", "yes")
	for _, decision := range []string{"yes", "no"} {
		for p := range 5 {
			add(fmt.Sprint("p", p), decision)
			if p%2 == 0 {
				add("slow", decision)
			}
		}
	}
	return b.String()
}

func (g *grid) with(more ...string) []string {
	return g.args(append(more, "--concurrency", strconv.Itoa(gridConcurrency), "--progress", "none", "--max-failures", "100%", "--attempts", "10000")...)
}

// stopKind is a way of stopping a run at its n-th step: a durable one, or a request.
type stopKind string

var stopKinds = []stopKind{"kill", "tear", "fail", "term", "401"}

// stop runs a command until it is stopped at the step, or until nothing goes on but the
// one without an answer, when it gets a SIGTERM.
func (g *grid) stop(t *testing.T, kind stopKind, step int, args []string) {
	t.Helper()
	p := g.program
	faults := "subject503=slow"
	if kind == "401" {
		faults += map[bool]string{true: ",401=100%", false: fmt.Sprintf(",401after=%d", step-1)}[step == 1]
	} else {
		p.env = append([]string{fmt.Sprintf("%s=%s@%d", diskFault, kind, step)}, p.env...)
	}
	g.faults(t, faults)
	before := g.server.Stats()
	child := p.start(t, args...)
	var ended, stuck atomic.Bool
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		others, since := before.Stored, time.Now()
		for !ended.Load() {
			now := g.server.Stats()
			if now.Stored != others || now.ByStatus["503"] == before.ByStatus["503"] {
				others, since = now.Stored, time.Now()
			}
			if time.Since(since) > 80*time.Millisecond {
				stuck.Store(true)
				_ = child.cmd.Process.Signal(syscall.SIGTERM)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	f := child.wait(t)
	ended.Store(true)
	<-watched
	require.Contains(t, []int{-1, exitIncomplete, exitRefused, exitFailures, exitComplete, exitPermissive}, f.code, f.stderr)
	g.stops++
	if f.code == -1 || kind == "fail" && strings.Contains(f.stderr, "no space left") || !stuck.Load() {
		g.hit++
	}
}

// next is what a user calls after a stop: --resume, or the pass again where it had not
// begun.
func (g *grid) next(t *testing.T, pass gridPass, passes int) []string {
	t.Helper()
	if snap, err := journal.Read(journal.OS{}, g.out()); err != nil || len(snap.Passes) < passes {
		return pass.args(g)
	}
	return g.with("--resume")
}

// finish calls what a user would until the import is complete.
func (g *grid) finish(t *testing.T, pass gridPass, passes int) {
	t.Helper()
	g.faults(t, "")
	for range 3 {
		f := g.here(t, nil, g.next(t, pass, passes)...)
		if s := summaryIn(t, g.out()); s.Consents.Sent == int64(g.rows) {
			f.requireCode(t, exitComplete)
			return
		}
	}
	assert.Fail(t, "it does not come to its end", "%+v", summaryIn(t, g.out()).Consents)
}

// weight is what an import that was stopped has come to.
type weight struct {
	lost, overtaken, repeats int
	inFlight                 int64 // of one person, at most
	verify                   finished
}

// weighed counts what has arrived.
func (g *grid) weighed(t *testing.T) (w weight) {
	t.Helper()
	last, arrived, total := map[string]int{}, map[int]bool{}, 0
	for a := range g.server.All {
		row, err := strconv.Atoi(strings.TrimPrefix(a.Message, "row "))
		require.NoError(t, err)
		if row < last[a.UserID] {
			w.overtaken++
		}
		last[a.UserID], arrived[row] = row, true
		total++
	}
	w.lost, w.repeats = g.rows-len(arrived), total-len(arrived)
	w.inFlight = g.server.Stats().MaxInFlight
	w.verify = g.here(t, nil, "verify", g.out())
	return w
}

// check requires that everything has arrived, little of it twice, and of nobody an
// older decision after a newer one; and that verify holds.
func (w weight) check(t *testing.T, g *grid) {
	t.Helper()
	assert.Zero(t, w.lost, "lost")
	assert.Zero(t, w.overtaken, "older decisions that arrived after a newer one")
	assert.LessOrEqual(t, w.repeats, g.stops*gridConcurrency, "repeats after %d stops", g.stops)
	assert.EqualValues(t, 1, w.inFlight, "in flight of one person")
	w.verify.requireConsistent(t)
}

// Every stop of an import, a retry, a repair and a retry of a repair is stopped again:
// at step k, and what goes on from there at step j, for every k and every j, by a kill,
// a torn write, a full disk, a SIGTERM at the durable step, and a 401 at the request;
// every third one a third time. Which kinds meet at k and j differs from one round to the
// next. The bounded form tries some cells, others every day.
func TestEveryStopIsStoppedAgain(t *testing.T) {
	t.Parallel()
	part := newGridPart(t)
	var plans []*gridPlan
	for _, pass := range gridPasses() {
		plans = append(plans, newGridPlan(t, pass, part.day))
	}
	// A cell that ran in parallel would wait for all others, and there are tens of
	// thousands: a few workers play one at a time, of which nothing is kept.
	var sum gridSum
	cells := make(chan gridCell)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for c := range cells {
				c.play(t, &sum)
			}
		})
	}
	began := time.Now()
	for c := range part.cells(plans) {
		cells <- c
		if soak && time.Since(began) > time.Minute {
			began = time.Now()
			t.Log("so far: ", &sum)
		}
	}
	close(cells)
	workers.Wait()
	require.Positive(t, sum.cells)
	t.Logf("part %d of %d, day %d: %v", part.i+1, part.n, part.day, &sum)
}

// gridPlan is a pass and the steps at which it is stopped.
type gridPlan struct {
	gridPass
	passes   int // in the checkpoint when it has begun
	steps    []int
	requests int
}

func newGridPlan(t *testing.T, pass gridPass, day int) *gridPlan {
	t.Helper()
	calm := newGrid(t)
	pass.ready(t, calm)
	disk, reports := faultdisk.New(journal.OS{}, faultdisk.Plan{}), faultdisk.New(journal.OS{}, faultdisk.Plan{})
	calm.faults(t, "")
	calm.here(t, disk, pass.args(calm)...).requireCode(t, exitComplete)
	snap, err := journal.Read(journal.OS{}, calm.out())
	require.NoError(t, err)
	calm.here(t, reports, "report", calm.out())
	p := &gridPlan{pass, len(snap.Passes), gridSteps(int(disk.Steps()), int(reports.Steps()), day), 1 + calm.rows}
	t.Logf("%s: %d durable steps, %d of them of reports; %d tried, each after each", pass.name, disk.Steps(), reports.Steps(), len(p.steps))
	return p
}

// play stops an import at the a-th of the steps, goes on and stops that at the b-th.
func (c gridCell) play(t *testing.T, sum *gridSum) {
	p := c.plan
	at := func(kind stopKind, n int) int {
		if kind == "401" {
			return 1 + n%p.requests
		}
		return p.steps[n%len(p.steps)]
	}
	kind := func(n int) stopKind { return stopKinds[(c.round+n)%len(stopKinds)] }
	first, again := kind(c.a), kind(c.a+c.b)
	t.Run(fmt.Sprintf("%d: %s, %s %d, %s %d", c.round+1, p.name, first, at(first, c.a), again, at(again, c.b)), func(t *testing.T) {
		g := newGrid(t)
		p.ready(t, g)
		require.LessOrEqual(t, g.server.Stats().Stored, int64(1), "all is still to be sent")
		g.stop(t, first, at(first, c.a), p.args(g))
		g.stop(t, again, at(again, c.b), g.next(t, p.gridPass, p.passes))
		if (c.a+c.b)%3 == 0 {
			third := kind(c.a + 2*c.b)
			g.stop(t, third, at(third, 7*c.a+3*c.b), g.next(t, p.gridPass, p.passes))
		}
		g.finish(t, p.gridPass, p.passes)
		w := g.weighed(t)
		sum.add(g, w)
		w.check(t, g)
	})
}

// gridSteps are the durable steps that are tried: all until the reports begin, and of the
// reports, which are made anew from the checkpoint, every seventh, others every day.
func gridSteps(all, reports, day int) (steps []int) {
	for k := 1; k <= all+2; k++ { // a run with an answer that never comes may have some more
		if k <= all-reports || (k+day)%7 == 0 {
			steps = append(steps, k)
		}
	}
	return slices.Clip(steps)
}

// A disk without room for the copy of what was repaired is a reason to refuse the
// repair, of which nothing was sent; with room it goes on as if nothing had happened.
func TestARepairWithoutRoomIsRefused(t *testing.T) {
	t.Parallel()
	pass := gridPasses()[2]
	g := newGrid(t)
	pass.ready(t, g)
	g.faults(t, "")
	before := g.server.Stats().Requests
	for step := int64(1); step <= 5; step++ { // create, write, sync, rename, sync of the directory
		f := g.here(t, faultdisk.New(journal.OS{}, faultdisk.Plan{Step: step, Do: faultdisk.Fail}), pass.args(g)...).requireCode(t, exitRefused)
		assert.Contains(t, f.message(t), "hint: make room")
	}
	assert.Equal(t, before, g.server.Stats().Requests)
	g.here(t, nil, pass.args(g)...).requireCode(t, exitComplete)
	g.weighed(t).check(t, g)
}
