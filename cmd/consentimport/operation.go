package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// operation is what others see of a run while it goes on, and what happens at its end.
type operation struct {
	env    *environment
	events *events
	meter  *meter
	onEnd  string
	began  bool
	ended  *summary.Summary // nil: it ended with an error
}

// openOperation opens what the flags ask for. Errors come before anything is sent.
func (f *runFlags) openOperation(env *environment) (*operation, error) {
	o := &operation{env: env, onEnd: f.onEnd}
	if f.json && f.events == "-" {
		return nil, usage("give --events a file", "--events - and --json both write to standard output")
	}
	var err error
	if o.events, err = openEvents(env, f.events); err != nil {
		return nil, err
	}
	if o.meter, err = openMeter(f.metrics); err != nil {
		o.events.close()
		return nil, err
	}
	if o.meter != nil {
		messages{env}.note("metrics: http://" + o.meter.addr + "/metrics")
	}
	return o, nil
}

// start tells that the run begins; byStatus counts the answers of the target, nil in a
// dry run.
func (o *operation) start(im *importer.Import, dry bool, to journal.Target, byStatus func() map[string]int64) {
	o.began = true
	o.meter.watch(im.Progress, byStatus)
	o.events.start(im, dry, to)
}

// eventEvery is how many seconds lie between two events of progress.
const eventEvery = 10 * time.Second

// follow tells how the import goes until the function that it returns is called, which
// tells it once more.
func (o *operation) follow(im *importer.Import) (done func()) {
	if o.events == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(eventEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				o.events.progress(im.Progress())
			case <-stop:
				o.events.progress(im.Progress())
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// waits tells that the run waits, or goes on after it has.
func (o *operation) waits(w importer.Waiting) {
	o.events.waits(w)
	if w.Why == "" {
		messages{o.env}.note("sending again")
	} else {
		messages{o.env}.note(waitingFor(w) + "; it may be stopped meanwhile, and --resume continues")
	}
}

// waitingFor says what a run waits for.
func waitingFor(w importer.Waiting) string {
	return fmt.Sprintf("waiting until %s: %s", w.Until.Format("2006-01-02 15:04 -07:00"), w.Detail)
}

// end tells the result.
func (o *operation) end(s *summary.Summary) {
	o.ended = s
	o.events.end(s)
}

// onEndWithin is how long the command of --on-end may take.
const onEndWithin = 30 * time.Second

// endingOnEnd is what a signal leads to while the command of --on-end runs.
const endingOnEnd = "ending the command of --on-end; the run itself has ended, and its reports are written"

// close runs the command of --on-end, if the run has begun, and lets go of the rest.
// Whatever the command does, the exit code stays that of the run. From here on a signal
// ends the command, with all that it has started, and nothing else: before is what a signal
// led to so far.
func (o *operation) close(code int, dir string, before func()) {
	if o.began && o.onEnd != "" {
		signalled, release := o.env.interruptible(messages{o.env}.note, endingOnEnd)
		defer release()
		before()
		ctx, cancel := context.WithTimeout(signalled, onEndWithin)
		defer cancel()
		shell, flag := "sh", "-c"
		if runtime.GOOS == "windows" {
			shell, flag = "cmd", "/C"
		}
		c := exec.CommandContext(ctx, shell, flag, o.onEnd)
		c.Env, c.Stdout, c.Stderr = append(withoutKey(os.Environ()), o.variables(code, dir)...), o.env.stderr, o.env.stderr
		c.WaitDelay = time.Second
		endTogether(c)
		switch err := c.Run(); {
		case err != nil && signalled.Err() != nil:
			messages{o.env}.warn("the command of --on-end was ended by a signal")
		case err != nil && ctx.Err() != nil:
			messages{o.env}.warn(fmt.Sprintf("the command of --on-end was ended: it took longer than %s", onEndWithin))
		case err != nil:
			messages{o.env}.warn(fmt.Sprintf("the command of --on-end failed: %v", err))
		}
	}
	o.meter.close()
	o.events.close()
}

// variables are what the command of --on-end is told.
func (o *operation) variables(code int, dir string) []string {
	vars := []string{fmt.Sprintf("CONSENTIMPORT_EXIT_CODE=%d", code), "CONSENTIMPORT_OUT_DIR=" + dir}
	s := o.ended
	if s == nil {
		return append(vars, "CONSENTIMPORT_STATE=error")
	}
	vars = append(vars, "CONSENTIMPORT_STATE="+s.State, "CONSENTIMPORT_WHY="+s.Why)
	for _, x := range []struct {
		name string
		n    int64
	}{
		{"ROWS_READ", s.Rows.Read}, {"ROWS_MAPPED", s.Rows.Mapped}, {"ROWS_SKIPPED", s.Rows.Skipped}, {"ROWS_INVALID", s.Rows.Invalid},
		{"MADE", s.Consents.Made}, {"SENT", s.Consents.Sent}, {"REFUSED", s.Consents.Refused}, {"FAILED", s.Consents.Failed},
		{"PENDING", s.Consents.Pending}, {"SUPERSEDED", s.Consents.Superseded}, {"KNOWN", s.Consents.Known}, {"TOO_PERMISSIVE", s.OverPermissive.Count},
	} {
		vars = append(vars, fmt.Sprintf("CONSENTIMPORT_%s=%d", x.name, x.n))
	}
	return vars
}

// withoutKey is an environment without the API key.
func withoutKey(env []string) []string {
	var out []string
	for _, v := range env {
		if !strings.HasPrefix(v, "INTEMPT_API_KEY=") {
			out = append(out, v)
		}
	}
	return out
}
