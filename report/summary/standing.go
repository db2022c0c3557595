package summary

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/report/wording"
)

// Apart are the categories in which the target does not have the last words of all, with
// what accounts for it.
func Apart(s *Summary) (all []string) {
	words := map[string]LastWord{}
	for _, w := range s.LastWords {
		words[w.Category] = w
	}
	for _, t := range s.AtTarget {
		w := words[t.Category]
		if t.Accept == w.Accept+w.Expired && t.Reject == w.Reject && t.None == w.None {
			continue
		}
		name := t.Category
		if name == "" {
			name = "(no category)"
		}
		text := fmt.Sprintf("%s: the target has %s at accept, %s at reject, %s at nothing", name, wording.Thousands(t.Accept), wording.Thousands(t.Reject), wording.Thousands(t.None))
		if why := missing(s, t.Category); why != "" {
			text += "; " + why
		}
		all = append(all, text)
	}
	return all
}

// missing names what of a category did not arrive.
func missing(s *Summary, category string) string {
	var c Consents
	for _, d := range s.ByDecision {
		if d.Category == category {
			c.Refused, c.Failed, c.Pending = c.Refused+d.Refused, c.Failed+d.Failed, c.Pending+d.Pending
		}
	}
	var parts []string
	for _, x := range []struct {
		n    int64
		what string
	}{{c.Refused, "refused"}, {c.Failed, "failed"}, {c.Pending, "pending"}} {
		if x.n > 0 {
			parts = append(parts, wording.Plural(x.n, "consent")+" "+x.what)
		}
	}
	if s.Rows.Invalid > 0 {
		parts = append(parts, wording.Plural(s.Rows.Invalid, "row")+" of the export invalid")
	}
	return strings.Join(parts, ", ")
}

// ChangeText says how many people newly get messages of a category, and how many do not
// any more.
func ChangeText(c *Change, dryRun bool) string {
	name := c.Category
	if name == "" {
		name = "(no category)"
	}
	text := "%s: %s newly get them, %s get them no longer"
	if dryRun {
		text = "%s: %s would newly get them, %s would get them no longer"
	}
	return fmt.Sprintf(text, name, wording.Plural(c.Begin, "person"), wording.Plural(c.Cease, "person"))
}
