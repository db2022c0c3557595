package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// parsed reads a YAML file of the clone.
func parsed(t *testing.T, name string, to any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, to), name)
	return string(text)
}

// action is what a step of a workflow may use: one commit of it, and which version that is.
var action = regexp.MustCompile(`^\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)

// Workflows run what anybody can run, with no right that a job does not need, and nothing
// that a stranger can change under them.
func TestWorkflowsArePinnedAndCallTheChecks(t *testing.T) {
	t.Parallel()
	type step struct{ Uses, Run string }
	type job struct {
		Needs       any
		Permissions map[string]string
		Steps       []step
		Timeout     int `yaml:"timeout-minutes"`
	}
	type workflow struct {
		On          yaml.Node
		Permissions map[string]string
		Jobs        map[string]job
	}
	names, err := filepath.Glob(root + "/.github/workflows/*")
	require.NoError(t, err)
	require.Len(t, names, 2)
	for _, path := range names {
		name := filepath.Base(path)
		var w workflow
		text := parsed(t, ".github/workflows/"+name, &w)
		assert.Equal(t, map[string]string{"contents": "read"}, w.Permissions, name)
		assert.NotContains(t, text, "pull_request_target", name)
		for line := range strings.Lines(text) {
			if strings.Contains(line, "uses:") {
				assert.Regexp(t, action, strings.TrimRight(line, "\n"), name)
			}
			if strings.Contains(line, "go install ") {
				assert.Regexp(t, `@v\d+\.\d+\.\d+$`, strings.TrimSpace(line), name)
			}
		}
		checks := false
		for id, j := range w.Jobs {
			assert.NotZero(t, j.Timeout, "%s: %s", name, id)
			calls := slices.ContainsFunc(j.Steps, func(s step) bool {
				return regexp.MustCompile(`(^| )bash \.ci/run$`).MatchString(strings.TrimSpace(s.Run))
			})
			checks = checks || calls
			for _, s := range j.Steps {
				assert.NotRegexp(t, `\$\{\{\s*github\.(event|head_ref|actor)`, s.Run, "%s: what others write is not part of a command", name)
			}
			if calls {
				assert.Nil(t, j.Permissions, "%s: the checks write nothing", name)
			} else {
				assert.Equal(t, "check", j.Needs, "%s: %s waits for the checks", name, id)
				assert.Equal(t, map[string]string{"contents": "write", "packages": "write"}, j.Permissions)
			}
		}
		assert.True(t, checks, "%s calls .ci/run", name)
	}
	var release workflow
	text := parsed(t, ".github/workflows/release.yml", &release)
	ci, err := os.ReadFile(root + "/.ci/release")
	require.NoError(t, err)
	for tool, variable := range map[string]string{"goreleaser/v2": "goreleaser", "cyclonedx-gomod": "cyclonedx"} {
		version := regexp.MustCompile(tool + `@(v[\d.]+)`).FindStringSubmatch(text)
		require.NotNil(t, version, tool)
		assert.Contains(t, string(ci), "\n"+variable+"="+version[1]+"\n", "the release and its rehearsal use one version")
	}
}

// What a release brings along is there, for each system that is promised; and the README's
// main job finds its files in the archive.
func TestTheReleaseHasWhatItNeeds(t *testing.T) {
	t.Parallel()
	var c struct {
		Version int
		Builds  []struct{ Goos, Goarch, Flags, Env []string }
		Archive []struct {
			Files []struct{ Src string }
		} `yaml:"archives"`
		Packages []struct {
			Formats  []string
			Contents []struct{ Src, Dst string }
		} `yaml:"nfpms"`
		SBOMs    []struct{ Cmd string }
		Checksum struct{ Algorithm string }
		Casks    []struct{ Name string } `yaml:"homebrew_casks"`
		Images   []struct {
			Dockerfile string
			Platforms  []string
		} `yaml:"dockers_v2"`
	}
	parsed(t, ".goreleaser.yaml", &c)
	require.Len(t, c.Builds, 1)
	assert.Equal(t, []string{"linux", "darwin", "windows", "freebsd"}, c.Builds[0].Goos)
	assert.Equal(t, []string{"amd64", "arm64"}, c.Builds[0].Goarch)
	assert.Contains(t, c.Builds[0].Flags, "-buildvcs=true", "the program knows its commit")
	assert.Contains(t, c.Builds[0].Env, "CGO_ENABLED=0")
	require.Len(t, c.Archive, 1)
	require.Len(t, c.Packages, 1)
	assert.Equal(t, []string{"deb", "rpm"}, c.Packages[0].Formats)
	require.Len(t, c.Images, 1)
	assert.FileExists(t, filepath.Join(root, c.Images[0].Dockerfile))
	assert.NotEmpty(t, c.SBOMs)
	assert.NotEmpty(t, c.Casks)
	assert.Equal(t, "sha256", c.Checksum.Algorithm)

	var sources, archived []string
	for _, f := range c.Archive[0].Files {
		sources = append(sources, f.Src)
	}
	for _, f := range c.Packages[0].Contents {
		sources = append(sources, f.Src)
	}
	brace := regexp.MustCompile(`\{([^}]*)\}`)
	for i, src := range sources {
		all := []string{src}
		if m := brace.FindStringSubmatch(src); m != nil {
			all = nil
			for word := range strings.SplitSeq(m[1], ",") {
				all = append(all, strings.Replace(src, m[0], word, 1))
			}
		}
		for _, one := range all {
			if strings.HasPrefix(one, ".deploy/pages/") { // made by .deploy/pages.sh
				continue
			}
			found, err := filepath.Glob(filepath.Join(root, one))
			require.NoError(t, err)
			assert.NotEmpty(t, found, one)
			if i < len(c.Archive[0].Files) {
				archived = append(archived, found...)
			}
		}
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	job := regexp.MustCompile(`(?m)^go run \./cmd/consentimport run --sandbox .*`).FindString(string(readme))
	files := regexp.MustCompile(`testdata/\S+`).FindAllString(job, -1)
	require.NotEmpty(t, files)
	for _, name := range files {
		assert.Contains(t, archived, filepath.Join(root, name), "the main job needs it")
	}
}

// systemd takes the unit as it is, and the words in it are those of the program.
func TestTheUnit(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/.deploy/consentimport@.service")
	require.NoError(t, err)
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/consentimport (.*)$`).FindStringSubmatch(string(text))
	require.NotNil(t, start)
	c, _, err := newRoot(&environment{stdout: &safeBuffer{}, stderr: &safeBuffer{}}).Find([]string{"run"})
	require.NoError(t, err)
	for _, word := range strings.Fields(start[1]) {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			assert.NotNil(t, c.Flags().Lookup(name), word)
		}
	}
	for _, m := range regexp.MustCompile(`CONSENTIMPORT_[A-Z_]+`).FindAllString(string(text), -1) {
		known := false
		c.Flags().VisitAll(func(f *flag) { known = known || variable(f.Name) == m })
		assert.True(t, known, m)
	}
	for _, code := range []string{"0", "4"} { // 0 ends it, 4 starts it again
		assert.NotRegexp(t, `(?m)^RestartPreventExitStatus=.*\b`+code+`\b`, string(text))
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("skipped: systemd-analyze is not here, so the unit was read by this test alone")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "consentimport")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700))
	verify := func(unit string) (string, error) {
		path := filepath.Join(dir, "consentimport@test.service")
		require.NoError(t, os.WriteFile(path, []byte(unit), 0o600))
		out, err := exec.Command(analyze, "verify", path).CombinedOutput()
		return string(out), err
	}
	unit := strings.ReplaceAll(string(text), "/usr/bin/consentimport", program)
	out, err := verify(unit)
	require.NoError(t, err, out)
	assert.Empty(t, out)
	out, _ = verify(strings.Replace(unit, "Restart=on-failure", "Restart=sometimes", 1))
	assert.Contains(t, out, "sometimes", "what is wrong is found")
}
