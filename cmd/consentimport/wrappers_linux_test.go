package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// needs skips a test where a program is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped: %s is not installed", name)
		}
	}
}

// stoppedCleanly checks what a wrapper's stop has left: reports that say so, every
// answer that came in them, and a resume that repeats nothing.
func (r *rehearsal) stoppedCleanly(t *testing.T) {
	t.Helper()
	s := summaryIn(t, r.out())
	assert.Equal(t, "incomplete", s.State)
	assert.Equal(t, "signal", s.Why)
	assert.Equal(t, exitIncomplete, s.ExitCode)
	assert.False(t, s.Partial)
	assert.Equal(t, r.server.Stats().Stored, s.Consents.Sent, "what was in flight has its answer")
	assert.Len(t, column(t, r.out(), "successes.csv", "row"), int(s.Consents.Sent))
	require.Less(t, s.Consents.Sent, int64(r.rows), "it was stopped before its end")
	r.faults(t, "")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t), "repeats")
	r.here(t, nil, "verify", r.out()).requireConsistent(t)
}

// timeout(1) sends its signal to the program and then to the group that both are in,
// itself included; with -k it kills what is still there later.
func TestTimeoutStopsCleanly(t *testing.T) {
	t.Parallel()
	needs(t, "timeout")
	for name, c := range map[string]struct {
		flags []string
		code  int
	}{
		"as it is":         {nil, 124},
		"INT":              {[]string{"-s", "INT"}, 124},
		"HUP":              {[]string{"-s", "HUP", "--preserve-status"}, exitIncomplete},
		"and a kill later": {[]string{"-k", "20", "--preserve-status"}, exitIncomplete},
		"in foreground":    {[]string{"--foreground", "--preserve-status"}, exitIncomplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 1000, "latency=200ms")
			exe, err := os.Executable()
			require.NoError(t, err)
			words := append(append(append([]string{}, c.flags...), "3", exe), r.args("--concurrency", "8")...)
			wrapper := exec.Command("timeout", words...)
			wrapper.Dir, wrapper.Env = r.dir, r.surroundings()
			wrapper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its group is not that of the tests
			var out bytes.Buffer
			wrapper.Stdout, wrapper.Stderr = &out, &out
			_ = wrapper.Run()
			require.Equal(t, c.code, wrapper.ProcessState.ExitCode(), out.String())
			r.stoppedCleanly(t)
		})
	}
}

// What systemd does to a service, where TimeoutStopSec has not passed: TERM to all of
// its processes, SendSIGHUP=yes, and CONT to each, so that none sleeps through it.
// Without systemd as the first process, the test sends what it sends.
func TestASystemdStopIsClean(t *testing.T) {
	t.Parallel()
	needs(t, "sh")
	r := slowRehearsal(t)
	// The service is a shell that waits for the program, and both get all signals.
	unit := exec.Command("sh", "-c", "trap '' TERM HUP; ("+r.quoted(t, r.args("--concurrency", "8")...)+"); echo ended $?")
	unit.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	unit.Stdout, unit.Stderr = &out, &out
	require.NoError(t, unit.Start())
	r.sent(t, 8)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT, syscall.SIGHUP} {
		require.NoError(t, syscall.Kill(-unit.Process.Pid, s))
	}
	_ = unit.Wait()
	require.Contains(t, out.String(), "ended 4")
	r.stoppedCleanly(t)
}

// The image holds the program alone and runs without any right. A container of it that is
// stopped gets TERM, and KILL when its grace is over.
func TestImage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: building an image takes a while")
	}
	engine := ""
	for _, name := range []string{"podman", "docker"} {
		if engine == "" && exec.Command(name, "info").Run() == nil && (name == "podman" || exec.Command(name, "ps").Run() == nil) {
			engine = name
		}
	}
	if engine == "" {
		t.Skip("skipped: neither podman nor docker works here, so no image can be built")
	}
	const tag = "consentimport-test:image"
	build := exec.Command("../../.deploy/image.sh", tag)
	build.Env = append(os.Environ(), "ENGINE="+engine)
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { _ = exec.Command(engine, "rmi", tag).Run() })
	t.Run("holds the program alone", func(t *testing.T) {
		out, err := exec.Command(engine, "image", "inspect", "--format", "{{.Config.User}} {{.Config.Entrypoint}}", tag).Output()
		require.NoError(t, err)
		assert.Equal(t, "65532:65532 [/consentimport]", strings.TrimSpace(string(out)))
		tar := filepath.Join(t.TempDir(), "image.tar")
		out, err = exec.Command(engine, "save", "-o", tar, tag).CombinedOutput()
		require.NoError(t, err, string(out))
		text, err := os.ReadFile(tar)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "bin/sh\x00", "a shell")
	})
	t.Run("is stopped", func(t *testing.T) {
		needs(t, "podman")
		containersStopCleanly(t, tag)
	})
}

