package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the clone, seen from the tests of this package.
const root = "../.."

// document is one of the project's Markdown files.
type document struct {
	name string // below the root
	text string
}

// block is a fenced block of a document.
type block struct {
	document string
	language string
	line     int // of its first line, from 1
	lines    []string
}

// place names the i-th line of a block.
func (b block) place(i int) string { return b.document + " line " + strconv.Itoa(b.line+i) }

// files walks over the files of the clone, without what a reader's own commands
// and other programs leave there.
func files(t *testing.T, each func(name string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && name != "." && name != ".deploy"
			if hidden || name == "walk" || d.Name() == "node_modules" || strings.HasSuffix(name, ".import") {
				return fs.SkipDir
			}
			return nil
		}
		each(filepath.ToSlash(name))
		return nil
	}))
}

// documents are all Markdown files of the project, but for the log of changes.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	files(t, func(name string) {
		if !strings.HasSuffix(name, ".md") || name == "CHANGELOG.md" {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		all = append(all, document{name, string(text)})
	})
	require.Greater(t, len(all), 5, "the documents of the project")
	return all
}

// blocks takes the fenced blocks out of a document. One in a language that has
// no rule fails the test, so that no command hides in it: sh and text are run,
// yaml is checked, go is only shown.
func (d document) blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	open := false
	for i, line := range strings.Split(d.text, "\n") {
		switch language, fence := strings.CutPrefix(line, "```"); {
		case fence && !open:
			require.Contains(t, []string{"sh", "text", "yaml", "go"}, language, "%s line %d: no rule for blocks of %q", d.name, i+1, language)
			all, open = append(all, block{document: d.name, language: language, line: i + 2}), true
		case fence:
			open = false
		case open:
			last := &all[len(all)-1]
			last.lines = append(last.lines, line)
		}
	}
	require.False(t, open, "%s: a block is not closed", d.name)
	return all
}

// allBlocks are the blocks of all documents.
func allBlocks(t *testing.T) []block {
	t.Helper()
	var all []block
	for _, d := range documents(t) {
		all = append(all, d.blocks(t)...)
	}
	return all
}

// testFunction finds the tests and benchmarks of a file.
var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)[A-Za-z0-9_]*)\(`)

// everyTest maps each test and benchmark of the project to its folder.
func everyTest(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files(t, func(name string) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			all[m[1]] = filepath.ToSlash(filepath.Dir(name))
		}
	})
	require.Greater(t, len(all), 100)
	return all
}

// goTest finds what a go test command asks for, goPackage where.
var (
	goTest    = regexp.MustCompile(`^(?:[A-Z_]+=\S+ )?go test( .*)$`)
	goRun     = regexp.MustCompile(`-(?:run|bench|fuzz)[ =](\S+)`)
	goPackage = regexp.MustCompile(` (\./\S*)`)
)

// requireGoTest reports whether a command is a go test, which no test runs within
// itself. Its packages and what it picks in them have to be there.
func requireGoTest(t *testing.T, command, place string) bool {
	t.Helper()
	m := goTest.FindStringSubmatch(command)
	if m == nil {
		return false
	}
	packages := goPackage.FindAllStringSubmatch(m[1], -1)
	require.NotEmpty(t, packages, "%s: which package?", place)
	for _, pick := range goRun.FindAllStringSubmatch(m[1], -1) {
		if pick[1] == "'^$'" {
			continue
		}
		want, err := regexp.Compile(strings.Trim(strings.SplitN(pick[1], "/", 2)[0], "'"))
		require.NoError(t, err, place)
		there := false
		for test, folder := range everyTest(t) {
			there = there || want.MatchString(test) && matchesPackage(packages, folder)
		}
		require.True(t, there, "%s: no test of these packages matches %s", place, pick[1])
	}
	for _, p := range packages {
		require.DirExists(t, filepath.Join(root, strings.TrimSuffix(p[1], "...")), place)
	}
	return true
}

// matchesPackage reports whether a folder is one of the packages of a go command.
func matchesPackage(packages [][]string, folder string) bool {
	for _, p := range packages {
		below, all := strings.CutSuffix(strings.TrimPrefix(p[1], "./"), "...")
		if below = strings.TrimSuffix(below, "/"); folder == below || all && (below == "" || strings.HasPrefix(folder+"/", below+"/")) {
			return true
		}
	}
	return false
}

// The mappings that the documents show are ones that the program takes.
func TestTheMappingsOfTheDocumentsAreSound(t *testing.T) {
	t.Parallel()
	checked, tested := 0, 0
	for _, b := range allBlocks(t) {
		if b.language != "yaml" {
			continue
		}
		checked++
		file := filepath.Join(t.TempDir(), "mapping.yaml")
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(b.lines, "\n")+"\n"), 0o600))
		args := []string{"mapping", "check", file}
		if strings.Contains(strings.Join(b.lines, "\n"), "${categories}") {
			args = append(args, "--set", "categories=analytics=2")
		}
		got := program{}.here(t, nil, args...)
		require.Equal(t, exitComplete, got.code, "%s\n%s", b.place(0), got.stderr)
		if strings.Contains(strings.Join(b.lines, "\n"), "\ntests:") {
			tested++
			got = program{}.here(t, nil, "mapping", "test", file)
			require.Equal(t, exitComplete, got.code, "%s\n%s", b.place(0), got.stdout)
		}
	}
	require.Positive(t, tested, "mappings with tests")
	require.GreaterOrEqual(t, checked, 2)
}

// inline finds what the documents' sentences and tables tell the reader to type.
var inline = regexp.MustCompile("`((?:consentimport|go|run|mapping|inspect|verify|report|rehearse|man|sandbox|completion) [^`]+)`")

// placeholders are what stands in a sentence for the reader's own.
var placeholders = strings.NewReplacer(
	"help COMMAND", "help run", "man COMMAND", "man run", "NAME", "transcend", "NAME=VALUE", "purposes=Analytics",
	"FILE", "mine.yaml", "DIR", "preferences.csv.import", " …", " preferences.csv")

// What their sentences name is there too: each command, with each of its flags.
func TestTheSentencesOfTheDocumentsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	found := 0
	for _, d := range documents(t) {
		for _, m := range inline.FindAllStringSubmatch(d.text, -1) {
			found++
			if instead, ok := notRun[m[1]]; ok {
				instead(t)
				continue
			}
			if requireGoTest(t, m[1], d.name) {
				continue
			}
			words := strings.Fields(strings.TrimPrefix(placeholders.Replace(m[1]), "consentimport "))
			requireCommand(t, d.name+": "+m[0], words)
		}
	}
	require.Greater(t, found, 20)
}

// link finds the links of a document, heading its headings, named the tests that
// it says hold something.
var (
	link    = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]*)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	named   = regexp.MustCompile("`((?:Test|Benchmark)[A-Z][A-Za-z0-9]*)`")
)

