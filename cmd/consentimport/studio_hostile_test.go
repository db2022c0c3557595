package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile is a text that runs where it is taken for a page, whatever it stands in; n tells
// where it came from.
func hostile(n int) string {
	return fmt.Sprintf(`"'><img src=x onerror=alert(%d)><script>window.ran=%d</script></textarea></pre><a href="javascript:alert(%d)">x</a>`, n, n, n)
}

// Scripts in the name of the export and of out directories, in headers, cells, the mapping's
// name, categories and the target's texts are text on every page, in the browser, too; and a
// page of another origin can do nothing, although the browser sends it the cookie.
func TestNothingOfAnExportRunsInTheBrowser(t *testing.T) {
	t.Parallel()
	const key = "user.SECRETsecretSECRET"
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"errors":[{"message":%q}]}`, "words of the target "+hostile(1))
	}))
	t.Cleanup(target.Close)
	dir := t.TempDir()
	name := `<img src=x onerror=alert(2)>'"&.csv` // no slash fits into a name
	export := filepath.Join(dir, name)
	quoted := func(n int) string { return `"` + strings.ReplaceAll(hostile(n), `"`, `""`) + `"` }
	text := "id," + quoted(3) + ",choice,at\n"
	for i := range 30 {
		text += fmt.Sprintf("u%d,%s,%s,2026-05-01T10:00:00Z\n", i, quoted(4), []string{"yes", quoted(5), "bad" + `<script>window.ran=6</script>`}[min(i, 2)])
	}
	require.NoError(t, os.WriteFile(export, []byte(text), 0o600))
	mapped := fmt.Sprintf("name: %q\nconsent:\n  userId: id\n  action:\n    from: choice\n    values:\n      \"yes\": accept\n      %q: reject\n  timestamp: at\n  category: {const: %q}\n  source: {const: web}\n  validUntil: unlimited\n",
		hostile(7), hostile(5), hostile(8))
	require.NoError(t, os.WriteFile(export+".mapping.yaml", []byte(mapped), 0o600))
	other := filepath.Join(dir, `<img src=x onerror=alert(9)>`)
	require.NoError(t, os.Mkdir(other, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(other, "report.json"), []byte(`{"state":"<script>window.ran=10</script>"}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(other, hostile(11)[:12]+".csv"), []byte("x"), 0o600))

	p := openStudioOn(t, dir, export, map[string]string{"INTEMPT_API_KEY": key})
	csrf := p.enter(t)
	p.post(t, "/dry-run", url.Values{"csrf": {csrf}})
	p.await(t, "/dry-run", "Approval hash")
	p.post(t, "/run", url.Values{"csrf": {csrf}, "target": {"real"}, "base-url": {target.URL}, "org": {"acme"}, "project": {"shop"}, "how": {"new"},
		"approved": {summaryIn(t, export+".dry-run").ApprovalHash}})
	p.await(t, "/run", "The import: complete")

	b := openTab(t)
	b.enter(t, p)
	pages := []string{"/", "/mapping", "/dry-run", "/run", "/run/progress", "/job", "/reports", "/repair?dir=" + url.QueryEscape(name+".import"),
		"/out/" + url.PathEscape(name+".dry-run") + "/approval.html", "/out/" + url.PathEscape(name+".import") + "/report.html"}
	for _, path := range pages {
		b.run(t, chromedp.Navigate(p.base+path))
		b.until(t, `document.readyState === "complete"`)
		b.until(t, `document.body.innerText.length > 20`)
		assert.Empty(t, eval[string](t, b, `String(window.ran || "")`), "%s: a script ran", path)
		assert.Zero(t, eval[int](t, b, `document.querySelectorAll("img[src=x], a[href^=javascript], [onerror]").length`), "%s: text became elements", path)
		page := p.get(t, path)
		assert.NotContains(t, page, "SECRET", path)
	}
	p.await(t, "/reports", "words of the target &#34;&#39;&gt;") // the text of the target is shown, as text
	assert.Contains(t, p.get(t, "/"), "alert(3)")
	b.quiet(t, "Blocked script execution in '"+p.base+"/out/") // a report's own search and sorting: documents run none here

	// A page of another origin on this machine: the browser sends it the cookie, and it is refused.
	for _, path := range askable(t, http.MethodPost) {
		evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `<!doctype html><title>evil</title><form method="post" action="%s%s"><input name="csrf" value="%s"><input name="preset" value="shopify"></form><script>document.forms[0].submit()</script>`, p.base, path, csrf)
		}))
		b.run(t, chromedp.Navigate(evil.URL))
		b.until(t, `document.body.innerText.includes("a page of another origin may ask nothing")`)
		evil.Close()
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		assert.NotContains(t, string(text), "SECRET", "the key is in %s", path)
		return err
	}))
	assert.NoFileExists(t, export+".dry-run.new")
}
