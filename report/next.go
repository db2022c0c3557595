package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// The words in a journal's last line that call for different advice; importer
// has them as StopKind.
const (
	whyRefused = "target-refused"
	whyGone    = "target-gone"
	whyBudget  = "failure-budget"
	whyDisk    = "disk"
	whyExport  = "export"
)

// Invocation is the command line that began an import, so that the next
// command can repeat it.
type Invocation struct {
	Program string   // "consentimport"
	Exports []string // as they were given
	Flags   []Flag   // of run, in order, those that were given
}

// Flag is a flag of run as it was given. A switch has the value "true".
type Flag struct {
	Name  string // without dashes
	Value string
}

// momentary are the flags that belong to one run and not to the import.
var momentary = []string{"dry-run", "resume", "retry", "restart", "repair", "limit", "json"}

// command writes a run of the same import. Flags named in without are left
// out; the words in more follow at the end.
func (v *Invocation) command(exports []string, without []string, more ...string) string {
	words := []string{v.program(), "run"}
	words = append(words, exports...)
	for _, f := range v.Flags {
		switch {
		case slices.Contains(momentary, f.Name) || slices.Contains(without, f.Name):
		case f.Value == "true":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name, f.Value)
		}
	}
	return shellLine(append(words, more...))
}

func (v *Invocation) program() string {
	if v.Program == "" {
		return "consentimport"
	}
	return v.Program
}

// flag gives the value of a flag, or "".
func (v *Invocation) flag(name string) string {
	for _, f := range v.Flags {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// shellLine joins words so that a POSIX shell takes them apart again.
func shellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellQuote(w)
	}
	return strings.Join(quoted, " ")
}

// shellQuote quotes a word when a shell would not take it as it is.
func shellQuote(w string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// advise says what to do now: the command to run next and, before it, what a
// person has to do.
func advise(s *Summary, v *Invocation) {
	step := func(format string, args ...any) { s.Steps = append(s.Steps, fmt.Sprintf(format, args...)) }
	if n := s.OverPermissive.Count; n > 0 {
		step("First: stop what the target does for the people in %s, where it says yes and they said no.", ledgers[suppress].name)
	}
	switch {
	case s.State == Unbalanced:
		step("Do not rely on these numbers. Find out whether the checkpoint or the export was changed:")
		s.Next = shellLine([]string{v.program(), "verify", s.OutDir})
	case s.DryRun:
		adviseDryRun(s, v, step)
	case s.State == Incomplete:
		adviseIncomplete(s, v, step)
	case s.Failures() > 0:
		adviseFailures(s, v, step)
	default:
		s.Next = shellLine([]string{v.program(), "verify", s.OutDir})
	}
}

// adviseDryRun leads from a dry run to the import.
func adviseDryRun(s *Summary, v *Invocation, step func(string, ...any)) {
	switch {
	case s.State == Incomplete:
		s.Next = v.command(v.Exports, nil, "--dry-run")
		return
	case patched(s):
		s.Next = withFixedMapping(s, v, step, "--dry-run")
		return
	case s.Rows.Invalid > 0:
		step("Rows that fail here will fail in the import too; they are listed for repair afterwards.")
	}
	if s.Target.Org == "" || s.Target.Project == "" {
		step("Say where to: set INTEMPT_ORG, INTEMPT_PROJECT and INTEMPT_API_KEY.")
	}
	if s.DecisionsHash == "" {
		s.Next = v.command(v.Exports, nil)
		return
	}
	step("Have the decision table signed off; the import then takes only these decisions.")
	s.Next = v.command(v.Exports, []string{"approved"}, "--approved", s.DecisionsHash)
}

// adviseIncomplete leads from a run that stopped to the next one.
func adviseIncomplete(s *Summary, v *Invocation, step func(string, ...any)) {
	switch s.Why {
	case whyBudget:
		s.Next = withFixedMapping(s, v, step, "--resume", "--retry")
		return
	case whyRefused:
		if strings.Contains(s.Detail, "redirect") {
			step("Check --base-url: the target redirects, and a key is never sent on.")
			break
		}
		step("Check the API key (INTEMPT_API_KEY or --api-key-file), what it may do, org and project; nothing counts as rejected.")
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
func adviseFailures(s *Summary, v *Invocation, step func(string, ...any)) {
	switch {
	case patched(s):
		s.Next = withFixedMapping(s, v, step, "--resume", "--retry")
	case s.Rows.Invalid+s.Consents.Rejected == 0:
		step("Send the failed ones again when the target is well:")
		s.Next = v.command(v.Exports, nil, "--resume", "--retry")
	default:
		file := rejectedFile(s)
		if file == "" {
			s.Next = v.command(v.Exports, nil, "--resume", "--retry")
			return
		}
		step("Mend the rows in %s, where _error says what is wrong, and import them:", file)
		s.Next = v.command([]string{filepath.Join(s.OutDir, file)}, []string{"out", "approved"}, "--repair", s.OutDir)
	}
}

// patched says whether the largest group of failures is mended by a change of
// the mapping.
func patched(s *Summary) bool {
	return len(s.FailureGroups) > 0 && s.FailureGroups[0].Suggestion != nil && s.FailureGroups[0].Suggestion.Patch != ""
}

// withFixedMapping is a run under a changed mapping: the user's own file, or a
// copy of the preset.
func withFixedMapping(s *Summary, v *Invocation, step func(string, ...any), more ...string) string {
	mend := "mend it as suggested"
	if !patched(s) {
		mend = "mend what the failures point to"
	}
	if file := v.flag("mapping"); file != "" {
		step("In the mapping %s, %s, and go on:", file, mend)
		return v.command(v.Exports, []string{"approved"}, more...)
	}
	name := v.flag("preset")
	if name == "" {
		name = s.Mapping.Name
	}
	copied := name + "-fixed.yaml"
	step("Copy the preset, %s, and go on: %s > %s", mend,
		shellLine([]string{v.program(), "mapping", "show", name}), shellQuote(copied))
	return v.command(v.Exports, []string{"preset", "approved"}, append([]string{"--mapping", copied}, more...)...)
}

// rejectedFile names the file of rows to repair, or "".
func rejectedFile(s *Summary) string {
	for _, name := range s.Files {
		if strings.HasPrefix(name, "rejected") {
			return name
		}
	}
	return ""
}
