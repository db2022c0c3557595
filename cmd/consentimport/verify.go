package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/evidence"
)

func newVerify(env *environment) *cobra.Command {
	var subject, signer string
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check that checkpoint, export, mappings and lists of an import agree",
		Long: `verify reads the checkpoint of an import and its export again. It checks that the
checkpoint is whole, that the export and the mappings are those that were used, that every
row and every consent has exactly one outcome, and that each list in the directory is what
checkpoint and export give. It prints what to keep on file, what it checked and what nobody
can know from these files alone.

Where evidence.json lies in the directory, it is checked too, with its signature and its time
stamp; --signer says whose signature has to be there.

With --subject it answers for one person: every row that names the person in any identifier,
or that could not be mapped but holds it, sent or not, with its outcome.

Exit code 0 when everything agrees (with --subject: when the person was found), 3 when
something does not or the target is more permissive than a person (or nobody was found), 2 when
the export, the checkpoint or a mapping is gone or is another one: nothing can be checked then.`,
		Example: `  consentimport verify preferences.csv.import
  consentimport verify --subject ann@example.com preferences.csv.import`,
		Args: arguments(cobra.ExactArgs(1), "give the out directory of an import"),
		RunE: func(c *cobra.Command, args []string) error {
			var buf []byte
			if c.Flags().Changed("subject") && len(mapping.KeyText([]byte(subject), &buf)) == 0 {
				return usage("name the person by userId, profileId or e-mail address", "--subject is empty")
			}
			if err := outDirectory(args[0]); err != nil {
				return err
			}
			if err := notAtWork(env.disk, args[0]); err != nil {
				return err
			}
			if subject != "" {
				return verifySubject(env, args[0], subject)
			}
			return verify(env, args[0], signer)
		},
	}
	c.Flags().StringVar(&subject, "subject", "", "what became of the person with this `ID` (userId, profileId or e-mail address)")
	c.Flags().StringVar(&signer, "signer", "", "the evidence has to be signed by a key in `FILE`: a .pub, authorized_keys or allowed_signers file")
	return c
}

// notAtWork refuses a directory in which a run is at work: its checkpoint grows while it
// is read, and what it says would not fit the export a moment later. Whoever looks does
// not keep a run from beginning.
func notAtWork(disk journal.Disk, dir string) error {
	lock, err := lockImport(disk, dir)
	switch {
	case err == nil:
		return lock.Close()
	case errors.Is(err, journal.ErrLocked):
		return err
	}
	return nil // not to be written in, or without locks
}

// lockImport takes the directory of an import for this process. Where there is none,
// nothing is made: whoever opens it says so.
func lockImport(disk journal.Disk, dir string) (io.Closer, error) {
	if _, err := os.Lstat(filepath.Join(dir, journal.Name)); err != nil {
		return io.NopCloser(nil), nil
	}
	patient, enough := context.WithTimeout(context.Background(), 60*time.Millisecond) // another who only looks has it for a moment
	defer enough()
	lock, err := journal.LockWithin(patient, disk, dir)
	if err != nil {
		return nil, usage("", "%w", err)
	}
	return lock, nil
}

// verified is what a verification saw.
type verified struct {
	*survey.Audit
	lists    *report.Comparison
	evidence *evidence.Check // nil without evidence
	purged   *journal.Purge  // nil when what holds people is still there
	notes    []string
}

