//go:build !windows

package journal

import "syscall"

// ownOnly are the flags of opening a file that is ours: a link is not followed, and a
// pipe of that name does not hold the program up.
const ownOnly = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
