package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kubeMount is where pods have the volume: a directory that is on this machine too.
const kubeMount = "/mnt"

// kubeImport is an import whose export lies on a volume, and its manifest.
type kubeImport struct {
	*rehearsal
	*kubeNode
	manifest string
	kubeOut  string // below the volume
}

// newKubeImport puts an export onto a volume and prints its Job.
func newKubeImport(t *testing.T, shards, concurrency, rows int) *kubeImport {
	t.Helper()
	k := startControlPlane(t)
	dir, err := os.MkdirTemp("", "kube") // t.TempDir is for nobody else, as the pods are
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // see above
	bin := filepath.Join(dir, "consentimport")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	r := rehearse(t, rows, "latency=20ms")
	volume := filepath.Join(dir, "volume")
	require.NoError(t, os.Mkdir(volume, 0o700))
	for from, to := range map[string]string{r.export: "it's $(HERE).csv", filepath.Join(r.dir, "plain.yaml"): "plain.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(volume, to), []byte(readFile(t, from)), 0o660)) //nolint:gosec // as fsGroup leaves it
	}
	for _, words := range [][]string{{"chgrp", "-R", "65532", volume}, {"chmod", "2770", volume}} {
		require.NoError(t, exec.Command(words[0], words[1:]...).Run())
	}
	k.ask(t, "POST", kubeSecrets, "application/json", object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "intempt"}, "stringData": object{"key": testKey}}, nil)
	args := append([]string{"job", "kubernetes", "--shards", strconv.Itoa(shards), "--volume", "exports:" + kubeMount, "--secret", "intempt/key", "--mapping", "plain.yaml",
		"--out", "imports/may", "--concurrency", strconv.Itoa(concurrency), "--progress", "none"}, r.target()...)
	i := &kubeImport{rehearsal: r, kubeNode: newKubeNode(t, k, dir, bin, volume), kubeOut: filepath.Join(volume, "imports", "may")}
	i.manifest = r.here(t, nil, append(args, "it's $(HERE).csv")...).requireCode(t, exitComplete).stdout
	return i
}

// until tends the pods until something is so.
func (i *kubeImport) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	require.Eventually(t, func() bool { i.tend(t); return so() }, 3*time.Minute, 100*time.Millisecond, what)
}

// ended tends the pods until a Job is over.
func (i *kubeImport) ended(t *testing.T, job string) (state string, s jobStatus) {
	t.Helper()
	i.until(t, "the Job does not end", func() bool { state, s = i.job(t, job); return state != "" })
	return state, s
}

// sending reports whether the shard of an index has sent something.
func (i *kubeImport) sending(index string) bool {
	text, err := os.ReadFile(filepath.Join(i.kubeOut, index, "import", "checkpoint.jsonl"))
	return err == nil && strings.Contains(string(text), `{"sent":`)
}

// onVolume runs a line of shell where the volume is at the path that the pods have it at,
// as their user.
func (i *kubeImport) onVolume(t *testing.T, line string) string {
	t.Helper()
	c := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c",
		`mount --bind "$0" `+kubeMount+` && exec unshare --setgid 65532 --setuid 65532 sh -c "$1"`, i.volume, line)
	c.Dir, c.Env = "/", []string{"PATH=" + i.kubeNode.dir + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s\n%s", line, out)
	return string(out)
}

// joinAndAccount joins the shards by the line that the manifest prints, and gives how
// often something arrived again.
func (i *kubeImport) joinAndAccount(t *testing.T) (repeats int) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^#   (consentimport report .*)$`).FindStringSubmatch(i.manifest)
	require.NotNil(t, line, i.manifest)
	i.onVolume(t, line[1])
	assert.Contains(t, i.onVolume(t, "consentimport verify "+kubeMount+"/imports-may-joined"), "consistent (checkpoint, export, mappings and lists agree) and balanced")
	require.NoError(t, os.Rename(filepath.Join(i.volume, "imports-may-joined"), i.rehearsal.out()))
	return i.account(t)
}

