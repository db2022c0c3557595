package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/wording"
)

func newMappingApply(env *environment) *cobra.Command {
	var number int
	c := &cobra.Command{
		Use:   "apply DIR",
		Short: "Print the mapping of an import or dry run with a proposed change made in it",
		Long: `apply takes the mapping that was used in DIR and makes a change in it that the report
proposes: one that was tried on all rows, fixes some and changes no other. Comments stay.
Where DECIDE stands in what it prints a person has to decide; the mapping is not valid
before.`,
		Example: `  consentimport mapping apply preferences.csv.dry-run > fixed.yaml
  consentimport mapping apply --change 2 preferences.csv.import > fixed.yaml`,
		Args: arguments(cobra.ExactArgs(1), "give the out directory of an import or a dry run"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := outDirectory(args[0]); err != nil {
				return err
			}
			return applyChange(env, args[0], number)
		},
	}
	c.Flags().IntVar(&number, "change", 1, "which of the proposed changes, `N`, in the order of the report")
	return c
}

func applyChange(env *environment, dir string, number int) error {
	snap, err := journal.Read(env.disk, dir)
	if err != nil {
		return usage("", "%w", err)
	}
	if len(snap.Passes) == 0 {
		return usage("run it again with --resume", "the import in %s was interrupted before it began", dir)
	}
	spec, err := survey.LoadMapping(dir, snap.Passes[len(snap.Passes)-1].Mapping)
	if err != nil {
		return err
	}
	changes, err := report.Changes(env.disk, dir)
	if err != nil {
		return usage(report.CommandOn(dir, "report")+" writes the reports", "%w", err)
	}
	if number < 1 || number > len(changes) {
		return usage(report.CommandOn(dir, "report")+" says what else would help", "the report in %s proposes %s of the mapping", dir, wording.Plural(int64(len(changes)), "change"))
	}
	text, err := spec.EditedText(changes[number-1].Edits)
	if err != nil {
		return fmt.Errorf("make the proposed change: %w", err)
	}
	_, err = env.stdout.Write(text)
	return err
}
