package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// printVerified writes what a privacy officer files, and gives the exit code.
func printVerified(out io.Writer, dir string, a *verified) error {
	h, f := a.Facts.Header, a.Facts
	var facts [][]string
	line := func(name, format string, args ...any) {
		facts = append(facts, []string{name, spelling.OneLine(fmt.Sprintf(format, args...))})
	}
	line("import", "%s in %s", h.ID, dir)
	line("began", "%s", stamp(h.Started))
	line("last line", "%s, after %s", stamp(f.Finished), wording.Plural(int64(len(f.Runs)), "run"))
	line("checkpoint", "sha256 %s", a.Journal.SHA256)
	for _, in := range f.Inputs {
		path := in.Path
		if path == "-" {
			path = wording.Base(path)
		}
		line("export", "%s, %s, %s", path, wording.Plural(in.Bytes, "byte"), wording.Plural(in.Rows, "row"))
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
	line("rows", "%s read = %s mapped + %s skipped + %s invalid", wording.Thousands(a.Rows.Read), wording.Thousands(a.Rows.Mapped), wording.Thousands(a.Rows.Skipped), wording.Thousands(a.Rows.Invalid))
	t := a.Consents
	known := ""
	if t.Known > 0 {
		known = " + " + wording.Thousands(t.Known) + " known"
	}
	line("consents", "%s made = %s sent + %s refused + %s failed + %s pending + %s superseded%s",
		wording.Thousands(t.Made), wording.Thousands(t.Sent), wording.Thousands(t.Refused), wording.Thousands(t.Failed), wording.Thousands(t.Pending), wording.Thousands(t.Superseded), known)
	if _, err := io.WriteString(out, wording.Columns(facts, 2)+"\n"); err != nil {
		return err
	}
	if err := printDecided(out, a.Audit); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if c := a.evidence; c != nil {
		for _, what := range c.Holds {
			fmt.Fprintf(out, "evidence: %s\n", spelling.OneLine(what))
		}
	}
	wrong, notes := a.findings(dir)
	for _, what := range wrong {
		fmt.Fprintf(out, "wrong: %s\n", spelling.OneLine(what))
	}
	for _, what := range notes {
		fmt.Fprintf(out, "note: %s\n", spelling.OneLine(what))
	}
	if len(a.lists.Agree) > 0 {
		fmt.Fprintf(out, "derived again and equal: %s\n", strings.Join(a.lists.Agree, ", "))
	}
	if slices.Contains(a.lists.Agree, summary.Name) {
		what := notCompared
		if a.Facts.Header.Shard != journal.WholeShard { // there is no other file that names it
			what = strings.Replace(what, "next,", "tool.version, next,", 1)
		}
		fmt.Fprintln(out, what)
	}
	if _, err := fmt.Fprintf(out, "%s\n%s\n", a.verdict(dir, wrong), unprovable); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return endWith(exitFailures)
	}
	return nil
}

// notCompared is what of the reports cannot be derived again.
const notCompared = "not compared, for only the run knew it: next, steps, notes and outDir in report.json; and report.html, which says the same for people"

// unprovable is what no look at these files can tell.
const unprovable = "This does not prove that checkpoint, lists and digests were not all written again together (a digest or a signed evidence kept elsewhere does), " +
	"that the export is what the platform held, or what the target keeps of what it accepted."

// findings are what does not agree, and what is good to know.
func (a *verified) findings(dir string) (wrong, notes []string) {
	wrong = append(wrong, a.Faults...)
	notes = append(notes, a.notes...)
	if a.evidence != nil {
		wrong = append(wrong, a.evidence.Wrong...)
		if a.outdated() {
			wrong = append(wrong, a.evidence.Outdated)
		}
	}
	if a.purged != nil {
		notes = append(notes, "purged at "+stamp(a.purged.At)+": rejected rows, people to act on, copies of inputs and values of people's own words were removed")
	}
	if a.lists.Partial {
		notes = append(notes, "a signal left no time for the lists: report.json was written alone, and "+report.CommandOn(dir, "report")+" writes them")
	}
	differ := a.lists.Differ
	if a.Facts.End == nil && !a.Facts.Header.DryRun && len(differ) > 0 {
		// A run that was killed writes no lists: those of the run before may lie there.
		notes = append(notes, "the last run was cut off before it wrote its reports, so the lists may be older than the checkpoint: "+report.CommandOn(dir, "report")+" writes them again")
		notes = append(notes, differ...)
		differ = nil
	}
	if a.older() {
		wrong = append(wrong, a.lists.Older)
	}
	wrong = append(wrong, differ...)
	if n := a.lists.Summary.OverPermissive.Count; n > 0 && !a.Facts.Header.DryRun {
		wrong = append(wrong, permissiveEnd(n, a.purged))
	}
	return wrong, notes
}

// remakeEvidence says how the evidence of what is there now is made.
func (a *verified) remakeEvidence(dir string) string {
	if a.purged != nil {
		return noEvidence
	}
	return ". To make it again:\n" + report.CommandOn(dir, "evidence")
}

// noEvidence is behind what is said of the evidence of a purged import.
const noEvidence = ", and cannot be made again: the import was purged."

