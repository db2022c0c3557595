package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/consentimport/consentimport/"

// arrows are the imports allowed between the rooms of the project: they run one
// way. A room may import itself by way of its tests; what is not listed is not
// allowed.
var arrows = map[string][]string{
	"cmd/consentimport": {"cmd/consentimport/studio", "importer/blocked", "importer/room", "report", "report/evidence", "report/html", "report/summary", "report/text", "report/wording", "importer", "importer/rows", "importer/shard", "importer/survey", "importer/inspect", "importer/source", "importer/delivery", "importer/intempt", "importer/journal", "importer/sandbox", "mapping", "mapping/spelling"},
	// The pages do what commands do, by calling them.
	"cmd/consentimport/studio": {"report", "report/summary", "report/wording", "importer/inspect", "importer/rows", "importer/source", "mapping"},
	// What rejected.* holds is written by report and read back by importer: the form of it is below both.
	"report": {"report/html", "report/summary", "report/wording", "importer", "importer/inspect", "importer/blocked", "importer/room", "importer/history", "importer/extsort", "importer/survey", "importer/rows", "importer/source", "importer/intempt", "importer/journal", "mapping", "mapping/spelling"},
	// A form is made from the summary alone, and knows no other.
	"report/html": {"report/summary", "report/wording", "mapping"},
	"report/text": {"report/summary", "report/wording", "mapping/spelling"},
	// The summary counts as the survey does.
	"report/summary":    {"report/wording", "importer/survey", "mapping"},
	"report/wording":    {},
	"report/reporttest": {"report/summary"},
	// The evidence rests on the reports and digests them.
	"report/evidence": {"report", "report/summary", "importer/survey", "importer/journal", "mapping"},
	"importer":        {"importer/survey", "importer/room", "importer/shard", "importer/history", "importer/extsort", "importer/blocked", "importer/rows", "importer/source", "importer/delivery", "importer/journal", "mapping", "mapping/timetext"},
	// What keeps an import from beginning is for the user, whoever finds it.
	"importer/blocked": {},
	// Too small a disk does.
	"importer/room":   {"importer/blocked"},
	"importer/survey": {"importer/room", "importer/rows", "importer/history", "importer/shard", "importer/blocked", "importer/source", "importer/journal", "mapping"},
	// A repaired file is named by the checkpoint.
	"importer/rows": {"importer/keyed", "importer/extsort", "importer/blocked", "importer/source", "importer/journal", "mapping", "mapping/jsonvalue"},
	// Whose a consent is rests on nothing but the person.
	"importer/shard":   {"mapping"},
	"importer/inspect": {"importer/rows", "importer/source", "mapping", "mapping/vocabulary", "mapping/spelling"},
	"importer/history": {"importer/extsort", "mapping"},
	// Rows of a second file, found by their key.
	"importer/keyed": {"importer/blocked", "importer/extsort", "importer/source", "mapping"},
	// Sorting outside of memory knows nothing of what it sorts.
	"importer/extsort": {},
	// The checkpoint holds positions and settings of the reader, as types.
	"importer/journal":           {"importer/source", "importer/extsort"},
	"importer/journal/faultdisk": {"importer/journal"},
	"importer/source":            {},
	"importer/source/s3test":     {},
	// A target is one package that gives answers and counts them, and the importer knows the answers alone.
	"importer/delivery":   {},
	"importer/targettest": {"importer/delivery", "mapping"},
	"importer/intempt":    {"importer/blocked", "importer/delivery", "mapping", "mapping/spelling"},
	"importer/sandbox":    {"mapping", "mapping/spelling"},
	"mapping":             {"mapping/decode", "mapping/condition", "mapping/vocabulary", "mapping/timetext", "mapping/jsonvalue", "mapping/spelling"},
	"mapping/decode":      {},
	"mapping/condition":   {"mapping/jsonvalue", "mapping/spelling"},
	"mapping/timetext":    {"mapping/spelling"},
	"mapping/jsonvalue":   {},
	"mapping/vocabulary":  {},
	"mapping/spelling":    {},
}

// tests may also use what breaks things on purpose, targets, and words to try.
var forTests = []string{"importer/sandbox", "importer/targettest", "importer/intempt", "importer/delivery", "importer/journal/faultdisk", "importer/source/s3test", "mapping/vocabulary", "report/reporttest", "report/text"}

func TestArrowsRunOneWay(t *testing.T) {
	rooms, used := map[string]bool{}, map[string]map[string]bool{}
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		room := filepath.ToSlash(rel)
		rooms[room] = true
		allowed, known := arrows[room]
		if !assert.True(t, known, "%s is in a room without a line in the table of arrows: add it, with what it may import", path) {
			return nil
		}
		test := strings.HasSuffix(path, "_test.go")
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(name, module)
			if !ours {
				continue
			}
			if !test {
				if used[room] == nil {
					used[room] = map[string]bool{}
				}
				used[room][to] = true
			}
			ok := slices.Contains(allowed, to) || test && (to == room || slices.Contains(forTests, to))
			assert.True(t, ok, "%s imports %s: that arrow is not allowed", path, to)
		}
		return nil
	})
	require.NoError(t, err)
	guide, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	require.NoError(t, err)
	for room, tos := range arrows {
		assert.True(t, strings.Contains(string(guide), "]("+room+")"), "CONTRIBUTING.md, The rooms: say what is in %s", room)
		assert.True(t, rooms[room], "%s has a line in the table of arrows and no Go file", room)
		for _, to := range tos {
			assert.True(t, used[room][to], "%s may import %s and does not: take the arrow out", room, to)
		}
	}
}
