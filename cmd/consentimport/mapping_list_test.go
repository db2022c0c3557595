package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// TestPresetListFitsATerminal: each preset once, on a line of 80 characters, under
// the title of its kind.
func TestPresetListFitsATerminal(t *testing.T) {
	presets := mapping.Presets()
	require.NotEmpty(t, presets)
	list := presetList(presets)
	for _, line := range strings.Split(list, "\n") {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
	}
	assert.NotContains(t, list, "…", "the description of a preset up to its colon is a title, and has to fit")
	kinds := map[string]string{}
	for _, k := range mapping.Kinds() {
		kinds[k.Name] = k.Title
	}
	for _, p := range presets {
		assert.Equal(t, 1, strings.Count(list, "\n  "+p.Name+" "), p.Name)
		title := kinds[p.Kind]
		if !assert.NotEmpty(t, title, "kind of %s", p.Name) {
			continue
		}
		_, group, _ := strings.Cut(list, title+"\n")
		group, _, _ = strings.Cut(group, "\n\n")
		assert.Contains(t, "\n"+group, "\n  "+p.Name+" ", "%s is not under %q", p.Name, title)
		assert.Contains(t, []string{"confirmed", "second-hand", "inferred"}, p.State, "state of %s", p.Name)
	}
}
