package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report/wording"
)

// killed is the first run of the sample: in a process of its own, which is killed
// behind that many requests. One that ends before has said why in its report.
func (p *performance) killed(ctx context.Context, after int64) error {
	t := p.trial
	if p.env.self == nil {
		return nil // the resume begins, and does all of it
	}
	args, err := p.arguments()
	if err != nil {
		return err
	}
	child, err := p.env.self(args...)
	if err != nil {
		return fmt.Errorf("start the import that is to be killed: %w", err)
	}
	var said bytes.Buffer
	child.Stderr = &said
	child.Env = append(child.Environ(), "INTEMPT_API_KEY="+sandboxKey, p.env.secretURLs())
	if p.flags.progress != "none" {
		messages{p.env}.note("rehearsing in a process of its own, which is killed after " + wording.Plural(after, "request"))
	}
	if err := child.Start(); err != nil {
		return fmt.Errorf("start the import that is to be killed: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	var began time.Time
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			t.requests = p.server.Stats().Requests
			if !began.IsZero() {
				t.took = time.Since(began)
			}
			return p.endedItself(err, said.String())
		case <-ctx.Done():
			_ = child.Process.Kill() // it may have ended by itself
			<-ended
			return nil
		case <-look.C:
			n := p.server.Stats().Requests
			if n > 0 && began.IsZero() {
				began = time.Now()
			}
			if n < after {
				continue
			}
			_ = child.Process.Kill()
			t.took = time.Since(began)
			err := <-ended
			t.requests = p.server.Stats().Requests
			if child.ProcessState.ExitCode() >= 0 { // it was done before
				return p.endedItself(err, said.String())
			}
			t.cutAfter = t.requests
			p.quiet(ctx)
			return nil
		}
	}
}

// quietWithin is how long what a dead process had asked may take in the sandbox.
const quietWithin = 5 * time.Second

// quiet waits until the sandbox has answered what the dead process had asked, and
// reports whether it has: a new one may otherwise overtake it, as it could at a real
// target. Hung requests are among the faults, so it does not wait for ever.
func (p *performance) quiet(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, quietWithin)
	defer cancel()
	return p.server.AwaitQuiet(ctx) == nil
}

// endedItself takes over why a process ended before it was killed.
func (p *performance) endedItself(err error, said string) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && (exit.ExitCode() == exitFailures || exit.ExitCode() == exitPermissive):
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == exitIncomplete:
		surveyed, err := survey.Open(p.env.disk, p.flags.out, p.env.access(context.Background()))
		if err != nil {
			return err
		}
		defer surveyed.Close()
		if end := surveyed.Facts().End; end != nil {
			p.trial.stop = &importer.Stop{Kind: importer.StopKind(end.Why), Detail: end.Detail}
		}
		return nil
	default:
		first, _, _ := strings.Cut(strings.TrimPrefix(said, "error: "), "\n")
		return fmt.Errorf("the import that was to be killed: %w: %s", err, first)
	}
}

// arguments are those of the run of the sample: the user's own, under the mapping
// as the dry run kept it, into the sandbox.
func (p *performance) arguments() ([]string, error) {
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(p.flags.out), "dry-run", "mapping-*.yaml"))
	if err != nil || len(kept) != 1 {
		return nil, fmt.Errorf("the dry run kept %d mappings", len(kept))
	}
	target := p.flags.rehearsed(p.server.URL())
	args := []string{"run", "--mapping", kept[0], "--out", p.flags.out, "--progress", "none", "--rehearsal",
		"--base-url", target.BaseURL, "--org", target.Org, "--project", target.Project}
	if p.trial.sample < p.trial.dry.Rows.Read {
		args = append(args, "--limit", strconv.FormatInt(p.trial.sample, 10))
	}
	for _, f := range p.called.Flags {
		switch f.Name {
		case "mapping", "preset", "set", "between", "per-day":
		default:
			args = append(args, "--"+f.Name+"="+f.Value)
		}
	}
	return append(append(args, "--"), p.called.Exports...), nil
}

// self makes the command that runs this program once more.
func self(args ...string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(exe, args...), nil
}
