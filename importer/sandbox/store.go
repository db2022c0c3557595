package sandbox

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/mapping"
)

// chunkSize is the size in bytes of the pieces that the store's memory grows
// by. A record never spans two of them, and the largest request fits into one.
const chunkSize = 4 << 20

// store keeps consents in the order of arrival: packed records in append-only
// memory without pointers, and per subject a chain of records through it. So
// ten million consents cost little more than their own text, and nothing that
// the garbage collector would have to walk.
//
// A record is: length of the rest (uvarint), position of the subject's previous
// record plus one (uvarint, 0 is none), sequence number (uvarint), arrival in
// microseconds since epoch (uvarint), dialect (byte), packed consent.
type store struct {
	mu        sync.Mutex
	epoch     time.Time
	chunks    [][]byte
	seq       int64
	last      map[uint64]uint64   // hash of a subject → position of its latest record
	bodies    map[uint64]struct{} // hashes of packed consents
	decisions map[string]*[2]int64
	suspects  int64
	file      *storeFile // nil: memory only
	scratch   []byte
}

func newStore() *store {
	s := &store{}
	s.clear()
	return s
}

// clear forgets everything in memory. The caller holds the lock.
func (s *store) clear() {
	s.epoch = time.Now().UTC().Truncate(time.Microsecond)
	s.chunks = nil
	s.seq = 0
	s.last = make(map[uint64]uint64)
	s.bodies = make(map[uint64]struct{})
	s.decisions = make(map[string]*[2]int64)
	s.suspects = 0
}

// subjectHash tells people apart. A user and a profile of the same name are two.
func subjectHash(user, profile []byte) uint64 {
	if len(user) > 0 {
		return xxhash.Sum64(user)
	}
	return ^xxhash.Sum64(profile)
}

// add keeps a consent and returns its number. packed is its compact form, hash
// that form's hash.
func (s *store) add(at time.Time, d Dialect, c *mapping.Consent, packed []byte, hash uint64) (int64, error) {
	subject := subjectHash(c.UserID, c.ProfileID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		if err := s.file.append(s.seq+1, at, d, packed); err != nil {
			return 0, err
		}
	}
	s.keep(at, d, c, packed, hash, subject)
	return s.seq, nil
}

// keep appends to memory. The caller holds the lock.
func (s *store) keep(at time.Time, d Dialect, c *mapping.Consent, packed []byte, hash, subject uint64) {
	s.seq++
	rec := binary.AppendUvarint(s.scratch[:0], s.last[subject])
	rec = binary.AppendUvarint(rec, uint64(s.seq))
	rec = binary.AppendUvarint(rec, uint64(max(0, at.Sub(s.epoch).Microseconds())))
	rec = append(rec, byte(d))
	rec = append(rec, packed...)
	s.scratch = rec
	s.last[subject] = s.place(rec) + 1
	s.bodies[hash] = struct{}{}
	byAction := s.decisions[string(c.Category)]
	if byAction == nil {
		byAction = new([2]int64)
		s.decisions[string(c.Category)] = byAction
	}
	if c.Action == mapping.Reject {
		byAction[1]++
	} else {
		byAction[0]++
	}
	if suspect(c.Timestamp) {
		s.suspects++
	}
}

// place writes a record into the last chunk, or a new one, and returns its position.
func (s *store) place(rec []byte) uint64 {
	n := len(s.chunks) - 1
	if n < 0 || len(s.chunks[n])+len(rec)+binary.MaxVarintLen64 > chunkSize {
		s.chunks = append(s.chunks, make([]byte, 0, chunkSize))
		n++
	}
	at := len(s.chunks[n])
	chunk := binary.AppendUvarint(s.chunks[n], uint64(len(rec)))
	s.chunks[n] = append(chunk, rec...)
	return uint64(n)*chunkSize + uint64(at)
}

// view is what the store held at one moment. Chunks only grow past the lengths
// that it knows, so it is read without the lock.
type view struct {
	epoch  time.Time
	chunks [][]byte
}

func (s *store) view() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return view{epoch: s.epoch, chunks: slices.Clone(s.chunks)}
}

// all yields the consents in order of arrival. The consent is reused.
func (v view) all() iter.Seq[*Consent] {
	return func(yield func(*Consent) bool) {
		for _, chunk := range v.chunks {
			for len(chunk) > 0 {
				n, k := binary.Uvarint(chunk)
				c := v.decode(chunk[k : k+int(n)])
				chunk = chunk[k+int(n):]
				if !yield(&c) {
					return
				}
			}
		}
	}
}

func (v view) decode(rec []byte) Consent {
	r := packReader(rec)
	r.uvarint()
	var c Consent
	c.Seq = int64(r.uvarint())
	c.At = v.epoch.Add(time.Duration(r.uvarint()) * time.Microsecond)
	c.Dialect = Dialect(r.byte())
	unpack(r, &c)
	return c
}

// of gives one subject's consents in order of arrival: those of the user, or,
// when user is empty, those that name the profile and no user.
func (s *store) of(user, profile string) []Consent {
	s.mu.Lock()
	at := s.last[subjectHash([]byte(user), []byte(profile))]
	v := view{epoch: s.epoch, chunks: slices.Clone(s.chunks)}
	s.mu.Unlock()
	var out []Consent
	for at > 0 {
		rec := v.chunks[(at-1)/chunkSize][(at-1)%chunkSize:]
		n, k := binary.Uvarint(rec)
		rec = rec[k : k+int(n)]
		c := v.decode(rec)
		if c.UserID == user && (user != "" || c.ProfileID == profile) { // else another subject of the same hash
			out = append(out, c)
		}
		at, _ = binary.Uvarint(rec)
	}
	slices.Reverse(out)
	return out
}

// fill writes the store's counts into the statistics.
func (s *store) fill(st *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Stored = s.seq
	st.Distinct = int64(len(s.bodies))
	st.Duplicates = s.seq - st.Distinct
	st.Subjects = int64(len(s.last))
	st.SuspectTimestamps = s.suspects
	for _, category := range slices.Sorted(maps.Keys(s.decisions)) {
		for i, action := range []mapping.Action{mapping.Accept, mapping.Reject} {
			if n := s.decisions[category][i]; n > 0 {
				st.ByDecision = append(st.ByDecision, Decision{Category: category, Action: action.String(), Stored: n})
			}
		}
	}
}
