package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
)

// approve goes over the whole export before anything is sent, where the user
// asked for that: --strict refuses what the lint finds, --approved a decision
// table other than the one that was signed.
func (f *runFlags) approve(ctx context.Context, env *environment, im *importer.Import) error {
	if f.dryRun || !f.strict && f.approved == "" {
		return nil
	}
	survey, err := im.Preview()
	if err != nil {
		return err
	}
	study, err := newStudy(survey, env.now())
	if err != nil {
		return err
	}
	survey.Watch(study, study.fold)
	if err := survey.Each(ctx, nobody{}); err != nil {
		return refused(err)
	}
	if ctx.Err() != nil {
		return refused(errors.New("interrupted before anything was sent"))
	}
	if f.approved != "" {
		if _, hash := study.decisions(); !strings.EqualFold(hash, f.approved) {
			return usage("look at the decision table of a new dry run, and have it signed: consentimport run --dry-run …",
				"the decision table has the hash %s, not the approved %s: export or mapping have changed since", hash, f.approved)
		}
	}
	if f.strict {
		return strict(env.stderr, study.findings())
	}
	return nil
}

// strict refuses a run because of what lint found.
func strict(w io.Writer, found []mapping.Finding) error {
	if len(found) == 0 {
		return nil
	}
	for _, l := range found {
		fmt.Fprintf(w, "lint: %s (%s): %s\n", l.Rule, report.Thousands(l.Count), l.Message)
	}
	return usage("mend the mapping or the export, or leave --strict away once somebody has looked at it", "--strict: the lint found %d things, so nothing was sent", len(found))
}

// nobody visits a survey for its observer alone.
type nobody struct{}

func (nobody) Work(*importer.SurveyBatch)       {}
func (nobody) Fold(*importer.SurveyBatch) error { return nil }
