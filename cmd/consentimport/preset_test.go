package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// tryCommand is what a hint tells the reader to type.
var tryCommand = regexp.MustCompile(`consentimport (mapping try .*?)(?: shows what that makes of it|$)`)

// shellWords takes a printed command apart as a shell does.
func shellWords(line string) []string {
	var out []string
	for _, w := range regexp.MustCompile(`(?:'[^']*'|[^\s'])+`).FindAllString(line, -1) {
		out = append(out, strings.ReplaceAll(w, "'", ""))
	}
	return out
}

// TestRunNamesThePresetOfEveryExample: without a mapping, run says for every example which
// preset fits and why, and the command that it prints shows what rows become.
func TestRunNamesThePresetOfEveryExample(t *testing.T) {
	t.Parallel()
	presets := mapping.Presets()
	require.NotEmpty(t, presets)
	for _, preset := range presets {
		t.Run(preset.Name, func(t *testing.T) {
			p := program{dir: t.TempDir()}
			got := p.here(t, nil, append([]string{"run", "--dry-run"}, exampleFiles(t, preset.Name)...)...).requireCode(t, exitRefused)
			assert.Contains(t, got.stderr, "no mapping given; the export looks like preset "+preset.Name)
			assert.Regexp(t, `: it has \S`, got.stderr)
			assert.Equal(t, 2, strings.Count(got.stderr, "\n"), "%s", got.stderr)
			m := tryCommand.FindStringSubmatch(strings.TrimSpace(got.stderr))
			require.NotNil(t, m, "%s", got.stderr)
			tried := p.here(t, nil, shellWords(m[1])...)
			assert.NotEqual(t, exitRefused, tried.code, "%s: %s", m[1], tried.stderr)
			left, err := os.ReadDir(p.dir)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// TestRunRefusesAnotherPresetsExport: a preset on the export of another platform is
// refused before anything else, and its own is named.
func TestRunRefusesAnotherPresetsExport(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	for export, preset := range map[string]string{"didomi-users": "onetrust", "onetrust": "ketch", "brevo": "voyado", "voyado": "shopify", "iubenda": "didomi-events"} {
		got := p.here(t, nil, append([]string{"run", "--dry-run", "--preset", preset}, exampleFiles(t, export)...)...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, "the export is not one for preset "+preset+": it looks like "+export)
		m := tryCommand.FindStringSubmatch(strings.TrimSpace(got.stderr))
		require.NotNil(t, m, "%s", got.stderr)
		tried := p.here(t, nil, shellWords(m[1])...)
		assert.NotEqual(t, exitRefused, tried.code, "%s: %s", m[1], tried.stderr)
	}
	// What looks like nobody's is left to the preset that was given.
	file := filepath.Join(p.dir, "export.csv")
	require.NoError(t, os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600))
	got := p.here(t, nil, "run", "--dry-run", "--preset", "voyado", file).requireCode(t, exitRefused)
	assert.Contains(t, got.stderr, "voyado.yaml:")
}
