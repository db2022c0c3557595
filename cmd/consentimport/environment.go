package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/text"
)

// environment is all that the program takes from its surroundings.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string // all variables, each NAME=VALUE; nil: unknown
	now            func() time.Time
	disk           journal.Disk
	terminal       bool                                  // stderr is one
	stdoutTerminal bool                                  // stdout is one
	width          int                                   // columns of the terminal
	columns        func() int                            // its columns now: windows are made wider and narrower; nil: they stay
	quiet          bool                                  // standard error has errors alone
	logsAlone      bool                                  // and errors, too
	log            *slog.Logger                          // takes what else it would have; nil: lines of text
	height         int                                   // its lines; 0: unknown
	target         func(importer.Target) importer.Target // what stands between the run and its target; nil: nothing
	reports        time.Duration                         // how long reports may take after a signal; 0: the usual
	chunk          int64                                 // see source.Remote; 0: the usual
	unfinished     int                                   // see importer.Limits; 0: the usual
	arrived        func(context.Context) bool            // see importer.Sending; nil: time decides
	queries        map[string]string                     // of URLs of exports, by their locations: secrets
	signals        func() (<-chan os.Signal, func())
	self           func(args ...string) (*exec.Cmd, error) // this program once more; nil: it cannot be
}

func realEnvironment() *environment {
	e := &environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		self: self, getenv: os.Getenv, environ: os.Environ, now: time.Now, disk: journal.OS{}, width: 80,
	}
	e.stdout, e.stderr = newPatientStream(os.Stdout, stdoutPatience), newStream(os.Stderr, stderrPatience)
	for _, stream := range []struct {
		file *os.File
		is   *bool
	}{{os.Stdout, &e.stdoutTerminal}, {os.Stderr, &e.terminal}} {
		fd := int(stream.file.Fd())
		if *stream.is = term.IsTerminal(fd); !*stream.is {
			continue
		}
		if w, h, err := term.GetSize(fd); err == nil && w > 0 {
			e.width, e.height = w, h
			e.columns = func() int {
				if w, _, err := term.GetSize(fd); err == nil && w > 0 {
					return w
				}
				return e.width
			}
		}
	}
	e.signals = func() (<-chan os.Signal, func()) {
		c := make(chan os.Signal, 4)
		signal.Notify(c, os.Interrupt, syscall.SIGTERM)
		if !signal.Ignored(syscall.SIGHUP) { // nohup means it
			signal.Notify(c, syscall.SIGHUP)
		}
		ignoreBrokenPipes() // the work goes on without whoever was reading
		return c, func() { signal.Stop(c) }
	}
	return e
}

// pageWidth is how wide text is set where no terminal says otherwise.
const pageWidth = 100

// style is how text on standard output is shown: as wide as the terminal, in
// colour unless NO_COLOR has a value (https://no-color.org).
func (e *environment) style() text.Style {
	if !e.stdoutTerminal {
		return text.Style{Width: pageWidth, Full: true} // a file, or a program: whole
	}
	style := text.Style{Width: e.width, Color: e.getenv("NO_COLOR") == ""}
	if e.height > 0 {
		style.Lines = min(max(e.height, 20), 45) - 1 // the prompt stands below it
	}
	return style
}

// reportsWithin is how long after a signal the reports may take, and reportsAtLeast
// what they get when requests in flight have used up most of it.
const (
	reportsWithin  = 10 * time.Second
	reportsAtLeast = 3 * time.Second
)

// reportTime gives the context of the reports, which ends some time after a signal
// has ended ctx.
func (e *environment) reportTime(ctx context.Context) (context.Context, func()) {
	within := reportsWithin
	if e.reports > 0 {
		within = e.reports
	}
	reports, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(within, cancel) })
	return reports, func() { stop(); cancel() }
}

// onceMore is how long after the first signal a second one means it: wrappers such
// as timeout(1) send theirs twice, to the process and to its group.
const onceMore = time.Second

// What the first signal leads to.
const (
	stopping     = "stopping; a second signal stops at once"
	stoppingSoon = "stopping; nothing was sent by this run yet; a second signal stops at once"
	stoppingRun  = "stopping: waiting for requests in flight (10 s at most), then writing the reports; a second signal stops at once"
)

// hurry has nothing wait any longer for whoever reads the result.
func (e *environment) hurry() {
	if out, ok := e.stdout.(*stream); ok {
		out.hurry()
	}
}

// interruptible gives a context that the first signal ends, which says what follows. A
// second one, a second later or more, ends the process at once; the checkpoint holds all
// the same.
func (e *environment) interruptible(say func(string), follows string) (context.Context, func()) {
	return e.interruptibleThen(say, func() string { return follows })
}

// interruptibleThen is interruptible where what follows depends on when the signal comes.
func (e *environment) interruptibleThen(say func(string), follows func() string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, release := e.signals()
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case <-signals:
				switch {
				case first.IsZero():
					first = time.Now()
				case time.Since(first) < onceMore:
					continue
				default:
					os.Exit(exitIncomplete)
				}
				cancel() // first: nobody may be there to take what is said
				e.hurry()
				say(follows())
			}
		}
	}()
	return ctx, sync.OnceFunc(func() { close(done); release(); cancel() })
}
