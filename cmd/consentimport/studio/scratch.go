package studio

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scratchName begins the name of a studio's directory for drafts; its process follows.
const scratchName = "consentimport-studio-"

// makeScratch makes a directory that no other user can look into, and removes those that
// studios have left which were killed: they may hold rows of people.
func makeScratch() (string, error) {
	removeLeftScratch(os.TempDir())
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", scratchName, os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("open the studio: %w", err)
	}
	return dir, nil
}

// fresh is how old a directory has to be to be taken for one that was left.
const fresh = time.Minute

func removeLeftScratch(in string) {
	left, err := filepath.Glob(filepath.Join(in, scratchName+"*-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		info, err := os.Lstat(dir)
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), scratchName), "-")
		n, bad := strconv.Atoi(pid)
		if err == nil && bad == nil && info.IsDir() && time.Since(info.ModTime()) > fresh && !alive(n) {
			_ = os.RemoveAll(dir) // another user's cannot be
		}
	}
}

// alive reports whether a process is there; where the system cannot say so, it is.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || !strings.Contains(err.Error(), "process already finished") && err != syscall.ESRCH
}
