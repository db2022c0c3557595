package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/wording"
)

// schemaLine makes editors check a mapping as it is typed.
const schemaLine = "# yaml-language-server: $schema=./consentimport-mapping.schema.json  (write it: consentimport mapping schema > consentimport-mapping.schema.json)\n"

func newMapping(env *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "mapping",
		Short: "List, show, check, try and test mappings",
		Long:  "A mapping says how a row of an export becomes consents. Presets are mappings that come with the program.",
		Example: `  consentimport mapping list
  consentimport mapping show transcend > acme.yaml
  consentimport mapping try acme.yaml export.csv`,
	}
	c.AddCommand(newMappingApply(env), newMappingList(env), newMappingShow(env), newMappingCheck(env), newMappingTry(env), newMappingTest(env), newMappingSchema(env))
	return c
}

func newMappingList(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the presets and how well each format is confirmed",
		Example: `  consentimport mapping list
  consentimport mapping list | grep -i didomi`,
		Args: arguments(cobra.NoArgs, "this command takes no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(env.stdout, presetList(mapping.Presets()))
			return err
		},
	}
}

// listWidth is how wide a list of presets is at most, in characters.
const listWidth = 80

// presetList lists presets by kind: a line each with its name, how well its
// format is known, and what it reads.
func presetList(presets []mapping.Preset) string {
	var b strings.Builder
	for _, kind := range mapping.Kinds() {
		fmt.Fprintf(&b, "%s\n", kind.Title)
		for _, p := range presets {
			if p.Kind != kind.Name {
				continue
			}
			line := fmt.Sprintf("  %-24s  %-11s  ", p.Name, p.State)
			title, _, _ := strings.Cut(p.Description, ":")
			b.WriteString(line + wording.Clip(title, listWidth-wording.Width(line)) + "\n")
		}
		b.WriteString("\n")
	}
	b.WriteString("consentimport mapping show NAME prints one: where its format is known from, what\nit skips, and what it asks for. inspect EXPORT finds the one that fits.\n")
	return b.String()
}

func newMappingShow(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print a preset as YAML, to copy and edit, with its parameters",
		Example: `  consentimport mapping show shopify
  consentimport mapping show transcend > acme.yaml && consentimport run --dry-run --mapping acme.yaml export.csv`,
		Args:              arguments(cobra.ExactArgs(1), "consentimport mapping list lists the presets"),
		ValidArgsFunction: completePresets,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := mapping.FindPreset(args[0])
			if err != nil {
				return refused(err)
			}
			_, err = io.WriteString(env.stdout, schemaLine+string(p.Source))
			return err
		},
	}
}

func newMappingCheck(env *environment) *cobra.Command {
	var set []string
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a mapping: errors with line and column, lint findings",
		Example: `  consentimport mapping check acme.yaml
  consentimport mapping check --set time=2026-05-01T00:00:00Z acme.yaml`,
		Args: arguments(cobra.ExactArgs(1), "give one mapping file"),
		RunE: func(_ *cobra.Command, args []string) error {
			f := mappingFlags{file: args[0], set: set}
			spec, err := f.load()
			if err != nil {
				return err
			}
			found := mapping.LintSpec(spec)
			for _, l := range found {
				fmt.Fprintf(env.stdout, "%s: %s: %s\n", args[0], l.Rule, l.Message)
			}
			if len(found) == 0 {
				fmt.Fprintf(env.stdout, "%s: no errors, no findings\n", args[0])
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&set, "set", nil, "give a parameter its value, `NAME=VALUE`; may be repeated")
	return c
}

func newMappingSchema(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of mappings, for editors",
		Example: `  consentimport mapping schema > consentimport-mapping.schema.json
  consentimport mapping schema | jq '.properties | keys'`,
		Args: arguments(cobra.NoArgs, "this command takes no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := env.stdout.Write(mapping.Schema())
			return err
		},
	}
}

// completePresets completes names of presets in a shell.
func completePresets(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) == 0 {
		for _, p := range mapping.Presets() {
			if strings.HasPrefix(p.Name, begun) {
				names = append(names, p.Name+"\t"+firstSentence(p.Description))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func firstSentence(s string) string {
	s = spelling.OneLine(s)
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i]
	}
	return strings.TrimSuffix(s, ".")
}

type flag = pflag.Flag

// flagOf writes a flag as it was given; one that repeats becomes several.
func flagOf(f *flag) []report.Flag {
	if many, ok := f.Value.(pflag.SliceValue); ok {
		var out []report.Flag
		for _, v := range many.GetSlice() {
			out = append(out, report.Flag{Name: f.Name, Value: v})
		}
		return out
	}
	if f.Value.Type() == "bool" {
		if f.Value.String() == "false" {
			return nil // a switch that is off
		}
		return []report.Flag{{Name: f.Name, Switch: true}}
	}
	return []report.Flag{{Name: f.Name, Value: f.Value.String()}}
}
