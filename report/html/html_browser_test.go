package html

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// mostGroups is how many groups a report lists at most.
const mostGroups = 100

// millionFailures is an import in which a million consents failed, in as many
// groups as a report lists.
func millionFailures(t *testing.T) *summary.Summary {
	s := reporttest.Sample(t, "over-permissive")
	var groups []summary.FailureGroup
	for i := range mostGroups {
		groups = append(groups, summary.FailureGroup{
			Stage: summary.StageSend, Status: 400, Count: 10_000, Share: 0.01, Rows: []int64{int64(i) + 1, int64(i) + 5_000_001},
			Reason: fmt.Sprintf("%s%d", strings.Repeat("a_word_without_any_blank_", 10), i), Column: strings.Repeat("column_", 12),
		})
	}
	s.FailureGroups = groups
	s.Rows.Mapped, s.Rows.Invalid = s.Rows.Mapped+s.Rows.Invalid, 0
	s.Consents.Sent, s.Consents.Refused, s.Consents.Failed = 12_200_000, 1_000_000, 0
	d := &s.ByDecision[2]
	d.Sent, d.Refused, d.Failed = 6_000_000, 1_000_000, 0
	s.OverPermissive.Count = 400_000
	for i := range 998 {
		s.OverPermissive.Consents = append(s.OverPermissive.Consents, fmt.Sprintf("%d.1", 9_000_000+i))
	}
	s.ExitCode = summary.Exit(s)
	return s
}

// The page works in a real browser: it says nothing on the console, asks nobody
// for anything, fits a telephone and a desk, and can be read in light and dark.
func TestHTMLInABrowser(t *testing.T) {
	tab := reporttest.Browser(t)
	var heard reporttest.Complaints
	require.NoError(t, chromedp.Listen(tab, heard.Hear))
	all := reporttest.Samples(t)
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		s    *summary.Summary
	}{
		{"clean", all["complete"]}, {"messy", all["over-permissive"]}, {"interrupted", all["interrupted"]},
		{"million failures", millionFailures(t)}, {"dry run", all["dry-run"]},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.s.Balanced())
			page := renderHTML(t, c.s)
			assert.Less(t, len(page), 200<<10, "bytes")
			path := filepath.Join(dir, c.name+".html")
			require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
			for _, width := range []int64{390, 1440} {
				for _, scheme := range []string{"light", "dark"} {
					view := reporttest.LookAt(t, tab, path, width, scheme)
					at := fmt.Sprintf("%d px, %s", width, scheme)
					assert.Equal(t, "Import of acme may.csv", view.Title, at)
					assert.Equal(t, scheme == "dark", view.Dark, at)
					assert.EqualValues(t, width, view.Inner, at)
					assert.LessOrEqual(t, view.Scroll, view.Inner, "%s: overflows", at)
					assert.Empty(t, view.Wide, "%s: reaches beyond the window", at)
					assert.Greater(t, view.Texts, 30, at)
					assert.Empty(t, view.Faint, "%s: contrast below AA", at)
					assert.Empty(t, heard.Take(), at)
				}
			}
		})
	}
	// The same browser sees the faults of a page that has them.
	t.Run("faults", func(t *testing.T) {
		path := filepath.Join(dir, "faults.html")
		require.NoError(t, os.WriteFile(path, []byte(`<!doctype html><html lang="en"><title>faults</title><body style="background:#fff">
<p style="color:#999">faint</p><p style="opacity:.4">see through</p><pre style="width:3000px">wide</pre>
<script>console.error("said"); fetch("http://127.0.0.1:9/asked").catch(() => {}); nothing.there</script>`), 0o600))
		view := reporttest.LookAt(t, tab, path, 390, "light")
		assert.Greater(t, view.Scroll, view.Inner)
		assert.Len(t, view.Wide, 1)
		assert.Len(t, view.Faint, 2)
		said := strings.Join(heard.Take(), "\n")
		for _, want := range []string{"console: error", "request to http://127.0.0.1:9/asked", "exception"} {
			assert.Contains(t, said, want)
		}
	})
}
