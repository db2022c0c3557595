package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unwanted are words that have a plain one, with that: in messages, help, documents,
// pages, names and comments alike.
var unwanted = []struct {
	words *regexp.Regexp
	say   string
}{
	{regexp.MustCompile(`(?i)\bmend(s|ed|ing)?\b`), "fix, repair"},
	{regexp.MustCompile(`\bparted\s+(//\s+)?by\b`), "separated by"},
	{regexp.MustCompile(`\b(is|are) no (valid|JSON|YAML|list|number|object|decision|header|identifier|record|choice)\b`), "is not"},
	{regexp.MustCompile(`(?i)\bbad weather\b|\blook too many\b`), "say what happens"},
	{regexp.MustCompile(`(?m)^\s*// Somebody\b`), "name the type or the goroutine that does it"},
	{regexp.MustCompile(`(?i)\b(target|API|server) (has |had )?reject(s|ed)\b|\brejected by (the|a) (target|API|server)\b`), "the target refuses; a person rejects"},
	{regexp.MustCompile(`(?i)\b(person|people|subject|user)s? (has |have |had )?refuse[sd]?\b`), "a person rejects; the target refuses"},
	{regexp.MustCompile(`\b[lL]edger\b`), "journal, outcomes"},
}

// written are the files that people read, ofOthers those among them that are not ours,
// and this list.
var (
	written  = regexp.MustCompile(`\.(go|md|ya?ml|tmpl|html|css|js|sh)$`)
	ofOthers = regexp.MustCompile(`axe\.min\.js$|words_test\.go$`)
)

func TestWordsArePlain(t *testing.T) {
	root, looked := "../..", 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		name := filepath.ToSlash(rel)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || name == "testdata/exports"):
			return filepath.SkipDir
		case !d.Type().IsRegular() || !written.MatchString(name) || ofOthers.MatchString(name):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for _, u := range unwanted {
			for _, at := range u.words.FindAllIndex(text, -1) {
				if bytes.HasSuffix(bytes.ToLower(text[:at[0]]), []byte("there ")) {
					continue // there is no list
				}
				line := 1 + bytes.Count(text[:at[1]], []byte("\n"))
				assert.Fail(t, "a word that has a plainer one", "%s:%d: %q; say: %s", name, line, text[at[0]:at[1]], u.say)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, looked, 700)
}
