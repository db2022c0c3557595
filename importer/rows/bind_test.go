package rows

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

const userMapping = `
consent:
  userId: id
  action: {from: choice, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
`

// exportOf opens files with the given texts.
func exportOf(t *testing.T, texts map[string]string) *source.Export {
	dir := t.TempDir()
	var paths []string
	for name, text := range texts {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		paths = append(paths, path)
	}
	export, err := source.Open(source.Config{Paths: source.InOrder(paths)})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, export.Close()) })
	return export
}

// TestBindNamesTheFile refuses a part without a header, and one whose header lacks a
// column, by their names, and repeats nothing of a line that may be a row.
func TestBindNamesTheFile(t *testing.T) {
	spec, err := mapping.Parse("m.yaml", []byte(userMapping), nil)
	require.NoError(t, err)

	_, err = bind(exportOf(t, map[string]string{"e.1.csv": "id,choice,at\n1,yes,2024-01-01T00:00:00Z\n", "e.2.csv": "ida,chioce,2024-01-01T00:00:00Z\n"}), spec, nil, nil, nil)
	require.ErrorContains(t, err, "e.2.csv has none of the columns of ")
	require.NotContains(t, err.Error(), "chioce")
	require.ErrorAs(t, err, new(*blocked.Error))

	_, err = bind(exportOf(t, map[string]string{"e.1.csv": "id,choice,at\n1,yes,2024-01-01T00:00:00Z\n", "e.2.csv": "id,chioce,at\n2,no,2024-01-01T00:00:00Z\n"}), spec, nil, nil, nil)
	require.ErrorContains(t, err, `no column "choice"`)
	require.ErrorContains(t, err, "e.2.csv)")
	require.ErrorAs(t, err, new(*mapping.Error))

	mappers, err := bind(exportOf(t, map[string]string{"e.1.csv": "id,choice,at\n1,yes,2024-01-01T00:00:00Z\n", "e.2.csv": "at,id,choice,x\n2024-01-01T00:00:00Z,2,no,\n"}), spec, nil, nil, nil)
	require.NoError(t, err)
	assert.Len(t, mappers, 2)
}
