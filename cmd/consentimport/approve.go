package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/wording"
)

// approve goes over all rows of the pass before anything is sent, and looks at what the
// user asked for: --strict refuses what the lint finds, --approved decisions other than
// those that were signed.
func (f *runFlags) approve(ctx context.Context, env *environment, im *importer.Import, dir string) error {
	if !f.strict && f.approved == "" {
		return im.Check(ctx)
	}
	linted := newLint(im.Spec(), env.now(), env.disk, dir)
	defer linted.close()
	if err := im.Check(ctx, linted.visit); err != nil {
		return err
	}
	if err := f.agree(env.stderr, im, linted.decisions()); err != nil {
		return err
	}
	if f.signed != nil && passing(f.approved) {
		var err error
		if f.approvedAs, err = linted.decisions().ApprovalHash(); err != nil {
			return err
		}
	}
	if !f.strict {
		return nil
	}
	if err := im.Arrange(ctx); err != nil {
		return err
	}
	found := append(linted.findings(), report.HistoryFindings(im.Histories())...)
	return strict(env.stderr, found)
}

// agree refuses decisions other than those that were signed, where --approved says so.
func (f *runFlags) agree(w io.Writer, im *importer.Import, decisions report.DecisionTable) error {
	switch {
	case f.signed != nil:
		return f.onlySigned(w, f.signed, decisions)
	case f.approved != "":
		return f.sameHash(w, im, decisions)
	}
	return nil
}

// approvalHash is what --approved takes as a hash; anything else is a file, but for
// NONE, which no table has.
var approvalHash = regexp.MustCompile(`^(?i:[0-9a-f]{64}|NONE)$`)

// readApproval reads what --approved gives, and says how the checkpoint keeps it. A file
// is read once: it may be a pipe, and what is checked has to be what is noted.
func (f *runFlags) readApproval() (string, error) {
	if f.approved == "" {
		return "", nil
	}
	if approvalHash.MatchString(f.approved) {
		return "hash:" + strings.ToLower(f.approved), nil
	}
	file, err := source.OpenText(f.approved, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", usage(approvedHint, "--approved: %q is not an approval hash, and there is no such file", f.approved)
	case err != nil:
		return "", usage(approvedHint, "read --approved: %w", err)
	}
	defer file.Close()
	if f.signed, err = report.ReadSigned(file); err != nil {
		return "", usage(approvedHint, "read --approved: %s: %w", f.approved, err)
	}
	return "file:" + hex.EncodeToString(file.Sum()), nil
}

const approvedHint = "give the approval hash of a dry run (64 hex digits), or the decisions.csv that was signed"

// unsignedShown is how many decisions that were not signed a refusal names.
const unsignedShown = 10

// onlySigned refuses decisions that are not in the signed table.
func (f *runFlags) onlySigned(w io.Writer, signed *report.Signed, table report.DecisionTable) error {
	first, all, err := signed.Unsigned(table, unsignedShown)
	if err != nil || all == 0 {
		return err
	}
	for _, d := range first {
		sayDecision(w, d)
	}
	return usage("have the new decisions signed: a dry run lists them all in decisions.csv. A spreadsheet may have changed values such as 007 where it saved the file",
		"%s of this export %s not in the approved %s, so nothing was sent", wording.Plural(all, "decision"), are(all), f.approved)
}

func are(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func sayDecision(w io.Writer, d mapping.Decision) {
	fmt.Fprintf(w, "decision: %s %q → %s (%s)\n", spelling.OneLine(d.Category), d.Value, d.Decision, wording.Thousands(d.Count))
}

// sameHash refuses a run whose approval hash is not the one that was signed. The
// decisions of an export are in the report of a dry run. Where rows were repaired no
// dry run shows them, so they are printed.
func (f *runFlags) sameHash(w io.Writer, im *importer.Import, decisions report.DecisionTable) error {
	hash, err := decisions.ApprovalHash()
	if err != nil || strings.EqualFold(hash, f.approved) {
		return err
	}
	if !im.Repaired() {
		return usage("look at the decisions of a new dry run and have them signed, or give --approved the signed decisions.csv",
			"the approval hash is %s, not the approved %s: mapping or decisions have changed since", hash, f.approved)
	}
	table, err := decisions.Table()
	if err != nil {
		return err
	}
	for _, d := range table {
		sayDecision(w, d)
	}
	of := "the export with its repaired rows"
	if im.Repairs() {
		of = "the repaired rows"
	}
	return usage("look at the decisions above, have them signed, and run the same command with --approved "+hash,
		"the approval hash of %s is %s, not the approved %s", of, hash, f.approved)
}

// strict refuses a run because of what lint found.
func strict(w io.Writer, found []mapping.Finding) error {
	if len(found) == 0 {
		return nil
	}
	for _, l := range found {
		fmt.Fprintf(w, "lint: %s (%s): %s\n", l.Rule, wording.Thousands(l.Count), l.Message)
	}
	return usage("fix the mapping or the export, or omit --strict once you have looked at the findings", "--strict: the lint found %d things, so nothing was sent", len(found))
}
