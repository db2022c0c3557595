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

// approve goes over all rows of the pass before anything is sent, where the user
// asked for that: --strict refuses what the lint finds, --approved a decision
// table other than the one that was signed.
func (f *runFlags) approve(ctx context.Context, env *environment, im *importer.Import) error {
	if f.dryRun || !f.strict && f.approved == "" {
		return nil
	}
	study := newStudy(im.Spec(), env.now())
	err := im.Preview(ctx, study, study.fold)
	switch {
	case ctx.Err() != nil:
		return refused(errors.New("interrupted before anything was sent"))
	case err != nil:
		return refused(err)
	}
	if f.approved != "" {
		if table, hash := study.decisions(); !strings.EqualFold(hash, f.approved) {
			return f.otherTable(env.stderr, im, table, hash)
		}
	}
	if f.strict {
		return strict(env.stderr, study.findings())
	}
	return nil
}

// otherTable refuses a run whose decision table is not the one that was signed.
// That of an export is in the report of a dry run. Where rows were repaired no dry
// run shows it, so it is printed.
func (f *runFlags) otherTable(w io.Writer, im *importer.Import, table []mapping.Decision, hash string) error {
	if !im.Mends() {
		return usage("look at the decision table of a new dry run and have it signed: consentimport run --dry-run …",
			"the approval hash is now %s, not the approved %s: the export or the mapping has changed since", hash, f.approved)
	}
	for _, d := range table {
		fmt.Fprintf(w, "decision: %s %q → %s (%s)\n", oneLine(d.Category), d.Value, d.Action, report.Thousands(d.Count))
	}
	of := "the export with its repaired rows"
	if im.Repairs() {
		of = "the repaired rows"
	}
	return usage("look at the table above, have it signed, then run the same command with --approved "+hash,
		"the approval hash of %s is %s, not the approved %s", of, hash, f.approved)
}

// strict refuses a run because of what lint found.
func strict(w io.Writer, found []mapping.Finding) error {
	if len(found) == 0 {
		return nil
	}
	for _, l := range found {
		fmt.Fprintf(w, "lint: %s (%s): %s\n", l.Rule, report.Thousands(l.Count), l.Message)
	}
	return usage("fix the mapping or the export, or omit --strict once you have looked at the findings", "--strict: the lint found %d things, so nothing was sent", len(found))
}
