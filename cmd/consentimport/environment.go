package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report"
)

// environment is all that the program takes from its surroundings.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	disk           journal.Disk
	terminal       bool                                  // stderr is one
	stdoutTerminal bool                                  // stdout is one
	width          int                                   // columns of the terminal
	height         int                                   // its lines; 0: unknown
	target         func(importer.Target) importer.Target // what stands between the run and its target; nil: nothing
	unfinished     int                                   // see importer.Limits; 0: the usual
	arrived        func(context.Context) bool            // see importer.Sending; nil: time decides
	signals        func() (<-chan os.Signal, func())
	self           func(args ...string) (*exec.Cmd, error) // this program once more; nil: it cannot be
}

func realEnvironment() *environment {
	e := &environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		self: self, getenv: os.Getenv, now: time.Now, disk: journal.OS{}, width: 80,
	}
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
		}
	}
	e.signals = func() (<-chan os.Signal, func()) {
		c := make(chan os.Signal, 2)
		signal.Notify(c, os.Interrupt, syscall.SIGTERM)
		return c, func() { signal.Stop(c) }
	}
	return e
}

// pageWidth is how wide text is set where no terminal says otherwise.
const pageWidth = 100

// style is how text on standard output is shown: as wide as the terminal, in
// colour unless NO_COLOR has a value (https://no-color.org).
func (e *environment) style() report.Style {
	if !e.stdoutTerminal {
		return report.Style{Width: pageWidth}
	}
	style := report.Style{Width: e.width, Color: e.getenv("NO_COLOR") == ""}
	if e.height > 0 {
		style.Lines = min(max(e.height, 20), 45) - 1 // the prompt stands below it
	}
	return style
}

// interruptible gives a context that the first signal ends. The second one ends
// the process at once; the checkpoint holds all the same.
func (e *environment) interruptible(say func(string)) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, release := e.signals()
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
				if n > 0 {
					os.Exit(exitIncomplete)
				}
				say("stopping: waiting for requests in flight (10 s at most), then writing the reports; a second signal stops at once")
				cancel()
			}
		}
	}()
	return ctx, func() { close(done); release(); cancel() }
}
