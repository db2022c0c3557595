package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// fitting gives the presets that an export looks like, the surest first. One that
// cannot be read fits none: reading it will say why. Standard input is not looked at,
// for it can be read once.
func fitting(cfg source.Config) []inspect.PresetFit {
	if slices.Contains(cfg.Paths, "-") {
		return nil
	}
	fits, err := inspect.Fitting(cfg)
	if err != nil {
		return nil
	}
	return fits
}

// noMapping says that a mapping is needed, and which preset fits the export by what
// evidence.
func (f *runFlags) noMapping(paths []string) error {
	const hint = "choose a preset with --preset NAME, or write a mapping and give it with --mapping FILE"
	cfg := f.read.config(paths)
	if len(paths) > 0 && paths[0] != "-" && !source.IsRemote(paths[0]) {
		if _, err := os.Stat(paths[0]); err != nil {
			return usage(hint, "read the export: %w", err)
		}
	}
	fits := fitting(cfg)
	if len(fits) == 0 {
		return usage("consentimport inspect EXPORT says what the file is, consentimport mapping list lists the presets", "no mapping given, and no preset fits the export: "+hint)
	}
	also := ""
	for _, o := range fits[1:] {
		also += " or " + o.Name
	}
	return usage("before you run it with --preset "+fits[0].Name+", check people, times and values of the first rows: "+f.tryCommand(&fits[0], paths),
		"no mapping given; the export looks like preset %s%s: it has %s; %s", fits[0].Name, also, listed(fits[0].Found), needsOf(&fits[0]))
}

// needsOf says how sure the format of a preset is, and what it needs to be told.
func needsOf(fit *inspect.PresetFit) string {
	if len(fit.Missing) == 0 {
		return "no parameter is needed"
	}
	names := make([]string, len(fit.Missing))
	for i, m := range fit.Missing {
		names[i] = "--set " + m.Name + "=…"
	}
	return "it needs " + listed(names)
}

// tryCommand shows what a preset makes of an export.
func (f *runFlags) tryCommand(fit *inspect.PresetFit, paths []string) string {
	words := []string{"mapping", "try", fit.Name}
	for _, m := range fit.Missing {
		words = append(words, "--set", m.Name+"="+orValue(m.Example))
	}
	return f.read.command(paths, words...)
}

// otherPreset refuses a preset that the export does not look like, where it looks like
// another one: what that means would only show in the rows.
func (f *runFlags) otherPreset(paths []string) error {
	own, err := mapping.FindPreset(f.mapping.preset)
	if err != nil {
		return nil // loading it says so
	}
	fits := fitting(f.read.config(paths))
	if len(fits) == 0 || slices.ContainsFunc(fits, func(p inspect.PresetFit) bool { return p.Name == own.Name }) {
		return nil
	}
	other := &fits[0]
	if len(own.Detect.Columns)+len(own.Detect.Any)+len(own.Detect.JSON) == 0 {
		return nil // it says of no format that it is its own
	}
	return usage(fmt.Sprintf("%s shows what that makes of it; if %s is right after all, copy it with consentimport mapping show %s > mine.yaml and give --mapping mine.yaml",
		f.tryCommand(other, paths), own.Name, own.Name),
		"the export is not one for preset %s: it looks like %s, with %s", own.Name, other.Name, listed(other.Found))
}

// listed joins words as a sentence has them.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
