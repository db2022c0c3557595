package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

// An import that died before its first pass was set down has no mapping yet, and a
// resume that is refused gives it none: the next one may fix the mapping.
func TestAFirstPassThatIsRefusedHasNotBegun(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"not what was approved": {"--approved", "c0ffee"},
		"a finding, strictly":   {"--strict"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", exportHeader+strings.Replace(exportRow(1, "ann", "mail", "yes"), "2024-", "2094-", 1)+exportRow(2, "bob", "mail", "hm"))
			r.here(t, nil, r.args("--limit", "1")...).requireCode(t, exitIncomplete)
			text, err := os.ReadFile(filepath.Join(r.out(), journal.Name))
			require.NoError(t, err)
			header := text[:bytes.IndexByte(text, '\n')+1]
			require.NoError(t, os.RemoveAll(r.out()))
			require.NoError(t, os.Mkdir(r.out(), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(r.out(), journal.Name), header, 0o600))
			before := r.server.Stats().Requests

			r.here(t, nil, r.args(append(flags, "--resume")...)...).requireCode(t, exitRefused)
			assert.Equal(t, before, r.server.Stats().Requests)
			files := filesIn(t, r.out())
			require.Contains(t, files, journal.Name)
			assert.NotContains(t, files[journal.Name], `"pass"`)
			for name := range files {
				assert.NotContains(t, name, "mapping-")
			}

			r.write(t, "plain.yaml", strings.Replace(plainMapping, `"no": reject`, `"no": reject, hm: reject`, 1))
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
			assert.Equal(t, before+2, r.server.Stats().Requests)
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// A mapping that lay in the out directory before is the user's: what is refused
// leaves it there.
func TestAMappingThatWasThereStays(t *testing.T) {
	t.Parallel()
	// stored is what an import keeps of a mapping: its name in the out directory.
	stored := func(t *testing.T, r *rehearsal) string {
		out := filepath.Join(t.TempDir(), "out")
		r.here(t, nil, r.args("--out", out)...).requireCode(t, exitComplete)
		found, err := filepath.Glob(filepath.Join(out, "mapping-*.yaml"))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return filepath.Base(found[0])
	}
	for name, retry := range map[string]bool{"an import": false, "a retry": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
			flags := []string{"--approved", "c0ffee"}
			if retry {
				r.here(t, nil, r.args()...).requireCode(t, exitComplete)
				flags = append(flags, "--resume", "--retry")
			} else {
				require.NoError(t, os.Mkdir(r.out(), 0o700))
			}
			mine := strings.Replace(plainMapping, "const: web", "const: shop", 1)
			r.write(t, "plain.yaml", mine)
			path := filepath.Join(r.out(), stored(t, r))
			require.NoError(t, os.WriteFile(path, []byte(mine), 0o600))
			args := append(append([]string{"run", "--mapping", path}, r.target()...), append(flags, r.export)...)
			r.here(t, nil, args...).requireCode(t, exitRefused)
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, mine, string(now))
		})
	}
}

// On a full disk the copy of standard input that an earlier process has kept, and
// died before it set anything down, stays: there may be no other.
func TestAFullDiskLeavesAnEarlierInput(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	out := filepath.Join(r.dir, "out")
	require.NoError(t, os.Mkdir(out, 0o700))
	kept := filepath.Join(out, "input.zst")
	require.NoError(t, os.WriteFile(kept, []byte("what came before"), 0o600))
	r.export, r.stdin = "-", strings.NewReader(exportHeader+exportRow(1, "ann", "mail", "yes"))
	full := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: 1, Do: faultdisk.Fail, Only: "write"})
	message := r.here(t, full, r.args("--out", out)...).requireCode(t, exitRefused).message(t)
	assert.Contains(t, message, "keep standard input")
	now, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "what came before", string(now))
}
