package studio

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/consentimport/consentimport/report"
)

// job is a command that works in the background, one at a time. No page has to be open.
type job struct {
	kind    string // dry-run, run, verify, evidence, repair
	command string
	cancel  context.CancelFunc
	since   time.Time
	stdout  tail
	stderr  tail
	ended   chan struct{}
	code    int // when it has ended
}

// errBusy refuses a second job.
var errBusy = errors.New("another command is at work; wait for its end or stop it")

// start runs a command in the background. It goes on whatever the browser does.
func (s *Studio) start(kind string, args ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job != nil && !s.job.done() {
		return errBusy
	}
	s.dropComparison() // it would take the processors from the job
	ctx, cancel := context.WithCancel(s.cfg.Context)
	j := &job{kind: kind, command: commandLine(args), cancel: cancel, since: time.Now(), ended: make(chan struct{})}
	s.job = j
	s.jobs.Go(func() {
		defer close(j.ended)
		defer cancel()
		j.code = s.cfg.Program(ctx, args, &j.stdout, &j.stderr)
	})
	return nil
}

// current is the last job of one of the kinds; nil when it was another, or none.
func (s *Studio) current(kinds ...string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		if s.job != nil && s.job.kind == k {
			return s.job
		}
	}
	return nil
}

func (j *job) done() bool {
	select {
	case <-j.ended:
		return true
	default:
		return false
	}
}

// call runs a command to its end and gives what it said.
func (s *Studio) call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.cfg.Context, cancel)()
	var out, errs tail
	code = s.cfg.Program(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

// commandLine writes a command as a shell takes it.
func commandLine(args []string) string {
	return report.ShellLine(append([]string{"consentimport"}, args...))
}

// maxTail is how much is kept of what a command says.
const maxTail = 256 << 10

// tail keeps the end of a text.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
	cut bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - maxTail; over > 0 {
		t.buf.Next(over)
		t.cut = true
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.ToValidUTF8(t.buf.String(), "�")
	if t.cut {
		text = "…" + text
	}
	return text
}

// jobView is a job as a page shows it.
type jobView struct {
	Kind, Command  string
	Done           bool
	Code           int
	Stdout, Stderr string
	Elapsed        time.Duration
}

func (j *job) view() *jobView {
	if j == nil {
		return nil
	}
	v := &jobView{Kind: j.kind, Command: j.command, Done: j.done(), Elapsed: time.Since(j.since).Round(time.Second)}
	if v.Done {
		v.Code = j.code
	}
	v.Stdout, v.Stderr = j.stdout.String(), j.stderr.String()
	return v
}
