package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/consentimport/consentimport/report/summary"
)

// Whatever the end, each sentence that a person has to act on is said.
func TestEveryStepIsSaid(t *testing.T) {
	unpatched := func() *summary.Summary {
		s := wrongMapping()
		s.FailureGroups[0].Suggestion = nil
		return s
	}
	with := func(s *summary.Summary, change func(*summary.Summary)) *summary.Summary {
		change(s)
		return s
	}
	stop := func(why, detail string) *summary.Summary {
		return with(clean(), func(s *summary.Summary) { s.State, s.Why, s.Detail = summary.Incomplete, why, detail })
	}
	for _, c := range []struct {
		name  string
		s     *summary.Summary
		flags []Flag
		says  string
	}{
		{"unbalanced", with(clean(), func(s *summary.Summary) { s.State = summary.Unbalanced }), nil, "Do not rely on these numbers. Find out whether the checkpoint or the export was changed:"},
		{"nothing maps", with(dryRun(), func(s *summary.Summary) { s.Rows.Mapped = 0 }), nil, "No row makes a consent: see what the file is, and which mapping fits."},
		{"invalid rows", with(dryRun(), func(s *summary.Summary) { s.Rows.Invalid = 3 }), nil, "Rows that fail here will fail in the import too; they are listed for repair afterwards."},
		{"redirected", stop(whyRefused, "the target redirects"), nil, "Check --base-url: the target redirects, and a key is never sent on."},
		{"gone", stop(whyGone, ""), nil, "Wait until the target answers again."},
		{"disk", stop(whyDisk, ""), nil, "Make room on the disk."},
		{"export", stop(whyExport, ""), nil, "Make the export readable again; it must be the same file."},
		{"failed", with(clean(), func(s *summary.Summary) {
			s.Consents.Sent, s.Consents.Failed = 0, s.Consents.Made
			s.FailureGroups = grouped(summary.FailureGroup{Stage: summary.StageSend, Status: 503, Reason: "no message", Count: s.Consents.Failed})
		}), nil, "Send the failed ones again once the target works:"},
		{"a change without a decision", with(wrongMapping(), func(s *summary.Summary) { s.FailureGroups[0].Suggestion.Patch = "timezone: UTC\n" }), nil, "Continue with it:"},
		{"an own mapping", unpatched(), []Flag{{Name: "mapping", Value: "m.yaml"}}, "In the mapping m.yaml, change what the failures point to, and continue:"},
		{"a preset", unpatched(), []Flag{{Name: "preset", Value: "onetrust"}}, "Copy the preset:\nconsentimport mapping show onetrust > onetrust-fixed.yaml"},
		{"a preset, then", unpatched(), []Flag{{Name: "preset", Value: "onetrust"}}, "In the copy, change what the failures point to, and continue:"},
		{"a stored mapping", with(unpatched(), func(s *summary.Summary) { s.OutDir = "o" }), []Flag{{Name: "mapping", Value: "o/mapping-ab.yaml"}}, "Copy the mapping:\ncp o/mapping-ab.yaml onetrust-fixed.yaml"},
		{"a stored mapping, then", with(unpatched(), func(s *summary.Summary) { s.OutDir = "o" }), []Flag{{Name: "mapping", Value: "o/mapping-ab.yaml"}}, "In the copy, change what the failures point to, and continue:"},
	} {
		c.s.Steps = nil
		advise(c.s, &Invocation{Exports: []string{"a.csv"}, Flags: c.flags})
		assert.Contains(t, strings.Join(c.s.Steps, "\n"), c.says, c.name)
		assert.NotEmpty(t, c.s.Next, c.name)
	}
}
