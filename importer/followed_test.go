package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Between the moment in which a delta was held against an import and that in which it says so
// there, the import may go on: then the delta sends nothing, and keeps nobody from going on.
// Neither does one that was set aside before it sent anything.
func TestADeltaThatHasSentNothingKeepsNobody(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		meanwhile func(t *testing.T, l *life, delta *Import)
		says      string // what the delta is refused for; empty: it is not
	}{
		"a run is at work": {func(t *testing.T, l *life, _ *Import) {
			cfg := l.config()
			retry(&cfg)
			im, err := Open(cfg)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, im.Close()) })
		}, "OUT: another process is working in this directory"},
		"a run was killed": {func(t *testing.T, l *life, _ *Import) {
			cfg := l.config()
			retry(&cfg)
			im, err := Open(cfg)
			require.NoError(t, err)
			require.NoError(t, im.CommitPass())
			require.NoError(t, im.Close())
		}, "the import in OUT has gone on and is not finished"},
		"a run has sent something": {func(_ *testing.T, l *life, _ *Import) {
			l.refuse = func(string) bool { return false }
			l.run(retry, 0)
		}, "the import in OUT has gone on since this one was held against it: what is left could arrive behind newer decisions"},
		"its name cannot be written": {func(t *testing.T, l *life, delta *Import) {
			path, _, err := followedBy{ID: delta.header.ID, Dir: delta.cfg.Dir}.in(filepath.Join(l.dir, "out"))
			require.NoError(t, err)
			require.NoError(t, os.Mkdir(path, 0o700))
		}, "leave the name of this import in OUT: rename "},
		"nothing": {func(*testing.T, *life, *Import) {}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, lifeExport(2))
			l.refuse = func(name string) bool { return name == "u1 mail" }
			l.run(func(*Config) {}, 0)
			out := filepath.Join(l.dir, "out")
			marks := func() []string {
				found, err := filepath.Glob(filepath.Join(out, ".followed-*.json"))
				require.NoError(t, err)
				return found
			}
			cfg := l.config()
			cfg.Dir = filepath.Join(l.dir, "delta")
			cfg.Since = &Since{Dir: out, Context: t.Context()}
			delta, err := Open(cfg)
			require.NoError(t, err)
			require.NoError(t, delta.Arrange(t.Context()))
			c.meanwhile(t, l, delta)
			delta.patience = time.Nanosecond
			err = delta.Announce(t.Context())
			if c.says == "" {
				require.NoError(t, err)
				require.Len(t, marks(), 1)
				require.NoError(t, delta.Close()) // it died, and somebody begins anew
				_, err := setAside(cfg)
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, strings.ReplaceAll(c.says, "OUT", out))
				require.ErrorAs(t, err, new(*RefusedError))
				require.NoError(t, delta.Abandon())
				require.NoError(t, delta.Close())
				assert.NoDirExists(t, cfg.Dir)
			}
			if what == "its name cannot be written" {
				require.NoError(t, os.Remove(marks()[0]))
			}
			assert.Empty(t, marks())
			if what != "a run is at work" {
				l.run(retry, 0)
			}
		})
	}
}
