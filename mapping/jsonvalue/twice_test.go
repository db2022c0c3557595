package jsonvalue

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAmbiguousPaths: a path is ambiguous where a name on it, or in what lies at its end,
// stands twice in one object with different values, and nowhere else.
func TestAmbiguousPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, path      string
		ambiguous, open bool
	}{
		{`{"a":1,"a":2}`, "a", true, true},
		{`{"a":1,"a":1}`, "a", false, false},
		{`{"a":1,"\u0061":2}`, "a", true, true},
		{`{"a":1,"a":"1"}`, "a", true, true},
		{`{"a":1,"x":1,"x":2}`, "a", false, false},
		{`{"a":{"b":1},"a":{}}`, "a.b", true, true},
		{`{"a":{"b":1},"a":null}`, "a.b", true, true},
		{`{"a":[{"b":1,"b":2}]}`, "a", true, false},
		{`{"a":[{"b":1,"b":2}]}`, "a[0].b", true, true},
		{`{"a":[{"b":1,"b":2},{"b":1}]}`, "a[1].b", false, false},
		{`{"a":1,"a":2}`, "b", false, false},
		{`{"":1,"a":2,"":3}`, `[""]`, true, true},
		{`{"":1,"":1}`, `[""]`, false, false},
		{`{"a":{"c":1,"c":2},"b":1}`, "b", false, false},
	} {
		var d Doc
		require.Empty(t, d.Parse([]byte(tt.text)))
		p, err := ParsePath(tt.path)
		require.NoError(t, err)
		assert.Equal(t, tt.ambiguous, d.Ambiguous(0, p), "%s in %s", tt.path, tt.text)
		assert.Equal(t, tt.open, d.Open(0, p), "%s in %s", tt.path, tt.text)
	}
}

// TestForksAreFoundInObjectsOfAnySize holds the way of large objects, and that of many
// documents one after the other, against a plain count.
func TestForksAreFoundInObjectsOfAnySize(t *testing.T) {
	t.Parallel()
	var d Doc
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]int{2, 30, 400}).Draw(t, "spread")
		least := rapid.SampledFrom([]int{0, 60}).Draw(t, "least")
		keys := rapid.SliceOfN(rapid.IntRange(0, spread), least, 120).Draw(t, "keys")
		values := map[int]map[int]bool{}
		var members []string
		twice := false
		for _, k := range keys {
			v := rapid.IntRange(0, 1).Draw(t, "value")
			name := fmt.Sprintf("k%d", k)
			if rapid.IntRange(0, 9).Draw(t, "escaped") == 0 {
				name = fmt.Sprintf(`\u006b%d`, k)
			}
			members = append(members, fmt.Sprintf(`"%s":%d`, name, v))
			if values[k] == nil {
				values[k] = map[int]bool{}
			}
			values[k][v] = true
			twice = twice || len(values[k]) > 1
		}
		require.Empty(t, d.Parse([]byte("{"+strings.Join(members, ",")+"}")))
		require.Equal(t, twice, d.Forked(), "%v", members)
		for k := range values {
			require.Equal(t, len(values[k]) > 1, d.Ambiguous(0, Members(fmt.Sprintf("k%d", k))), "k%d of %v", k, members)
		}
	})
}
