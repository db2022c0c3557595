package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
)

// Every cure and every setting that a library knows has its words here, with flags
// that exist.
func TestEveryCureIsKnown(t *testing.T) {
	t.Parallel()
	c, _, err := newRoot(&environment{stdout: &safeBuffer{}, stderr: &safeBuffer{}}).Find([]string{"run"})
	require.NoError(t, err)
	flags := regexp.MustCompile(`--([a-z-]+)`)
	check := func(text string) {
		require.NotEmpty(t, text)
		for _, m := range flags.FindAllStringSubmatch(text, -1) {
			assert.NotNil(t, c.Flags().Lookup(m[1]), "%q: there is no flag --%s", text, m[1])
		}
	}
	for cure := blocked.None + 1; cure < blocked.Cures; cure++ {
		check(cures[cure])
	}
	for s := blocked.Nothing + 1; s < blocked.Settings; s++ {
		check(settings[s])
	}
}

// flagNamed finds a flag in a text.
var flagNamed = regexp.MustCompile(`(^|[^-\w])--[a-z][a-z-]+`)

// Libraries name no flags: they say what is wrong, and the command which flag cures
// it. The report is aside: it prints the commands to run next.
func TestLibrariesNameNoFlags(t *testing.T) {
	t.Parallel()
	texts := 0
	files(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
			!strings.HasPrefix(name, "mapping/") && !strings.HasPrefix(name, "importer/") {
			return
		}
		set := token.NewFileSet()
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		file, err := parser.ParseFile(set, name, text, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				texts++
				foreign := strings.Contains(l.Value, "compress it again without --long") // zstd's
				assert.True(t, foreign || !flagNamed.MatchString(l.Value[1:]), "%s: %s names a flag", set.Position(l.Pos()), l.Value)
			}
			return true
		})
	})
	require.Greater(t, texts, 1000)
}
