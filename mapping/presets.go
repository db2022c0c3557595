package mapping

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// Preset is a mapping that comes with the program.
type Preset struct {
	Name        string
	Description string
	Confirmed   string // what of the format is confirmed, and what is not
	Source      []byte // the YAML
	Detect      Detect
}

// Presets lists the presets by name.
func Presets() []Preset {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		return nil // cannot be: the folder is part of the program
	}
	var out []Preset
	for _, e := range entries {
		text, err := presetFiles.ReadFile("presets/" + e.Name())
		if err != nil {
			continue
		}
		var head struct {
			Description, Confirmed string
			Detect                 struct {
				Columns, Any, JSON []string
			}
		}
		if err := yaml.Unmarshal(text, &head); err != nil {
			continue // a test holds that none is broken
		}
		out = append(out, Preset{
			Name: strings.TrimSuffix(e.Name(), ".yaml"), Description: strings.Join(strings.Fields(head.Description), " "),
			Confirmed: strings.Join(strings.Fields(head.Confirmed), " "), Source: text, Detect: Detect(head.Detect),
		})
	}
	slices.SortFunc(out, func(a, b Preset) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// FindPreset gives a preset by its name.
func FindPreset(name string) (Preset, error) {
	var names []string
	for _, p := range Presets() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("there is no preset %q%s; consentimport mapping list shows them all", name, didYouMean(name, names))
}
