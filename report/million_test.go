package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// crowd is a survey of an export so large that it is made batch by batch. Every
// row fails, each tenth at mapping, the others at the target, in words that name
// the row; each hundredth is a withdrawal whose subject had agreed before.
type crowd struct {
	facts survey.Facts
	rows  int64
}

func (c *crowd) Facts() survey.Facts { return c.facts }

func (c *crowd) Arrivals([]journal.Ref) ([]journal.Arrival, bool, error) { return nil, false, nil }

func (c *crowd) Rows(ctx context.Context, _ []int64, visitors ...survey.Visitor) error {
	return c.Each(ctx, visitors...)
}

func (c *crowd) Each(_ context.Context, visitors ...survey.Visitor) error {
	layout := csvLayout("id,purpose,decision", "id", "purpose", "decision")
	const size = 5000
	b := survey.Batch{Layout: layout, File: "acme.csv"}
	for n := int64(1); n <= c.rows; {
		b.Rows = b.Rows[:0]
		for ; n <= c.rows && len(b.Rows) < size; n++ {
			user := "u" + strconv.FormatInt(n, 10)
			raw := user + ",ads,no"
			switch {
			case n%100 == 0:
				b.Rows = append(b.Rows, mapped(n, raw, consent(user, "ads", mapping.Accept, sent), consent(user, "ads", mapping.Reject, crowdRefused(n))))
			case n%10 == 0:
				b.Rows = append(b.Rows, invalid(n, raw, "decision", fmt.Sprintf("action: value \"v%d\" of column \"decision\" is not listed in values", n%7)))
			default:
				b.Rows = append(b.Rows, mapped(n, raw, consent(user, "ads", mapping.Reject, crowdRefused(n))))
			}
		}
		for _, visit := range visitors {
			if err := visit(&b)(); err != nil {
				return err
			}
		}
	}
	return nil
}

func crowdRefused(n int64) journal.Outcome {
	return outcome(journal.Refused, 400, 1, fmt.Sprintf("purpose %d of request %08x is unknown", n%11, n*2654435761))
}

// crowdPage writes the reports of so many failures and gives the page's path.
func crowdPage(t *testing.T, rows int64) (path string, sum *summary.Summary) {
	t.Helper()
	c := &crowd{facts: finished(rows), rows: rows}
	dir := t.TempDir()
	sum, err := Write(t.Context(), journal.OS{}, dir, c, Options{
		Tool: summary.Tool{Name: "consentimport", Version: "1.0.0"}, Invocation: Invocation{Exports: []string{"acme.csv"}, Flags: []Flag{{Name: "preset", Value: "acme"}}},
	})
	require.NoError(t, err)
	require.NoError(t, sum.Balanced())
	require.Equal(t, rows, sum.Failures())
	return filepath.Join(dir, "report.html"), sum
}

// A million failures that were swept make no larger a page than a hundred, and
// one that a browser shows as well.
func TestAMillionFailuresMakeNoLargerPage(t *testing.T) {
	rows := int64(1_000_000)
	if raceDetector {
		rows = 20_000 // many times slower, and the page is the same
	}
	few, small := crowdPage(t, 1000) // enough for all that is drawn
	many, sum := crowdPage(t, rows)
	assert.Equal(t, len(small.FailureGroups), len(sum.FailureGroups), "variable parts make no groups")
	assert.EqualValues(t, rows/100, sum.OverPermissive.Count)
	a, err := os.Stat(few)
	require.NoError(t, err)
	b, err := os.Stat(many)
	require.NoError(t, err)
	assert.InEpsilon(t, a.Size(), b.Size(), 0.05, "%d bytes for %d failures, %d for 1000", b.Size(), rows, a.Size())

	tab := reporttest.Browser(t)
	for _, width := range []int64{390, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			view := reporttest.LookAt(t, tab, many, width, scheme)
			at := fmt.Sprintf("%d px, %s", width, scheme)
			assert.LessOrEqual(t, view.Scroll, view.Inner, "%s: overflows", at)
			assert.Empty(t, view.Wide, at)
			assert.Empty(t, view.Faint, at)
		}
	}
}
