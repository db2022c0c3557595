//go:build !linux && !darwin && !freebsd && !windows

package importer

// freeRoom does not know.
func freeRoom(string) (int64, bool) { return 0, false }
