package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/mapping"
)

// beside collects which e-mail address stands beside which other identifier of a
// person, to find the people who stand under the address alone in other rows.
//
// A pair is the first halves of the hashes of the address, as a subject, and of the
// subject that it stands beside, 8 bytes each, big-endian: the forms of a domain count as
// one here (Builder.subject). Pairs are kept as they come,
// which costs next to nothing, and sorted at the end only if some subject is an
// address: else nobody stands under one alone.
type beside struct {
	alone bool // some subject is an address, or stands in the place of one
	pairs extsort.Spool
}

const (
	pairSize = 16
	// heldPairs is how many bytes of pairs stay in memory.
	heldPairs = 1 << 20
	// pairBuffer is the memory of one of the two buffers in which they are sorted.
	pairBuffer = 8 << 20
)

// pairs is what a batch adds to beside. The pair seen last is not told again: rows of
// one person stand together.
type pairs struct {
	alone   bool
	records []byte
	email   []byte
	subject uint64
}

// beside takes in under which identifiers a consent names the person.
func (b *Batch) beside(subject uint64, c *mapping.Consent) {
	p := &b.pairs
	if len(c.UserID) == 0 && len(c.ProfileID) == 0 {
		p.alone = true
		return
	}
	p.alone = p.alone || bytes.IndexByte(c.Subject(), '@') >= 0
	if len(c.Email) == 0 || subject == p.subject && bytes.Equal(c.Email, p.email) {
		return
	}
	p.subject, p.email = subject, append(p.email[:0], c.Email...)
	b.scratch = b.scratch[:0]
	key, ascii := mapping.KeyForm(c.Email, &b.scratch)
	email := b.builder.name(key, ascii, &b.packed)
	if email == subject {
		return
	}
	p.records = binary.BigEndian.AppendUint64(p.records, email)
	p.records = binary.BigEndian.AppendUint64(p.records, subject)
}

// add takes in the pairs of a batch, and empties it.
func (s *beside) add(p *pairs) error {
	s.alone = s.alone || p.alone
	err := s.pairs.Add(p.records)
	p.records = p.records[:0]
	if err != nil {
		return fmt.Errorf("keep the names of people: %w", err)
	}
	return nil
}

// sort gives the pairs in order; nil when nobody can stand under several names because
// of them. They are not used any more, whatever it returns.
func (s *beside) sort() (_ *extsort.Sorted, err error) {
	defer func() { err = errors.Join(err, s.pairs.Close()) }()
	if !s.alone || s.pairs.Size() == 0 {
		return nil, nil
	}
	if err := s.pairs.End(); err != nil {
		return nil, fmt.Errorf("keep the names of people: %w", err)
	}
	in, err := s.pairs.Reader()
	if err != nil {
		return nil, fmt.Errorf("read the names of people: %w", err)
	}
	sorter := extsort.New(extsort.Config{Size: pairSize, Key: pairSize, Spread: true, Buffer: pairBuffer, Temp: s.pairs.Temp})
	var rec [pairSize]byte
	for {
		_, err := io.ReadFull(in, rec[:])
		if err == io.EOF {
			return sorter.Sort()
		}
		if err == nil {
			err = sorter.Add(rec[:])
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read the names of people: %w", err), sorter.Close())
		}
	}
}

// people counts who stands under several names: spellings of one identifier, or an
// identifier and, elsewhere, only the address that was seen beside it. Each is counted
// once, by the identifier.
//
// An address that stands beside several identifiers says nothing: it may be that of
// a family, or of the shop.
type people struct {
	reader *extsort.Reader // of pairs; nil: there are none to look at
	rec    []byte          // the next one; nil at the end
	split  *gathered       // of links
	link   [linkSize]byte
	few    fewNames
}

// A link is the first half of the hash of the identifier, a place where the person stands
// under another name, and one where under this name, 0 where a walk does not know it.
const linkSize = 24

// begin begins with part i of n; who is found goes to split.
func (p *people) begin(x *Index, i, n int, split *gathered) (err error) {
	if x.beside == nil {
		return nil
	}
	if p.reader, err = x.beside.Part(i, n); err != nil {
		return err
	}
	p.split = split
	return p.next()
}

func (p *people) next() (err error) {
	p.rec, err = p.reader.Next()
	if err == io.EOF {
		p.rec, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("read the names of people: %w", err)
	}
	return nil
}

// identifier gives the only identifier that an address stands beside; 0 for none.
// Subjects are asked for in their order.
func (p *people) identifier(subject []byte) (id uint64, err error) {
	several := false
	for p.rec != nil {
		order := bytes.Compare(p.rec[:8], subject[:8])
		if order > 0 {
			break
		}
		if order == 0 {
			beside := binary.BigEndian.Uint64(p.rec[8:])
			several = several || id != 0 && id != beside
			id = beside
		}
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	if several {
		id = 0
	}
	return id, nil
}

// look takes in a subject that the walk has gone past.
func (p *people) look(subject []byte, who *person, out *Sightings) error {
	if p.reader == nil {
		if who.other != 0 {
			out.at(who.other)
			p.few.add(severalNames{id: binary.BigEndian.Uint64(subject), place: who.other, other: who.first})
		}
		return nil
	}
	id, err := p.identifier(subject)
	if err != nil {
		return err
	}
	place, other := who.first, Place(0)
	if id == 0 {
		id, place, other = binary.BigEndian.Uint64(subject), who.other, who.first
	}
	if place == 0 {
		return nil
	}
	binary.BigEndian.PutUint64(p.link[:], id)
	binary.BigEndian.PutUint64(p.link[8:], uint64(place))
	binary.BigEndian.PutUint64(p.link[16:], uint64(other))
	return p.split.add(p.link[:])
}

// count counts those who were found, by all goroutines.
func (p *people) count(found *gathered, out *Sightings) (err error) {
	if found.sorter == nil {
		return nil
	}
	sorted, err := found.sort()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sorted.Close()) }()
	r, err := sorted.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	var last []byte
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(rec[:8], last) {
			last = append(last[:0], rec[:8]...)
			place := Place(binary.BigEndian.Uint64(rec[8:]))
			out.at(place)
			p.few.add(severalNames{id: binary.BigEndian.Uint64(rec), place: place, other: Place(binary.BigEndian.Uint64(rec[16:]))})
		}
	}
}

func (p *people) close() {
	if p.reader != nil {
		p.reader.Close()
	}
}