// verify checks the directory of an import.
func verify(env *environment, dir, signer string) error {
	var signers []ssh.PublicKey
	var err error
	if signer != "" {
		if signers, err = evidence.ReadSigners(signer); err != nil {
			return usage("give the public key of whoever signs, such as id_ed25519.pub", "%w", err)
		}
	}
	ctx, release := env.interruptible(messages{env}.note, stopping)
	defer release()
	snap, err := journal.Read(env.disk, dir)
	if err != nil {
		return usage("", "%w", err)
	}
	surveyed, err := survey.Open(env.disk, dir, env.access(ctx))
	if err != nil {
		if snap.Purged != nil {
			return verifyPurged(ctx, env, dir, signers, err)
		}
		if lost := new(journal.LostError); errors.As(err, &lost) { // a checkpoint of another time
			return &exitError{exitFailures, lost, hintOf(err)}
		}
		return err
	}
	defer surveyed.Close()
	v := &verified{purged: snap.Purged}
	if v.Audit, err = surveyed.Audit(ctx, ""); err == nil {
		v.lists, err = compareReports(ctx, env, surveyed, dir)
	}
	if err != nil {
		if snap.Purged != nil { // a repaired file was removed
			return verifyPurged(ctx, env, dir, signers, err)
		}
		return err
	}
	if err := importer.CheckLatest(env.disk, dir, snap); err != nil && snap.Lost == nil { // which the audit says
		v.Faults = append(v.Faults, err.Error())
	}
	if err := importer.CheckFollowers(env.disk, dir); err != nil {
		v.Faults = append(v.Faults, err.Error())
	}
	wrong, notes := checkBeside(snap)
	v.Faults, v.notes = append(v.Faults, wrong...), notes
	if v.purged != nil {
		v.lists.Differ = slices.DeleteFunc(v.lists.Differ, func(what string) bool {
			name, _, _ := strings.Cut(what, " ")
			return purgedList(name)
		})
		wrong, notes, err := checkKept(env.disk, dir, v.purged)
		if err != nil {
			return err
		}
		v.Faults = append(v.Faults, wrong...)
		for _, n := range notes {
			messages{env}.note(n)
		}
	}
	if v.evidence, err = evidence.Verify(ctx, env.disk, dir, surveyed, v.lists.Summary, snap.Finished, signers, v.rewritten()); err != nil {
		return err
	}
	return printVerified(env.stdout, dir, v)
}

// rewritten says which files need not be those that the evidence names: what a purge has
// changed, and what report has written since with other advice.
func (v *verified) rewritten() func(name string) bool {
	return func(name string) bool {
		return v.purged != nil && purgedList(name) || slices.Contains(v.lists.Advise, name)
	}
}

// checkBeside says what the end of a checkpoint is worth, and the file beside it, by which one
// is known to have lost its end.
func checkBeside(snap *journal.Snapshot) (wrong, notes []string) {
	const only = "; whether the checkpoint has lost its end is told by report.json alone"
	if snap.Torn > 0 {
		notes = append(notes, "the last line of the checkpoint was not written whole, as when a run is killed: it does not count, and a run that goes on drops it")
	}
	switch {
	case snap.Beside == journal.BesideMissing:
		notes = append(notes, journal.KnownName+" is missing: it was removed, or a copy left hidden files out"+only)
	case snap.Beside == journal.BesideBehind:
		notes = append(notes, journal.KnownName+" says less than the checkpoint has: an older one was put back, or the run was killed before it was written"+only)
	case snap.Beside == journal.BesideDamaged && snap.End != nil && snap.Unsealed == 0:
		wrong = append(wrong, journal.KnownName+" was changed or damaged: it is not what the import wrote"+only)
	case snap.Beside == journal.BesideDamaged:
		notes = append(notes, journal.KnownName+" is damaged, as by a power loss"+only)
	}
	return wrong, notes
}

// verifySubject answers for one person.
func verifySubject(env *environment, dir, subject string) error {
	ctx, release := env.interruptible(messages{env}.note, stopping)
	defer release()
	surveyed, err := survey.Open(env.disk, dir, env.access(ctx))
	if err != nil {
		return err
	}
	defer surveyed.Close()
	if snap := surveyed.Snapshot(); snap.Header.Shard != journal.WholeShard {
		return ofAllShards(dir, snap)
	}
	audit, err := surveyed.Audit(ctx, subject)
	if err != nil {
		return err
	}
	return printSubject(env.stdout, dir, audit)
}