// Every link leads somewhere, and every heading that a link names is there.
func TestTheLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	found := 0
	for _, d := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(d.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			target := filepath.Join(root, d.name)
			if m[1] != "" {
				target = filepath.Join(root, filepath.Dir(d.name), m[1])
			}
			_, err := os.Stat(target)
			assert.NoError(t, err, "%s: %s", d.name, m[0])
			if err != nil || m[2] == "" {
				continue
			}
			text, err := os.ReadFile(target)
			require.NoError(t, err, "%s: %s", d.name, m[0])
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
				anchors = append(anchors, "#"+anchor(h[1]))
			}
			assert.Contains(t, anchors, m[2], "%s: %s", d.name, m[0])
		}
	}
	require.Greater(t, found, 20)
}

// anchor is what a heading is called in a link: lower case, blanks as hyphens,
// without punctuation.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}

// Every test that a document says holds something is there.
func TestTheTestsThatTheDocumentsNameExist(t *testing.T) {
	t.Parallel()
	there := everyTest(t)
	found := 0
	for _, d := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(d.text, -1) {
			found++
			assert.Contains(t, there, m[1], "%s names a test that is not there (renamed? then name it there too)", d.name)
		}
	}
	require.Greater(t, found, 30)
}

// Every flag of run stands in its table, and no other.
func TestTheTableOfFlagsIsWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(text), "## Flags of run\n")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n## ")
	var listed, has []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `--") {
			for _, m := range regexp.MustCompile("`--([a-z-]+)").FindAllStringSubmatch(cells[0], -1) {
				listed = append(listed, m[1])
			}
		}
	}
	c, _, err := newRoot(&environment{stdout: &safeBuffer{}, stderr: &safeBuffer{}}).Find([]string{"run"})
	require.NoError(t, err)
	c.Flags().VisitAll(func(f *flag) {
		if !f.Hidden && f.Name != "help" {
			has = append(has, f.Name)
		}
	})
	assert.ElementsMatch(t, has, listed, "cmd/consentimport/README.md, Flags of run: a line for each flag")
}

// Each line of the guarantees is one sentence, and beside it stands a test that holds it.
func TestEveryGuaranteeNamesItsTest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "importer", "README.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "## Guarantees\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	there := everyTest(t)
	headings, sentences := 0, 0
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		switch {
		case !strings.HasPrefix(line, "| "):
		case strings.HasSuffix(strings.TrimSpace(line), "| held by |"):
			headings++
		default:
			sentences++
			require.Len(t, cells, 2, line)
			assert.NotContains(t, strings.TrimSuffix(cells[0], "."), ". ", "more than one sentence")
			held := named.FindAllStringSubmatch(cells[1], -1)
			assert.NotEmpty(t, held, "no test holds: %s", cells[0])
			for _, m := range held {
				assert.Contains(t, there, m[1])
			}
		}
	}
	assert.Equal(t, 10, headings)
	assert.Greater(t, sentences, 30)
}
