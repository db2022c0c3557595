package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// The words in a journal's last line that call for different advice.
const (
	whyRefused = string(importer.StopRefused)
	whyGone    = string(importer.StopGone)
	whyBudget  = string(importer.StopBudget)
	whyDisk    = string(importer.StopDisk)
	whyExport  = string(importer.StopExport)
)

// advise says what to do now: the command to run next and, before it, what a
// person has to do.
func advise(s *summary.Summary, v *Invocation) {
	step := func(format string, args ...any) { s.Steps = append(s.Steps, fmt.Sprintf(format, args...)) }
	if s.Shard != "" && s.State == summary.Complete {
		step("This is shard %s. When all shards have ended, join them: report takes their directories, and --out names the one of the whole import. The lists, and what is to be done, are those of all together.", s.Shard)
		s.Next = v.on(s.OutDir, "verify")
		return
	}
	if s.OverPermissive.Count > 0 && s.State != summary.Incomplete && !s.DryRun { // else going on is what helps
		step("First: stop what the target does for the people in %s, where it says yes and they said no.", lists[suppress].name)
	}
	switch {
	case s.State == summary.Unbalanced:
		step("Do not rely on these numbers. Find out whether the checkpoint or the export was changed:")
		s.Next = v.on(s.OutDir, "verify")
	case s.DryRun:
		adviseDryRun(s, v, step)
	case s.State == summary.Incomplete:
		adviseIncomplete(s, v, step)
	case v.closed != nil:
		adviseClosed(s, v, step)
	case s.Failures() > 0:
		adviseFailures(s, v, step)
	case s.Withheld > 0:
		adviseWithheld(s, v, step)
	default:
		s.Next = v.on(s.OutDir, "verify")
	}
}

// adviseDryRun leads from a dry run to the import.
func adviseDryRun(s *summary.Summary, v *Invocation, step func(string, ...any)) {
	switch {
	case s.State == summary.Incomplete:
		s.Next = v.command(v.Exports, nil, "--dry-run")
		return
	case summary.Patched(s):
		lasting(v, step)
		s.Next = withFixedMapping(s, v, step, "--dry-run")
		return
	case s.Rows.Mapped == 0: // nobody is led on to the import of nothing
		step("No row makes a consent: see what the file is, and which mapping fits.")
		words := []string{v.program(), "inspect"}
		for _, path := range v.Exports {
			words = append(words, PathWord(path))
		}
		s.Next = ShellLine(words)
		return
	case s.Rows.Invalid > 0:
		step("Rows that fail here will fail in the import too; they are listed for repair afterwards.")
	}
	if s.Target.Org == "" || s.Target.Project == "" {
		step("Say where to import to: set INTEMPT_ORG, INTEMPT_PROJECT and INTEMPT_API_KEY.")
	}
	// What --out names holds the dry run: the import goes elsewhere.
	if s.ApprovalHash == "" {
		s.Next = v.command(v.Exports, []string{"out"})
		return
	}
	lasting(v, step)
	step("Have approval.html signed; the import then takes only these decisions.")
	s.Next = v.command(v.Exports, []string{"approved", "out"}, "--approved", s.ApprovalHash)
}

// lasting has a dry run made whose files stay, where those of this one do not.
func lasting(v *Invocation, step func(string, ...any)) {
	if v.Lasting != "" {
		step("Make the dry run, whose files stay in %s:\n%s", v.Lasting, v.command(v.Exports, nil, "--dry-run"))
	}
}

// adviseIncomplete leads from a run that stopped to the next one.
func adviseIncomplete(s *summary.Summary, v *Invocation, step func(string, ...any)) {
	switch s.Why {
	case journal.WhyShard:
		if v.unfinished != nil {
			adviseShards(s, v)
			return
		}
	case whyBudget:
		s.Next = withFixedMapping(s, v, step, "--resume", "--retry")
		return
	case whyRefused:
		if strings.Contains(s.Detail, "redirect") {
			step("Check --base-url: the target redirects, and a key is never sent on.")
			break
		}
		if !strings.Contains(s.Detail, "(HTTP ") { // nobody looked at the key: the certificate, the proxy or a page before the target
			step("Fix the way to the target: this is not an answer of the API. Nothing counts as refused.")
			break
		}
		step("Check the API key (INTEMPT_API_KEY or --api-key-file), what it may do, org and project; nothing counts as refused.")
	case whyGone:
		step("Wait until the target answers again.")
	case whyDisk:
		step("Make room on the disk.")
	case whyExport:
		step("Make the export readable again; it must be the same file.")
	}
	s.Next = v.command(v.Exports, nil, "--resume")
}

