package main

import (
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notRun are the commands of the documents that a test cannot run within itself, and
// what holds for them instead.
var notRun = map[string]func(t *testing.T){
	"go run": func(*testing.T) {}, // the name of a command, not one to type
	"go build -trimpath -ldflags='-s -w' -o consentimport ./cmd/consentimport": func(t *testing.T) {
		requireText(t, "../../cmd/consentimport/*.go", "package main")
	},
	// What a release has is in .goreleaser.yaml, which TestTheReleaseHasWhatItNeeds reads; .ci/release unpacks one.
	"tar -xzf consentimport_*_linux_amd64.tar.gz && cd consentimport_*/": inFile(".goreleaser.yaml", "formats: [tar.gz]"),
	"sudo dpkg -i consentimport_*_linux_amd64.deb":                       inFile(".goreleaser.yaml", "formats: [deb, rpm]"),
	"brew install --cask consentimport/tap/consentimport":                inFile(".goreleaser.yaml", "name: homebrew-tap"),
	`podman run --rm -v "$PWD":/data:ro -v ./out:/out ghcr.io/consentimport/consentimport:latest run --sandbox --preset onetrust --out /out/import /data/export.json`: inFile(".goreleaser.yaml", "images: [ghcr.io/consentimport/consentimport]"),
	"go install github.com/consentimport/consentimport/cmd/consentimport@latest":                                                                                      inFile("go.mod", "module github.com/consentimport/consentimport\n"),
	"systemctl start consentimport@shop":                          inFile(".deploy/consentimport@.service", "ExecStart="),
	"journalctl -u consentimport@shop":                            inFile(".deploy/consentimport@.service", "[Service]"),
	"consentimport ctl /var/lib/consentimport/shop/import status": inFile(".deploy/consentimport@.service", "--out ${STATE_DIRECTORY}/import"),
	"testdata/bench/compare.sh":                                   requireScript("testdata/bench/compare.sh"),
	"testdata/kubernetes/controlplane.sh ~/.cache/controlplane":   requireScript("testdata/kubernetes/controlplane.sh"),
}

// requireScript fails when a file is not a script that may be executed.
func requireScript(name string) func(t *testing.T) {
	return func(t *testing.T) {
		path := filepath.Join(root, name)
		require.NoError(t, exec.Command("bash", "-n", path).Run(), "%s is a script", name)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o100, "%s may be executed", name)
	}
}

// inFile fails when a file of the clone has not a text.
func inFile(name, text string) func(t *testing.T) {
	return func(t *testing.T) { requireText(t, filepath.Join(root, name), text) }
}

// requireText fails when none of some files has a text.
func requireText(t *testing.T, pattern, text string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(content), text) {
			return
		}
	}
	require.Fail(t, "not there", "%q in %s", text, pattern)
}

// endsWith is how a document says with which code a command ends; without it, 0.
var endsWith = regexp.MustCompile(`^(.*\S)\s+# ends with ([0-9])$`)

// aside is a remark behind a command.
var aside = regexp.MustCompile(`\s{2,}#.*$`)

// guide walks through a document as a reader does: in one directory, with the
// program in the path, a block in one shell.
type guide struct {
	program
	url  string   // of the sandbox that stands for the real target
	addr string   // of the one that the document starts
	ran  []string // commands, as they stand in the document
}

// newGuide prepares what a reader has before the first command of a document: the
// clone, an export that is sound, an API key, an SSH key.
func newGuide(t *testing.T) *guide {
	t.Helper()
	server := newSandboxWith(t, testKey, "")
	dir := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	testdata, err := filepath.Abs("../../testdata")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	require.NoError(t, os.Symlink(exe, filepath.Join(dir, "bin", "consentimport")))
	require.NoError(t, os.Symlink(testdata, filepath.Join(dir, "testdata")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.txt"), []byte(testKey+"\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".ssh"), 0o700))
	mustTool(t, dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(".ssh", "id_ed25519"))
	soundExport(t, filepath.Join(dir, "preferences.csv"))
	g := &guide{program: program{dir: dir, env: []string{"HOME=" + dir}}, url: server.URL()}
	free := newSandboxWith(t, testKey, "")
	g.addr = strings.TrimSuffix(strings.TrimPrefix(free.URL(), "http://"), "/v1")
	require.NoError(t, free.Close())
	return g
}

// soundExport writes the rows of the shipped example of which every consent is
// taken, under the name that the documents give the reader's own export.
func soundExport(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open("../../testdata/exports/transcend/export.csv")
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var text strings.Builder
	w := csv.NewWriter(&text)
	for i, row := range rows {
		line := strings.Join(row, ",")
		if i == 0 || (row[0] != "" || strings.Count(row[11], "@") == 1) && !strings.Contains(line, ",Auto") && !strings.Contains(line, ",unknown") {
			require.NoError(t, w.Write(row))
		}
	}
	w.Flush()
	require.NoError(t, w.Error())
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
}

// Every command of every document does what it says, in the order in which it
// stands there, and ends with the code that is given behind it. Each document is
// read in a clone of its own.
func TestTheDocumentsRun(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var said strings.Builder
	t.Run("documents", func(t *testing.T) {
		for _, d := range documents(t) {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				g := newGuide(t)
				for _, b := range d.blocks(t) {
					if b.language != "yaml" {
						g.block(t, b)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				said.WriteString(strings.Join(g.ran, "\n"))
			})
		}
	})
	require.Greater(t, strings.Count(said.String(), "\n"), 25, "the documents have more commands than that: %q", said.String())
	for _, command := range []string{"run", "inspect", "mapping list", "mapping show", "mapping check", "mapping schema", "mapping try", "mapping test", "report", "verify", "sandbox", "rehearse", "man"} {
		assert.Contains(t, said.String(), "consentimport "+command+" ", "a document shows it")
	}
}

