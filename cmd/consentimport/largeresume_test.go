package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An export of several chunks of digests (4 MiB each) goes on wherever its import stopped, in
// the first chunk or behind it, by a limit or a kill; a byte that was changed in any chunk is
// seen, also ahead of where the import stands, and what came at the end is read.
func TestAResumeOfAnExportOfSeveralChunks(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 160, "")
	text := readFile(t, r.export)
	pad := "," + strings.Repeat("x", 60<<10) + "\n"
	large := strings.ReplaceAll(text, "\n", pad)
	large = "n,id,mail,purpose,decision,decided,pad\n" + large[strings.Index(large, pad)+len(pad):]
	require.Greater(t, len(large), 9<<20)
	few := large[:len(large)-10*len(pad)]
	few = few[:strings.LastIndexByte(few, '\n')+1]
	r.write(t, "export.csv", few)

	r.here(t, nil, r.args("--limit", "20")...).requireCode(t, exitIncomplete)
	r.here(t, nil, r.args("--resume", "--limit", "70")...).requireCode(t, exitIncomplete)
	requests := r.server.Stats().Requests
	for _, at := range []int{1 << 20, 5 << 20, len(few) - 100} {
		changed := []byte(few)
		changed[at] = 'y'
		require.NoError(t, os.WriteFile(r.export, changed, 0o600))
		got := r.here(t, nil, r.args("--resume")...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, "export.csv", "byte %d", at)
	}
	assert.Equal(t, requests, r.server.Stats().Requests, "nothing was sent of a changed export")

	require.NoError(t, os.WriteFile(r.export, []byte(large), 0o600)) // it has grown
	killed := r.program
	killed.env = append([]string{sendFault + "=after@20"}, r.env...)
	require.Equal(t, -1, killed.exec(t, r.args("--resume", "--concurrency", "4")...).code)
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.LessOrEqual(t, r.account(t), 4, "repeats")
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
}
