//go:build !windows

package sandbox

// removedWithLastHandle is nothing: an open file can be removed here.
const removedWithLastHandle = 0
