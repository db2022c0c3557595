package room

import (
	"math"

	"golang.org/x/sys/windows"
)

// free is how many bytes the user may still write where a directory lies.
func free(dir string) (int64, bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil || free > math.MaxInt64 {
		return 0, false
	}
	return int64(free), true
}
