package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/evidence"
	"github.com/consentimport/consentimport/report/wording"
)

// purgedList reports whether a purge removes a list, or changes it.
func purgedList(name string) bool { return report.HoldsPeople(name) || name == "decisions.csv" }

// checkKept holds the files that a purge left against what it wrote of them.
func checkKept(disk journal.Disk, dir string, p *journal.Purge) (wrong, notes []string, err error) {
	for _, want := range p.Kept {
		got, err := report.DigestFile(disk, dir, want.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, want.Name+" is missing")
		case err != nil:
			return nil, nil, err
		case got == want: // also where no value was to be taken out
		case slices.Contains(p.Changed, got):
			notes = append(notes, want.Name+" still has all its values: the purge was interrupted; "+report.CommandOn(dir, "purge")+" finishes it")
		default:
			wrong = append(wrong, want.Name+" is not what it was when the import was purged")
		}
	}
	for _, gone := range p.Removed {
		if _, err := report.DigestFile(disk, dir, gone.Name); err == nil {
			notes = append(notes, gone.Name+" is still there: the purge was interrupted; "+report.CommandOn(dir, "purge")+" finishes it")
		}
	}
	return wrong, notes, nil
}

// verifyPurged checks what can be checked without the export, or without a repaired
// file that was removed: why says which. An export that is there and is another one is
// no such reason.
func verifyPurged(ctx context.Context, env *environment, dir string, signers []ssh.PublicKey, why error) error {
	if changed := new(source.ChangedError); errors.As(why, &changed) {
		return why
	}
	v, err := journal.Verify(env.disk, dir)
	if err != nil {
		return err
	}
	wrong, notes, err := checkKept(env.disk, dir, v.Purged)
	if err != nil {
		return err
	}
	faults, more := checkBeside(v.Snapshot)
	wrong, notes = append(wrong, faults...), append(notes, more...)
	for _, o := range v.Examples {
		wrong = append(wrong, o.String())
	}
	check, err := evidence.Verify(ctx, env.disk, dir, nil, nil, v.Finished, signers, purgedList)
	if err != nil {
		return err
	}
	out := env.stdout
	fmt.Fprintf(out, "import      %s in %s\ncheckpoint  sha256 %s\n", v.Header.ID, dir, v.SHA256)
	fmt.Fprintf(out, "outcomes    %s sent, %s refused, %s failed, %s superseded, %s known, over all passes\n\n",
		wording.Thousands(v.Total.Sent), wording.Thousands(v.Total.Refused), wording.Thousands(v.Total.Failed), wording.Thousands(v.Total.Superseded), wording.Thousands(v.Total.Known))
	outdated := ""
	if check != nil {
		for _, what := range check.Holds {
			fmt.Fprintf(out, "evidence: %s\n", spelling.OneLine(what))
		}
		wrong, outdated = append(wrong, check.Wrong...), check.Outdated
	}
	permissive := tooPermissive(env.disk, dir, v.Purged, wrong)
	if permissive != "" {
		fmt.Fprintf(out, "wrong: %s\n", permissive)
	}
	if outdated != "" {
		fmt.Fprintf(out, "wrong: %s\n", spelling.OneLine(outdated))
	}
	for _, what := range wrong {
		fmt.Fprintf(out, "wrong: %s\n", spelling.OneLine(what))
	}
	for _, what := range slices.Concat(notes, []string{"purged at " + stamp(v.Purged.At), "not compared with the export: " + why.Error()}) {
		fmt.Fprintf(out, "note: %s\n", spelling.OneLine(what))
	}
	if len(wrong) > 0 {
		fmt.Fprintln(out, "VERDICT: inconsistent. Keep the directory as it is and find out who changed what.")
		return endWith(exitFailures)
	}
	switch {
	case outdated != "":
		fmt.Fprintf(out, "VERDICT: consistent as far as a purged import tells, but the evidence is of an earlier time%s\n%s\n", noEvidence, unprovable)
		return endWith(exitFailures)
	case permissive != "":
		fmt.Fprintf(out, "VERDICT: consistent as far as a purged import tells, but the target was more permissive than people are when it was purged.\n%s\n", unprovable)
		return endWith(exitFailures)
	}
	_, err = fmt.Fprintf(out, "VERDICT: consistent as far as a purged import tells: the checkpoint is whole, and what was kept is what it was.\n%s\n", unprovable)
	return err
}

// tooPermissive is what the report that was kept says of people who are at a yes against
// their word; "" where it says nothing of them, or is not what it was.
func tooPermissive(disk journal.Disk, dir string, p *journal.Purge, wrong []string) string {
	s, err := report.StoredSummary(disk, dir)
	if err != nil || len(wrong) > 0 || s.DryRun || s.OverPermissive.Count == 0 {
		return ""
	}
	return permissiveEnd(s.OverPermissive.Count, p)
}

// permissiveEnd says for how many consents the target is at a yes against the person's
// word, and where they are named.
func permissiveEnd(n int64, purged *journal.Purge) string {
	named := "see suppress.csv"
	if purged != nil {
		named = "suppress.csv, which named them, was purged"
	}
	return fmt.Sprintf("too permissive: for %s the last thing sent is an accept while the person's last word is a reject; %s", wording.Plural(n, "consent"), named)
}