// containersStopCleanly stops containers of an image that podman has.
func containersStopCleanly(t *testing.T, tag string) {
	t.Helper()
	// The limits that podman sets by itself may be above what this machine lets it.
	common := []string{"--network", "host", "--read-only", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
		"--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())}
	if text, err := exec.Command("podman", append(append([]string{"run", "--rm"}, common...), tag, "version")...).CombinedOutput(); err != nil {
		t.Skipf("skipped: podman runs no container here: %s", text)
	}
	for _, grace := range []int{30, 1} {
		t.Run(fmt.Sprintf("%d s", grace), func(t *testing.T) {
			const concurrency = 8
			r := slowRehearsal(t)
			name := fmt.Sprintf("consentimport-test-%d-%d", os.Getpid(), grace)
			args := append(append([]string{"run", "--name", name}, common...), "--volume", r.dir+":"+r.dir, "--env", "INTEMPT_API_KEY="+testKey, tag)
			container := exec.Command("podman", append(args, r.args("--concurrency", strconv.Itoa(concurrency))...)...)
			var out bytes.Buffer
			container.Stdout, container.Stderr = &out, &out
			require.NoError(t, container.Start())
			t.Cleanup(func() { _ = exec.Command("podman", "rm", "--force", name).Run() })
			r.sent(t, 8)
			if grace == 1 { // none of them gets an answer in time
				r.faults(t, "hang=100%")
				require.Eventually(t, func() bool { return r.server.Stats().InFlight == concurrency }, waitFor, tick)
			}
			stop, err := exec.Command("podman", "stop", "--time", strconv.Itoa(grace), name).CombinedOutput()
			require.NoError(t, err, string(stop))
			_ = container.Wait()
			if grace > 1 {
				require.Equal(t, exitIncomplete, container.ProcessState.ExitCode(), out.String())
				r.stoppedCleanly(t)
				return
			}
			require.Equal(t, 137, container.ProcessState.ExitCode(), out.String())
			r.faults(t, "")
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
			assert.LessOrEqual(t, r.account(t), concurrency, "repeats")
		})
	}
}

// scancel sends TERM to the job, and KILL after KillWait.
func TestScancelStopsCleanly(t *testing.T) {
	s := startSlurm(t)
	r := slowRehearsal(t)
	script := r.write(t, "import.sh", "#!/bin/sh\n"+r.quoted(t, r.args("--concurrency", "8")...)+"\n")
	log := filepath.Join(r.dir, "job.log")
	id, err := s.try(nil, "sbatch", "--parsable", "--output="+log, script)
	require.NoError(t, err, id)
	id = strings.TrimSpace(id)
	r.sent(t, 8)
	got, err := s.try(nil, "scancel", id)
	require.NoError(t, err, got)
	require.Eventually(t, func() bool {
		left, err := s.try(nil, "squeue", "-h", "-j", id, "-o", "%i")
		return err == nil && strings.TrimSpace(left) == ""
	}, time.Minute, 100*time.Millisecond, "the job does not end")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Contains(t, string(text), "stopping: waiting for requests in flight")
	r.stoppedCleanly(t)
}

// A connection by ssh that is lost takes the terminal with it: the program gets HUP, and
// what it says goes nowhere.
func TestALostConnectionStopsCleanly(t *testing.T) {
	t.Parallel()
	needs(t, "ssh", "ssh-keygen")
	server := startSSH(t)
	r := slowRehearsal(t)
	client := server.command(r.quoted(t, r.args("--concurrency", "8", "--progress", "bar")...))
	var out safeBuffer
	client.Stdout, client.Stderr = &out, &out
	require.NoError(t, client.Start())
	t.Cleanup(func() { _ = client.Process.Kill() })
	require.Eventually(t, func() bool { return r.server.Stats().Stored >= 8 || client.ProcessState != nil }, waitFor, tick, "%s", &out)
	require.NoError(t, client.Process.Kill())
	_ = client.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(r.out(), "report.json"))
		return err == nil
	}, waitFor, tick, "no report is written")
	require.Eventually(t, func() bool { // its lock is free: it has ended
		return r.here(t, nil, "report", r.out()).code == exitIncomplete
	}, waitFor, 50*time.Millisecond)
	r.stoppedCleanly(t)
}

// sshServer is OpenSSH's own server on loopback, with a key of its own.
type sshServer struct {
	dir  string
	port int
	user string
}

func startSSH(t *testing.T) *sshServer {
	t.Helper()
	daemonPath, err := exec.LookPath("sshd")
	if err != nil {
		daemonPath = "/usr/sbin/sshd" // which is not in everybody's PATH
	}
	if _, err := os.Stat(daemonPath); err != nil {
		t.Skip("skipped: sshd is not installed; the checks install openssh-server and run this test")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: sshd gives a terminal to others as root")
	}
	who, err := user.Current()
	require.NoError(t, err)
	s := &sshServer{dir: t.TempDir(), port: freePort(t), user: who.Username}
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) //nolint:gosec // where it changes to before a login
	for _, name := range []string{"host", "mine"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, name)).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	conf := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/mine.pub\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n", s.port, s.dir, s.dir)
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "sshd_config"), []byte(conf), 0o600))
	daemon := exec.Command(daemonPath, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	var log safeBuffer
	daemon.Stderr = &log
	require.NoError(t, daemon.Start())
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	require.Eventually(t, func() bool { return s.command("true").Run() == nil }, waitFor, 100*time.Millisecond, "%s", &log)
	return s
}

// command is one that runs there, on a terminal.
func (s *sshServer) command(line string) *exec.Cmd {
	return exec.Command("ssh", "-tt", "-F", "none", "-i", filepath.Join(s.dir, "mine"), "-p", strconv.Itoa(s.port),
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile="+filepath.Join(s.dir, "known"), "-o", "BatchMode=yes",
		s.user+"@127.0.0.1", line)
}
