//go:build !windows

package main

import (
	"os/signal"
	"syscall"
)

// ignoreBrokenPipes makes a write to a pipe whose reader is gone an error, as to any
// other file, and not the end of the process.
func ignoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
