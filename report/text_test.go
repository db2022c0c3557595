package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// However full the screen is, it says that there are findings, and a dry run
// what it is signed off by.
func TestAFullScreenKeepsFindingsAndSignature(t *testing.T) {
	s := rejects()
	s.DryRun, s.Consents.Pending = true, s.Consents.Made
	s.Lint = append(permissiveImport().Lint, make([]Finding, 1_500)...)
	s.Decisions, s.ApprovalHash = dryRun().Decisions, strings.Repeat("5d41402abc4b2a76", 4)
	for i := range 9 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d %s", i, strings.Repeat("a note for the person who reads this ", 4)))
	}
	advise(s, &acme)
	var b bytes.Buffer
	require.NoError(t, Text(&b, s, Style{Width: 100}))
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	assert.LessOrEqual(t, len(lines), textLines, b.String())
	assert.Contains(t, lines, "look at   1,502 lint findings, in report.html")
	assert.Contains(t, lines, "approval hash "+s.ApprovalHash)
	assert.Contains(t, b.String(), "notes more in report.html")
	assert.NotContains(t, b.String(), "consents/s")
	assert.Equal(t, s.Next, lines[len(lines)-1])
}
