package html

import (
	"context"
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
		{"million failures", millionFailures(t)}, {"dry run", all["dry-run"]}, {"crowded", crowded(t)}, {"empty", empty(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.s.Balanced())
			page := renderHTML(t, c.s)
			assert.Less(t, len(page), 300<<10, "bytes")
			path := filepath.Join(dir, c.name+".html")
			require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
			for _, v := range []struct {
				width  int64
				scheme string
			}{{390, "light"}, {768, "dark"}, {1440, "light"}} {
				view := reporttest.Look(t, tab, path, v.width, v.scheme)
				at := fmt.Sprintf("%s-%d-%s", c.name, v.width, v.scheme)
				assert.Equal(t, "Import of acme may.csv", view.Title, at)
				assert.Greater(t, view.Texts, 30, at)
				assert.Empty(t, heard.Take(), at)
				reporttest.Shot(t, tab, at)
			}
			// The larger ones have the same elements, more often, and take long.
			if len(page) < 100<<10 || os.Getenv("CONSENTIMPORT_SOAK") != "" {
				reporttest.Axe(t, tab, c.name)
			}
		})
	}
	t.Run("search and sort", func(t *testing.T) {
		lines := func(selector string) []string {
			found, err := chromedp.Run(tab, chromedp.Evaluate[[]string](
				`[...document.querySelectorAll(`+"`"+selector+"`"+`)].filter((e) => e.checkVisibility()).map((e) => e.textContent.trim())`))
			require.NoError(t, err)
			return found
		}
		reporttest.LookAt(t, tab, filepath.Join(dir, "crowded.html"), 1440, "light")
		const values = ".values tbody tr td:last-child"
		before := lines(values)
		require.Len(t, before, maxValues)
		require.NoError(t, chromedp.Do(tab, chromedp.Click("section:has(#values) thead th:nth-child(4) button")))
		sorted := lines(values)
		require.Len(t, sorted, maxValues)
		assert.Equal(t, "547,600", sorted[0], "the most first")
		assert.NotEqual(t, before, sorted)
		require.NoError(t, chromedp.Do(tab, chromedp.Click("section:has(#values) thead th:nth-child(4) button")))
		assert.Equal(t, "0", lines(values)[0], "the least first")
		require.NoError(t, chromedp.Do(tab, chromedp.SendKeys("section:has(#values) input", "reject zz")))
		assert.Empty(t, lines(values))
		require.NoError(t, chromedp.Do(tab, chromedp.SendKeys("section:has(#values) input", "\b\bJA")))
		found := lines(".values tbody tr")
		require.NotEmpty(t, found)
		for _, line := range found {
			assert.Contains(t, line, "ja")
			assert.Contains(t, line, "reject")
		}
		assert.Equal(t, []string{fmt.Sprintf("%d of 200 lines", len(found))}, lines("section:has(#values) [role=status]"))
		assert.Empty(t, heard.Take())
	})
	t.Run("print", func(t *testing.T) {
		for _, name := range []string{"messy", "dry run"} {
			reporttest.Scripts(t, tab, name != "messy") // where none may run, styles alone unfold what is printed
			reporttest.Open(t, tab, filepath.Join(dir, name+".html"))
			pages := reporttest.Pages(t, reporttest.Print(t, tab, name))
			require.Greater(t, len(pages), 1)
			whole := strings.Join(pages, "\n")
			if name == "messy" {
				assert.Contains(t, whole, "and 10 more", "what is folded on the screen is printed")
			}
			assert.NotContains(t, whole, "On this page")
			heads := textsOf(t, tab, "h2, h3, thead th:last-child, caption:not(.unseen), summary")
			for i, page := range pages[:len(pages)-1] {
				last := strings.Fields(page)
				for _, head := range heads {
					words := strings.Fields(head)
					if len(words) > 1 && len(words) <= len(last) {
						assert.NotEqual(t, words, last[len(last)-len(words):], "%s: page %d ends with a heading", name, i+1)
					}
				}
			}
		}
	})
	// The same browser sees the faults of a page that has them.
	t.Run("faults", func(t *testing.T) {
		path := filepath.Join(dir, "faults.html")
		require.NoError(t, os.WriteFile(path, []byte(`<!doctype html><html lang="en"><title>faults</title><body style="background:#fff">
<p style="color:#999">faint</p><p style="opacity:.4">see through</p><pre style="width:3000px">wide</pre><img>
<script>console.error("said"); fetch("http://127.0.0.1:9/asked").catch(() => {}); nothing.there</script>`), 0o600))
		view := reporttest.LookAt(t, tab, path, 390, "light")
		assert.Greater(t, view.Scroll, view.Inner)
		assert.Len(t, view.Wide, 1)
		assert.Len(t, view.Faint, 2)
		assert.Contains(t, strings.Join(reporttest.Violations(t, tab), " "), "image-alt")
		said := strings.Join(heard.Take(), "\n")
		for _, want := range []string{"console: error", "request to http://127.0.0.1:9/asked", "exception"} {
			assert.Contains(t, said, want)
		}
	})
}

// textsOf gives the texts of some elements.
func textsOf(t *testing.T, tab context.Context, selector string) []string {
	t.Helper()
	found, err := chromedp.Run(tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll(`+"`"+selector+"`"+`)].map((e) => e.textContent.trim())`))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}
