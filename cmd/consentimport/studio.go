package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/cmd/consentimport/studio"
	"github.com/consentimport/consentimport/importer/journal"
)

func newStudio(env *environment) *cobra.Command {
	var mappingFile string
	var noBrowser bool
	c := &cobra.Command{
		Use:   "studio [EXPORT...]",
		Short: "Do the same work on a page in a browser on this machine",
		Long: `studio serves pages to a browser on this machine: look at the file, decide what values mean,
see what rows become, make the dry run and have its sheet signed, run, watch, repair. It prints the
URL to open; the token in it is what lets your browser in, and nobody else's.

Everything that a page does is a command, which the page shows. The mapping lies beside the export
(EXPORT.mapping.yaml), and so do the out directories, so that pages and terminal can be used in turn.
Closing the browser stops nothing. Ctrl-C stops a run as it stops consentimport run: exit code 4,
and Resume goes on. The API key is read from a file or from INTEMPT_API_KEY, and is on no page.`,
		Example: `  consentimport studio preferences.csv
  consentimport studio preferences.csv --mapping acme.yaml`,
		Args: arguments(cobra.ArbitraryArgs, "give the files of an export, or none to choose one on the page"),
		RunE: func(_ *cobra.Command, args []string) error {
			return serveStudio(env, args, mappingFile, noBrowser)
		},
	}
	c.Flags().StringVar(&mappingFile, "mapping", "", "use the mapping in `FILE` (default EXPORT.mapping.yaml)")
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "print the URL and open no browser")
	_ = c.MarkFlagFilename("mapping", "yaml", "yml")
	return c
}

func serveStudio(env *environment, exports []string, mappingFile string, noBrowser bool) error {
	ctx, release := env.interruptible(messages{env}.note, stopping)
	defer release()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return refused(fmt.Errorf("listen on this machine: %w", err))
	}
	var stopped atomic.Bool // a signal has stopped a command that can go on
	s, err := studio.New(studio.Config{
		Exports: exports, Mapping: mappingFile, Address: l.Addr().String(), Context: ctx, KeyInEnvironment: env.getenv("INTEMPT_API_KEY") != "",
		AtWork: func(dir string) bool { return errors.Is(notAtWork(env.disk, dir), journal.ErrLocked) },
		Program: func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
			code := run(env.within(ctx, stdout, stderr), args)
			if code == exitIncomplete && ctx.Err() != nil {
				stopped.Store(true)
			}
			return code
		},
	})
	if err != nil {
		return errors.Join(refused(err), l.Close())
	}
	fmt.Fprintf(env.stdout, "studio: %s\n", s.URL())
	messages{env}.note("open it in a browser on this machine; Ctrl-C ends the studio")
	if !noBrowser && env.stdoutTerminal {
		if page, err := s.Opener(); err == nil {
			openBrowser(env, page)
		}
	}
	if err := s.Serve(l); err != nil {
		return fmt.Errorf("serve the pages: %w", err)
	}
	if stopped.Load() {
		return endWith(exitIncomplete)
	}
	return nil
}

// within is the environment of a command that works inside of this process: it reads nothing,
// says what it says to the writers, and takes the end of the context for a signal.
func (e *environment) within(ctx context.Context, stdout, stderr io.Writer) *environment {
	inner := *e
	inner.stdin, inner.stdout, inner.stderr = strings.NewReader(""), stdout, stderr
	inner.terminal, inner.stdoutTerminal, inner.queries = false, false, nil
	inner.signals = func() (<-chan os.Signal, func()) {
		c := make(chan os.Signal, 1)
		if ctx.Err() != nil { // as with signals, who listens later does not hear of it
			return c, func() {}
		}
		stop := context.AfterFunc(ctx, func() { c <- os.Interrupt })
		return c, func() { stop() }
	}
	return &inner
}

// openBrowser opens a page where there is a desktop.
func openBrowser(env *environment, url string) {
	var command *exec.Cmd
	switch {
	case runtime.GOOS == "darwin":
		command = exec.Command("open", url)
	case runtime.GOOS == "windows":
		command = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	case env.getenv("DISPLAY") != "" || env.getenv("WAYLAND_DISPLAY") != "":
		command = exec.Command("xdg-open", url)
	default:
		return
	}
	command.Env = withoutKey(os.Environ())
	if command.Start() == nil {
		go func() { _ = command.Wait() }() // whether it worked is seen on the screen
	}
}
