package html

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// No accept and no reject is ever left out of the sheet, however many there are;
// nothing that could not be seen on paper hides in it.
func TestTheSheetHidesNoDecision(t *testing.T) {
	table := reporttest.Messy()
	for i := range 2000 {
		table = append(table, summary.Decision{Category: fmt.Sprintf("c%d", i%7), Value: fmt.Sprintf("value-%d-", i), Decision: []string{"accept", "reject", "nothing"}[i%3], Count: 1})
	}
	slices.SortStableFunc(table, func(a, b summary.Decision) int { return strings.Compare(a.Decision, b.Decision) })
	s := reporttest.Sample(t, "dry-run")
	var b bytes.Buffer
	require.NoError(t, WriteApproval(&b, s, table, nil))
	page := b.String()
	var nothing int
	for _, d := range table {
		switch {
		case !strings.HasPrefix(d.Value, "value-"):
		case d.Decision == "nothing":
			if strings.Contains(page, ">"+d.Value+"<") {
				nothing++
			}
		default:
			require.True(t, strings.Contains(page, ">"+d.Value+"<"), d.Value)
		}
	}
	assert.Equal(t, sheetNothing-1, nothing, "and the empty one")
	assert.True(t, strings.Contains(page, "467 more values"), "the rest is counted")
	assert.True(t, strings.Contains(page, `yes\r\nplease`))
	assert.True(t, strings.Contains(page, `\u202esey`))
	assert.True(t, strings.Contains(page, s.ApprovalHash))
	assert.Equal(t, strings.Count(page, "<ul>"), strings.Count(page, "</ul>"))
	accept, reject, says := strings.Index(page, `id="accept"`), strings.Index(page, `id="reject"`), strings.Index(page, `id="nothing"`)
	assert.True(t, accept < reject && reject < says, "accepts first")
	assert.False(t, strings.Contains(page, "maybe"), "what is invalid is not part of what is approved")
}
