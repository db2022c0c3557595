package main

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shownCommands finds the commands on a page, as somebody copies them.
var shownCommands = regexp.MustCompile(`(?s)<div class="command">.*?</div>`)

// commandsOn gives the commands that a page shows.
func (p *pages) commandsOn(t *testing.T, path string) (lines []string) {
	t.Helper()
	for _, block := range shownCommands.FindAllString(p.get(t, path), -1) {
		for _, m := range regexp.MustCompile(`(?s)<pre>(.*?)</pre>`).FindAllStringSubmatch(block, -1) {
			lines = append(lines, html.UnescapeString(m[1]))
		}
	}
	return lines
}

// A whole import is made by nothing but the commands that the pages show, copied into a shell:
// each runs, and each page shows its own.
func TestTheStudioShowsCommandsThatRun(t *testing.T) {
	t.Parallel()
	g := newGuide(t)
	export := filepath.Join(g.dir, "<b>choices<b>.csv")
	rows := studioExport + "u4,plain,yes,2026-05-32T12:00:00Z\n"
	for i := range 2000 { // so that the run at the end takes its time
		rows += fmt.Sprintf("n%d,plain,yes,2026-05-01T10:00:00Z\n", i)
	}
	require.NoError(t, os.WriteFile(export, []byte(rows), 0o600))
	p := openStudioOn(t, g.dir, export, map[string]string{"INTEMPT_API_KEY": testKey})
	g.env = append(g.env, "INTEMPT_API_KEY="+testKey)
	csrf := p.enter(t)
	runs := func(path string, n int, codes ...int) {
		t.Helper()
		lines := p.commandsOn(t, path)
		require.Len(t, lines, n, "%s: %q", path, lines)
		for i, line := range lines {
			code, out := g.sh(t, line)
			require.Equal(t, codes[min(i, len(codes)-1)], code, "%s: %s\n%s", path, line, out)
		}
	}
	p.await(t, "/", "What it is")
	runs("/", 1, exitComplete)
	p.await(t, "/mapping", "A suggestion from the columns")
	runs("/mapping", 1, exitComplete) // it begins the mapping
	text, err := os.ReadFile(export + ".mapping.yaml")
	require.NoError(t, err)
	assert.Contains(t, string(text), "DECIDE")
	answer, _ := p.ask(t, http.MethodPost, "/mapping/new", url.Values{"csrf": {csrf}, "preset": {"shopify"}}, nil)
	assert.Equal(t, http.StatusConflict, answer.StatusCode, "never over one that is there")
	same, err := os.ReadFile(export + ".mapping.yaml")
	require.NoError(t, err)
	assert.Equal(t, text, same)
	decided := func(later string) {
		mapped := strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, `"later": DECIDE`, `"later": `+later).Replace(studioMapping)
		require.NoError(t, os.WriteFile(export+".mapping.yaml", []byte(mapped), 0o600))
	}
	decided("reject")
	runs("/mapping", 2, exitComplete, exitFailures) // check; try, with a row that fails
	runs("/dry-run", 1, exitFailures)
	decided("accept")
	p.get(t, "/mapping")
	p.await(t, "/mapping", "Values that mean something else")
	runs("/mapping", 4, exitComplete, exitFailures, exitFailures, exitFailures) // check, the row that fails, the first ones, what changes
	runs("/dry-run", 1, exitFailures)
	runs("/run", 1, exitFailures) // a rehearsal in the sandbox: one row is invalid
	p.await(t, "/run", "The import: complete")
	runs("/run", 1, exitFailures) // a retry: it still is
	runs("/reports", 7, exitComplete, exitFailures, exitComplete, exitFailures, exitComplete, exitComplete, exitFailures)
	dir := filepath.Base(export) + ".import"
	p.post(t, "/repair", url.Values{"csrf": {csrf}, "dir": {dir}, "how": {"save"}, "cell.4.3": {"2026-05-31T12:00:00Z"}})
	runs("/repair?dir="+url.QueryEscape(dir), 1, exitComplete)
	p.await(t, "/run", "2,004: 2,004 sent")

	// The orders of a run that is at work.
	require.NoError(t, os.Rename(export+".import", export+".import.before"))
	run := g.start(t, "run", "--mapping", export+".mapping.yaml", "--base-url", g.url, "--org", "acme", "--project", "shop", "--rate", "0.2", "--concurrency", "1", export)
	p.await(t, "/run", "running")
	runs("/run", 6, exitComplete)
	run.wait(t).requireCode(t, exitIncomplete)
}

// Without an export, one of the directory is chosen.
func TestAnExportIsChosenOnThePage(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.WriteFile("choices.csv", []byte(studioExport), 0o600))
	require.NoError(t, os.WriteFile("notes.md", []byte("x"), 0o600))
	p := openStudioOn(t, dir, "", nil)
	csrf := p.enterAt(t, "/")
	page := p.get(t, "/")
	assert.Contains(t, page, `value="choices.csv"`)
	assert.NotContains(t, page, "notes.md")
	p.post(t, "/open", url.Values{"csrf": {csrf}, "export": {"choices.csv"}})
	p.await(t, "/", "What it is")
	p.await(t, "/mapping", "choices.csv.mapping.yaml")
	_, err := os.Stat(filepath.Join(dir, "choices.csv.mapping.yaml"))
	assert.ErrorIs(t, err, os.ErrNotExist, "looking writes nothing")
}
