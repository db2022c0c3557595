package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/evidence"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

func newEvidence(env *environment) *cobra.Command {
	var key, tsa string
	c := &cobra.Command{
		Use:   "evidence DIR",
		Short: "Make one file to archive of an import, signed and time-stamped if you like",
		Long: `evidence writes the reports of an import again and then evidence.json beside them: digests
of export, mappings, checkpoint, lists and approval, the counts, and a Merkle root over all
outcomes. It holds no person.

--sign KEY signs it with an SSH key: the file of a private key, or of a public one whose
private half the SSH agent holds. --tsa URL has a time stamping authority (RFC 3161) say
when it was there; only a digest leaves this machine. A stranger checks both without this
program:

  ssh-keygen -Y verify -f allowed_signers -I NAME -n consentimport -s evidence.json.sig <evidence.json
  openssl ts -verify -data evidence.json -in evidence.json.tsr -CAfile ca.pem

verify DIR checks them too, and whether the files in DIR are those that the evidence names.`,
		Example: `  consentimport evidence preferences.csv.import
  consentimport evidence --sign ~/.ssh/id_ed25519 preferences.csv.import
  consentimport evidence --sign ~/.ssh/id_ed25519 --tsa http://tsa.example/tsr preferences.csv.import`,
		Args: arguments(cobra.ExactArgs(1), "give the out directory of an import"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := outDirectory(args[0]); err != nil {
				return err
			}
			if err := importer.CheckOurs(args[0]); err != nil {
				return err
			}
			return makeEvidence(env, args[0], key, tsa)
		},
	}
	c.Flags().StringVar(&key, "sign", "", "sign with the SSH `KEY`: the file of a private key, or of a public key that the agent holds")
	c.Flags().StringVar(&tsa, "tsa", "", "have the time stamping authority at `URL` say when it was there")
	return c
}

func makeEvidence(env *environment, dir, key, tsa string) error {
	ctx, release := env.interruptible(messages{env}.note, stopping)
	defer release()
	surveyed, err := survey.Open(env.disk, dir, env.access(ctx))
	if err != nil {
		return err
	}
	defer surveyed.Close()
	switch snap := surveyed.Snapshot(); {
	case snap.Header.DryRun:
		return usage("make the evidence of the import itself", "%s holds a dry run: nothing was sent", dir)
	case snap.Header.Shard != journal.WholeShard:
		return ofAllShards(dir, snap)
	case snap.Purged != nil:
		return usage("the evidence of a purged import is the one that was made before", "%s was purged: what its lists held is gone", dir)
	}
	if err := importer.CheckLatest(env.disk, dir, surveyed.Snapshot()); err != nil {
		return err
	}
	var signer *evidence.Signer
	if key != "" {
		if signer, err = openSigner(env, key); err != nil {
			return err
		}
		defer signer.Close()
	}
	if tsa != "" {
		if err := evidence.CheckAuthority(tsa); err != nil {
			return usage("for example --tsa https://tsa.example/tsr", "%w", err)
		}
	}
	lock, err := journal.Lock(env.disk, dir)
	if err != nil {
		return usage("", "%w", err)
	}
	defer lock.Close()
	s, err := writeReport(ctx, env, surveyed, dir, report.Invocation{Program: "consentimport"}, nil)
	if err != nil {
		return err
	}
	e, err := evidence.Make(ctx, env.disk, dir, surveyed, s)
	if err != nil {
		return err
	}
	text, err := e.Write(env.disk, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s: %s; %s, root %s over %s\n", evidence.Name, s.State, wording.Plural(e.Consents.Made, "consent"), e.Outcomes.Root, wording.Plural(e.Outcomes.Leaves, "outcome"))
	if signer != nil {
		by, err := signer.Sign(env.disk, dir, text)
		if err != nil {
			return fmt.Errorf("%w; %s was written without a new signature", err, evidence.Name)
		}
		fmt.Fprintf(env.stdout, "%s: by %s\n", evidence.SignatureName, by)
	}
	if tsa != "" {
		at, err := evidence.Stamp(ctx, env.disk, dir, text, tsa)
		if err != nil {
			return &exitError{exitIncomplete, fmt.Errorf("%w; %s was written without a new time stamp", err, evidence.Name), "run the same command again when the authority answers"}
		}
		fmt.Fprintf(env.stdout, "%s: %s\n", evidence.StampName, stamp(at))
	}
	if s.State != summary.Complete {
		messages{env}.note("the import is " + s.State + ": make the evidence again when it is complete")
	}
	return nil
}

// openSigner finds the key that --sign names.
func openSigner(env *environment, key string) (*evidence.Signer, error) {
	signer, err := evidence.OpenSigner(key, env.getenv("SSH_AUTH_SOCK"), env.passphrase(key))
	if errors.Is(err, evidence.ErrPassphrase) {
		return nil, usage("add the key to the SSH agent (ssh-add), or run this on a terminal", "%w", err)
	}
	if err != nil {
		return nil, usage("give an SSH private key, as ssh-keygen makes them, or a .pub whose key the agent holds", "%w", err)
	}
	if signer.Private {
		if err := ownKeyFile(key); err != nil {
			return nil, err
		}
	}
	return signer, nil
}

// passphrase asks for the passphrase of a key on the terminal; nil where there is none.
func (e *environment) passphrase(key string) func() ([]byte, error) {
	in, ok := e.stdin.(*os.File)
	if !ok || !e.terminal || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return func() ([]byte, error) {
		fmt.Fprintf(e.stderr, "passphrase of %s: ", key)
		secret, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(e.stderr)
		return secret, err
	}
}
