//go:build !windows

package main

import (
	"fmt"
	"syscall"
)

// otherFiles is how many files a run has open beside its connections: checkpoint,
// lock, export, outputs, and what the runtime needs. Reports open as many again when
// the connections are closed.
const otherFiles = 20

// connectionsFor is how many requests may be in flight with the files that this
// process may have open, and what to tell the user when that is fewer than wanted.
func connectionsFor(wanted int) (n int, note string, err error) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) >= uint64(wanted)+otherFiles {
		return wanted, "", nil
	}
	if limit.Cur <= otherFiles {
		return 0, "", usage(fmt.Sprintf("raise the limit, for example: ulimit -n %d", otherFiles+wanted),
			"this process may have %d files open at most, and a run needs more than %d", limit.Cur, otherFiles)
	}
	n = int(limit.Cur) - otherFiles
	return n, fmt.Sprintf("this process may have %d files open at most: %d requests in flight instead of %d (ulimit -n %d allows all)", limit.Cur, n, wanted, wanted+otherFiles), nil
}
