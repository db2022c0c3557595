package inspect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/consentimport/consentimport/importer/source"
)

// inspectEncoded inspects a text in an encoding.
func inspectEncoded(t *testing.T, encoding, text string) *Inspection {
	enc, err := htmlindex.Get(encoding)
	require.NoError(t, err)
	raw, err := enc.NewEncoder().String(text)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "export.csv")
	require.NoError(t, os.WriteFile(path, []byte(raw), 0o600))
	in, err := Inspect(t.Context(), source.Config{Paths: []string{path}})
	require.NoError(t, err)
	return in
}

// TestInspectGuessesTheEncoding looks at exports that are not UTF-8 and nobody said so.
func TestInspectGuessesTheEncoding(t *testing.T) {
	for encoding, text := range map[string]string{
		"windows-1252": "id,name,at\n1,Jürgen Müller,2024-01-01\n",
		"windows-1250": "id,imię,at\n1,Łukasz Żółć,2024-01-01\n",
		"windows-1251": "id,имя,at\n1,Иван Петров,2024-01-01\n",
		"shift_jis":    "id,名前,at\n1,山田はなこ,2024-01-01\n",
		"gb18030":      "id,姓名,at\n1,王小明,2024-01-01\n",
		"big5":         "id,姓名,at\n1,陳大文,2024-01-01\n",
		"euc-kr":       "id,이름,at\n1,김철수,2024-01-01\n",
	} {
		// At the beginning, and where the beginning is ASCII alone.
		header, row, _ := strings.Cut(text, "\n")
		for _, text := range []string{text, "id,name,at\n" + strings.Repeat("1,Anna,2024-01-01\n", 5000) + row} {
			in := inspectEncoded(t, encoding, text)
			assert.Equal(t, encoding, in.Guessed)
			assert.Equal(t, encoding, in.Layouts[0].Encoding)
			assert.Zero(t, in.Unreadable, "it goes on, %s", encoding)
			require.Len(t, in.Columns, 3, header)
			note := strings.Join(in.Notes, "\n")
			assert.Contains(t, note, "input.encoding: "+encoding)
			assert.NotContains(t, note, "Müller")
			assert.NotContains(t, note, "山田")
			assert.Contains(t, string(in.SuggestMapping()), "encoding: "+encoding+" ")
		}
	}
	for name, text := range map[string]string{"UTF-8": "id,name\n1,Jürgen\n", "ASCII": "id,name\n1,Anna\n"} {
		path := filepath.Join(t.TempDir(), "export.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		in, err := Inspect(t.Context(), source.Config{Paths: []string{path}})
		require.NoError(t, err)
		assert.Empty(t, in.Guessed, name)
	}
	path := filepath.Join(t.TempDir(), "export.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,name\n1,Jürgen\n2,Zoë\n3,Ren\xe9\n"), 0o600))
	in, err := Inspect(t.Context(), source.Config{Paths: []string{path}})
	require.NoError(t, err)
	assert.Empty(t, in.Guessed, "one row at fault does not make the rest another encoding")
	assert.EqualValues(t, 1, in.Unreadable)
	assert.Contains(t, strings.Join(in.Notes, "\n"), "two encodings in one export")
}
