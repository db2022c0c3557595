package main

import (
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// execution is one process of the program that is watched.
type execution struct {
	*running
	counter string // file in which it counts its goroutines
}

// load is what a process takes of the machine.
type load struct {
	memory                     int64 // resident, bytes
	files, threads, goroutines int
}

func (l load) most(m load) load {
	return load{max(l.memory, m.memory), max(l.files, m.files), max(l.threads, m.threads), max(l.goroutines, m.goroutines)}
}

// life is one process from its start to its end.
type life struct {
	what  string
	ended bool // by itself
	took  time.Duration
	most  load
}

// live watches a process until it ends, or kills it when its time is up, unless
// it is left alone.
func (e *execution) live(t *testing.T, what string, allowed time.Duration, alone bool) life {
	t.Helper()
	l := life{what: what}
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- e.cmd.Wait() }()
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	up := time.After(allowed)
	for {
		select {
		case <-ended:
			l.ended, l.took = true, time.Since(began)
			return l
		case <-ticker.C:
			l.most = l.most.most(e.load())
		case <-up:
			if alone {
				continue
			}
			e.kill(t)
			<-ended
			l.ended, l.took = e.cmd.ProcessState.ExitCode() != -1, time.Since(began)
			return l
		}
	}
}

// load reads what the process takes now; a process that has just ended takes nothing.
func (e *execution) load() (l load) {
	dir := filepath.Join("/proc", strconv.Itoa(e.cmd.Process.Pid))
	status, _ := os.ReadFile(filepath.Join(dir, "status"))
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		number, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			l.memory = int64(number) << 10
		case "Threads":
			l.threads = number
		}
	}
	files, _ := os.ReadDir(filepath.Join(dir, "fd"))
	l.files = len(files)
	count, _ := os.ReadFile(e.counter)
	l.goroutines, _ = strconv.Atoi(string(count))
	return l
}

// lives are all processes of a soak.
type lives []life

// killed are those that were killed while they sent; those that ended by
// themselves wrote reports too.
func (all lives) killed() (out lives) {
	for _, l := range all {
		if !l.ended && l.what == "import" {
			out = append(out, l)
		}
	}
	return out
}

func (all lives) most() (m load) {
	for _, l := range all {
		m = m.most(l.most)
	}
	return m
}

// thirds are the first and the last third of the lives that were killed.
func (all lives) thirds() (first, last lives) {
	killed := all.killed()
	n := (len(killed) + 2) / 3
	return killed[:n], killed[len(killed)-n:]
}

// flat checks that the last processes took no more than the first ones.
func (all lives) flat(t *testing.T) {
	t.Helper()
	first, last := all.thirds()
	require.NotEmpty(t, first, "no process was killed: more rows, or a shorter CONSENTIMPORT_SOAK_KILL")
	a, b := first.most(), last.most()
	assert.LessOrEqual(t, b.memory, a.memory*5/4+16<<20, "memory grows")
	assert.LessOrEqual(t, b.files, a.files+8, "open files grow")
	assert.LessOrEqual(t, b.threads, a.threads+8, "threads grow")
	assert.LessOrEqual(t, b.goroutines, a.goroutines+16, "goroutines grow")
	assert.NotZero(t, b.goroutines)
	assert.Less(t, all.most().memory, int64(soakMemory))
}

func (all lives) table() string {
	var b strings.Builder
	row := func(name string, some lives) {
		var took time.Duration
		for _, l := range some {
			took += l.took
		}
		m := some.most()
		fmt.Fprintf(&b, "%-24s %4d processes %8s   memory %4d MiB   files %3d   threads %3d   goroutines %4d\n",
			name, len(some), took.Round(time.Second), m.memory>>20, m.files, m.threads, m.goroutines)
	}
	first, last := all.thirds()
	row("first third, at most", first)
	row("last third, at most", last)
	for _, what := range []string{"import", "retry"} {
		var ended, killed lives
		for _, l := range all {
			if l.what == what && l.ended {
				ended = append(ended, l)
			} else if l.what == what {
				killed = append(killed, l)
			}
		}
		row(what+", killed", killed)
		row(what+", ended with reports", ended)
	}
	return b.String()
}

// bitset has a bit for each row.
type bitset struct {
	words []uint64
	count int
}

func newBits(n int) *bitset { return &bitset{words: make([]uint64, n/64+1)} }

// set reports whether the bit was not set yet.
func (b *bitset) set(n int) bool {
	if b.words[n/64]>>(n%64)&1 == 1 {
		return false
	}
	b.words[n/64] |= 1 << (n % 64)
	b.count++
	return true
}

// without counts the bits that others do not have.
func (b *bitset) without(others *bitset) (n int) {
	for i, w := range b.words {
		n += bits.OnesCount64(w &^ others.words[i])
	}
	return n
}
