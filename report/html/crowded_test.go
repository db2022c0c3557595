package html

import (
	"fmt"
	"testing"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// crowded is an import of which there is much of everything: 200 categories, 10,000
// failures in 100 groups, values in other scripts and directions, and long words.
func crowded(t *testing.T) *summary.Summary {
	s := reporttest.Sample(t, "over-permissive")
	names := []string{"ニュースレターの配信", "إعلانات مخصصة", "Personalisierte Werbung auf allen Geräten", "פרסום", "a_name_without_any_blank_in_it_that_goes_on", "카테고리", "👩‍👩‍👧 family"}
	values := []string{"はい、同意します", "نعم", "לא", "ja", "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen", "yes\u202eon", ""}
	decisions := []string{"accept", "reject", "nothing", "invalid"}
	s.LastWords, s.ByDecision, s.Decisions = nil, nil, nil
	for i := range int64(200) {
		name := fmt.Sprintf("%s %d", names[i%7], i)
		n := 50_000 - 200*i
		s.LastWords = append(s.LastWords, summary.LastWord{Category: name, Accept: n, Reject: n / 3, None: i, Expired: i % 5 * 100})
		s.ByDecision = append(s.ByDecision, summary.ByDecision{Category: name, Action: decisions[i%2], Consents: summary.Consents{Made: n, Sent: n - 50, Failed: 50}})
	}
	for k := range 4 {
		for i := range 75 {
			s.Decisions = append(s.Decisions, summary.Decision{Category: names[i/11], Value: fmt.Sprintf("%s%d", values[i%7], i), Decision: decisions[k], Count: int64(i * i * 100)})
		}
	}
	s.FailureGroups = nil
	for i := range mostGroups {
		s.FailureGroups = append(s.FailureGroups, summary.FailureGroup{Stage: summary.StageSend, Status: 400, Count: 100, Share: 0.01, Rows: []int64{int64(i)}, Reason: fmt.Sprintf("%s is not a purpose of project %d", names[i%7], i)})
	}
	s.Consents = summary.Consents{}
	for i := range s.ByDecision {
		s.Consents.Plus(&s.ByDecision[i].Consents)
	}
	s.Rows = summary.Rows{Read: s.Consents.Made, Mapped: s.Consents.Made}
	s.ApprovalHash = "5d41402abc4b2a765d41402abc4b2a765d41402abc4b2a765d41402abc4b2a76"
	s.Files = append(s.Files, "approval.html", "decisions.csv")
	return s
}

// empty is a dry run of an export without rows.
func empty(t *testing.T) *summary.Summary {
	s := reporttest.Sample(t, "dry-run")
	s.Rows, s.Consents, s.Subjects = summary.Rows{}, summary.Consents{}, 0
	s.LastWords, s.ByDecision, s.Decisions, s.Decided, s.Skips, s.Lint = nil, nil, nil, nil, nil, nil
	s.ExitCode = summary.Exit(s)
	return s
}