// block runs the commands of one block.
func (g *guide) block(t *testing.T, b block) {
	t.Helper()
	shell := *g // what is exported lasts as long as the block
	var sandbox *running
	for i, line := range b.lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		want := exitComplete
		if m := endsWith.FindStringSubmatch(line); m != nil {
			line = m[1]
			want, _ = strconv.Atoi(m[2])
		}
		line = aside.ReplaceAllString(line, "")
		g.ran = append(g.ran, line+" ")
		if instead, ok := notRun[line]; ok {
			instead(t)
			continue
		}
		place := b.place(i) + ": " + line
		if requireGoTest(t, line, place) {
			continue
		}
		line = shell.fill(t, line)
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "export":
			shell.env = append(append([]string{}, shell.env...), strings.Fields(rest)...)
			shell.env = append(shell.env, "INTEMPT_BASE_URL="+shell.url)
		case "curl":
			requireAnswer(t, rest, place)
		case "consentimport", "mkdir", "cp", "sed", "echo", "ssh-keygen", "sha256sum", "INTEMPT_API_KEY=any.key":
			if strings.HasPrefix(rest, "sandbox ") {
				sandbox = shell.start(t, strings.Fields(rest)...)
				requireListening(t, sandbox, place)
				continue
			}
			if strings.HasPrefix(rest, "studio ") {
				requireStudio(t, shell.start(t, strings.Fields(rest)...), place)
				continue
			}
			code, out := shell.sh(t, line)
			require.Equal(t, want, code, "%s\n%s", place, out)
		default:
			require.Fail(t, "no rule for a command", place)
		}
	}
	if sandbox != nil {
		require.NoError(t, sandbox.cmd.Process.Signal(os.Interrupt))
		sandbox.wait(t).requireCode(t, exitComplete)
	}
}

// approved finds the hash that a dry run prints.
var approved = regexp.MustCompile(`(?m)^approval hash ([0-9a-f]{64})$`)

// fill puts in the reader's own for what a document cannot know, and the program
// for what makes it.
func (g *guide) fill(t *testing.T, line string) string {
	t.Helper()
	line = strings.Replace(line, "go run ./cmd/consentimport", "consentimport", 1)
	line = strings.ReplaceAll(line, "127.0.0.1:8787", g.addr)
	if strings.Contains(line, "HASH") {
		_, out := g.sh(t, "consentimport run --dry-run --preset transcend preferences.csv")
		m := approved.FindStringSubmatch(out)
		require.NotNil(t, m, "the hash of a dry run:\n%s", out)
		line = strings.ReplaceAll(line, "HASH", m[1])
	}
	return line
}

// sh runs a line as a shell does.
func (g *guide) sh(t *testing.T, line string) (code int, out string) {
	t.Helper()
	c := exec.Command("sh", "-c", line)
	c.Dir, c.Env = g.dir, append(g.surroundings(), "PATH="+filepath.Join(g.dir, "bin")+":"+os.Getenv("PATH"))
	var both safeBuffer
	c.Stdout, c.Stderr = &both, &both
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return c.ProcessState.ExitCode(), both.String()
}

// requireStudio opens the URL that a studio prints, and ends it as Ctrl-C does.
func requireStudio(t *testing.T, studio *running, place string) {
	t.Helper()
	printed := regexp.MustCompile(`(?m)^studio: (http://\S+)$`)
	require.Eventually(t, func() bool { return printed.MatchString(studio.stdout.String()) }, patience, 10*time.Millisecond, place)
	requireAnswer(t, printed.FindStringSubmatch(studio.stdout.String())[1], place)
	require.NoError(t, studio.cmd.Process.Signal(os.Interrupt))
	studio.wait(t).requireCode(t, exitComplete)
}

func requireListening(t *testing.T, server *running, place string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(server.stdout.String(), "listening") },
		10*time.Second, 10*time.Millisecond, place)
}

func requireAnswer(t *testing.T, url, place string) {
	t.Helper()
	answer, err := http.Get(url)
	require.NoError(t, err, place)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err, place)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s\n%s", place, text)
}

// The examples of --help are commands that the program would take.
func TestTheExamplesOfHelpExist(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, command := range everyCommand(t) {
		got := program{}.here(t, nil, append(command, "--help")...).requireCode(t, exitComplete)
		_, after, _ := strings.Cut(got.stdout, "Examples:\n")
		lines, _, _ := strings.Cut(after, "\n\n")
		for line := range strings.SplitSeq(lines, "\n") {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " | ")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(line)
			for len(words) > 0 && words[0] != "consentimport" {
				words = words[1:] // what stands before it in a pipe
			}
			if len(words) == 0 {
				continue
			}
			checked++
			requireCommand(t, line, words[1:])
		}
	}
	require.Greater(t, checked, 30)
}

// requireCommand fails when there is no such command, or it has no such flag.
func requireCommand(t *testing.T, place string, words []string) {
	t.Helper()
	root := newRoot(&environment{stdout: &safeBuffer{}, stderr: &safeBuffer{}})
	c, rest, err := root.Find(words)
	require.NoError(t, err, place)
	require.True(t, c != root || strings.HasPrefix(words[0], "-"), "%s: there is no such command", place)
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	require.NoError(t, c.ParseFlags(rest), place)
	if c.Args != nil && strings.Contains(place, "consentimport ") { // a bare name is not a command line
		require.NoError(t, c.ValidateArgs(c.Flags().Args()), place)
	}
}
