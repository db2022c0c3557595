package rows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// TestEveryEntryOfAListIsSomebody: an entry that is passed over, or read as another
// identifier than it is, would be somebody who opted out and gets an accept. So a list
// either names bob and 007, or is refused with the line, and nobody is quoted.
func TestEveryEntryOfAListIsSomebody(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, column, says string }{
		"lines":                {"bob\n007\n", "", ""},
		"CR LF, blanks, mark":  {"\xef\xbb\xbf bob \r\n\r\n007", "", ""},
		"CR":                   {"bob\r007\r", "", ""},
		"quotes":               {"\"bob\"\n\" 007\"\n", "", ""},
		"a column":             {"id,why\nbob,x\n007,y\n", "id", ""},
		"a column, semicolons": {"why;id\nx;bob\n\"y;z\";007\n", "id", ""},
		"a column, tabs":       {"id\twhy\r\nbob\tx\r\n007\ty\r\n", "id", ""},
		"cells without column": {"id,why\nbob,x\n007,y\n", "", "line 1 has several cells"},
		"cells by semicolons":  {"bob\n007;x\n", "", "line 2 has several cells"},
		"cells by tabs":        {"bob\tx\n", "", "line 1 has several cells"},
		"quoted cells":         {"\"bob\",\"x\"\n", "", "line 1 has several cells"},
		"JSON lines":           {"{\"id\":\"bob\"}\n", "", "line 1 is JSON"},
		"a JSON list":          {"[\"bob\"]\n", "", "line 1 is JSON"},
		"a name":               {"007\nBob <bob@mail.example>\n", "", "line 2 has a name beside an address"},
		"an open quote":        {"007\n\"bob\n", "", "line 2 has a quote"},
		"mailto":               {"MailTo:bob@mail.example\n", "", "line 1 has a name beside an address"},
		"Latin-1":              {"bob\nJos\xe9\n", "", "line 2 is not UTF-8"},
		"Latin-1 in a column":  {"id,why\nJos\xe9,x\n", "id", "line 2 is not UTF-8"},
		"a row cut short":      {"why,id\nx,bob\ny\n", "id", "line 3 has 1 cells, the header has 2"},
		"delimiters in quotes": {"\"a,b,c\";id\nx;bob\ny;007\n", "id", ""},
		"a text in a cell":     {"id,why\nbob,\"x; y@a b@c\"\n007,\n", "id", ""},
		"two in one cell":      {"id\n007\nbob;x\n", "id", "line 3 has more than one identifier in a cell"},
		"two addresses":        {"id,why\n\"bob@a.example, eve@a.example\",x\n", "id", "line 2 has more than one identifier in a cell"},
		"a quote left open":    {"id,why\n007,x\n\"bob,x\n" + strings.Repeat("someone,x\n", 150_000), "id", "a quote that is not closed"},
		"a column twice":       {"id,id\nbob,007\n", "id", `two columns "id"`},
		"no such column":       {"bob,x\n", "id", `no column "id"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "list")
			require.NoError(t, os.WriteFile(path, []byte(tt.text), 0o600))
			s, err := ReadSuppressed(path, tt.column)
			if tt.says != "" {
				require.ErrorContains(t, err, tt.says)
				assert.NotContains(t, strings.ToLower(err.Error()), "bob")
				return
			}
			require.NoError(t, err)
			for id, listed := range map[string]bool{"bob": true, "007": true, "7": false, "x": false, "why": false} {
				assert.Equal(t, listed, s.has(&mapping.Consent{UserID: []byte(id)}, new([]byte)), id)
			}
		})
	}
}
