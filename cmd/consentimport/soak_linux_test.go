package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/sandbox"
)

// soakRows and soakKill are the size of the soak: how many rows, and how long
// each process lives. CONSENTIMPORT_SOAK_ROWS and CONSENTIMPORT_SOAK_KILL change
// them; a -timeout that is too short for so much makes both smaller.
const (
	soakRows = 10_000_000
	soakKill = time.Minute
)

const (
	soakConcurrency = 64
	soakFaults      = "400=0.5%,429=1%,500=1%,reset=0.3%,lost=0.1%,latency=1ms"
	soakMemory      = 256 << 20 // bytes that the program may take at most
)

// The import of a whole platform under faults, by a program that is killed once
// a minute: nothing is lost, nobody is overtaken, little is repeated, and the
// program takes as much of the machine at the end as at the beginning. The
// sandbox is a process of its own.
//
//	CONSENTIMPORT_SOAK=1 go test -run TestSoak -v -timeout 3h ./cmd/consentimport
func TestSoak(t *testing.T) {
	if !soak {
		t.Skip("set CONSENTIMPORT_SOAK=1 to import ten million rows, for about an hour")
	}
	s := startSoak(t)
	t.Logf("%d rows, killed every %s, faults %s", s.rows, s.every, soakFaults)

	s.untilDone(t, "import", "--resume")
	code := s.last.cmd.ProcessState.ExitCode()
	require.Contains(t, []int{exitFailures, exitPermissive}, code)
	summary := summaryIn(t, s.out())
	assert.EqualValues(t, s.rows, summary.Rows.Read)
	assert.InDelta(t, 0.005*float64(s.rows), float64(summary.Consents.Refused), 0.001*float64(s.rows)+100)
	s.account(t)

	// What was refused, again, in fair weather.
	s.setFaults(t, "")
	s.untilDone(t, "retry", "--resume", "--retry")
	require.Equal(t, exitComplete, s.last.cmd.ProcessState.ExitCode())
	summary = summaryIn(t, s.out())
	assert.Zero(t, summary.Failures())
	repeats := s.account(t)
	s.exec(t, "verify", s.out()).requireConsistent(t)

	s.lives.flat(t)
	stats := s.stats(t)
	t.Logf("%d sent, %d superseded, %d requests, %d kills, %d repeats, %d lost answers, %s in all, %.0f consents/s while working",
		summary.Consents.Sent, summary.Consents.Superseded, stats.Requests, s.kills, repeats, stats.Faults["lost"], time.Since(s.began).Round(time.Second), summary.ConsentsPerSecond)
	t.Log("\n" + s.lives.table())
}

// soaking is an import that is being soaked.
type soaking struct {
	program
	rows  int
	every time.Duration
	began time.Time
	url   string // base URL of the sandbox
	lost  int64  // answers that faults before the present ones have lost
	kills int
	lives lives
	last  *execution
}

func startSoak(t *testing.T) *soaking {
	t.Helper()
	s := &soaking{rows: soakRows, every: soakKill, began: time.Now()}
	if end, ok := t.Deadline(); ok {
		if left := time.Until(end); left < time.Hour {
			s.rows, s.every = 500*int(left/time.Second), 5*time.Second
		}
	}
	var err error
	if v := os.Getenv("CONSENTIMPORT_SOAK_ROWS"); v != "" {
		s.rows, err = strconv.Atoi(v)
		require.NoError(t, err, "CONSENTIMPORT_SOAK_ROWS")
	}
	if v := os.Getenv("CONSENTIMPORT_SOAK_KILL"); v != "" {
		s.every, err = time.ParseDuration(v)
		require.NoError(t, err, "CONSENTIMPORT_SOAK_KILL")
	}
	s.begin(t, s.writeExport, soakFaults)
	return s
}

// begin has the export written and starts the sandbox.
func (s *soaking) begin(t *testing.T, write func(*testing.T), faults string) {
	t.Helper()
	s.dir = t.TempDir()
	s.env = []string{"INTEMPT_API_KEY=" + testKey}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "plain.yaml"), []byte(plainMapping), 0o600))
	write(t)

	target := s.start(t, "sandbox", "--addr", "127.0.0.1:0", "--api-key", testKey, "--faults", faults)
	t.Cleanup(func() { _ = target.cmd.Process.Kill(); _ = target.cmd.Wait() })
	require.Eventually(t, func() bool { return strings.Contains(target.stdout.String(), "base URL ") }, waitFor, tick)
	_, url, _ := strings.Cut(strings.TrimSpace(target.stdout.String()), "base URL ")
	s.url = url
}

func (s *soaking) export() string { return filepath.Join(s.dir, "export.csv") }
func (s *soaking) out() string    { return s.export() + ".import" }

// place gives whom row n is about: one of three categories of a subject. Each
// subject has eight rows, spread over the whole export.
func (s *soaking) place(n int) (subject, category int) {
	x := scattered(n)
	return int(x % uint64(s.rows/8+1)), int(x >> 40 % 3)
}

// scattered is a number that has nothing to do with n.
func scattered(n int) uint64 {
	x := uint64(n) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return x ^ x>>32
}

var soakCategories = [3]string{"mail", "ads", "stats"}

func (s *soaking) writeExport(t *testing.T) {
	t.Helper()
	f, err := os.Create(s.export())
	require.NoError(t, err)
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(w, exportHeader)
	for n := 1; n <= s.rows; n++ {
		subject, category := s.place(n)
		fmt.Fprint(w, exportRow(n, "u"+strconv.Itoa(subject), soakCategories[category], []string{"yes", "no"}[n/7%2]))
	}
	require.NoError(t, w.Flush())
}

