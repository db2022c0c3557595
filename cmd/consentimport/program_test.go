package main

import (
	"bytes"
	"context"
	"errors"
	testflag "flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
	"github.com/consentimport/consentimport/mapping"
)

// The environment variables by which the tests turn their own binary into the
// program, and tell it where to break.
const (
	asProgram = "CONSENTIMPORT_TEST_PROGRAM" // set: be the program
	// A URL that answers when nothing is under way to the target any more; unset:
	// the program waits --timeout after a run that died, as it does for its users.
	arrivedAt = "CONSENTIMPORT_TEST_ARRIVED"
	// How long the reports may take after a signal; unset: as long as for users.
	reportTime = "CONSENTIMPORT_TEST_REPORTS"
	// How many consents may be read and unfinished; unset: as many as for users.
	windowSize = "CONSENTIMPORT_TEST_WINDOW"
	diskFault  = "CONSENTIMPORT_TEST_DISK" // a faultdisk.Plan, such as kill@17
	sendFault  = "CONSENTIMPORT_TEST_SEND" // SIGKILL before@N or after@N, the N-th request
	// goroutineFile is a file in which the program counts its goroutines.
	goroutineFile = "CONSENTIMPORT_TEST_GOROUTINES"
	// peakFile is a file in which the program leaves what the system says of it at its end.
	// What the system tells a parent of its child is at least what the parent itself had.
	peakFile = "CONSENTIMPORT_TEST_PEAK"
)

// soak turns the bounded form of the long tests into the full one.
var soak = os.Getenv("CONSENTIMPORT_SOAK") != ""

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		testflag.Parse()
		if signal.Ignored(syscall.SIGHUP) { // the tests run under nohup, and what they start would, too
			signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
		}
		if !given("test.parallel") { // these tests mostly wait for the program, or the program for the target
			if err := testflag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
				panic(err)
			}
		}
		os.Exit(m.Run())
	}
	env := realEnvironment()
	env.environ = func() []string { return withoutTests(os.Environ()) }
	env.arrived = askArrived(os.Getenv(arrivedAt))
	env.reports, _ = time.ParseDuration(os.Getenv(reportTime)) // unset: the usual
	env.unfinished, _ = strconv.Atoi(os.Getenv(windowSize))    // unset: the usual
	plan, err := faultdisk.Parse(os.Getenv(diskFault))
	if err != nil {
		panic(err)
	}
	if plan.Step > 0 {
		env.disk = faultdisk.New(env.disk, plan)
	}
	if when, n, ok := strings.Cut(os.Getenv(sendFault), "@"); ok {
		at, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			panic(err)
		}
		env.target = func(under importer.Target) importer.Target {
			return &deadly{under: under, at: at, after: when == "after"}
		}
	}
	if path := os.Getenv(goroutineFile); path != "" {
		go func() {
			for range time.Tick(100 * time.Millisecond) {
				_ = os.WriteFile(path, []byte(strconv.Itoa(runtime.NumGoroutine())), 0o600)
			}
		}()
	}
	code := run(env, os.Args[1:])
	if path := os.Getenv(peakFile); path != "" {
		status, _ := os.ReadFile("/proc/self/status")
		_ = os.WriteFile(path, status, 0o600)
	}
	os.Exit(code)
}

// ofTests matches the variables that are for tests, not for the program.
var ofTests = regexp.MustCompile("^" + variablePrefix + "(TEST_|SOAK|BENCH_|SORT_|SHOTS|DAY|KUBERNETES|PART|VERSITYGW)")

// withoutTests are those variables that are for the program.
func withoutTests(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), ofTests.MatchString)
}

// deadly is a target at whose n-th request the process dies as kill -9 does:
// before the request leaves, or when its answer has come and nobody has noted it.
type deadly struct {
	under importer.Target
	at    int64
	after bool
	n     atomic.Int64
}

func (d *deadly) Send(ctx context.Context, c *mapping.Consent) delivery.Answer {
	n := d.n.Add(1)
	if n == d.at && !d.after {
		die()
	}
	a := d.under.Send(ctx, c)
	if n == d.at {
		die()
	}
	return a
}

func die() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill()
	}
	select {}
}

// program is how a test calls the program.
type program struct {
	dir   string   // working directory
	env   []string // NAME=VALUE beside what every program gets
	stdin io.Reader
	// timeout of one request, for a program that runs here; 0: the usual one.
	timeout time.Duration
	// chunk is how much a request for an export elsewhere asks for; 0: as much as for users.
	chunk int64
	// signalled has a program that runs here get a signal as soon as it hears one.
	signalled bool
}

