package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// everyCommand are all commands that --help lists, as they are typed.
func everyCommand(t *testing.T) [][]string {
	t.Helper()
	var all [][]string
	walk(newRoot(&environment{stdout: &safeBuffer{}, stderr: &safeBuffer{}}), func(c *cobra.Command) {
		all = append(all, strings.Fields(c.CommandPath())[1:])
	})
	require.Greater(t, len(all), 15)
	return all
}

func TestHelpOfEachCommandHasTwoExamples(t *testing.T) {
	t.Parallel()
	for _, command := range everyCommand(t) {
		got := program{}.here(t, nil, append(command, "--help")...).requireCode(t, exitComplete)
		_, after, found := strings.Cut(got.stdout, "Examples:\n")
		if !assert.True(t, found, "%v has no examples", command) {
			continue
		}
		block, _, _ := strings.Cut(after, "\n\n")
		real := 0
		for line := range strings.SplitSeq(block, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "consentimport ") {
				real++
			}
		}
		assert.GreaterOrEqual(t, real, 2, "examples of %v:\n%s", command, block)
	}
}

func TestTheShellCompletes(t *testing.T) {
	t.Parallel()
	const defaultFiles, noFiles, byExtension, directories = ":0", ":4", ":8", ":16"
	for _, c := range []struct {
		name  string
		typed []string
		want  []string
		how   string // the directive, cobra.ShellCompDirective
	}{
		{"commands", []string{"re"}, []string{"rehearse\t", "report\t"}, noFiles},
		{"flags", []string{"run", "--re"}, []string{"--resume\t", "--retry\t", "--repair\t", "--restart\t"}, noFiles},
		{"flags of rehearse", []string{"rehearse", "--fa"}, []string{"--faults\t"}, noFiles},
		{"a preset of run", []string{"run", "--preset", "one"}, []string{"onetrust\t"}, noFiles},
		{"a preset of rehearse", []string{"rehearse", "--preset", "tran"}, []string{"transcend\t"}, noFiles},
		{"a preset of mapping show", []string{"mapping", "show", "dido"}, []string{"didomi-events\t", "didomi-users\t"}, noFiles},
		{"a dialect", []string{"rehearse", "--dialect", ""}, []string{"docs\n", "sdk\n"}, noFiles},
		{"a way to authenticate", []string{"run", "--auth", ""}, []string{"apikey\n"}, noFiles},
		{"a format", []string{"inspect", "--format", ""}, []string{"csv\n", "jsonl\n"}, noFiles},
		{"a way of logging", []string{"run", "--verbose="}, []string{"text\n", "json\n"}, noFiles},
		{"a history", []string{"run", "--history", ""}, []string{"chronological\n", "latest\n", "rows\n"}, noFiles},
		{"a way of progress", []string{"run", "--progress", ""}, []string{"auto\n", "none\n"}, noFiles},
		{"an export", []string{"run", "pref"}, nil, defaultFiles},
		{"an order", []string{"ctl", "x.import", "p"}, []string{"pause\n"}, ":6"},
		{"a mapping file", []string{"run", "--mapping", ""}, []string{"yaml\n", "yml\n"}, byExtension},
		{"an out directory", []string{"run", "--out", ""}, nil, directories},
		{"a directory to keep", []string{"rehearse", "--keep", ""}, nil, directories},
		{"a directory of man pages", []string{"man", "--dir", ""}, nil, directories},
	} {
		got := program{}.here(t, nil, append([]string{"__complete"}, c.typed...)...).requireCode(t, exitComplete)
		for _, w := range c.want {
			assert.Contains(t, got.stdout, w, c.name)
		}
		assert.Contains(t, got.stdout, c.how+"\n", c.name)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := program{}.here(t, nil, "completion", shell).requireCode(t, exitComplete)
		assert.Contains(t, got.stdout, "consentimport", shell)
	}
}

// The result is in colour on a terminal alone, and as wide as it.
func TestColourIsForTerminals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	export := filepath.Join(dir, "export.csv")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plain.yaml"), []byte(plainMapping), 0o600))
	require.NoError(t, os.WriteFile(export, []byte(exportHeader+exportRow(1, "u1", "mail", "yes")+exportRow(2, "u2", "mail", "perhaps")), 0o600))
	for _, command := range []string{"run", "rehearse"} {
		for _, c := range []struct {
			name     string
			terminal bool
			noColor  string
			escapes  bool
		}{
			{"terminal", true, "", true},
			{"terminal with NO_COLOR", true, "1", false},
			{"pipe", false, "", false},
		} {
			var stdout, stderr safeBuffer
			env := &environment{
				stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, disk: journal.OS{},
				stdoutTerminal: c.terminal, width: 60,
				getenv:  func(name string) string { return map[string]string{"NO_COLOR": c.noColor}[name] },
				signals: func() (<-chan os.Signal, func()) { return make(chan os.Signal), func() {} },
			}
			args := []string{command, "--mapping", filepath.Join(dir, "plain.yaml"), export}
			if command == "run" {
				args = append(args, "--dry-run", "--out", filepath.Join(dir, "dry"))
			}
			require.Equal(t, exitFailures, run(env, args), stderr.String())
			assert.Equal(t, c.escapes, strings.Contains(stdout.String(), "\x1b"), "%s on a %s:\n%s", command, c.name, stdout.String())
			assert.NotContains(t, stderr.String(), "\x1b", "%s on a %s", command, c.name)
			first, _, _ := strings.Cut(stdout.String(), "\n")
			if c.terminal && !c.escapes {
				assert.LessOrEqual(t, len([]rune(first)), 60, "%s on a %s", command, c.name)
			}
		}
	}
}
