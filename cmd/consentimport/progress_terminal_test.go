package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// screen is a real terminal, tmux, in which the program runs.
type screen struct{ socket string }

// openScreen runs a shell line in a terminal of so many columns. Without tmux the test is
// skipped, but not on the build server.
func openScreen(t *testing.T, columns int, line string) *screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		require.Empty(t, os.Getenv("CI"), "no terminal: install tmux")
		t.Skip("no terminal: install tmux, to test what a run shows in one")
	}
	s := &screen{filepath.Join(t.TempDir(), "s")}
	s.tmux(t, "-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", "24", line)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	return s
}

func (s *screen) tmux(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// lines are those on the screen that are not empty.
func (s *screen) lines(t *testing.T) (lines []string) {
	t.Helper()
	for line := range strings.Lines(s.tmux(t, "capture-pane", "-p")) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// await waits until the screen shows something.
func (s *screen) await(t *testing.T, what string, shows func(lines []string) bool) []string {
	t.Helper()
	var lines []string
	require.Eventually(t, func() bool { lines = s.lines(t); return shows(lines) }, waitFor, 50*time.Millisecond, "%s is not on the screen", what)
	return lines
}

// A run says at once that it has begun; it says how long it has worked and what is invalid,
// in lines too.
func TestProgressSaysAtOnceThatItHasBegun(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "never heard"))
	bar := r.exec(t, r.args("--progress", "bar")...).requireCode(t, exitFailures).stderr
	frames := strings.Split(bar, "\r")
	require.Greater(t, len(frames), 2, "%q", bar)
	assert.Regexp(t, `^ +0% .* 0 sent, 0/s, 0s elapsed`, frames[1])
	assert.Regexp(t, `^ 100% .* 1 sent, .*, 1 invalid row, \d+s elapsed`, frames[len(frames)-1])
	lines := r.exec(t, r.args("--progress", "log", "--restart")...).requireCode(t, exitFailures).stderr
	assert.Regexp(t, `(?m)^progress: .* read, 1 sent, .*, 1 invalid row, \d+s elapsed$`, lines)
}

// In a window that is made narrower, and wider again, nothing is left of what a run said
// before.
func TestAWindowMadeNarrowerKeepsNothing(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 3000, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "bob", "mail", "never heard")+strings.TrimPrefix(r.read(t, "export.csv"), exportHeader))
	// Of a screen that is full the terminal sets each line anew, as far down as the last.
	s := openScreen(t, 120, "seq 40; "+r.quoted(t, r.args("--rate", "20", "--progress", "bar")...)+"; cat")
	// said is what stands on the screen below the message of the start.
	said := func(lines []string) string {
		all := strings.Join(lines, "")
		at := strings.LastIndex(all, " reference shows")
		if at < 0 {
			return ""
		}
		return all[at+len(" reference shows"):]
	}
	frame := regexp.MustCompile(`^ *\d+%[^%]* sent[^%]*$`)
	s.await(t, "the first second", func(lines []string) bool { return frame.MatchString(said(lines)) })
	s.await(t, "elapsed time and an invalid row", func(lines []string) bool {
		return strings.Contains(said(lines), "1 invalid row, ") && regexp.MustCompile(`[2-9]s elapsed`).MatchString(said(lines))
	})
	for _, columns := range []int{62, 41, 100, 30} {
		s.tmux(t, "resize-window", "-x", fmt.Sprint(columns))
		s.await(t, fmt.Sprintf("one frame that fits %d columns, and nothing else,", columns), func(lines []string) bool {
			return frame.MatchString(said(lines)) && utf8.RuneCountInString(said(lines)) <= columns
		})
	}
}
