//go:build !windows

package main

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/report/evidence"
)

// plantings are the ways of putting something under a name that is not what it looks
// like.
var plantings = map[string]func(path, victim string) error{
	"link":            func(path, victim string) error { return os.Symlink(victim, path) },
	"link to nowhere": func(path, victim string) error { return os.Symlink(victim+"-none", path) },
	"pipe":            func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
	"directory":       func(path, _ string) error { return os.Mkdir(path, 0o700) },
	"socket": func(path, _ string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err == nil {
			l.SetUnlinkOnClose(false)
			err = l.Close()
		}
		return err
	},
}

// Under whatever name that an import writes, or reads again, something is planted: no
// command follows it, waits for it or sends anything.
func TestNothingPlantedUnderAnyNameIsTaken(t *testing.T) {
	t.Parallel()
	r := crashRehearsal(t)
	text, err := os.ReadFile(r.export)
	require.NoError(t, err)
	whole := filepath.Join(r.dir, "whole")
	from := append(r.args("--out", whole)[:len(r.args("--out", whole))-1], "-")
	piped := r.program
	piped.stdin = strings.NewReader(string(text))
	require.Contains(t, []int{exitFailures, exitPermissive}, piped.here(t, nil, from...).code)
	names := filesIn(t, whole)
	rejected := r.write(t, "repaired.csv", strings.ReplaceAll(names["rejected.csv"], ",hm,", ",yes,"))
	r.here(t, nil, append(append([]string{"run"}, r.target()...), "--repair", whole, rejected)...)
	r.here(t, nil, "evidence", whole).requireCode(t, exitComplete)
	maps.Copy(names, filesIn(t, whole))
	for _, name := range slices.Collect(maps.Keys(names)) {
		names["."+strings.TrimPrefix(name, ".")+".tmp"] = ""
	}
	for _, name := range []string{importer.ControlSocket, evidence.SignatureName, evidence.StampName, "superseded.csv", "suppressed.csv", ".followed-0123456789abcdef.json"} {
		names[name] = ""
	}
	require.Greater(t, len(names), 30, "%v", names)
	requests := r.server.Stats().Requests
	victim := r.write(t, "victim", "precious")
	short, err := os.MkdirTemp("", "planted") // the path of a socket cannot be long
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	for kind, plant := range plantings {
		for name := range names {
			if kind == "socket" && name == importer.ControlSocket {
				continue // a run that was killed has left it
			}
			fresh, taken := filepath.Join(short, "fresh"), filepath.Join(short, "taken")
			require.NoError(t, os.RemoveAll(fresh))
			require.NoError(t, os.RemoveAll(taken))
			require.NoError(t, os.Mkdir(fresh, 0o700))
			require.NoError(t, os.CopyFS(taken, os.DirFS(whole)))
			require.NoError(t, os.Chmod(taken, 0o700))
			_ = os.Remove(filepath.Join(taken, name))
			require.NoError(t, plant(filepath.Join(fresh, name), victim))
			require.NoError(t, plant(filepath.Join(taken, name), victim))
			for _, args := range [][]string{
				r.args("--out", fresh), r.args("--out", taken, "--resume", "--retry"), {"report", taken}, {"verify", taken}, {"verify", taken, "--subject", "ann"}, {"evidence", taken}, {"purge", taken},
			} {
				if name == "checkpoint.jsonl" && args[0] != "run" {
					continue // then it is not said to be an import
				}
				f := r.here(t, nil, args...)
				require.Equal(t, exitRefused, f.code, "%s as a %s, %s: %s", name, kind, args[0], f.stderr)
				assert.Contains(t, f.message(t), name, "%s as a %s, %s", name, kind, args[0])
			}
		}
	}
	kept, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(kept))
	_, err = os.Lstat(victim + "-none")
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, requests, r.server.Stats().Requests, "nothing was sent")

	// What a person or a file system keeps beside an import is left alone.
	for _, name := range []string{"notes", ".snapshot", "lost+found", "v1.2"} {
		require.NoError(t, os.Mkdir(filepath.Join(whole, name), 0o700))
	}
	r.here(t, nil, "report", whole).requireCode(t, exitFailures)
}