// untilDone runs the program, kills it each time its time is up, and runs it
// again, until it ends by itself. Killed when everything has arrived, which is while
// it writes its reports, it is left alone from then on. A retry looks back over
// everything before it sends, so it is killed twice only.
func (s *soaking) untilDone(t *testing.T, what string, flags ...string) {
	t.Helper()
	kills := 0
	for alone := false; ; {
		s.last = s.execute(t, flags...)
		life := s.last.live(t, what, s.every, alone)
		s.lives = append(s.lives, life)
		if life.ended {
			require.NotContains(t, s.last.stderr.String(), "goroutine ", "a stack trace")
			return
		}
		s.kills++
		kills++
		require.Less(t, kills, 1000, "it comes to no end")
		if what == "import" {
			st := s.stats(t)
			alone = st.Distinct+st.Faults["400"] >= int64(s.rows)
			continue
		}
		alone = kills == 2
		snap, err := journal.Read(journal.OS{}, s.out())
		require.NoError(t, err)
		if len(snap.Passes) > 1 { // begun: with --retry, another one would begin
			flags = []string{"--resume"}
		}
	}
}

// execute starts the program on the export.
func (s *soaking) execute(t *testing.T, flags ...string) *execution {
	t.Helper()
	args := append([]string{"run", "--mapping", filepath.Join(s.dir, "plain.yaml"), "--base-url", s.url, "--org", "acme", "--project", "shop",
		"--concurrency", strconv.Itoa(soakConcurrency), "--progress", "none"}, flags...)
	e := &execution{counter: filepath.Join(s.dir, "goroutines")}
	p := s.program
	p.env = append([]string{goroutineFile + "=" + e.counter}, s.env...)
	e.running = p.start(t, append(args, s.export())...)
	return e
}

func (s *soaking) page(t *testing.T, name string) *http.Response {
	t.Helper()
	got, err := http.Get(strings.TrimSuffix(s.url, "/v1") + "/_sandbox/" + name)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, got.StatusCode)
	return got
}

func (s *soaking) stats(t *testing.T) (st sandbox.Stats) {
	t.Helper()
	got := s.page(t, "stats")
	defer got.Body.Close()
	require.NoError(t, json.NewDecoder(got.Body).Decode(&st))
	return st
}

func (s *soaking) setFaults(t *testing.T, spec string) {
	t.Helper()
	got, err := http.Post(strings.TrimSuffix(s.url, "/v1")+"/_sandbox/faults", "text/plain", strings.NewReader(spec))
	require.NoError(t, err)
	defer got.Body.Close()
	require.Equal(t, http.StatusOK, got.StatusCode)
}

// account checks what the program says and what the sandbox has, in memory that
// grows by bits a row: each row has one outcome; what is said to be sent arrived;
// of each subject and category it arrived in row order; no two were in flight at
// once; little arrived twice. It gives how much did.
func (s *soaking) account(t *testing.T) (repeats int64) {
	t.Helper()
	outcomes, sent := newBits(s.rows+1), newBits(s.rows+1)
	for _, file := range []string{"successes.csv", "failures.csv", "superseded.csv"} {
		linesOf(t, filepath.Join(s.out(), file), func(line string) {
			first, _, _ := strings.Cut(line, ",")
			n, err := strconv.Atoi(first)
			if err != nil {
				return // a line break within a cell
			}
			require.True(t, outcomes.set(n), "row %d has two outcomes", n)
			if file == "successes.csv" {
				sent.set(n)
			}
		})
	}
	require.Equal(t, s.rows, outcomes.count, "rows with an outcome")

	arrived := newBits(s.rows + 1)
	last := make([]int32, (s.rows/8+1)*len(soakCategories))
	s.arrivals(t, func(n int, c *arrival) {
		subject, category := s.place(n)
		require.Equal(t, "u"+strconv.Itoa(subject)+soakCategories[category], c.UserID+c.Category)
		at := subject*len(soakCategories) + category
		if int32(n) < last[at] {
			require.Fail(t, "out of order", "row %d arrived after row %d of the same subject and category", n, last[at])
		}
		last[at] = int32(n)
		if !arrived.set(n) {
			repeats++
		}
	})
	require.Zero(t, sent.without(arrived), "rows are said to be sent, but never arrived")
	stats := s.stats(t)
	s.lost = max(s.lost, stats.Faults["lost"])
	assert.LessOrEqual(t, int64(arrived.count-sent.count), s.lost, "arrived, the answer lost, and refused when it came again")
	assert.LessOrEqual(t, repeats, int64(s.kills*soakConcurrency)+s.lost)
	assert.EqualValues(t, 1, stats.MaxInFlight, "in flight of one subject and category")
	return repeats
}

// arrival is what the sandbox has of a consent.
type arrival struct {
	UserID, Category, Message, Action string
	Timestamp                         int64
}

// arrivals goes through what arrived, in that order, with the row that each was.
func (s *soaking) arrivals(t *testing.T, each func(n int, c *arrival)) {
	t.Helper()
	body := s.page(t, "consents").Body
	defer body.Close()
	in := bufio.NewScanner(body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c arrival
		require.NoError(t, json.Unmarshal(in.Bytes(), &c))
		n, err := strconv.Atoi(strings.TrimPrefix(c.Message, "row "))
		require.NoError(t, err)
		each(n, &c)
	}
	require.NoError(t, in.Err())
}

// linesOf reads a file line by line, without its header; one that is not there
// has none.
func linesOf(t *testing.T, path string, each func(string)) {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		each(in.Text())
	}
	require.NoError(t, in.Err())
}

// kill ends the process at once.
func (e *execution) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, e.cmd.Process.Signal(syscall.SIGKILL))
}
