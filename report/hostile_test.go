package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/html"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/text"
)

// Whatever the texts of an export or a target say, the reports show it.
func TestReportsShowHostileTexts(t *testing.T) {
	evil := `<script>alert(1)</script>"'` + "`=1+1\x1b[31m{{.}}"
	s := permissiveImport()
	s.FailureGroups = grouped(summary.FailureGroup{Stage: summary.StageMap, Reason: evil + " is not listed", Column: evil, Count: 1, Rows: []int64{1}})
	s.ByDecision[0].Category = evil
	s.Lint[0].Message, s.Lint[0].Rule = evil, evil
	s.Skips[0].Reason = evil
	s.Decisions = []summary.Decision{{Category: evil, Value: evil, Decision: "accept", Count: 1}}
	s.ApprovalHash = evil
	s.Inputs[0].Path, s.Mapping.Name, s.Target.Org, s.Target.BaseURL, s.Detail = evil, evil, evil, "javascript:"+evil, evil
	s.Notes = []string{evil}
	s.HTTP.ByStatus = map[string]int64{evil: 1}
	s.OverPermissive.Consents[0] = evil
	advise(s, &Invocation{Exports: []string{evil}, Flags: []Flag{{Name: "preset", Value: evil}}})

	var out bytes.Buffer
	require.NoError(t, html.Write(&out, s))
	page := out.String()
	assert.Equal(t, 1, strings.Count(page, "<script"), "the page's own")
	assert.Equal(t, 1, strings.Count(page, "</style>"))
	assert.Contains(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")

	var screen bytes.Buffer
	require.NoError(t, text.Write(&screen, s, text.Style{}))
	assert.NotContains(t, screen.String(), "\x1b")
	assert.Contains(t, screen.String(), "<script>alert(1)</script>")

	var js bytes.Buffer
	require.NoError(t, summary.JSON(&js, s))
	assert.NotContains(t, js.String(), "\x1b")
}
