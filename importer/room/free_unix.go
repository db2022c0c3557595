//go:build linux || darwin || freebsd

package room

import "syscall"

// free is how many bytes the user may still write where a directory lies. Some
// file systems do not know.
func free(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Blocks == 0 || s.Bsize <= 0 {
		return 0, false
	}
	// A negative number, on FreeBSD, says that what is kept for the system is in use.
	blocks := max(0, int64(s.Bavail))
	if size := int64(s.Bsize); blocks <= 1<<62/size {
		return blocks * size, true
	}
	return 0, false
}
