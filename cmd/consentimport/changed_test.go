package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was approved and in which order decisions leave was found in all rows of an export:
// whoever changes one that was not sent yet, far behind those that were, is told. Rows that
// came behind the end are no change.
func TestAChangeBehindWhatWasSentIsNamed(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	pad := strings.Repeat("x", 60<<10)
	var text bytes.Buffer
	text.WriteString("pad," + exportHeader)
	const rows = 120 // more than is read of a file to know it again
	for n := 1; n <= rows; n++ {
		text.WriteString(pad + "," + exportRow(n, "u"+strconv.Itoa(1000+n), "mail", "yes"))
	}
	whole := text.Bytes()
	require.Greater(t, len(whole), 6<<20)
	export := r.write(t, "export.csv", string(whole))
	run := func(more ...string) finished {
		return r.here(t, nil, append(append([]string{"run", "--mapping", r.dir + "/plain.yaml", "--out", r.out(), "--progress", "none"}, r.target()...), append(more, export)...)...)
	}
	run("--limit", "10").requireCode(t, exitIncomplete)
	for range 2 { // the second stop knows as much as the first
		changed := bytes.Replace(whole, []byte("u1120"), []byte("u1121"), 1)
		require.NotEqual(t, whole, changed)
		require.NoError(t, os.WriteFile(export, changed, 0o600))
		for _, args := range [][]string{{"--resume"}, {"--resume", "--limit", "1"}} {
			got := run(args...).requireCode(t, exitRefused)
			assert.Contains(t, got.stderr, "the export is not the one that the checkpoint")
		}
		assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitRefused).stderr, "the export is not the one")
		require.NoError(t, os.WriteFile(export, append(bytes.Clone(whole), pad+","+exportRow(rows+1, "u2000", "mail", "yes")...), 0o600))
		run("--resume", "--limit", "10").requireCode(t, exitIncomplete)
		whole = append(bytes.Clone(whole), pad+","+exportRow(rows+1, "u2000", "mail", "yes")...)
	}
	run("--resume").requireCode(t, exitComplete)
}
