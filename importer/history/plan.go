package history

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
)

// Kind is what a plan does to a consent.
type Kind uint8

// The kinds of steps.
const (
	Pull      Kind = 1 + iota // it leaves with the history that begins at Other
	Supersede                 // it does not leave, because of the one at Other
	Skip                      // another import has sent it
)

// Step is what becomes of a consent that does not simply leave when its row comes.
type Step struct {
	Place Place
	Kind  Kind
	Other Place
	// Import is in which import Other is: this one, or that number of those that sent
	// what Config.Earlier has.
	Import uint16
}

// Front is where histories begin of which an earlier run has left the target at an
// accept, or may have, and Begun where others do that it has begun: before every row.
const (
	Front Place = iota
	Begun
)

const stepSize = 8 + 1 + 8 + 2

func (s *Step) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.Place))
	b = append(b, byte(s.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Other))
	return binary.BigEndian.AppendUint16(b, s.Import)
}

func (s *Step) decode(b []byte) {
	s.Place, s.Kind, s.Other = Place(binary.BigEndian.Uint64(b)), Kind(b[8]), Place(binary.BigEndian.Uint64(b[9:]))
	s.Import = binary.BigEndian.Uint16(b[17:])
}

// Plan is the steps of a pass. A consent without one leaves when its row comes.
type Plan struct {
	sorted *extsort.Sorted
	// Pulled, Superseded and Skipped count the steps by kind.
	Pulled, Superseded, Skipped int64
}

// Disk is how many bytes of the disk the plan takes.
func (p *Plan) Disk() int64 { return p.sorted.Disk() }

// Close removes what lies on the disk.
func (p *Plan) Close() error { return p.sorted.Close() }

// Steps begins to go through the steps.
func (p *Plan) Steps() (*Steps, error) {
	r, err := p.sorted.Reader()
	if err != nil {
		return nil, err
	}
	return &Steps{reader: r}, nil
}

// Steps goes through the steps of a plan in the order of places.
type Steps struct {
	reader *extsort.Reader
	next   Step
	loaded bool
	ended  bool
}

// At gives the step of a consent, if it has one. It is called with ascending places.
func (s *Steps) At(p Place) (Step, bool, error) {
	for {
		next, ok, err := s.Peek()
		if err != nil || !ok || next.Place > p {
			return Step{}, false, err
		}
		s.loaded = false
		if next.Place == p {
			return next, true, nil
		}
	}
}

// Peek gives the next step, if there is one, without going on.
func (s *Steps) Peek() (Step, bool, error) {
	if s.loaded || s.ended {
		return s.next, s.loaded, nil
	}
	rec, err := s.reader.Next()
	if err == io.EOF {
		s.ended = true
		return Step{}, false, nil
	}
	if err != nil {
		return Step{}, false, fmt.Errorf("read the order of sending: %w", err)
	}
	s.next.decode(rec)
	s.loaded = true
	return s.next, true, nil
}

// Next goes on behind what Peek gave.
func (s *Steps) Next() { s.loaded = false }

// Close frees the memory of the steps.
func (s *Steps) Close() { s.reader.Close() }
