package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
)

// repairing gives the configuration of a repair with a file of that text.
func (l *life) repairing(text string) Config {
	path := filepath.Join(l.dir, "fixed.csv")
	require.NoError(l.t, os.WriteFile(path, []byte(text), 0o600))
	return Config{
		Disk: journal.OS{}, Dir: filepath.Join(l.dir, "out"), Repair: path,
		Target: journal.Target{BaseURL: l.server.URL + "/v1", Org: "acme", Project: "shop", Dialect: "docs"},
	}
}

// The rows of a repaired file may stand in any order: the copy that the import keeps
// has them in that of the export. It is gone again when the repair is given up.
func TestRepairedRowsAreKeptInTheOrderOfTheExport(t *testing.T) {
	t.Parallel()
	l := newLife(t, lifeExport(40))
	l.run(func(*Config) {}, 0)
	cfg := l.repairing("id,state,mail,ads,at,_row,_error\n" +
		"u27,said,yes,yes," + lifeTime(27) + ",27,x\n" +
		"\"u\n7\",said,yes,\"\"\"no\"\"\"," + lifeTime(7) + ",7,x\n")
	im, err := Open(cfg)
	require.NoError(t, err)
	kept := filepath.Join(cfg.Dir, "repair-2.csv")
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "id,state,mail,ads,at,_row,_error\n"+
		"\"u\n7\",said,yes,\"\"\"no\"\"\","+lifeTime(7)+",7,x\n"+
		"u27,said,yes,yes,"+lifeTime(27)+",27,x\n", string(text), "as they were written")
	assert.True(t, im.Repairs())
	assert.True(t, im.Repaired())
	sum, err := source.Sum(t.Context(), kept)
	require.NoError(t, err)
	assert.Equal(t, sum, im.pass.Repair.SHA256)
	require.NoError(t, im.Abandon())
	require.NoError(t, im.Close())
	assert.NoFileExists(t, kept)
}

func TestARepairIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	const head = "id,state,mail,ads,at,_row,_error\n"
	row := func(n int) string { return fmt.Sprintf("u%d,said,yes,yes,%s,%d,x\n", n, lifeTime(int64(n)), n) }
	l := newLife(t, lifeExport(40))
	l.run(func(*Config) {}, 0)
	dir := filepath.Join(l.dir, "out")
	before, err := os.ReadDir(dir)
	require.NoError(t, err)
	for want, text := range map[string]string{
		"has no column _row":               "id,state,mail,ads,at\nu7,said,yes,yes,2024-01-01T00:00:00Z\n",
		"lines 2 and 4 both repair row 7":  head + row(7) + row(17) + row(7),
		"line 3: its _row is not a row":    head + row(7) + strings.Replace(row(17), ",17,", ",seventeen,", 1),
		"line 2: ":                         head + "u7,said\n",
		"line 2: the export has no row 41": head + row(41),
	} {
		_, err := Open(l.repairing(text))
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, new(*RefusedError), want)
		after, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, after, len(before), "nothing is left behind: %s", want)
	}

	stopped := newLife(t, lifeExport(40))
	stopped.run(func(*Config) {}, 20)
	_, err = Open(stopped.repairing(head + row(7)))
	require.ErrorContains(t, err, "is not complete yet")
}
