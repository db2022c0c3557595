package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// TestOnlySourceNamesAFormat holds that what differs between formats is asked of
// source.Layout: a place that compares with a format is one more to change for the
// next one. The words of input.format are mapping's own, and have to be the same.
func TestOnlySourceNamesAFormat(t *testing.T) {
	require.Equal(t, source.FormatNames(), mapping.InputFormats())
	root, looked := "../..", 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel == "testdata" || rel == "importer/source" || strings.HasPrefix(d.Name(), ".") && path != root):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || rel == "mapping/spec.go":
			return nil
		}
		looked++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range formatsNamed(file) {
			assert.Fail(t, "a format is named outside of importer/source", "%s: %s", files.Position(name.Pos()), "ask source.Layout")
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, looked, 300)
}

// formatsNamed are the places of a file that name a format: its constant or its word.
func formatsNamed(file *ast.File) []ast.Node {
	var found []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			if p, ok := x.X.(*ast.Ident); ok && p.Name == "source" && (x.Sel.Name == "CSV" || x.Sel.Name == "JSONL") {
				found = append(found, x)
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(x.Value); x.Kind == token.STRING && err == nil && slices.Contains(source.FormatNames(), text) {
				found = append(found, x)
			}
		}
		return true
	})
	return found
}
