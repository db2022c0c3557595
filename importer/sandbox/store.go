package sandbox

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/mapping"
)

const (
	// buckets is into how many chains the subjects are dealt. A person is found by
	// going back through one of them.
	buckets = 1 << 15
	// categoriesMost bounds the memory that the counts of categories can take.
	categoriesMost = 10_000
	// otherCategories is what those beyond that are counted under.
	otherCategories = "(other categories)"
)

// store keeps consents in the order of arrival, and counts them. What it keeps is on
// the disk but for a piece of it; what it needs in memory does not grow with their number.
type store struct {
	mu        sync.Mutex
	spill     spill
	epoch     time.Time
	kept      kept
	seq       int64
	last      []uint64 // of each bucket: position of its latest record plus one
	subjects  *distinct
	bodies    *distinct // by the hash of the packed consent
	decisions map[string]*[2]int64
	suspects  int64
	file      *storeFile // nil: none
	scratch   []byte
	failed    error // the first that kept something from being read back
}

func newStore(dir string) *store {
	s := &store{spill: spill{dir: dir}}
	s.clear()
	return s
}

// clear forgets everything but the file. The caller holds the lock.
func (s *store) clear() {
	s.epoch = time.Now().UTC().Truncate(time.Microsecond)
	s.kept = kept{spill: s.spill}
	s.seq = 0
	s.last = make([]uint64, buckets)
	s.subjects, s.bodies = &distinct{spill: s.spill}, &distinct{spill: s.spill}
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
	if err := s.keep(at, d, c, packed, hash, subject); err != nil {
		return 0, err
	}
	return s.seq, nil
}

// keep appends to what is kept, and counts. The caller holds the lock.
func (s *store) keep(at time.Time, d Dialect, c *mapping.Consent, packed []byte, hash, subject uint64) error {
	bucket := subject % buckets
	rec := binary.AppendUvarint(s.scratch[:0], s.last[bucket])
	rec = binary.AppendUvarint(rec, uint64(s.seq+1))
	rec = binary.AppendUvarint(rec, uint64(max(0, at.Sub(s.epoch).Microseconds())))
	rec = append(rec, byte(d))
	rec = append(rec, packed...)
	s.scratch = rec
	place, err := s.kept.place(rec)
	if err != nil {
		return err
	}
	s.seq++
	s.last[bucket] = place + 1
	s.decide(c)
	if suspect(c.Timestamp) {
		s.suspects++
	}
	if err := s.subjects.add(subject); err != nil {
		return err
	}
	return s.bodies.add(hash)
}

// decide counts a decision.
func (s *store) decide(c *mapping.Consent) {
	byAction := s.decisions[string(c.Category)]
	if byAction == nil {
		name := string(c.Category)
		if len(s.decisions) >= categoriesMost {
			name = otherCategories
		}
		if byAction = s.decisions[name]; byAction == nil {
			byAction = new([2]int64)
			s.decisions[name] = byAction
		}
	}
	if c.Action == mapping.Reject {
		byAction[1]++
	} else {
		byAction[0]++
	}
}

// all yields what is kept so far, in order of arrival. The consent is reused.
func (s *store) all(yield func(*Consent) bool) error {
	s.mu.Lock()
	v := view{s.kept, s.epoch}
	s.mu.Unlock()
	return s.note(v.all(yield))
}

// of yields one subject's consents in order of arrival: those of the user, or,
// when user is empty, those that name the profile and no user.
func (s *store) of(user, profile string, yield func(*Consent) bool) error {
	s.mu.Lock()
	v, last := view{s.kept, s.epoch}, s.last[subjectHash([]byte(user), []byte(profile))%buckets]
	s.mu.Unlock()
	return s.note(v.chain(last, user, profile, yield))
}

// note remembers the first failure.
func (s *store) note(err error) error {
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.failed == nil {
			s.failed = err
		}
	}
	return err
}

// fill writes the store's counts into the statistics, as they were at one moment.
func (s *store) fill(st *Stats) error {
	s.mu.Lock()
	st.Stored, st.SuspectTimestamps = s.seq, s.suspects
	for _, category := range slices.Sorted(maps.Keys(s.decisions)) {
		for i, action := range []mapping.Action{mapping.Accept, mapping.Reject} {
			if n := s.decisions[category][i]; n > 0 {
				st.ByDecision = append(st.ByDecision, Decision{Category: category, Action: action.String(), Stored: n})
			}
		}
	}
	ofSubjects, ofBodies := s.subjects, s.bodies
	subjects, bodies := ofSubjects.tally(), ofBodies.tally()
	s.mu.Unlock()

	var err error
	if st.Subjects, err = subjects.count(); err == nil {
		st.Distinct, err = bodies.count()
	}
	st.Duplicates = st.Stored - st.Distinct
	s.mu.Lock()
	ofSubjects.adopt(subjects)
	ofBodies.adopt(bodies)
	s.mu.Unlock()
	return s.note(err)
}
