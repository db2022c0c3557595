package mapping

import (
	"bytes"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// fate is what became of a value, in the order of the decision table.
type fate uint8

const (
	fateAccept fate = iota
	fateReject
	fateSkipped
	fateInvalid
)

// mixer spreads a hash over its high bits (2^64 divided by the golden ratio).
const mixer = 0x9e3779b97f4a7c15

// wordHash hashes a category or a value. Nearly all are a word of a few bytes, for
// which it is faster than a hash for texts of any length (BenchmarkLint).
func wordHash(b []byte) uint64 {
	n := len(b)
	switch {
	case n > 16:
		return xxhash.Sum64(b)
	case n >= 8:
		return (binary.LittleEndian.Uint64(b)*mixer ^ binary.LittleEndian.Uint64(b[n-8:])) * (mixer + 2*uint64(n))
	case n >= 4:
		return (uint64(binary.LittleEndian.Uint32(b))<<32 | uint64(binary.LittleEndian.Uint32(b[n-4:]))) * (mixer + 2*uint64(n))
	case n > 0:
		return (uint64(b[0])<<16 | uint64(b[n>>1])<<8 | uint64(b[n-1])) * (mixer + 2*uint64(n))
	default:
		return mixer
	}
}

// decisionTally counts the decisions of one batch of rows without copying what
// they say: it lives as long as the batch.
type decisionTally struct {
	lines []tallyLine
	slots []int32 // open addressing; index of a line + 1, 0: free
}

// tallyLine is one combination of category, value and fate in a batch.
type tallyLine struct {
	hash     uint64
	category []byte
	raw      []byte
	why      string // of a fate that is not a decision
	count    int64
	fate     fate
	marks    ruleSet // what lint thinks of the combination
}

// reason says why the line is not a decision.
func (l *tallyLine) reason() string {
	if l.fate == fateInvalid && l.why == Unlisted {
		return ""
	}
	return l.why
}

// at finds the line of a combination, and makes it when it is new. The pointer is
// good until the next call.
func (t *decisionTally) at(category, raw []byte, as fate, why string) (line *tallyLine, isNew bool) {
	hash := wordHash(category)*mixer ^ wordHash(raw) ^ uint64(as)
	hash = (hash ^ hash>>32) * mixer // words that end differently differ above alone
	if 2*len(t.lines) >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash >> 32 & mask; ; i = (i + 1) & mask {
		n := t.slots[i]
		if n == 0 {
			t.lines = append(t.lines, tallyLine{hash: hash, category: category, raw: raw, fate: as, why: why})
			t.slots[i] = int32(len(t.lines))
			return &t.lines[len(t.lines)-1], true
		}
		line := &t.lines[n-1]
		if line.hash == hash && line.fate == as && line.why == why && bytes.Equal(line.raw, raw) && bytes.Equal(line.category, category) {
			return line, false
		}
	}
}

// grow makes room for more lines.
func (t *decisionTally) grow() {
	size := max(64, 2*len(t.slots))
	t.slots = make([]int32, size)
	mask := uint64(size - 1)
	for n := range t.lines {
		i := t.lines[n].hash >> 32 & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = int32(n + 1)
	}
}

// reset empties the tally and keeps its memory, unless a batch whose rows all
// said something else made it large.
func (t *decisionTally) reset() {
	if len(t.slots) > 1<<13 {
		*t = decisionTally{}
		return
	}
	clear(t.lines) // they point into the batch
	t.lines = t.lines[:0]
	clear(t.slots)
}