// The Job as it is printed, taken strictly by a real API server and run by the real
// controller: of eight pods one is killed and one evicted while they are at work. The Job
// becomes complete, everything arrives, in order, and nothing is sent again beyond what
// was in flight.
func TestKubernetesRunsTheJob(t *testing.T) {
	const shards, concurrency, kills = 8, 4, 2
	i := newKubeImport(t, shards, concurrency, 8000)
	began := time.Now()
	job := i.apply(t, i.manifest)
	i.until(t, "no pod is at work", func() bool { return i.sending("3") && i.sending("5") })
	require.NoError(t, i.running(t, "5").cmd.Process.Signal(syscall.SIGKILL))
	i.evict(t, i.running(t, "3"))
	state, s := i.ended(t, job)
	took := time.Since(began)
	assert.Equal(t, "Complete 8 0-7", fmt.Sprintf("%s %d %s%s", state, s.Succeeded, s.CompletedIndexes, s.FailedIndexes))
	for index, codes := range i.exits {
		want := []int{0}
		switch index {
		case "3":
			want = []int{exitIncomplete, 0}
		case "5":
			want = []int{128 + int(syscall.SIGKILL), 0}
		}
		assert.Equal(t, want, codes, "exit codes of index %s", index)
	}
	assert.Len(t, i.exits, shards)
	repeats := i.joinAndAccount(t)
	t.Logf("%d rows by %d pods, one evicted and one killed: complete after %.1f s, %d repeats", i.rows, shards, took.Seconds(), repeats)
	assert.LessOrEqual(t, repeats, kills*concurrency)
}

// A shard that ends with 2 fails its index at once and lets the others end; one that ends
// with 4 is tried again. The same Job, applied again when the cause is gone, does what is
// left.
func TestKubernetesFailsAnIndexAndTriesAnotherAgain(t *testing.T) {
	const shards, concurrency = 3, 4
	i := newKubeImport(t, shards, concurrency, 600)
	// Index 0 has the directory of another import; that of index 2 is locked by a twin.
	require.NoError(t, os.WriteFile(filepath.Join(i.volume, "other.csv"), []byte(readFile(t, "../../testdata/exports/transcend/export.csv")), 0o644)) //nolint:gosec // for the pods
	i.onVolume(t, "cd "+kubeMount+" && umask 007 && mkdir -p imports/may/0 imports/may/2/import && chmod 700 imports/may/2/import && touch imports/may/2/import/.lock")
	i.onVolume(t, "cd "+kubeMount+" && consentimport run --shard 1/3 --sandbox --preset transcend --out imports/may/0/import --progress none other.csv || [ $? = 3 ]")
	lock, err := realEnvironment().disk.Lock(filepath.Join(i.kubeOut, "2", "import", ".lock"))
	require.NoError(t, err)
	job := i.apply(t, i.manifest)
	i.until(t, "index 2 is not tried", func() bool { return len(i.exits["2"]) > 0 })
	require.NoError(t, lock.Close())
	state, s := i.ended(t, job)
	assert.Equal(t, "Failed 2 1,2 0", fmt.Sprintf("%s %d %s %s", state, s.Succeeded, s.CompletedIndexes, s.FailedIndexes))
	assert.Equal(t, map[string][]int{"0": {exitRefused}, "1": {0}, "2": {exitIncomplete, 0}}, i.exits)
	assert.Contains(t, readFile(t, filepath.Join(i.kubeNode.dir, "2.log")), "another task of this shard is still at work")

	require.NoError(t, os.RemoveAll(filepath.Join(i.kubeOut, "0")))
	i.ask(t, "DELETE", kubeJobs+"/"+job+"?propagationPolicy=Background", "", nil, nil)
	i.until(t, "the Job is not gone", func() bool { return i.try("GET", kubeJobs+"/"+job, "", nil, nil) != nil })
	state, _ = i.ended(t, i.apply(t, i.manifest))
	assert.Equal(t, "Complete", state)
	assert.Zero(t, i.joinAndAccount(t), "repeats")
}
