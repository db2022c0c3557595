package mapping

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const plainMapping = "name: Zürich\nconsent:\n  userId: id\n  action: {from: a, values: {\"yes\": accept}}\n  timestamp: t\n  validUntil: unlimited\n  source: {const: web}\n"

// TestMappingEncodings reads a mapping as the editors and shells of Windows save it.
func TestMappingEncodings(t *testing.T) {
	utf16Of := func(order binary.AppendByteOrder, s string) []byte {
		var out []byte
		for _, u := range utf16.Encode([]rune(s)) {
			out = order.AppendUint16(out, u)
		}
		return out
	}
	want, err := Parse("m.yaml", []byte(plainMapping), nil)
	require.NoError(t, err)
	for name, src := range map[string][]byte{
		"BOM":                  []byte("\ufeff" + plainMapping),
		"two BOMs":             []byte("\ufeff\ufeff" + plainMapping),
		"UTF-16":               utf16Of(binary.LittleEndian, "\ufeff"+plainMapping),
		"UTF-16BE":             utf16Of(binary.BigEndian, "\ufeff"+plainMapping),
		"UTF-16 without a BOM": utf16Of(binary.LittleEndian, plainMapping),
		"UTF-16BE, no BOM":     utf16Of(binary.BigEndian, plainMapping),
	} {
		got, err := Parse("m.yaml", src, nil)
		require.NoError(t, err, name)
		assert.Equal(t, "Zürich", got.Name(), name)
		assert.Equal(t, want.SHA256(), got.SHA256(), name)
	}
	_, err = Parse("m.yaml", append(utf16Of(binary.LittleEndian, "\ufeffname"), 'x'), nil)
	require.EqualError(t, err, "m.yaml: is UTF-16 of which the last byte is missing")
	_, err = Parse("m.yaml", []byte("name: x\ndescription: Z\xfcrich\n"), nil)
	require.EqualError(t, err, "m.yaml:2:15: is not UTF-8: save the mapping as UTF-8")
}

// TestMappingBounds parses files that would take all the memory, or minutes.
func TestMappingBounds(t *testing.T) {
	deep := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
		}
		return b.String()
	}
	for name, c := range map[string]struct{ src, says string }{
		"brackets":      {"a: " + strings.Repeat("[", 200_000), "m.yaml:1:67: is nested deeper than 64 levels"},
		"braces":        {"a: " + strings.Repeat("{a: ", 10_000), "nested deeper than 64 levels"},
		"mixed":         {"a: " + strings.Repeat("[{a: ", 10_000), "nested deeper than 64 levels"},
		"dashes":        {"a:\n" + strings.Repeat("- ", 20_000) + "x", "m.yaml:2:"},
		"indented":      {deep(1000), "nested deeper than 64 levels"},
		"indented list": {strings.ReplaceAll(deep(300), "a:", "- "), "nested deeper than 64 levels"},
		"questions":     {strings.Repeat("? ", 20_000), "nested deeper than 64 levels"},
		"tags":          {"a: " + strings.Repeat("!x ", 20_000), "m.yaml:1:"},
		"anchors":       {"a: " + strings.Repeat("&x ", 10_000), "m.yaml:1:"},
		"keys":          {strings.Repeat("a: x\n", 100_000), "has more than 60000 words"},
		"size":          {strings.Repeat("#", 1<<20+1), "is larger than 1 MiB"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Parse("m.yaml", []byte(c.src), nil)
		runtime.ReadMemStats(&after)
		require.ErrorContains(t, err, c.says, name)
		assert.Less(t, time.Since(start), 10*time.Second, name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), name)
	}
	many := plainMapping + "skip:\n" + strings.Repeat("  - a == \"b\"\n", 5000)
	_, err := Parse("m.yaml", []byte(many), nil)
	require.NoError(t, err, "a large mapping is one")
}
