//go:build !windows

package main

import (
	"os/exec"
	"syscall"
)

// endTogether has a command end with all that it has started: a shell that is killed
// alone leaves behind what it waits for.
func endTogether(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
