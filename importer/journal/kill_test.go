package journal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

const childDir, childFault = "JOURNAL_TEST_DIR", "JOURNAL_TEST_FAULT"

// TestMain is also the process that TestEveryStepKills kills.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	plan, err := faultdisk.Parse(os.Getenv(childFault))
	if err == nil {
		_, err = work(told{faultdisk.New(journal.OS{}, plan)}, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// told writes to standard output, unbuffered, how much of the checkpoint the
// process was told is written.
type told struct{ journal.Disk }

func (d told) Append(path string) (journal.File, error) {
	f, err := d.Disk.Append(path)
	return toldFile{f}, err
}

type toldFile struct{ journal.File }

func (f toldFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if err == nil {
		_, err = os.Stdout.WriteString("told:" + strings.ReplaceAll(string(b), "\n", "\ntold:") + "\n")
	}
	return n, err
}

// A process is killed at every durable step in turn, before it or half-way
// through its write. What it was told is written is in the file, and the
// import goes on.
func TestEveryStepKills(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, action := range []string{"kill", "tear"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			killed := 0
			for k := 1; ; k++ {
				dir := filepath.Join(t.TempDir(), "out")
				cmd := exec.Command(exe)
				cmd.Env = append(os.Environ(), childDir+"="+dir, childFault+"="+action+"@"+strconv.Itoa(k))
				out, err := cmd.Output()
				if err == nil {
					break
				}
				killed++
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				require.False(t, exit.Exited(), "killed, not ended: %s", out)

				text, err := os.ReadFile(filepath.Join(dir, journal.Name))
				if err == nil {
					for line := range strings.Lines(string(out)) {
						if line, ok := strings.CutPrefix(line, "told:"); ok {
							require.Contains(t, string(text), line)
						}
					}
				}
				done, err := work(journal.OS{}, dir)
				require.NoError(t, err, "after %s at step %d", action, k)
				holds(t, dir, done)
			}
			assert.Greater(t, killed, 10)
		})
	}
}
