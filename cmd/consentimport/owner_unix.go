//go:build !windows

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUser reports whether a file belongs to whoever runs the program.
func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
