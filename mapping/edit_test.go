package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// A mapping that was written on Windows keeps its line ends, and gets no other lines than
// the change.
func TestAChangeKeepsTheLineEnds(t *testing.T) {
	const text = `# ours
name: acme
consent:
  userId: id
  action:
    from: choice
    values:
      "yes": accept # y
      # between
      "no": reject
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: news}
`
	edits := []mapping.Edit{{Path: []string{"consent", "action", "values"}, Add: [][2]string{{`"later"`, "reject"}}}}
	want := strings.Replace(text, "\"no\": reject\n", "\"no\": reject\n      \"later\": reject\n", 1)
	for _, ends := range []string{"\n", "\r\n"} {
		written := func(s string) string { return strings.ReplaceAll(s, "\n", ends) }
		spec, err := mapping.Parse("acme.yaml", []byte(written(text)), nil)
		require.NoError(t, err)
		changed, err := spec.EditedText(edits)
		require.NoError(t, err)
		assert.Equal(t, written(want), string(changed))
	}
}
