package main

import (
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

// A mapping begins with a suggestion, never over one that is there; and the commands that the
// pages show run as they are shown.
func TestTheStudioShowsCommandsThatRun(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	csrf := p.enter(t)
	p.await(t, "/mapping", "A suggestion from the columns")
	p.await(t, "/", "What it is")
	shown := regexp.MustCompile(`(?s)<div class="command">.*?<pre>(.*?)</pre>`)
	ran := 0
	runAll := func(path string) {
		for _, m := range shown.FindAllStringSubmatch(p.get(t, path), -1) {
			line := html.UnescapeString(m[1])
			words := shellWords(line)
			require.Equal(t, "consentimport", words[0], line)
			for i, w := range words {
				if w == ">" { // a shell would write there
					words = words[:i]
					break
				}
			}
			got := program{}.here(t, nil, words[1:]...)
			assert.Equal(t, exitComplete, got.code, "%s\n%s", line, got.stderr)
			ran++
		}
	}
	runAll("/")
	runAll("/mapping")
	p.post(t, "/mapping/new", url.Values{"csrf": {csrf}})
	text, err := os.ReadFile(p.export + ".mapping.yaml")
	require.NoError(t, err)
	assert.Contains(t, string(text), "DECIDE")
	answer, _ := p.ask(t, http.MethodPost, "/mapping/new", url.Values{"csrf": {csrf}, "preset": {"shopify"}}, nil)
	assert.Equal(t, http.StatusConflict, answer.StatusCode)
	same, err := os.ReadFile(p.export + ".mapping.yaml")
	require.NoError(t, err)
	assert.Equal(t, text, same)
	mapped := strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, `"later": DECIDE`, `"later": reject`).Replace(studioMapping)
	require.NoError(t, os.WriteFile(p.export+".mapping.yaml", []byte(mapped), 0o600))
	runAll("/mapping")
	runAll("/dry-run")
	assert.Equal(t, 5, ran)
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
