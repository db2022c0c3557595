package main

import (
	"context"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
)

// besideSending is how much of the index of histories stays in memory while a run sends, in
// bytes: less than of a report that has the process for itself.
const besideSending = 12 << 20

// follow begins to write the reports of a run that is about to begin. What it gives is
// called when the run has ended: it gives the summary, nil where they are still to be
// written, whatever the cause.
func (f *runFlags) follow(ctx context.Context, env *environment, im *importer.Import, called report.Invocation) func() *summary.Summary {
	later := func() *summary.Summary { return nil }
	if !reportsBeside(f.concurrency, f.sandbox) {
		return later
	}
	followed := im.Follow()
	if followed == nil {
		return later
	}
	linted := newLint(im.Spec(), env.now(), env.disk, f.dir(called.Exports))
	opts := optionsOf(linted, im.Spec())
	opts.Invocation, opts.Notes, opts.Memory = called, notesOf(im), besideSending
	opts.Try = func(ctx context.Context, trials []survey.Trial, upTo int64) ([]survey.Effect, error) {
		return followed.Try(ctx, trials, upTo)
	}
	var s *summary.Summary
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer linted.close()
		defer followed.Close()
		var err error
		if s, err = report.Write(ctx, env.disk, f.dir(called.Exports), followed, opts); err != nil && env.log != nil {
			env.log.Info("the reports are begun anew", "why", err)
		}
	}()
	return func() *summary.Summary {
		<-done
		if s != nil {
			messages{env}.kept(f.dir(called.Exports), s.Kept, s.DryRun)
		}
		return s
	}
}
