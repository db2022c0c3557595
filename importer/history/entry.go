package history

import (
	"encoding/binary"
	"math"
)

// Decision is what a person said.
type Decision uint8

// The decisions, in the order in which those of one time count: a reject stands
// over an accept. None is a value that says nothing.
const (
	None Decision = iota
	Accept
	Reject
)

// State is what became of a decision, as far as the order of sending needs it.
type State uint8

// The states.
const (
	Open       State = iota // a consent that this pass is to send, or that is still pending
	Sent                    // it arrived
	Missed                  // it was refused, or it failed
	Held                    // superseded
	Unsendable              // it could be read in a row that is invalid
	Known                   // another import has sent it; a walk finds this out of those that are open
)

// arrived reports whether the target has it.
func (s State) arrived() bool { return s == Sent || s == Known }

// rank says which of several equal consents is the one that counts: 0 goes first.
func (s State) rank() int {
	switch {
	case s.arrived():
		return 0
	case s == Held:
		return 2
	}
	return 1
}

// Place names a decision: its row, and its number among those of the row, from 1.
// Places are in the order of the export.
type Place uint64

const (
	placeBits = 20
	rowBits   = 42
	// maxNumber is the last number of a decision in a row.
	maxNumber = 1<<placeBits - 1
	maxRow    = 1<<rowBits - 1
)

// At makes a Place. Numbers and rows beyond what it holds share the last one.
func At(row int64, n int) Place {
	return Place(uint64(min(row, maxRow))<<placeBits | uint64(min(n, maxNumber)))
}

// Row is the row of a place.
func (p Place) Row() int64 { return int64(p >> placeBits) }

// Number is the number of the decision within its row.
func (p Place) Number() int32 { return int32(p & maxNumber) }

// The times of decisions whose own time cannot be read: see the package.
const (
	First = math.MinInt64
	Last  = math.MaxInt64
)

// key is a subject and a category, by their hashes.
type key struct {
	subject  [2]uint64 // see Builder.subject
	category uint64
}

// entry is one decision of the index.
//
// In a record it takes recordSize bytes, big-endian: the hash of the subject (16),
// that of the category (8), the time (8, so that the order of bytes is that of
// times), decision and place in one number (2, 42 and 20 bits), which are the key
// of the sort; then the digest of all fields that are sent (8), the hash of the
// subject's spelling (4), flags (2), the pass (2).
type entry struct {
	key
	time     int64 // epoch milliseconds; First or Last where it cannot be read
	decision Decision
	place    Place
	digest   uint64
	spelling uint32 // 0: as it is compared
	state    State
	expired  bool // its validUntil is past
	again    bool // it comes later than in its place
	begun    bool // it may have arrived
	found    bool // Known, as this walk found: it was open, and its outcome is still to be set down
	pass     uint16
}

const (
	recordSize = 56
	keySize    = 40
	groupSize  = 24 // subject and category
	subjectEnd = 16
	nameEnd    = 8 // by which forms of one name are one

	stateMask   = 7
	flagExpired = 1 << 3
	flagAgain   = 1 << 4
	flagFound   = 1 << 5
	flagBegun   = 1 << 6
)

// timeless reports whether the time of a decision could not be read.
func (e *entry) timeless() bool { return e.time == First || e.time == Last }

// encode writes the record of an entry.
func (e *entry) encode(b []byte) {
	_ = b[recordSize-1]
	binary.BigEndian.PutUint64(b, e.subject[0])
	binary.BigEndian.PutUint64(b[8:], e.subject[1])
	binary.BigEndian.PutUint64(b[16:], e.category)
	binary.BigEndian.PutUint64(b[24:], uint64(e.time)^1<<63)
	binary.BigEndian.PutUint64(b[32:], uint64(e.decision)<<(placeBits+rowBits)|uint64(e.place))
	binary.BigEndian.PutUint64(b[40:], e.digest)
	flags := uint16(e.state)
	if e.expired {
		flags |= flagExpired
	}
	if e.again {
		flags |= flagAgain
	}
	if e.begun {
		flags |= flagBegun
	}
	binary.BigEndian.PutUint64(b[48:], uint64(e.spelling)<<32|uint64(flags)<<16|uint64(e.pass))
}

func (e *entry) decode(b []byte) {
	_ = b[recordSize-1]
	e.subject = [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
	e.category = binary.BigEndian.Uint64(b[16:])
	e.time = int64(binary.BigEndian.Uint64(b[24:]) ^ 1<<63)
	at := binary.BigEndian.Uint64(b[32:])
	e.decision, e.place = Decision(at>>(placeBits+rowBits)), Place(at&(1<<(placeBits+rowBits)-1))
	e.digest = binary.BigEndian.Uint64(b[40:])
	e.spelling = binary.BigEndian.Uint32(b[48:])
	flags := binary.BigEndian.Uint16(b[52:])
	e.state, e.expired, e.again = State(flags&stateMask), flags&flagExpired != 0, flags&flagAgain != 0
	e.found, e.begun = flags&flagFound != 0, flags&flagBegun != 0
	e.pass = binary.BigEndian.Uint16(b[54:])
}

// decisionOf is the decision of a record.
func decisionOf(rec []byte) byte { return rec[groupSize+8] >> 6 }

// found notes in a record that another import has sent what was open.
func found(rec []byte) {
	if State(rec[53]&stateMask) == Open {
		rec[53] |= byte(Known) | flagFound
	}
}
