package mapping

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/consentimport/consentimport/mapping/spelling"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// Preset is a mapping that comes with the program.
type Preset struct {
	Name        string
	Description string
	Kind        string // of Kinds
	State       string // confirmed, second-hand or inferred, as a whole
	Confirmed   string // what of the format is confirmed, and what is not
	Source      []byte // the YAML
	Detect      Detect
}

// Kind is a group of platforms, as lists of presets show them.
type Kind struct{ Name, Title string }

// Kinds are the groups, in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{
		{"preferences", "Consent and preference stores"},
		{"banner", "Cookie banners"},
		{"marketing", "E-mail and messaging"},
		{"crm", "Shops and CRM systems"},
		{"events", "Customer data platforms and events"},
		{"own", "Our own"},
	}
}

func kindNames() []string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// Presets lists the presets by name.
func Presets() []Preset { return slices.Clone(allPresets()) }

// allPresets reads them once: they are part of the program.
var allPresets = sync.OnceValue(func() []Preset {
	var out []Preset
	for _, name := range presetNames() {
		if p, err := readPreset(name); err == nil { // a test holds that none is broken
			out = append(out, p)
		}
	}
	return out
})

// FindPreset gives a preset by its name.
func FindPreset(name string) (Preset, error) {
	names := presetNames()
	if !slices.Contains(names, name) {
		return Preset{}, fmt.Errorf("there is no preset %q%s; consentimport mapping list lists them all", name, spelling.DidYouMean(name, names))
	}
	return readPreset(name)
}

// presetNames lists the names, sorted as the folder is.
func presetNames() []string {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		return nil // cannot be: the folder is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	slices.Sort(names)
	return names
}

func readPreset(name string) (Preset, error) {
	text, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return Preset{}, fmt.Errorf("read preset %s: %w", name, err)
	}
	var head struct {
		Description, Confirmed, Kind, State string
		Detect                              struct {
			Columns, Any, JSON []string
		}
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return Preset{}, fmt.Errorf("read preset %s: %w", name, err)
	}
	return Preset{
		Name: name, Kind: head.Kind, State: head.State, Description: strings.Join(strings.Fields(head.Description), " "),
		Confirmed: strings.Join(strings.Fields(head.Confirmed), " "), Source: text, Detect: Detect(head.Detect),
	}, nil
}