// askArrived asks the server of a test whether all that was sent has arrived.
func askArrived(url string) func(context.Context) bool {
	if url == "" {
		return nil
	}
	return func(context.Context) bool {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		req.Close = true // a connection that is kept would count as one that is under way
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
}

// finished is a program that has ended.
type finished struct {
	code           int // -1: killed by a signal
	stdout, stderr string
}

// surroundings are the environment of the program: nothing of the one that the
// tests happen to run in, but for what the race detector and Go itself need.
func (p program) surroundings() []string {
	env := append([]string{asProgram + "=1", "TZ=Pacific/Chatham", "HOME=" + os.TempDir(),
		"GORACE=atexit_sleep_ms=0", // otherwise the race detector sleeps for a second at every exit
	}, p.env...)
	for _, name := range []string{"PATH", "TMPDIR", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// running is a program that was started in a process of its own.
type running struct {
	cmd            *exec.Cmd
	stdout, stderr safeBuffer
}

func (p program) start(t *testing.T, args ...string) *running {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	r := &running{cmd: exec.Command(exe, args...)}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdin = p.dir, p.surroundings(), p.stdin
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	require.NoError(t, r.cmd.Start())
	return r
}

// wait gives what became of it; a program that hangs is ended and fails the test.
func (r *running) wait(t *testing.T) finished {
	t.Helper()
	dead := time.AfterFunc(2*time.Minute, func() { _ = r.cmd.Process.Signal(syscall.SIGQUIT) })
	defer dead.Stop()
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	f := finished{r.cmd.ProcessState.ExitCode(), r.stdout.String(), r.stderr.String()}
	require.NotContains(t, f.stderr, "DATA RACE")
	require.NotContains(t, f.stderr, "goroutine ", "a stack trace")
	return f
}

// exec runs the program in a process of its own.
func (p program) exec(t *testing.T, args ...string) finished {
	t.Helper()
	return p.start(t, args...).wait(t)
}

// here runs the program within the test's process, on a disk of the test's choice.
func (p program) here(t *testing.T, disk journal.Disk, args ...string) finished {
	t.Helper()
	var stdout, stderr safeBuffer
	vars := map[string]string{}
	for _, v := range p.env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	if disk == nil {
		disk = journal.OS{}
	}
	in := p.stdin
	if in == nil {
		in = strings.NewReader("")
	}
	env := &environment{
		stdin: in, stdout: &stdout, stderr: &stderr, now: time.Now, disk: disk, width: 80, chunk: p.chunk, arrived: askArrived(vars[arrivedAt]),
		getenv:  func(name string) string { return vars[name] },
		environ: func() []string { return withoutTests(p.env) },
		signals: func() (<-chan os.Signal, func()) {
			came := make(chan os.Signal, 1)
			if p.signalled {
				came <- os.Interrupt
			}
			return came, func() {}
		},
	}
	env.reports, _ = time.ParseDuration(vars[reportTime]) // unset: the usual
	if p.timeout > 0 {
		args = append([]string{args[0], "--timeout", p.timeout.String()}, args[1:]...)
	}
	code := run(env, args)
	return finished{code, stdout.String(), stderr.String()}
}

// requireCode fails with everything that the program said.
func (f finished) requireCode(t *testing.T, code int) finished {
	t.Helper()
	require.Equal(t, code, f.code, "exit code; standard error:\n%s\nstandard output:\n%s", f.stderr, f.stdout)
	return f
}

// requireConsistent fails unless a verification found everything in agreement; the
// target may be more permissive than people are, which ends with 3 by itself.
func (f finished) requireConsistent(t *testing.T) finished {
	t.Helper()
	if f.code == exitFailures {
		wrong := regexp.MustCompile(`(?m)^wrong: .*`).FindAllString(f.stdout, -1)
		require.Len(t, wrong, 1, f.stdout)
		require.Contains(t, wrong[0], "wrong: too permissive: ", f.stdout)
		return f
	}
	return f.requireCode(t, exitComplete)
}

// message is the complaint of a program that refused: one line of error, one of
// hint at most.
func (f finished) message(t *testing.T) string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(f.stderr, "\n"), "\n")
	require.LessOrEqual(t, len(lines), 2, "a message is one or two lines:\n%s", f.stderr)
	require.True(t, strings.HasPrefix(lines[0], "error: "), "%q", lines[0])
	if len(lines) == 2 {
		require.True(t, strings.HasPrefix(lines[1], "hint: "), "%q", lines[1])
	}
	return f.stderr
}

// safeBuffer may be written to and read at once.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// given says that a flag stands in the command line of the tests.
func given(name string) (yes bool) {
	testflag.Visit(func(f *testflag.Flag) { yes = yes || f.Name == name })
	return yes
}

// quoted is a command for a shell: the program, in its directory and with its
// environment alone.
func (p program) quoted(t *testing.T, args ...string) string {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	words := append([]string{"env", "-i"}, p.surroundings()...)
	words = append(append(words, exe), args...)
	for i, w := range words {
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return "cd '" + p.dir + "' && exec " + strings.Join(words, " ")
}
