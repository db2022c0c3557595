package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/intempt"
)

// Each switch of a dialect is set by itself, arrives as it was set, is named in the
// first line, and belongs to the import: a resume with another is refused.
func TestTheSwitchesOfADialectAreSetOneByOne(t *testing.T) {
	t.Parallel()
	for i, c := range []struct{ dialect, auth, times, until string }{
		{"docs", "basic", "ms", "ms"}, {"docs", "apikey", "s", "ms"}, {"docs", "query", "ms-text", "ms-text"},
		{"sdk", "query", "ms", "ms-text"}, {"sdk", "apikey", "s", "ms"}, {"sdk", "basic", "ms-text", "ms"},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 30, "")
			flags := []string{"--dialect", c.dialect, "--auth", c.auth, "--times", c.times, "--valid-until", c.until}
			got := r.exec(t, "run", "--sandbox", "--org", "acme", "--mapping", "plain.yaml", "--out", "own", "--dialect", c.dialect, "--auth", c.auth, "--times", c.times, "--valid-until", c.until, r.export)
			got.requireCode(t, exitComplete)
			says := fmt.Sprintf("dialect %s: auth %s, times %s, valid-until %s", c.dialect, c.auth, c.times, c.until)
			assert.Contains(t, got.stderr, says)
			assert.Contains(t, got.stderr, "whatever else is said of a target: --org")

			// Against a sandbox that takes nothing else.
			url := r.startSandbox(t, "--dialect", c.dialect, "--times", c.times, "--valid-until", c.until)
			to := append([]string{"--base-url", url, "--org", "acme", "--project", "shop"}, flags...)
			r.exec(t, append(append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--limit", "10"}, to...), r.export)...).requireCode(t, exitIncomplete)
			assert.EqualValues(t, 10, summaryIn(t, r.out()).Consents.Sent)
			other := append([]string{}, to...)
			k := 6 + []int{3, 5, 7}[i%3]
			other[k] = map[string]string{"query": "basic", "basic": "query", "apikey": "query", "ms": "ms-text", "s": "ms", "ms-text": "ms"}[other[k]]
			refused := r.exec(t, append(append([]string{"run", "--resume"}, other...), r.export)...).requireCode(t, exitRefused)
			assert.Contains(t, refused.message(t), map[string]string{"--auth": "the way to authenticate", "--times": "the form of times", "--valid-until": "the form of ends"}[other[k-1]])
			r.exec(t, append(append([]string{"run", "--resume"}, to...), r.export)...).requireCode(t, exitComplete)
			r.exec(t, "report", r.out()).requireCode(t, exitComplete)
			text, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
			require.NoError(t, err)
			assert.Contains(t, string(text), fmt.Sprintf(`"auth":%q,"times":%q,"validUntil":%q`, c.auth, c.times, c.until))
		})
	}
}

// A dialect and each word of its switches is one that the sandbox takes as well, and the
// document has it: else a rehearsal would refuse what a run is meant to send.
func TestEveryDialectIsWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	guide := string(text)
	r := rehearse(t, 3, "")
	for _, s := range []struct {
		flag  string
		words []string
	}{{"dialect", intempt.DialectNames()}, {"auth", intempt.AuthNames()}, {"times", intempt.TimesNames()}, {"valid-until", intempt.ValidUntilNames()}} {
		require.NotEmpty(t, s.words)
		row := "| `--" + s.flag + " " + strings.Join(s.words, `\|`) + "` |"
		assert.True(t, strings.Contains(guide, row), "README.md here, Flags of run: the row must begin with %s", row)
		for _, word := range s.words {
			if s.flag == "dialect" {
				assert.True(t, strings.Contains(guide, "`--dialect "+word+"`"), "README.md here, Two dialects: a column for %s", word)
			}
			out := "own-" + s.flag + "-" + word
			r.exec(t, "run", "--sandbox", "--mapping", "plain.yaml", "--out", out, "--"+s.flag, word, r.export)
			assert.EqualValues(t, 3, summaryIn(t, filepath.Join(r.dir, out)).Consents.Sent, "the sandbox takes no --%s %s: see sandboxForm in target.go, and importer/sandbox", s.flag, word)
		}
	}
}

// startSandbox starts the command sandbox in a process of its own, and gives its base URL.
func (r *rehearsal) startSandbox(t *testing.T, flags ...string) string {
	t.Helper()
	s := r.start(t, append([]string{"sandbox", "--addr", "127.0.0.1:0", "--api-key", testKey}, flags...)...)
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	var url string
	require.Eventually(t, func() bool {
		_, after, ok := strings.Cut(s.stdout.String(), "base URL ")
		url = strings.TrimSpace(after)
		return ok && strings.HasSuffix(after, "\n")
	}, waitFor, tick)
	return url
}
