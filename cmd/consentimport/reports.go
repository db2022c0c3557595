package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/text"
)

func newReport(env *environment) *cobra.Command {
	var asJSON, full, compare, index bool
	var out, page string
	c := &cobra.Command{
		Use:   "report DIR...",
		Short: "Write the reports of an import again, join its shards, or compare imports",
		Long: `report derives everything that a run reports from the checkpoint in an out directory and
from the export: report.json, report.html, successes.csv, failures.csv, rejected.* and the
summary. It changes nothing else, and ends with the exit code of the run.

With --out it joins the shards of an import (run --shard) into one in that directory: their
checkpoints merged in the order of rows, and the reports of all together. It is an import as
any other from then on: verify, evidence, run --resume --retry and run --repair work on it.
The directories of the shards are only read; keep them, verify holds the import against them.
When the joined import sends more (a retry, a repair), a file in each of them says so first,
and they send nothing more.
All shards have to be there. Where one is not complete the import is not either (exit code
4); continue that shard and join again.

With --compare it says what differs between two imports or dry runs of one export: what a
change of the mapping did. Values that became something else, are new or gone; people per
category by their last word, before and after; counts and lint. It reads the reports that lie
there and changes nothing. Exit code 0 when values became the same and people have the same
last words, else 3. An import that is missing, running or not complete is refused (exit code
2); where the exports are not the same, it says so.

With --index it lists several imports and how each of them ended. Exit code: the gravest of
theirs; one without a report counts as incomplete (4).

With --html either of them writes a page, too, with links to the reports.`,
		Example: `  consentimport report preferences.csv.import
  consentimport report --json preferences.csv.import | jq .consents
  consentimport report shards/1 shards/2 shards/3 --out preferences.csv.import
  consentimport report --compare before.dry-run after.dry-run
  consentimport report --compare preferences.csv.dry-run preferences.csv.import --html difference.html
  consentimport report --index *.import --html index.html`,
		Args: arguments(cobra.MinimumNArgs(1), "give the out directory of an import, or those of all its shards"),
		RunE: func(c *cobra.Command, args []string) error {
			for _, dir := range args {
				if _, err := os.Lstat(dir); err != nil && index {
					continue // the list says so
				}
				if err := outDirectory(dir); err != nil {
					return err
				}
			}
			switch {
			case (compare || index) && (out != "" || full) || compare && index:
				return usage("give one of --compare, --index and --out; --full is for one import", "report: these flags exclude each other")
			case page != "" && !compare && !index:
				return usage("give --compare or --index", "report: --html is for a page about several imports; report.html is written anyway")
			case compare && len(args) != 2:
				return usage("for example: consentimport report --compare before.dry-run after.dry-run", "report --compare: give two out directories, not %d", len(args))
			case compare:
				return compareImports(env, args[0], args[1], page, asJSON)
			case index:
				return indexImports(env, args, page, asJSON)
			case out != "":
				unfinished, err := importer.Join(env.disk, version(), args, filepath.Clean(out))
				if err != nil {
					return err
				}
				for _, what := range unfinished {
					messages{env}.note(what)
				}
				args = []string{filepath.Clean(out)}
			case len(args) > 1:
				return usage("for example: "+report.JoinLine("consentimport", args, joinedBeside(args)), "report: several directories are joined into one, and none is named with --out")
			}
			if err := importer.CheckOurs(args[0]); err != nil {
				return err
			}
			ctx, release := env.interruptible(messages{env}.note, stopping)
			defer release()
			lock, err := lockImport(env.disk, args[0]) // a run at work writes its reports itself
			if err != nil {
				return err
			}
			defer lock.Close()
			surveyed, err := survey.Open(env.disk, args[0], env.access(ctx))
			if err != nil {
				return err
			}
			defer surveyed.Close()
			if surveyed.Snapshot().Purged != nil {
				return usage(report.CommandOn(args[0], "verify")+" checks what is left", "%s was purged: its lists stay as they are", args[0])
			}
			if out == "" { // a join has made the checkpoint anew
				if err := importer.CheckLatest(env.disk, args[0], surveyed.Snapshot()); err != nil {
					return err
				}
			}
			s, err := writeReport(ctx, env, surveyed, args[0], report.Invocation{Program: "consentimport"}, nil)
			if err != nil {
				return err
			}
			if full && !asJSON {
				style := env.style()
				style.Full = true
				err = text.Write(env.stdout, s, style)
			} else {
				err = printSummary(env, s, asJSON)
			}
			if err != nil {
				return err
			}
			return endWith(s.ExitCode)
		},
	}
	c.Flags().BoolVar(&full, "full", false, "print the whole summary on a terminal, too, however long it is")
	c.Flags().StringVar(&out, "out", "", "join the shards into an import in `DIR`")
	_ = c.MarkFlagDirname("out")
	c.Flags().BoolVar(&compare, "compare", false, "say what differs between two imports of one export")
	c.Flags().BoolVar(&index, "index", false, "list several imports, and how each of them ended")
	c.Flags().StringVar(&page, "html", "", "with --compare or --index: write a page about it into `FILE`")
	c.Flags().BoolVar(&asJSON, "json", false, "print report.json, the comparison or the list as JSON on standard output instead of the text")
	return c
}

