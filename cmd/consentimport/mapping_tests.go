package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/wording"
)

func newMappingTest(env *environment) *cobra.Command {
	var set []string
	var read readFlags
	var learn bool
	c := &cobra.Command{
		Use:   "test FILE",
		Short: "Run the tests of a mapping: what rows must become, no export needed",
		Long: `test runs the tests: of a mapping. Each has a row and the consents that it must make, or a part of
the reason for which it makes none:

  tests:
    - row: {id: u1, newsletter: "yes", at: "2024-05-01T10:00:00Z"}
      consents: [{userId: u1, action: accept, category: news, timestamp: "2024-05-01T10:00:00Z"}]
    - row: {id: u2, newsletter: later, at: "2024-05-01T10:00:00Z"}
      reason: no decision

Of a consent only what the test names is compared; a column that a row leaves out is empty. With
--learn it prints tests instead, made from rows of an export that cover every line of the decision
table: read them before you add them, for they say what the mapping does now. Nobody is named in
them. The exit code is 3 when a test does not hold.`,
		Example: `  consentimport mapping test acme.yaml
  consentimport mapping test --learn acme.yaml export.csv >> acme.yaml`,
		Args: arguments(cobra.MinimumNArgs(1), "give one mapping file"),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case learn && len(args) < 2:
				return usage("consentimport mapping test --learn FILE EXPORT", "--learn needs the export to learn from")
			case !learn && len(args) > 1:
				return usage("--learn makes tests from an export; tests themselves need none", "give one mapping file")
			}
			if last := len(args) - 1; learn && !namesMapping(args[0]) && namesMapping(args[last]) {
				args = append([]string{args[last]}, args[:last]...) // --learn EXPORT FILE
			}
			f := mappingFlags{file: args[0], set: set}
			spec, err := f.load()
			if err != nil {
				return err
			}
			if learn {
				ctx, release := env.interruptible(messages{env}.note, stopping)
				defer release()
				return withStdin(ctx, env, read.config(args[1:]), func(cfg source.Config) error {
					tests, err := inspect.LearnTests(ctx, cfg, spec)
					if err != nil {
						return refused(err)
					}
					_, err = env.stdout.Write(tests)
					return err
				})
			}
			if spec.Tests() == 0 {
				return usage("consentimport mapping test --learn FILE EXPORT prints some to start from", "%s has no tests", args[0])
			}
			results, err := spec.RunTests()
			if err != nil {
				return err
			}
			failed := 0
			for i, r := range results {
				if len(r.Faults) == 0 {
					continue
				}
				failed++
				name := ""
				if r.Name != "" {
					name = fmt.Sprintf(" (%s)", r.Name)
				}
				for _, fault := range r.Faults {
					fmt.Fprintf(env.stdout, "%s:%d:%d: test %d%s: %s\n", args[0], r.Line, r.Column, i+1, spelling.OneLine(name), spelling.OneLine(fault))
				}
			}
			if failed > 0 {
				hold := "do not hold"
				if failed == 1 {
					hold = "does not hold"
				}
				fmt.Fprintf(env.stdout, "%s: %d of %s %s\n", args[0], failed, wording.Plural(int64(len(results)), "test"), hold)
				return &ended{exitFailures}
			}
			_, err = fmt.Fprintf(env.stdout, "%s: %s, all hold\n", args[0], wording.Plural(int64(len(results)), "test"))
			return err
		},
	}
	read.register(c)
	c.Flags().BoolVar(&learn, "learn", false, "print tests made from the rows of an export")
	c.Flags().StringArrayVar(&set, "set", nil, "give a parameter its value, `NAME=VALUE`; may be repeated")
	return c
}

// namesMapping reports whether a file is called as mappings are.
func namesMapping(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}
