//go:build !windows

package importer

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// Whatever somebody has planted in the out directory, or lets others do there, it is
// refused and left as it is, and nothing outside of the directory is touched.
func TestPlantedFilesAreRefused(t *testing.T) {
	t.Parallel()
	link := func(name string) func(t *testing.T, out, victim string) {
		return func(t *testing.T, out, victim string) {
			require.NoError(t, os.Symlink(victim, filepath.Join(out, name)))
		}
	}
	for name, c := range map[string]struct {
		plant func(t *testing.T, out, victim string)
		mode  os.FileMode
		want  string
	}{
		"a link for the checkpoint":     {link(journal.Name), 0o700, "a link"},
		"a link for its temporary file": {link("." + journal.Name + ".tmp"), 0o700, "a link"},
		"a link for a report":           {link("report.json"), 0o700, "a link"},
		"a link for the lock":           {link(lockFile), 0o700, "a link"},
		"a link to nowhere":             {func(t *testing.T, out, victim string) { link(journal.Name)(t, out, victim+"-none") }, 0o700, "a link"},
		"another name of the checkpoint": {func(t *testing.T, out, victim string) {
			require.NoError(t, os.Link(victim, filepath.Join(out, journal.Name)))
		}, 0o700, "another name"},
		"a pipe for the checkpoint": {func(t *testing.T, out, _ string) {
			require.NoError(t, syscall.Mkfifo(filepath.Join(out, journal.Name), 0o600))
		}, 0o700, "a pipe"},
		"a file for the socket": {func(t *testing.T, out, _ string) {
			require.NoError(t, os.WriteFile(filepath.Join(out, ControlSocket), []byte("x"), 0o600))
		}, 0o700, "ctl.sock is a file"},
		"a directory that all may write in":  {nil, 0o777, "others may write"},
		"a directory that a group may write": {nil, 0o770, "others may write"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, dry := range []bool{false, true} {
				cfg := configOf(t)
				cfg.DryRun = dry
				victim := filepath.Join(t.TempDir(), "victim")
				require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
				require.NoError(t, os.Mkdir(cfg.Dir, 0o700))
				if c.plant != nil {
					c.plant(t, cfg.Dir, victim)
				}
				require.NoError(t, os.Chmod(cfg.Dir, c.mode))
				_, err := Open(cfg)
				require.ErrorAs(t, err, new(*RefusedError))
				assert.ErrorContains(t, err, c.want)
				_, err = RemoveDryRun(cfg.Disk, cfg.Dir, func(string) bool { return true }, nil)
				require.ErrorContains(t, err, c.want)
				text, err := os.ReadFile(victim)
				require.NoError(t, err)
				assert.Equal(t, "precious", string(text))
				_, err = os.Lstat(victim + "-none")
				assert.ErrorIs(t, err, os.ErrNotExist)
			}
		})
	}
}

// What is planted after the directory was looked at is not followed either.
func TestFilesAreMadeAndOpenedWithoutFollowingLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	planted := filepath.Join(dir, "planted")
	require.NoError(t, os.Symlink(victim, planted))
	_, err := journal.OS{}.Open(planted)
	require.Error(t, err)
	_, err = journal.OS{}.Append(planted)
	require.Error(t, err)
	f, err := journal.OS{}.Create(planted)
	require.NoError(t, err)
	_, err = f.Write([]byte("ours"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(text))
	info, err := os.Lstat(planted)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	_, err = journal.OS{}.Open(filepath.Join(dir, "pipe")) // which would wait for a writer
	require.ErrorContains(t, err, "not a regular file")
}
