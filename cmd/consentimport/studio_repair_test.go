package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
)

// post sends a form that is taken.
func (p *pages) post(t *testing.T, path string, form url.Values) {
	t.Helper()
	answer, body := p.ask(t, http.MethodPost, path, form, nil)
	require.Equal(t, http.StatusSeeOther, answer.StatusCode, "%s: %s", path, body)
}

// await asks for a page until it has a text.
func (p *pages) await(t *testing.T, path, text string) {
	t.Helper()
	var page string
	if !assert.Eventually(t, func() bool { page = p.get(t, path); return strings.Contains(page, text) }, 30*time.Second, 20*time.Millisecond) {
		require.Contains(t, page, text, path)
	}
}

// A run that Ctrl-C stops with the studio ends as run does, another studio goes on with it, and
// a row that failed is repaired in the table; every consent arrives once.
func TestTheStudioResumesAndRepairs(t *testing.T) {
	t.Parallel()
	server, err := sandbox.Start(sandbox.Config{Key: "user.secretsecretsecret"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	vars := map[string]string{"INTEMPT_API_KEY": "user.secretsecretsecret"}
	p := openStudio(t, vars)
	export := studioExport + "u4,plain,yes,2026-05-32T12:00:00Z\n"
	require.NoError(t, os.WriteFile(p.export, []byte(export), 0o600))
	mapped := strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, `"later": DECIDE`, `"later": reject`).Replace(studioMapping)
	require.NoError(t, os.WriteFile(p.export+".mapping.yaml", []byte(mapped), 0o600))
	form := url.Values{"csrf": {p.enter(t)}}
	p.post(t, "/dry-run", form)
	p.await(t, "/dry-run", "Approval hash")
	hash := summaryIn(t, p.export+".dry-run").ApprovalHash
	run := url.Values{"csrf": form["csrf"], "target": {"real"}, "base-url": {server.URL()}, "org": {"acme"}, "project": {"shop"}, "approved": {hash[:16]}, "rate": {"1"}, "concurrency": {"1"}, "how": {"new"}}
	p.post(t, "/run", run)
	require.Eventually(t, func() bool { return server.Stats().Requests > 0 }, 10*time.Second, time.Millisecond)
	answer, _ := p.ask(t, http.MethodPost, "/dry-run", form, nil)
	assert.Equal(t, http.StatusConflict, answer.StatusCode, "one command at a time")
	assert.Equal(t, exitIncomplete, p.end(), "as Ctrl-C ends a run")

	again := openStudioOn(t, p.dir, p.export, vars)
	form.Set("csrf", again.enter(t))
	assert.Contains(t, again.get(t, "/run"), ">Resume</button>")
	for name, value := range map[string]string{"csrf": form.Get("csrf"), "how": "resume", "rate": "0"} {
		run.Set(name, value)
	}
	again.post(t, "/run", run)
	again.await(t, "/run", "The import: complete")
	require.EqualValues(t, 3, server.Stats().Stored)

	// The table of the row that failed.
	dir := filepath.Base(p.export) + ".import"
	page := again.get(t, "/repair?dir="+url.QueryEscape(dir))
	assert.Contains(t, page, `value="2026-05-32T12:00:00Z"`)
	assert.NotContains(t, page, `name="cell.4.4"`, "_row is not theirs to change")
	repair := url.Values{"csrf": form["csrf"], "dir": {dir}, "how": {"save"}, "cell.4.3": {"2026-05-31T12:00:00Z"}}
	again.post(t, "/repair", repair)
	text, err := os.ReadFile(p.export + ".import-repaired.csv")
	require.NoError(t, err)
	assert.Contains(t, string(text), "u4,plain,yes,2026-05-31T12:00:00Z,4,")
	for name, values := range run {
		repair[name] = values
	}
	repair.Set("how", "run")
	again.post(t, "/repair", repair)
	again.await(t, "/run", "4: 4 sent")
	assert.Len(t, server.Consents(), 4, "each once")
	require.Len(t, server.Of("u4"), 1)
	again.post(t, "/reports/check", url.Values{"csrf": form["csrf"], "dir": {dir}, "command": {"verify"}})
	again.await(t, "/reports", "Ended with exit code 0")
}
