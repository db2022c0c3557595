package mapping_test

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const exampleDir = "../testdata/exports"

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
		if strings.HasPrefix(s.Text(), "--encoding=") {
			continue // how to read the file, no parameter
		}
		flag, ok := strings.CutPrefix(s.Text(), "--set=")
		key, value, pair := strings.Cut(flag, "=")
		require.True(t, ok && pair, "flags of %s: %q is no --set=NAME=VALUE", name, s.Text())
		set[key] = value
	}
	return set
}

// TestPresetsHaveExamples: no preset without an example, no example without a
// preset, and nothing is missing of either.
func TestPresetsHaveExamples(t *testing.T) {
	var presets, examples []string
	for _, p := range mapping.Presets() {
		presets = append(presets, p.Name)
		assert.NotEmpty(t, p.Description, "description of %s", p.Name)
		assert.NotEmpty(t, p.Confirmed, "%s does not say what of it is confirmed", p.Name)
	}
	dirs, err := os.ReadDir(exampleDir)
	require.NoError(t, err)
	for _, d := range dirs {
		examples = append(examples, d.Name())
		want, err := os.Stat(filepath.Join(exampleDir, d.Name(), "want.jsonl"))
		if assert.NoError(t, err) {
			assert.NotZero(t, want.Size(), "want.jsonl of %s", d.Name())
		}
		exports, err := filepath.Glob(filepath.Join(exampleDir, d.Name(), "export.*"))
		require.NoError(t, err)
		assert.NotEmpty(t, exports, "%s has no export", d.Name())
	}
	require.NotEmpty(t, presets)
	assert.ElementsMatch(t, presets, examples)
}

// TestPresetsParse: each preset compiles with the parameters of its example, and
// names the one that is missing without them.
func TestPresetsParse(t *testing.T) {
	presets := mapping.Presets()
	require.NotEmpty(t, presets)
	for _, p := range presets {
		t.Run(p.Name, func(t *testing.T) {
			set := exampleFlags(t, p.Name)
			_, err := mapping.Parse(p.Name+".yaml", p.Source, set)
			require.NoError(t, err)
			for missing := range set {
				fewer := map[string]string{}
				for k, v := range set {
					if k != missing {
						fewer[k] = v
					}
				}
				if _, err := mapping.Parse(p.Name+".yaml", p.Source, fewer); err != nil {
					assert.ErrorContains(t, err, missing)
				}
			}
			_, err = mapping.Parse(p.Name+".yaml", p.Source, map[string]string{"nosuch": "x"})
			assert.Error(t, err, "an unknown parameter is taken")
		})
	}
}

// TestPresetsNeedTheirParameters: where an export leaves out what a consent
// needs, the preset refuses without the parameter that gives it.
func TestPresetsNeedTheirParameters(t *testing.T) {
	for name, needs := range map[string][]string{
		"usercentrics":                     {"services", "sourceId"}, // opaque ids of services
		"shopify":                          {"timestamp"},            // no time
		"segment-subscriptions":            {"timestamp"},
		"ccm19":                            {"categories", "sourceId"}, // lists what was accepted only
		"hu-manity":                        {"categories", "sourceId"},
		"commanders-act":                   {"categories", "timezone", "sourceId"},
		"contao-cookiebar":                 {"categories", "timezone", "record", "sourceId"}, // names nobody
		"complianz":                        {"record", "sourceId"},
		"consentforge":                     {"profileId", "sourceId"},
		"cookieadmin":                      {"timezone", "sourceId"}, // zone abbreviations
		"brevo":                            {"timezone"},
		"salesforce-contact-point-consent": {"purposes"},
	} {
		p, err := mapping.FindPreset(name)
		require.NoError(t, err)
		for _, missing := range needs {
			set := exampleFlags(t, name)
			require.Contains(t, set, missing, name)
			delete(set, missing)
			_, err = mapping.Parse(name+".yaml", p.Source, set)
			assert.ErrorContains(t, err, missing, name)
		}
	}
}
