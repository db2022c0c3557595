package mapping_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// rowState is one row in states.yaml of an example: what it must become.
type rowState struct {
	Row      yaml.MapSlice     `yaml:"row"`      // the cells by column, or the JSON value
	File     string            `yaml:"file"`     // of which file, export.csv unless said
	Set      map[string]string `yaml:"set"`      // parameters beside those of the example
	Consents []map[string]any  `yaml:"consents"` // what is said of each must hold
	Reason   string            `yaml:"reason"`   // no consent; part of the reason, or of what stands at a value that says nothing
}

// TestPresetStates: of every preset it is written down what the states of its
// platform become: a decision that is in force, one that has ended, one that
// nobody made. No state but a decision makes a consent, whatever case its
// words are written in.
func TestPresetStates(t *testing.T) {
	presets := mapping.Presets()
	require.NotEmpty(t, presets)
	for _, p := range presets {
		t.Run(p.Name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(exampleDir, p.Name, "states.yaml"))
			if os.IsNotExist(err) {
				t.Skip("no states.yaml; TestEveryPresetIsWhole says all that is missing")
			}
			require.NoError(t, err)
			var states []rowState
			require.NoError(t, yaml.Unmarshal(text, &states))
			decided, silent := 0, 0
			for i, s := range states {
				if len(s.Consents) > 0 {
					decided++
				} else {
					silent++
				}
				s.check(t, p, i+1)
			}
			assert.NotZero(t, decided, "states.yaml has no row that makes a consent")
			assert.NotZero(t, silent, "states.yaml has no row that makes none")
		})
	}
}

func (s *rowState) check(t *testing.T, p mapping.Preset, number int) {
	t.Helper()
	at := fmt.Sprintf("state %d of %s", number, p.Name)
	set := exampleFlags(t, p.Name)
	for k, v := range s.Set {
		set[k] = v
	}
	spec, err := mapping.Parse(p.Name+".yaml", p.Source, set)
	require.NoError(t, err, at)
	layout, rec := mapping.Layout{JSON: spec.Input().Format == "jsonl"}, mapping.Record{File: "export.csv", Row: 1}
	if s.File != "" {
		rec.File = s.File
	}
	for _, cell := range s.Row {
		layout.Columns = append(layout.Columns, fmt.Sprint(cell.Key))
		rec.Cells = append(rec.Cells, []byte(fmt.Sprint(cell.Value)))
	}
	if layout.JSON {
		rec.JSON, err = yaml.MarshalWithOptions(s.Row, yaml.JSON())
		require.NoError(t, err, at)
		require.True(t, json.Valid(rec.JSON), "%s: %s", at, rec.JSON)
		rec.Cells, layout.Columns = nil, nil
	}
	m, err := spec.Bind(layout)
	require.NoError(t, err, at)
	var got mapping.Result
	m.Map(&rec, &got)
	said := got.Reason
	for _, d := range got.Dropped {
		said += "; " + d.Why
	}
	if s.Reason != "" {
		assert.NotEqual(t, mapping.Mapped, got.Status, "%s makes a consent", at)
		assert.Contains(t, said, s.Reason, at)
		return
	}
	require.Equal(t, mapping.Mapped, got.Status, "%s: %s", at, said)
	require.Len(t, got.Consents, len(s.Consents), at)
	for k := range got.Consents {
		c := &got.Consents[k]
		have := map[string]any{
			"action": c.Action.String(), "category": string(c.Category), "timestamp": uint64(c.Timestamp), "validUntil": any(uint64(c.ValidUntil)),
			"userId": string(c.UserID), "profileId": string(c.ProfileID), "email": string(c.Email), "message": string(c.Message),
		}
		if c.ValidUntil == mapping.Unlimited {
			have["validUntil"] = "unlimited"
		}
		for name, want := range s.Consents[k] {
			require.Contains(t, have, name, at)
			assert.Equal(t, want, have[name], "%s, consent %d, %s", at, k+1, name)
		}
	}
}
