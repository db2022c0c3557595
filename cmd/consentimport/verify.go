package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report"
)

func newVerify(env *environment) *cobra.Command {
	var subject string
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check that a checkpoint is consistent with its export and balances",
		Long: `verify reads the checkpoint of an import and its export again and checks that the
checkpoint is whole, that the export is the one that was imported, and that every row and
every consent has exactly one outcome. It prints what to keep on file: digests, counts, times
and a verdict. Exit code 0 when everything holds, 3 when something does not.`,
		Example: `  consentimport verify preferences.csv.import
  consentimport verify --subject ann@example.com preferences.csv.import`,
		Args: arguments(cobra.ExactArgs(1), "give the out directory of an import"),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, release := env.interruptible(messages{env}.note)
			defer release()
			surveyed, err := survey.Open(env.disk, args[0])
			if err != nil {
				return err
			}
			defer surveyed.Close()
			audit, err := surveyed.Audit(ctx, subject)
			if err != nil {
				return err
			}
			if subject != "" {
				return printSubject(env.stdout, audit)
			}
			if err := printAudit(env.stdout, args[0], audit); err != nil {
				return err
			}
			if len(audit.Faults) > 0 {
				return endWith(exitFailures)
			}
			return nil
		},
	}
	c.Flags().StringVar(&subject, "subject", "", "print what was sent for the person with this `ID` (userId, profileId or e-mail), in order")
	return c
}

// printAudit writes what a privacy officer files.
func printAudit(out io.Writer, dir string, a *survey.Audit) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	h, f := a.Facts.Header, a.Facts
	line := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("import", "%s in %s", h.ID, dir)
	line("began", "%s", stamp(h.Started))
	line("last line", "%s, after %s", stamp(f.Finished), report.Plural(int64(len(f.Runs)), "run"))
	line("checkpoint", "sha256 %s", a.Journal.SHA256)
	for _, in := range f.Inputs {
		line("export", "%s, %s, %s", in.Path, report.Plural(in.Bytes, "byte"), report.Plural(in.Rows, "row"))
		line("", "sha256 %s", cmp.Or(in.SHA256, "(not computed: the import is incomplete)"))
	}
	for _, p := range f.Passes {
		line("mapping", "%s, pass %d (%s)", p.Mapping.Name, p.N, p.Kind)
		line("", "sha256 %s", p.Mapping.SHA256)
	}
	switch {
	case h.DryRun:
	case h.Target.Sandbox:
		line("target", "the sandbox of a rehearsal, dialect %s", h.Target.Dialect)
	default:
		line("target", "%s %s/%s, dialect %s", h.Target.BaseURL, h.Target.Org, h.Target.Project, h.Target.Dialect)
	}
	line("rows", "%s read = %s mapped + %s skipped + %s invalid", report.Thousands(a.Rows.Read), report.Thousands(a.Rows.Mapped), report.Thousands(a.Rows.Skipped), report.Thousands(a.Rows.Invalid))
	t := a.Consents
	line("consents", "%s made = %s sent + %s refused + %s failed + %s pending + %s superseded",
		report.Thousands(t.Made), report.Thousands(t.Sent), report.Thousands(t.Refused), report.Thousands(t.Failed), report.Thousands(t.Pending), report.Thousands(t.Superseded))
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printDecided(out, a); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, fault := range a.Faults {
		fmt.Fprintf(out, "inconsistent: %s\n", fault)
	}
	_, err := fmt.Fprintln(out, verdict(a))
	return err
}

func printDecided(out io.Writer, a *survey.Audit) error {
	var keys []survey.Decided
	for d := range a.ByDecision {
		keys = append(keys, d)
	}
	slices.SortFunc(keys, func(x, y survey.Decided) int {
		return cmp.Or(cmp.Compare(x.Category, y.Category), cmp.Compare(x.Action, y.Action))
	})
	name := func(d survey.Decided) string { return cmp.Or(d.Category, "(none)") }
	width := len("category") // names stand on the left, numbers on the right
	for _, d := range keys {
		width = max(width, utf8.RuneCountInString(name(d)))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%-*s  decision\tmade\tsent\trefused\tfailed\tpending\tsuperseded\t\n", width, "category")
	for _, d := range keys {
		t := a.ByDecision[d]
		fmt.Fprintf(w, "%-*s  %-8s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", width, name(d), d.Action,
			report.Thousands(t.Made), report.Thousands(t.Sent), report.Thousands(t.Refused), report.Thousands(t.Failed), report.Thousands(t.Pending), report.Thousands(t.Superseded))
	}
	return w.Flush()
}

// verdict is the one line that counts.
func verdict(a *survey.Audit) string {
	switch {
	case len(a.Faults) > 0:
		return "VERDICT: inconsistent. Keep the directory as it is and find out who changed what."
	case a.Facts.Header.DryRun:
		return "VERDICT: a dry run: nothing was sent. The counts balance."
	case a.Consents.Pending > 0:
		return "VERDICT: consistent and balanced, but incomplete: continue with --resume."
	case a.Consents.Refused+a.Consents.Failed+a.Rows.Invalid > 0:
		var missing []string
		if n := a.Consents.Refused + a.Consents.Failed; n > 0 {
			missing = append(missing, report.Plural(n, "consent"))
		}
		if n := a.Rows.Invalid; n > 0 {
			missing = append(missing, report.Plural(n, "row"))
		}
		return fmt.Sprintf("VERDICT: consistent, balanced and complete; %s did not arrive (see failures.csv).", strings.Join(missing, " and "))
	default:
		return "VERDICT: consistent, balanced and complete: every decision of the export arrived."
	}
}

// printSubject writes what was sent for one person, and nothing of anybody else.
func printSubject(out io.Writer, a *survey.Audit) error {
	if len(a.Faults) > 0 {
		return &exitError{exitFailures, errors.New("the checkpoint is inconsistent, so it says nothing reliable about a person"), "consentimport verify without --subject says what is wrong"}
	}
	if len(a.Subject) == 0 {
		_, err := fmt.Fprintln(out, "no consent of this subject is in the export")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "consent\toutcome\tdecision\tcategory\tdecided\tfile\tline")
	for _, c := range a.Subject {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", c.Ref, c.State, c.Action, cmp.Or(c.Category, "(none)"), stamp(time.UnixMilli(c.Timestamp)), c.File, c.Line)
	}
	fmt.Fprintf(w, "\ncheckpoint sha256 %s\n", a.Journal.SHA256)
	return w.Flush()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
