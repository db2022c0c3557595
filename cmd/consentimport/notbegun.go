package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/report"
)

// notBegun ends a run that was kept from sending, or stopped before. A signal is a stop as
// any other: where the run before this one was cut off, the files still tell of a stop
// before that, if of any, and are written as the checkpoint is now.
func (f *runFlags) notBegun(ctx context.Context, env *environment, im *importer.Import, called report.Invocation, err error) error {
	err = errors.Join(err, im.Abandon())
	if !errors.Is(err, context.Canceled) || !im.Killed() {
		return err
	}
	messages{env}.note("the run before this one was cut off: writing the reports of what it did")
	inTime, release := env.reportTime(ctx)
	defer release()
	_, unwritten := f.report(inTime, env, im, called, nil)
	if unwritten != nil && inTime.Err() != nil {
		_, unwritten = f.brief(env, im, called)
	}
	if unwritten != nil {
		return &exitError{exitIncomplete, fmt.Errorf("interrupted; everything sent is in the checkpoint, but the reports could not be written: %w", unwritten),
			"remove the cause, then: " + report.CommandOn(f.dir(called.Exports), "report")}
	}
	return err
}