// joinedBeside is a directory for what shards in some directories are joined into.
func joinedBeside(dirs []string) string {
	above := filepath.Dir(filepath.Clean(dirs[0]))
	for _, dir := range dirs {
		if filepath.Dir(filepath.Clean(dir)) != above || above == "." || filepath.Dir(above) == above {
			return "joined.import"
		}
	}
	return above + "-joined"
}

// writeReport surveys an import and writes all its reports.
func writeReport(ctx context.Context, env *environment, surveyed *survey.Survey, dir string, called report.Invocation, notes []string) (*summary.Summary, error) {
	opts, done, err := watched(env, surveyed, dir)
	if err != nil {
		return nil, err
	}
	defer done()
	return writeWatched(ctx, env, surveyed, dir, called, notes, opts)
}

// writeWatched writes reports that have lint and decision table.
func writeWatched(ctx context.Context, env *environment, surveyed *survey.Survey, dir string, called report.Invocation, notes []string, opts report.Options) (*summary.Summary, error) {
	opts.Invocation, opts.Notes, opts.Try = called, notes, surveyed.Try
	s, err := report.Write(ctx, env.disk, dir, surveyed, opts)
	if err == nil {
		messages{env}.kept(dir, s.Kept, s.DryRun)
	}
	return s, err
}

// compareReports derives the reports again and holds those in dir against them.
func compareReports(ctx context.Context, env *environment, surveyed *survey.Survey, dir string) (*report.Comparison, error) {
	opts, done, err := watched(env, surveyed, dir)
	if err != nil {
		return nil, err
	}
	defer done()
	opts.Invocation, opts.Try = report.Invocation{Program: "consentimport"}, surveyed.Try
	return report.Compare(ctx, env.disk, dir, surveyed, opts)
}

// watched are the options of a report that has lint and decision table.
func watched(env *environment, surveyed *survey.Survey, dir string) (report.Options, func(), error) {
	spec, err := surveyed.Spec()
	if err != nil {
		return report.Options{}, nil, err
	}
	linted := newLint(spec, surveyed.Snapshot().Finished, env.disk, dir) // not the time of the report, which verify does not know
	return optionsOf(linted, spec), linted.close, nil
}

// optionsOf are the options of a report that lint looks at, too.
func optionsOf(linted *lint, spec *mapping.Spec) report.Options {
	return report.Options{
		Tool:     summary.Tool{Name: "consentimport", Version: version()},
		Visitors: []survey.Visitor{linted.visit}, Lint: linted.findings, Decisions: linted.decisions(), Mapping: spec,
	}
}