func printDecided(out io.Writer, a *survey.Audit) error {
	var keys []survey.Decided
	for d := range a.ByDecision {
		keys = append(keys, d)
	}
	slices.SortFunc(keys, func(x, y survey.Decided) int {
		return cmp.Or(cmp.Compare(x.Category, y.Category), cmp.Compare(x.Action, y.Action))
	})
	rows := [][]string{{"category", "decision", "made", "sent", "refused", "failed", "pending", "superseded"}}
	known := a.Consents.Known > 0
	if known {
		rows[0] = append(rows[0], "known")
	}
	for _, d := range keys {
		t, row := a.ByDecision[d], []string{spelling.OneLine(cmp.Or(d.Category, "(none)")), d.Action.String()}
		for _, n := range []int64{t.Made, t.Sent, t.Refused, t.Failed, t.Pending, t.Superseded} {
			row = append(row, wording.Thousands(n))
		}
		if known {
			row = append(row, wording.Thousands(t.Known))
		}
		rows = append(rows, row)
	}
	_, err := io.WriteString(out, wording.Columns(rows, 2))
	return err
}

// outdated reports whether evidence lies there that was made before the import went on.
func (a *verified) outdated() bool { return a.evidence != nil && a.evidence.Outdated != "" }

// older reports whether the reports of the last run are not there, which is nobody's change.
func (a *verified) older() bool {
	return a.lists.Older != "" && a.purged == nil && (a.Facts.End != nil || a.Facts.Header.DryRun)
}

// verdict is the one line that counts, and the command that cures what it says.
func (a *verified) verdict(dir string, wrong []string) string {
	const agree = "consistent (checkpoint, export, mappings and lists agree) and balanced"
	act := "the target is more permissive than people are: act on suppress.csv"
	if a.purged != nil {
		act = "the target is more permissive than people are"
	}
	permissive, others := a.lists.Summary.OverPermissive.Count > 0 && !a.Facts.Header.DryRun, len(wrong)
	if permissive {
		others--
	}
	if a.outdated() {
		others--
	}
	if a.older() {
		others -= 1 + len(a.lists.Differ)
	}
	switch {
	case others > 0:
		return "VERDICT: inconsistent. Keep the directory as it is and find out who changed what."
	case a.older():
		return "VERDICT: checkpoint and export are consistent and balanced, but the reports are not those of the last run. To write them again:\n" + report.CommandOn(dir, "report")
	case a.outdated() && permissive:
		return "VERDICT: " + agree + ", but " + act + "; and the evidence is of an earlier time" + a.remakeEvidence(dir)
	case a.outdated():
		return "VERDICT: " + agree + ", but the evidence is of an earlier time" + a.remakeEvidence(dir)
	case permissive:
		return "VERDICT: " + agree + ", but " + act + "."
	case a.Facts.Header.DryRun:
		return "VERDICT: " + agree + "; a dry run, so nothing was sent."
	case a.Consents.Pending > 0 || a.Facts.End == nil:
		return "VERDICT: consistent and balanced, but incomplete. To see how it goes on:\n" + report.CommandOn(dir, "report")
	case a.Consents.Refused+a.Consents.Failed+a.Rows.Invalid > 0:
		var missing []string
		if n := a.Consents.Refused + a.Consents.Failed; n > 0 {
			missing = append(missing, wording.Plural(n, "consent"))
		}
		if n := a.Rows.Invalid; n > 0 {
			missing = append(missing, wording.Plural(n, "row"))
		}
		return fmt.Sprintf("VERDICT: %s; %s did not arrive (see failures.csv).", agree, strings.Join(missing, " and "))
	default:
		return "VERDICT: " + agree + ": every consent has its outcome, and none was refused or failed."
	}
}

// printSubject writes what became of one person's decisions, and nothing of anybody
// else.
func printSubject(out io.Writer, dir string, a *survey.Audit) error {
	if len(a.Faults) > 0 {
		return &exitError{exitFailures, errors.New("the checkpoint is inconsistent, so it says nothing reliable about a person"), report.CommandOn(dir, "verify") + " says what is wrong"}
	}
	if len(a.Person) == 0 {
		if _, err := fmt.Fprintf(out, "not found: no row that was read names this person (%s)\n%s", wording.Plural(a.Rows.Read, "row"), unsearched(a)); err != nil {
			return err
		}
		return endWith(exitFailures)
	}
	rows := [][]string{{"consent", "outcome", "decision", "category", "decided", "file", "line", "why"}}
	for _, m := range a.Person {
		ref, decided, category := m.Ref.String(), "", m.Category
		if m.Ref.Consent == 0 {
			ref = fmt.Sprint(m.Ref.Row)
		}
		if m.Timestamp != 0 {
			decided = stamp(time.UnixMilli(m.Timestamp))
		}
		if m.Decision != "" {
			category = cmp.Or(category, "(none)")
		}
		rows = append(rows, []string{ref, m.Outcome(), m.Decision, spelling.OneLine(category), decided, spelling.OneLine(m.File), fmt.Sprint(m.Line), spelling.OneLine(m.Reason)})
	}
	_, err := fmt.Fprintf(out, "%s\n%scheckpoint sha256 %s\n", wording.Columns(rows, len(rows[0])), unsearched(a), a.Journal.SHA256)
	return err
}

// unsearched says of how many rows nobody can tell whom they name.
func unsearched(a *survey.Audit) string {
	if a.Unsearched == 0 {
		return ""
	}
	return "too long to be searched, and maybe about this person: " + wording.Plural(a.Unsearched, "row") + " (failures.csv has the lines)\n"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
