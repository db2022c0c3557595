package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A delta in shards: what job prints holds the tasks against the earlier import, and the
// array script, run as printed, sends only what is new.
func TestAJobMayBeADelta(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	first, second := exportHeader, exportHeader
	for i := range 20 {
		first += at(i+1, fmt.Sprintf("p%d", i), "mail", "yes", 10)
		second += at(i+1, fmt.Sprintf("p%d", i), "mail", "yes", 10)
	}
	for i := range 5 {
		second += at(21+i, fmt.Sprintf("p%d", i*3), "mail", "no", 20)
	}
	r.write(t, "export.csv", first)
	r.write(t, "second.csv", second)
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	sent := r.server.Stats().Stored

	out := filepath.Join(r.dir, "delta")
	args := append([]string{"job", "slurm", "--shards", "2", "--mapping", filepath.Join(r.dir, "plain.yaml")}, r.target()...)
	script := r.here(t, nil, append(args, "--since", r.out(), "--out", out, filepath.Join(r.dir, "second.csv"))...).requireCode(t, exitComplete).stdout
	exe, err := os.Executable()
	require.NoError(t, err)
	for task := range 2 {
		cmd := exec.Command("bash", r.write(t, "import.sh", script))
		cmd.Env = append(r.surroundings(), "CONSENTIMPORT="+exe, fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", task), "SLURM_ARRAY_TASK_COUNT=2", "SLURM_ARRAY_TASK_MIN=0", "SLURM_ARRAY_TASK_MAX=1")
		said, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	assert.Equal(t, []string{"p0 mail reject 20", "p12 mail reject 20", "p3 mail reject 20", "p6 mail reject 20", "p9 mail reject 20"}, r.arrived(sent))
	joined := filepath.Join(r.dir, "joined")
	r.here(t, nil, "report", filepath.Join(out, "shard-0"), filepath.Join(out, "shard-1"), "--out", joined).requireCode(t, exitComplete)
	assert.EqualValues(t, 20, summaryIn(t, joined).Consents.Known)
	r.here(t, nil, "verify", joined).requireConsistent(t)

	args[1] = "kubernetes"
	args[5] = "plain.yaml"
	pods := r.here(t, nil, append(args, "--since", "export.csv.import", "--base-url", "https://api.example/v1", "second.csv")...).requireCode(t, exitComplete)
	assert.Contains(t, pods.stdout, "- --since=export.csv.import\n")
}
