package importer

import (
	"encoding/binary"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// task is one consent between its row and its outcome. Tasks that wait behind
// their lane can be many, so the consent is kept packed.
type task struct {
	ref    journal.Ref
	last   bool // last consent of its row
	key    key
	packed []byte
	rest   *remainder // of its history, behind it; nil: nothing
	row    *openRow
	begins openRow // of the first task of a row: the row of all its tasks

	begun  bool             // first of a history of which an earlier run has left the target so, or may have
	risks  bool             // the target will stand so when it has left, which the checkpoint is to say before
	told   bool             // it says so
	must   bool             // the target does so now: a stop lets it be finished
	held   bool             // a request of an earlier run may be under way still
	failed *journal.Outcome // what it comes to when its last request cannot be under way any more

	reserved int64 // requests of the day that are kept for what takes it back

	attempts int           // those that count against the limit
	tries    int           // requests made
	broke    time.Duration // on the run's stopwatch: when an attempt last came to nothing; 0: none has

	entered int64 // rows that were added before it

	next *task         // behind it in the lane
	due  time.Duration // on the run's stopwatch, while delayed
	turn int64         // among those that are due at one time
}

// taskOverhead is about what a task costs beside its packed consent, in bytes.
const taskOverhead = 200

func (t *task) size() int64 { return int64(len(t.packed)) + taskOverhead }

// Bits of the first byte of a packed consent, beside its action.
const (
	packedSource = 1 << 7
	packedMore   = 1 << 6
)

// packedAction is the decision of a packed consent.
func packedAction(b []byte) mapping.Action {
	return mapping.Action(b[0] &^ (packedSource | packedMore))
}

// pack copies a consent into one piece of memory of its own.
func pack(c *mapping.Consent) []byte {
	fields := [...][]byte{c.Source, c.Category, c.UserID, c.ProfileID, c.Email, c.Message, nil, nil, nil}
	used := fields[:6]
	if c.More != nil {
		for i, f := range c.More.Fields() {
			fields[6+i] = *f.Value
		}
		used = fields[:]
	}
	n := 2 + 3*binary.MaxVarintLen64
	for _, f := range used {
		n += 2 + len(f)
	}
	b := make([]byte, 0, n)
	flags := byte(c.Action)
	if c.HasSourceID {
		flags |= packedSource
	}
	if c.More != nil {
		flags |= packedMore
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, c.Timestamp)
	b = binary.AppendVarint(b, c.ValidUntil)
	b = binary.AppendVarint(b, c.SourceID)
	for _, f := range used {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

// unpack gives the consent back; its slices point into b. Raw is not kept.
func unpack(b []byte) mapping.Consent {
	var c mapping.Consent
	c.Action = packedAction(b)
	c.HasSourceID = b[0]&packedSource != 0
	more := b[0]&packedMore != 0
	b = b[1:]
	varint := func() int64 {
		v, n := binary.Varint(b)
		b = b[n:]
		return v
	}
	c.Timestamp, c.ValidUntil, c.SourceID = varint(), varint(), varint()
	text := func(f *[]byte) {
		n, w := binary.Uvarint(b)
		b = b[w:]
		*f = b[:n:n]
		b = b[n:]
	}
	for _, f := range [...]*[]byte{&c.Source, &c.Category, &c.UserID, &c.ProfileID, &c.Email, &c.Message} {
		text(f)
	}
	if more {
		c.More = &mapping.More{}
		for _, f := range c.More.Fields() {
			text(f.Value)
		}
	}
	return c
}
