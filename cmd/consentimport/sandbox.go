package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/sandbox"
)

func newSandbox(env *environment) *cobra.Command {
	var addr, key, faults, store string
	var form runFlags // the part of it that says how requests are written
	var seed uint64
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "A local Consent API to rehearse on",
		Long: `sandbox answers like the Consent API on this machine: it validates what it gets, in both
dialects, keeps it, and misbehaves on request. Nothing leaves the machine.

What it keeps lies in a temporary file that has no name and ends with the process, also with
kill -9: beside --store, or in $TMPDIR. Its memory does not grow with the number of consents.

  GET /_sandbox/stats               what it counted
  GET /_sandbox/consents?userId=U   one person's consents in order of arrival
  GET /_sandbox/consents            all of them, as JSONL

Faults are a list such as 400=1%,429=5%,500=1%,reset=0.5%,latency=20ms,lost=0.1%:
  share of requests  NNN (that status), reset (connection closed, nothing kept), lost (kept,
                     closed before the answer), hang, slow, junk, cut, html, echo, redirect
  always the same    poison=P% (subjects: 500), refuse=P% (consents: 400), subjectNNN=ID
  by time or number  NNNafter=N, NNNfor=DURATION, down=N+M, rate=N (a second; the rest gets 429)
  shape              latency=20ms or 5ms-50ms, retryafter=SECONDS|date|absurd`,
		Example: `  consentimport sandbox --addr 127.0.0.1:8787
  consentimport sandbox --addr 127.0.0.1:8787 --faults 429=5%,500=1%,lost=0.1%,latency=20ms`,
		Args: arguments(cobra.NoArgs, "this command takes no arguments, only flags"),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := sandbox.ParseFaults(faults)
			if err != nil {
				return usage("consentimport sandbox --help lists the faults", "--faults: %w", err)
			}
			var expect *sandbox.Form // nil: as a request authenticates
			if c.Flags().Changed("dialect") || c.Flags().Changed("times") || c.Flags().Changed("valid-until") {
				w, err := form.wording()
				if err != nil {
					return refused(err)
				}
				expect = sandboxForm(w)
			}
			server, err := sandbox.Start(sandbox.Config{
				Form: expect,
				Addr: addr, Key: key, Faults: f, Seed: seed, Store: store,
				Log: slog.New(slog.NewTextHandler(env.stderr, nil)),
			})
			if err != nil {
				return refused(err)
			}
			defer server.Close()
			ctx, release := env.interruptible(messages{env}.note, stopping)
			defer release()
			fmt.Fprintf(env.stdout, "sandbox listening; base URL %s\n", server.URL())
			<-ctx.Done()
			return nil
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8787", "listen at `HOST:PORT` (:8787 is for this machine alone)")
	c.Flags().StringVar(&key, "api-key", "", "accept only this `KEY` (default: any)")
	c.Flags().StringVar(&form.dialect, "dialect", "docs", "take requests in this dialect alone: "+oneOf(intempt.DialectNames())+" (default: in the one that goes with their key's place)")
	c.Flags().Lookup("dialect").DefValue = "" // not given, it is no dialect alone
	c.Flags().StringVar(&form.times, "times", "", "take times in this form alone: "+oneOf(intempt.TimesNames()))
	c.Flags().StringVar(&form.validUntil, "valid-until", "", "take ends in this form alone: "+oneOf(intempt.ValidUntilNames()))
	c.Flags().StringVar(&faults, "faults", "", "inject the faults in `LIST`")
	c.Flags().Uint64Var(&seed, "seed", 1, "draw the faults from seed `N`: the same seed gives the same faults")
	c.Flags().StringVar(&store, "store", "", "keep the consents in `FILE` as well, to continue with them later")
	return c
}
