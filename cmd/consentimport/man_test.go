package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestManPrintsOnePage(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	got := p.here(t, nil, "man", "sandbox").requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, ".TH \"CONSENTIMPORT-SANDBOX\" \"1\"")
	assert.Contains(t, got.stdout, ".SH EXAMPLE")
	assert.Contains(t, got.stdout, "/_sandbox/consents?userId=U", "what Markdown would take for emphasis is left as it is")
	assert.Contains(t, got.stdout, ".EX\nGET /_sandbox/stats", "a table keeps its lines")

	p.here(t, nil, "man", "no-such").requireCode(t, exitRefused).message(t)
	p.here(t, nil, "man", "--dir", p.dir, "run").requireCode(t, exitRefused).message(t)
}

func TestManWritesAPageForEachCommand(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	dir := filepath.Join(p.dir, "man1")
	p.here(t, nil, "man", "--dir", dir).requireCode(t, exitComplete)
	for _, name := range []string{"consentimport.1", "consentimport-run.1", "consentimport-rehearse.1", "consentimport-mapping-show.1", "consentimport-man.1"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Contains(t, string(text), ".TH")
	}
}
