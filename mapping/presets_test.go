package mapping_test

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const exampleDir = "../testdata/exports"

// howToRead finds the flags of an example that say how to read its file.
var howToRead = regexp.MustCompile(`^--(encoding|format|delimiter)=`)

// exampleFlags reads the parameters with which an example is imported.
func exampleFlags(t *testing.T, name string) map[string]string {
	t.Helper()
	set := map[string]string{}
	text, err := os.ReadFile(filepath.Join(exampleDir, name, "flags"))
	if os.IsNotExist(err) {
		return set
	}
	require.NoError(t, err)
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if howToRead.MatchString(s.Text()) {
			continue // no parameter
		}
		flag, ok := strings.CutPrefix(s.Text(), "--set=")
		key, value, pair := strings.Cut(flag, "=")
		require.True(t, ok && pair, "flags of %s: %q is no --set=NAME=VALUE", name, s.Text())
		set[key] = value
	}
	return set
}

// beside lists the files that an example has beside its export, and what is in
// them. Each is read by a test of its own.
var beside = []struct{ file, holds string }{
	{"want.jsonl", "the consents that must come out, in row order (TestExamples)"},
	{"states.yaml", "what the states of the platform become, row by row (TestPresetStates)"},
	{"decided.yaml", "where the decisions stand, and which words are an accept (TestNoAcceptIsForged)"},
	{"suggested.yaml", "what inspect --suggest finds without the preset (TestSuggestionsAreRight)"},
}

// platforms are the lines of the table of platforms in the README, by preset.
func platforms(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(text), "\n## Platforms\n")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n## ")
	lines := map[string][]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 {
			continue
		}
		if !presetCell.MatchString(cells[2]) {
			continue // "none", or an advice
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			lines[m[1]] = cells
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

// presetCell is a cell that names presets, quoted finds names in backticks, aside
// what stands in brackets.
var (
	presetCell = regexp.MustCompile("^ *`[a-z0-9-]+`(, `[a-z0-9-]+`)* *$")
	quoted     = regexp.MustCompile("`([^`]+)`")
	aside      = regexp.MustCompile(`\([^)]*\)`)
)

// TestEveryPresetIsWhole: a preset is mapping/presets/NAME.yaml, its example in
// testdata/exports/NAME and a line in the table of platforms. All that is missing
// is named at once.
func TestEveryPresetIsWhole(t *testing.T) {
	var missing []string
	miss := func(format string, args ...any) { missing = append(missing, fmt.Sprintf(format, args...)) }
	presets := map[string]mapping.Preset{}
	files, err := filepath.Glob("presets/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		p, err := mapping.FindPreset(name)
		if err != nil {
			miss("mapping/%s: %v", f, err)
			continue
		}
		presets[name] = p
		var head struct{ Name string }
		require.NoError(t, yaml.Unmarshal(p.Source, &head))
		if head.Name != name {
			miss("mapping/%s: its name: is %q", f, head.Name)
		}
		if p.Description == "" {
			miss("mapping/%s: description: what is exported, by which platform", f)
		}
		if p.Confirmed == "" {
			miss("mapping/%s: confirmed: what of the format is known, and from where", f)
		}
		if !slices.ContainsFunc(mapping.Kinds(), func(k mapping.Kind) bool { return k.Name == p.Kind }) {
			miss("mapping/%s: kind: one of the kinds of mapping list, it is %q", f, p.Kind)
		}
		if p.State == "" {
			miss("mapping/%s: state: confirmed, second-hand or inferred", f)
		}
		if len(p.Detect.Columns)+len(p.Detect.Any)+len(p.Detect.JSON) == 0 {
			miss("mapping/%s: detect: how an export is recognised", f)
		}
	}
	dirs, err := os.ReadDir(exampleDir)
	require.NoError(t, err)
	examples := map[string]bool{}
	for _, d := range dirs {
		examples[d.Name()] = true
		if _, ok := presets[d.Name()]; !ok {
			miss("mapping/presets/%s.yaml: the preset of testdata/exports/%[1]s", d.Name())
		}
	}
	table := platforms(t)
	for _, name := range slices.Sorted(maps.Keys(presets)) {
		dir := "testdata/exports/" + name
		exports, err := filepath.Glob(filepath.Join(exampleDir, name, "export.*"))
		require.NoError(t, err)
		if len(exports) == 0 {
			miss("%s/export.*: an export of the platform", dir)
		}
		for _, f := range beside {
			if info, err := os.Stat(filepath.Join(exampleDir, name, f.file)); err != nil || info.Size() == 0 {
				miss("%s/%s: %s", dir, f.file, f.holds)
			}
		}
		line, ok := table[name]
		if !ok {
			miss("mapping/README.md, Platforms: a line for `%s`", name)
			continue
		}
		var listed []string
		for _, m := range quoted.FindAllStringSubmatch(aside.ReplaceAllString(line[3], ""), -1) {
			listed = append(listed, m[1])
		}
		if needs := required(t, presets[name]); !slices.Equal(slices.Sorted(slices.Values(listed)), needs) {
			miss("mapping/README.md, Platforms: `%s` needs %q (required parameters; others in brackets), the line says %q", name, needs, listed)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if _, ok := presets[name]; !ok {
			miss("mapping/presets/%s.yaml: the preset in the table of platforms in mapping/README.md", name)
		}
	}
	if len(missing) > 0 {
		assert.Fail(t, "a preset is one YAML file, one folder and one line; missing:\n"+strings.Join(missing, "\n"))
	}
}

// required lists the parameters without which a preset is refused, sorted.
func required(t *testing.T, p mapping.Preset) []string {
	t.Helper()
	var head struct {
		Parameters []struct {
			Name     string
			Required bool
		}
	}
	require.NoError(t, yaml.Unmarshal(p.Source, &head))
	names := []string{}
	for _, q := range head.Parameters {
		if q.Required {
			names = append(names, q.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestPresetsParse: each preset compiles with the parameters of its example, and
// is refused, naming it, without one that it requires or with one that it does
// not have.
func TestPresetsParse(t *testing.T) {
	presets := mapping.Presets()
	require.NotEmpty(t, presets)
	for _, p := range presets {
		t.Run(p.Name, func(t *testing.T) {
			set := exampleFlags(t, p.Name)
			_, err := mapping.Parse(p.Name+".yaml", p.Source, set)
			require.NoError(t, err)
			for _, missing := range required(t, p) {
				require.Contains(t, set, missing, "flags of the example")
				fewer := maps.Clone(set)
				delete(fewer, missing)
				_, err := mapping.Parse(p.Name+".yaml", p.Source, fewer)
				assert.ErrorContains(t, err, missing)
			}
			_, err = mapping.Parse(p.Name+".yaml", p.Source, map[string]string{"nosuch": "x"})
			assert.Error(t, err, "an unknown parameter is taken")
		})
	}
}
