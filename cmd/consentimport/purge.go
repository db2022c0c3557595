package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/evidence"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

func newPurge(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "purge DIR",
		Short: "Remove what holds people from an out directory, for good",
		Long: `purge removes from the out directory of an import what holds people: rejected.*,
suppress.csv, suppressed.csv, input.zst, repaired files, and in decisions.csv the values that
the mapping does not name. The checkpoint says so, with the digests of what was removed. The
export itself is yours to delete.

The import has to be complete and consistent. Afterwards nobody can resume, retry or repair
it, or write its reports again; verify still checks what is left, and evidence that was made
before stays as it is. It is done at once, without a question: make the evidence and act on
suppress.csv first.`,
		Example: `  consentimport evidence --sign ~/.ssh/id_ed25519 preferences.csv.import
  consentimport purge preferences.csv.import`,
		Args: arguments(cobra.ExactArgs(1), "give the out directory of an import"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := outDirectory(args[0]); err != nil {
				return err
			}
			if err := importer.CheckOurs(args[0]); err != nil {
				return err
			}
			return purge(env, args[0])
		},
	}
}

func purge(env *environment, dir string) error {
	ctx, release := env.interruptible(messages{env}.note, stopping)
	defer release()
	w, snap, err := journal.Open(env.disk, dir)
	if err != nil {
		return usage("", "%w", err)
	}
	defer w.Close()
	if len(snap.Passes) == 0 || !snap.Header.DryRun && (snap.End == nil || snap.End.State != summary.Complete) {
		return usage("consentimport run --resume goes on with it", "the import in %s is not complete: what would be removed is needed to go on", dir)
	}
	spec, err := survey.LoadMapping(dir, snap.Passes[len(snap.Passes)-1].Mapping)
	if err != nil {
		return err
	}
	if snap.Purged == nil {
		if err := consistent(ctx, env, dir, snap.Finished); err != nil {
			return err
		}
	}
	named := mapping.NewLinter(spec, mapping.LintOptions{}).Decisions().Named
	p, err := report.Purge(env.disk, dir, w, snap.Purged, named, version(), env.now())
	if err != nil {
		return err
	}
	for _, f := range p.Removed {
		fmt.Fprintf(env.stdout, "removed %s (%s, sha256 %s)\n", f.Name, wording.Plural(f.Bytes, "byte"), f.SHA256)
	}
	fmt.Fprintf(env.stdout, "%s holds no person any more; the export does: delete it where the law asks for that\n", dir)
	return nil
}

// consistent refuses to purge what does not agree: nobody could look into it later.
func consistent(ctx context.Context, env *environment, dir string, finished time.Time) error {
	surveyed, err := survey.Open(env.disk, dir, env.access(ctx))
	if err != nil {
		return err
	}
	defer surveyed.Close()
	audit, err := surveyed.Audit(ctx, "")
	if err != nil {
		return err
	}
	lists, err := compareReports(ctx, env, surveyed, dir)
	if err != nil {
		return err
	}
	wrong := append(audit.Faults, lists.Differ...)
	switch check, err := evidence.Verify(ctx, env.disk, dir, surveyed, lists.Summary, finished, nil, nil); {
	case err != nil:
		return err
	case check == nil:
	case check.Outdated != "" && len(wrong)+len(check.Wrong) == 0: // afterwards nobody could make it any more
		return &exitError{exitFailures, fmt.Errorf("purge %s: %s", dir, check.Outdated), "make it again while that is possible: " + remakeEvidence(dir)}
	default:
		wrong = append(wrong, check.Wrong...)
	}
	if len(wrong) > 0 {
		return &exitError{exitFailures, fmt.Errorf("purge %s: %s", dir, wrong[0]), "consentimport verify says all that is wrong; after a purge nobody could find out any more"}
	}
	return nil
}
