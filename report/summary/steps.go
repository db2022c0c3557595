package summary

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/report/wording"
)

// SplitStep splits a step into what it says and the command that it ends with, if
// any.
func SplitStep(step string) (text, command string) {
	text, command, _ = strings.Cut(step, "\n")
	return text, command
}

// Patched says whether a change of the mapping comes next: one is proposed, and most of what
// failed is no matter of the target.
func Patched(s *Summary) bool {
	return len(Patches(s)) > 0 && s.FailureGroups[0].Stage == StageMap
}

// Patches are the changes of the mapping that are proposed, those of the largest groups
// of failures first, as mapping apply numbers them.
func Patches(s *Summary) []*Suggestion {
	var found []*Suggestion
	for i := range s.FailureGroups {
		if g := s.FailureGroups[i].Suggestion; g != nil && g.Patch != "" {
			found = append(found, g)
		}
	}
	return found
}

// Main is the report that a person opens first.
func (s *Summary) Main() string {
	if s.Shard != "" {
		return Name
	}
	return "report.html"
}

// Decide stands in a patch where a person has to decide; no mapping is valid with it.
const Decide = "DECIDE"

// Proven says what the patch does.
func (s *Suggestion) Proven() string {
	text := fmt.Sprintf("fixes %s of %s, changes 0 others", wording.Thousands(s.Fixes), wording.Plural(s.Of, "row"))
	if strings.Contains(s.Patch, Decide) {
		text += ", once " + Decide + " is decided"
	}
	return text
}
