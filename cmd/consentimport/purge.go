package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
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
export itself is yours to delete. What was given as --suppress stays as hashes, by which
verify sees that it is the same list.

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
	if snap.Header.Shard != journal.WholeShard { // it holds no person, and a join needs it as it is
		return ofAllShards(dir, snap)
	}
	if err := importer.CheckLatest(env.disk, dir, snap); err != nil {
		return err
	}
	if len(snap.Passes) == 0 || !snap.Header.DryRun && (snap.End == nil || snap.End.State != summary.Complete) {
		return usage(report.CommandOn(dir, "report")+" says how to continue it", "the import in %s is not complete: what would be removed is needed to go on", dir)
	}
	spec, err := survey.LoadMapping(dir, snap.Passes[len(snap.Passes)-1].Mapping)
	if err != nil {
		return err
	}
	before, err := namesIn(dir)
	if err != nil {
		return err
	}
	if snap.Purged == nil {
		permissive, err := consistent(ctx, env, dir, snap.Finished)
		if err != nil {
			return err
		}
		if permissive > 0 && !snap.Header.DryRun {
			messages{env}.note(fmt.Sprintf("for %s the target says yes where the person said no: verify will go on saying so, but suppress.csv, which names the people, is removed now", wording.Plural(permissive, "consent")))
		}
	}
	named := mapping.NewLinter(spec, mapping.LintOptions{}).Decisions().Named
	p, err := report.Purge(env.disk, dir, w, snap.Purged, importer.Rests(snap), named, version(), env.now())
	if room.Out(err) {
		return &exitError{exitIncomplete, err, "a purge writes some lines before it removes anything: make room, then run it again"}
	}
	if err != nil {
		return err
	}
	for _, f := range p.Removed {
		if slices.Contains(before, f.Name) {
			fmt.Fprintf(env.stdout, "removed %s (%s, sha256 %s)\n", f.Name, wording.Plural(f.Bytes, "byte"), f.SHA256)
		}
	}
	if snap.Purged != nil {
		fmt.Fprintf(env.stdout, "purged first at %s\n", stamp(snap.Purged.At))
	}
	foreign := slices.DeleteFunc(before, ofAnImport)
	if len(foreign) > 0 {
		fmt.Fprintf(env.stdout, "left alone, for they are not of the import; see whether they hold people: %s\n", spelling.OneLine(strings.Join(foreign, ", ")))
	}
	if list := snap.Header.Suppressed; list != nil {
		fmt.Fprintf(env.stdout, "left, for verify needs it: %s, a hash of each identifier of --suppress; whoever knows an identifier can see whether it was on that list\n", list.File)
	}
	fmt.Fprintf(env.stdout, "the import in %s names no person any more; the export does, and so may dry runs, repaired files and what --restart set aside: delete them where the law asks for that\n", dir)
	return nil
}

// namesIn lists what lies in a directory.
func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look what to purge: %w", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// ofAnImport reports whether a file of that name belongs to an import.
func ofAnImport(name string) bool {
	return importer.Ours(name) || report.Written(name) || report.HoldsPeople(name) ||
		name == evidence.Name || name == evidence.SignatureName || name == evidence.StampName
}

// consistent refuses to purge what does not agree: nobody could look into it later.
// It says for how many consents the target is too permissive.
func consistent(ctx context.Context, env *environment, dir string, finished time.Time) (permissive int64, err error) {
	surveyed, err := survey.Open(env.disk, dir, env.access(ctx))
	if err != nil {
		return 0, err
	}
	defer surveyed.Close()
	audit, err := surveyed.Audit(ctx, "")
	if err != nil {
		return 0, err
	}
	lists, err := compareReports(ctx, env, surveyed, dir)
	if err != nil {
		return 0, err
	}
	wrong := append(audit.Faults, lists.Differ...)
	switch check, err := evidence.Verify(ctx, env.disk, dir, surveyed, lists.Summary, finished, nil, nil); {
	case err != nil:
		return 0, err
	case check == nil:
	case check.Outdated != "" && len(wrong)+len(check.Wrong) == 0: // afterwards nobody could make it any more
		return 0, &exitError{exitFailures, fmt.Errorf("purge %s: %s", dir, check.Outdated), "make it again while that is possible: " + report.CommandOn(dir, "evidence")}
	default:
		wrong = append(wrong, check.Wrong...)
	}
	if len(wrong) > 0 {
		return 0, &exitError{exitFailures, fmt.Errorf("purge %s: %s", dir, wrong[0]), report.CommandOn(dir, "verify") + " says all that is wrong; after a purge nobody could find out any more"}
	}
	return lists.Summary.OverPermissive.Count, nil
}
