package history

// onDisk is about how many bytes of the disk a record takes, compressed.
const onDisk = 42

// inMemory is how many decisions stay in memory: all as long as there are no more, else
// those that came last, fewer than that.
const inMemory = memory / recordSize

// Room is about how many bytes of the disk an index of that many decisions takes.
func Room(decisions int64) int64 {
	return max(decisions-1, 0) / inMemory * inMemory * onDisk
}

// Ahead foresees how many decisions there will be when there are that many times as many
// as now, and about how many bytes of the disk they will take at most at a time, beside
// what lies there. open is false when it is too late to tell: some of them lie there.
func (b *Builder) Ahead(times float64) (decisions, bytes int64, open bool) {
	n := b.Len()
	if n > inMemory {
		return n, 0, false
	}
	decisions = int64(float64(n) * times)
	bytes = Room(decisions)
	now := b.beside.pairs.Size()
	pairs := int64(float64(now) * times)
	if pairs > heldPairs {
		bytes += pairs
		if now > heldPairs {
			bytes -= now
		}
	}
	if b.beside.alone && pairs > pairBuffer {
		bytes += pairs // once more, while they are sorted: hashes are not made smaller
	}
	return decisions, bytes, true
}

// EarlierRoom is about how many bytes of the disk it takes to write what an import has
// sent, with WriteEarlier: the index, its decisions sorted once more, and the file.
func EarlierRoom(decisions int64) int64 {
	return Room(decisions) + Room(decisions)*earlierSize/recordSize + decisions*onDisk
}
