//go:build !windows

package main

import (
	"fmt"
	"syscall"
)

// otherFiles is how many files a run has open beside its connections: checkpoint,
// lock, export, outputs, and what the runtime needs. Reports open as many again.
const otherFiles = 20

// sandboxFiles is how many the sandbox inside the process has open beside them: where it
// listens, and what it keeps on the disk.
const sandboxFiles = 6

// filesOf is how many files a run has open for each connection, and beside them.
func filesOf(inside bool) (ends int, beside uint64) {
	if inside {
		return 2, otherFiles + sandboxFiles
	}
	return 1, otherFiles
}

// connectionsFor is how many requests may be in flight with the files that this
// process may have open, and what to tell the user when that is fewer than wanted. With
// the sandbox inside the process, each connection has two ends here.
func connectionsFor(wanted int, inside bool) (n int, note string, err error) {
	var limit syscall.Rlimit
	ends, needed := filesOf(inside)
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) >= uint64(ends*wanted)+needed {
		return wanted, "", nil
	}
	if uint64(limit.Cur) < needed+uint64(ends) {
		return 0, "", usage(fmt.Sprintf("raise the limit, for example: ulimit -n %d", needed+uint64(ends*wanted)),
			"this process may have %d files open at most, and a run needs more than %d", limit.Cur, needed)
	}
	n = (int(limit.Cur) - int(needed)) / ends
	return n, fmt.Sprintf("this process may have %d files open at most: %d requests in flight instead of %d (ulimit -n %d allows all)", limit.Cur, n, wanted, needed+uint64(ends*wanted)), nil
}

// reportsBeside reports whether this process may have the files of reports open beside
// those of so many requests in flight; else they wait until the connections are closed.
func reportsBeside(connections int, inside bool) bool {
	var limit syscall.Rlimit
	ends, needed := filesOf(inside)
	return syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) >= uint64(ends*connections)+needed+otherFiles
}
