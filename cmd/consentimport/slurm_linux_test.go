package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
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

// slurmConf is a cluster of one node on loopback that claims eight processors, so that an
// array of eight runs at once. A requeued task is held for the life of a credential, which
// is two minutes unless cred_expire says otherwise.
const slurmConf = `ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
SlurmctldPort=%[2]d
SlurmdPort=%[3]d
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=%[4]s/munge/socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=%[4]s/state
SlurmdSpoolDir=%[4]s/spool
SlurmctldPidFile=%[4]s/slurmctld.pid
SlurmdPidFile=%[4]s/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
JobRequeue=1
KillWait=15
MinJobAge=300
InactiveLimit=0
SlurmdParameters=config_overrides
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
`

// slurm is a cluster that lives as long as a test.
type slurm struct{ dir string }

// startSlurm starts Slurm's own daemons, or skips the test where they are not installed.
func startSlurm(t *testing.T) *slurm {
	t.Helper()
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "scontrol"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped: %s is not installed; the checks install slurm-wlm and munge and run this test", name)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: slurmd runs as root")
	}
	dir, err := os.MkdirTemp("", "slurm") // a socket's path has to be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // munged wants to get there
	for _, name := range []string{"munge", "state", "spool"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	key := make([]byte, 1024)
	_, _ = rand.Read(key)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "munge", "key"), key, 0o600))
	host, err := os.Hostname()
	require.NoError(t, err)
	host, _, _ = strings.Cut(host, ".")
	text := fmt.Sprintf(slurmConf, host, freePort(t), freePort(t), dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "slurm.conf"), []byte(text), 0o600))
	s, conf := &slurm{dir}, "SLURM_CONF="+dir+"/slurm.conf"
	m := filepath.Join(dir, "munge")
	daemon(t, conf, "munged", "--force", "--foreground", "--key-file="+m+"/key", "--socket="+m+"/socket", "--pid-file="+m+"/pid", "--log-file="+m+"/log", "--seed-file="+m+"/seed")
	require.Eventually(t, func() bool { _, err := os.Stat(m + "/socket"); return err == nil }, 10*time.Second, 50*time.Millisecond, "munged does not come up")
	daemon(t, conf, "slurmctld", "-D", "-c", "-f", dir+"/slurm.conf")
	daemon(t, conf, "slurmd", "-D", "-f", dir+"/slurm.conf")
	require.Eventually(t, func() bool {
		out, _ := s.try(nil, "sinfo", "-h", "-o", "%T")
		return regexp.MustCompile("idle|mixed").MatchString(out)
	}, time.Minute, 200*time.Millisecond, "Slurm does not come up")
	return s
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// try runs one of Slurm's commands.
func (s *slurm) try(env []string, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Env = append(append(os.Environ(), "SLURM_CONF="+s.dir+"/slurm.conf"), env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// tasks are the processes of the program, by the directory that they write into.
func tasks(t *testing.T, out string) map[string]int {
	t.Helper()
	found := map[string]int{}
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil { // it has ended
			continue
		}
		words := strings.Split(string(text), "\x00")
		for i, w := range words {
			if i > 0 && words[i-1] == "--out" && strings.HasPrefix(w, out+"/") && !strings.HasSuffix(words[0], "bash") {
				found[filepath.Base(w)], err = strconv.Atoi(filepath.Base(filepath.Dir(path)))
				require.NoError(t, err)
			}
		}
	}
	return found
}

// The array script as it is printed runs under Slurm: of eight tasks one is requeued and
// one killed while they are at work, and everything arrives, in order.
func TestSlurmRunsTheArrayScript(t *testing.T) {
	s := startSlurm(t)
	const shards, concurrency, kills = 8, 2, 2
	r := rehearse(t, 1600, "latency=20ms")
	out := filepath.Join(r.dir, "shards")
	args := append([]string{"job", "slurm", "--shards", strconv.Itoa(shards), "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", out,
		"--concurrency", strconv.Itoa(concurrency), "--progress", "none"}, r.target()...)
	script := r.write(t, "import.sh", r.here(t, nil, append(args, r.export)...).requireCode(t, exitComplete).stdout)
	exe, err := os.Executable()
	require.NoError(t, err)
	env := append(r.surroundings(), "CONSENTIMPORT="+exe)
	got, err := s.try(env, "sbatch", "--parsable", "--output="+r.dir+"/task-%a.log", script)
	require.NoError(t, err, got)
	id := strings.TrimSpace(got)
	logs := func() string {
		var all bytes.Buffer
		for i := range shards {
			text, _ := os.ReadFile(filepath.Join(r.dir, fmt.Sprintf("task-%d.log", i)))
			fmt.Fprintf(&all, "task %d: %s\n", i, text)
		}
		state, _ := s.try(nil, "squeue")
		return all.String() + state
	}
	atWork := func(name string) bool {
		text, err := os.ReadFile(filepath.Join(out, name, "checkpoint.jsonl"))
		return err == nil && strings.Contains(string(text), `{"sent":`)
	}
	require.Eventually(t, func() bool { return atWork("shard-3") && atWork("shard-5") }, time.Minute, 20*time.Millisecond, "no task is at work")
	running := tasks(t, out)
	require.Contains(t, running, "shard-3")
	require.Contains(t, running, "shard-5")
	require.NoError(t, syscall.Kill(running["shard-5"], syscall.SIGKILL))
	got, err = s.try(nil, "scontrol", "requeue", id+"_3")
	require.NoError(t, err, got)

	require.Eventually(t, func() bool {
		left, err := s.try(nil, "squeue", "-h", "-j", id, "-o", "%i")
		return err == nil && strings.TrimSpace(left) == ""
	}, 2*time.Minute, 200*time.Millisecond, "the array does not end")
	states, err := s.try(nil, "scontrol", "show", "job", "--oneliner", id)
	require.NoError(t, err)
	assert.Equal(t, shards, strings.Count(states, "JobState=COMPLETED"), "%s\n%s", states, logs())
	assert.Equal(t, 2, strings.Count(states, "Restarts=1 "), "tasks that were started again: %s\n%s", states, logs())

	var dirs []string
	for i := range shards {
		dirs = append(dirs, filepath.Join(out, fmt.Sprintf("shard-%d", i)))
	}
	r.here(t, nil, append([]string{"report", "--out", r.out()}, dirs...)...).requireCode(t, exitComplete)
	repeats := r.account(t)
	t.Logf("%d rows by %d tasks, one requeued and one killed: %d repeats", r.rows, shards, repeats)
	assert.LessOrEqual(t, repeats, kills*concurrency)
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}
