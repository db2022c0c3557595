package history

// onDisk is about how many bytes of the disk a record takes, compressed.
const onDisk = 40

// Room is about how many bytes of the disk an index of that many decisions takes: none
// as long as it stays in memory.
func Room(decisions int64) int64 {
	if decisions <= memory/recordSize {
		return 0
	}
	return decisions * onDisk
}