// adviseFailures leads from a complete import with failures to their end: a
// better mapping, another attempt, or a repair by hand, whichever the largest
// group calls for.
func adviseFailures(s *summary.Summary, v *Invocation, step func(string, ...any)) {
	var without []string
	if v.flag("repair") != "" {
		without = []string{"approved"} // the table of the repaired rows is not that of the export
	}
	switch {
	case summary.Patched(s):
		s.Next = withFixedMapping(s, v, step, "--resume", "--retry")
	case s.Rows.Invalid+s.Consents.Refused == 0:
		step("Send the failed ones again once the target works:")
		s.Next = v.command(v.Exports, without, "--resume", "--retry")
	default:
		file := rejectedFile(s)
		if file == "" {
			s.Next = v.command(v.Exports, without, "--resume", "--retry")
			return
		}
		step("Fix the rows in %s, where _error says what is wrong, and import them:", file)
		s.Next = v.command([]string{PathWord(filepath.Join(s.OutDir, file))}, []string{"out", "approved"}, "--repair", s.OutDir)
	}
}

// adviseWithheld leads from last words that a repair has left unsent to their import.
// None of this one's passes can send them: what is held back is so for good. The export
// itself has to stay as it is, for the checkpoint belongs to it.
func adviseWithheld(s *summary.Summary, v *Invocation, step func(string, ...any)) {
	step("For %s the last word was never sent: with --history latest it was held back for a row that says something else since its repair.", wording.Plural(s.Withheld, "person-category pair"))
	copies := v.copied(step)
	if copies == nil {
		step("Repair the same rows in a copy of the export, and import that with --since %s: it sends what is missing, and nothing twice.", PathWord(s.OutDir))
		s.Next = v.on(s.OutDir, "verify")
		return
	}
	step("Repair the same rows in the copy, and import it, held against this import: it sends what is missing, and nothing twice.")
	s.Next = v.command(copies, []string{"out", "approved", "since", "history"}, "--since", s.OutDir, "--history", s.History, "--out", PathWord(again(s.OutDir)))
}

// copied has copies of the export made, for rows to be repaired in; nil where a command
// cannot make them.
func (v *Invocation) copied(step func(string, ...any)) (copies []string) {
	for _, path := range v.Exports {
		if path == "-" || strings.Contains(path, "://") {
			return nil
		}
	}
	for _, path := range v.Exports {
		dir, name := filepath.Split(path)
		to := freeCopy(dir, name)
		copies = append(copies, to)
		step("Copy the export:\n%s", ShellLine([]string{"cp", PathWord(path), PathWord(to)}))
	}
	return copies
}

// freeCopy is a name for a copy of a file: one that is there may have been repaired already.
func freeCopy(dir, name string) string {
	return free(func(n int) string {
		if n == 1 {
			return dir + "repaired-" + name
		}
		return fmt.Sprintf("%srepaired-%d-%s", dir, n, name)
	})
}

// withFixedMapping is a run under a changed mapping: with the proposed change made in
// a copy or, where none is proposed, with the user's own file or a copy of the preset.
func withFixedMapping(s *summary.Summary, v *Invocation, step func(string, ...any), more ...string) string {
	file := v.flag("mapping")
	name := v.flag("preset")
	if name == "" {
		name = s.Mapping.Name
	}
	copied := filepath.Base(name) + "-fixed.yaml"
	if filepath.Clean(file) == copied {
		copied = filepath.Base(name) + "-fixed-again.yaml"
	}
	if file == "" && v.flag("preset") == "" { // a run that went on with what was stored
		file = v.stored
	}
	// The journal names the mapping in the out directory by its digest: it is for reading only.
	stored := filepath.Dir(file) == filepath.Clean(s.OutDir) && strings.HasPrefix(filepath.Base(file), "mapping-")
	switch {
	case summary.Patched(s):
		step("Make the proposed change in a copy of the mapping (tried: %s):\n%s > %s", summary.Patches(s)[0].Proven(), v.on(cmp.Or(v.Lasting, s.OutDir), "mapping", "apply"), shellQuote(PathWord(copied)))
		if strings.Contains(summary.Patches(s)[0].Patch, summary.Decide) {
			step("In %s, put what is right wherever %s stands, and continue:", copied, summary.Decide)
		} else {
			step("Continue with it:")
		}
	case stored:
		step("Copy the mapping:\n%s", ShellLine([]string{"cp", PathWord(file), PathWord(copied)}))
		step("In the copy, change what the failures point to, and continue:")
	case file != "":
		step("In the mapping %s, change what the failures point to, and continue:", file)
		return v.command(v.Exports, []string{"approved"}, more...)
	default:
		step("Copy the preset:\n%s > %s", ShellLine([]string{v.program(), "mapping", "show", name}), shellQuote(PathWord(copied)))
		step("In the copy, change what the failures point to, and continue:")
	}
	return v.command(v.Exports, []string{"preset", "mapping", "approved"}, append([]string{"--mapping", PathWord(copied)}, more...)...)
}

// rejectedFile names the file of rows to repair, or "".
func rejectedFile(s *summary.Summary) string {
	for _, name := range s.Files {
		if strings.HasPrefix(name, "rejected") {
			return name
		}
	}
	return ""
}
