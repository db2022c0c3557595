package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// typed runs a line that the program has printed, as a shell takes it.
func (r *rehearsal) typed(t *testing.T, line string) (code int, out string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command("sh", "-c", `consentimport() { "$EXE" "$@"; }; `+line)
	c.Dir, c.Env = r.dir, append(r.surroundings(), "EXE="+exe)
	text, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

// printed finds a command in what was printed.
func printed(t *testing.T, text string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)(?:^|: )(consentimport [^\n]*)`).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	return m[1]
}

// Who joins shards of which some are not complete is led to the whole import by the
// commands that are printed, each as it stands, for few shards and for many.
func TestTheCommandsOfAnUnfinishedJoinWork(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 12} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 300, "")
			var dirs []string
			for i := 1; i <= n; i++ {
				dir := filepath.Join(r.dir, "it's here", strconv.Itoa(i), "import")
				dirs = append(dirs, dir)
				p, want := r.program, exitComplete
				if i == 2 {
					p.env, want = append(p.env, sendFault+"=after@5"), -1
				}
				require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o700))
				p.exec(t, r.args("--shard", strconv.Itoa(i)+"/"+strconv.Itoa(n), "--out", dir, "--progress", "none")...).requireCode(t, want)
			}
			got := r.here(t, nil, append([]string{"report"}, dirs...)...).requireCode(t, exitRefused)
			code, text := r.typed(t, printed(t, got.message(t)))
			require.Equal(t, exitIncomplete, code, text)
			joined := filepath.Join(r.dir, "joined.import")
			s := summaryIn(t, joined)
			require.Len(t, s.Steps, 2)
			hint := printed(t, r.here(t, nil, r.args("--resume", "--out", joined)...).requireCode(t, exitRefused).message(t))
			assert.Equal(t, n > 8, strings.Contains(hint, "*"), hint)
			code, text = r.typed(t, printed(t, s.Steps[0]))
			require.Equal(t, exitComplete, code, text)
			for _, line := range []string{s.Next, hint} {
				code, text = r.typed(t, line)
				require.Equal(t, exitComplete, code, text)
			}
			require.NoError(t, os.Rename(joined, r.out()))
			assert.LessOrEqual(t, r.account(t), 64)
		})
	}
}
