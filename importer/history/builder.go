package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/mapping"
)

// Config says where an index is built.
type Config struct {
	// Temp opens a file for what does not fit into memory; closing it removes it.
	Temp func() (extsort.File, error)
	// Buffer is how much of the index stays in memory, in bytes; 0: memory.
	Buffer int
	// Now is the time against which validUntil is held.
	Now time.Time
	// Earlier is what other imports have sent; nil: nobody asks.
	Earlier *Earlier
	// Salt has the index made for WriteEarlier, with hashes that another process
	// finds again; nil: it is not.
	Salt []byte
	// Names: look for people who stand under an identifier in one row and only the
	// e-mail address that goes with it in another.
	Names bool
}

// Builder collects the decisions of an export. Any number of goroutines fill
// batches, one each; one goroutine adds these in the order of the export.
type Builder struct {
	cfg     Config
	seeds   [2]maphash.Seed
	digests uint64 // what they begin with
	now     int64
	salt    []byte // of hashes that another process finds again; nil: they are for this one
	keeps   bool   // records have validUntil in the place of the digest
	sorter  *extsort.Sorter
	names   map[uint64]*category
	more    bool // there are more categories than names
	beside  beside
}

// category is how a category is written where it stands first.
type category struct {
	name string
	row  int64
	also int64 // the first row that has another spelling of it, which is sent as it stands; 0: none
	// alsoName is that spelling.
	alsoName string
}

// maxCategories bounds how many categories are told apart by name: what has more
// takes them from a column of identifiers.
const maxCategories = 1000

// memory holds a million decisions.
const memory = 56 << 20

// NewBuilder makes a Builder.
func NewBuilder(cfg Config) *Builder {
	if cfg.Buffer == 0 {
		cfg.Buffer = memory
	}
	b := &Builder{
		cfg: cfg, now: cfg.Now.UnixMilli(), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		sorter: extsort.New(extsort.Config{Size: recordSize, Key: keySize, Spread: true, Buffer: cfg.Buffer, Temp: cfg.Temp}),
		names:  map[uint64]*category{}, salt: cfg.Salt, keeps: cfg.Salt != nil, beside: beside{pairs: extsort.Spool{Limit: heldPairs, Temp: cfg.Temp}},
	}
	b.digests = maphash.String(b.seeds[0], "digest")
	if cfg.Earlier != nil {
		b.salt = cfg.Earlier.salt
	}
	return b
}

// hash gives the two hashes of a text as it is compared. What it is of (S a subject,
// C a category) goes in.
func (b *Builder) hash(of byte, text []byte, scratch *[]byte) (h [2]uint64) {
	if b.salt == nil {
		return [2]uint64{maphash.Bytes(b.seeds[0], text), maphash.Bytes(b.seeds[1], text)}
	}
	*scratch = append(append(append((*scratch)[:0], b.salt...), of), text...)
	sum := sha256.Sum256(*scratch)
	return [2]uint64{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

// half is the first of the two hashes.
func (b *Builder) half(of byte, text []byte, scratch *[]byte) uint64 {
	if b.salt == nil {
		return maphash.Bytes(b.seeds[0], text)
	}
	return b.hash(of, text, scratch)[0]
}

// subject gives the two hashes of a subject as it is compared. The first alone is that of
// an address in the form in which its domain is in the DNS: by that both forms of one are
// found beside each other, and by both hashes they are two. beyond: it is another form.
func (b *Builder) subject(key []byte, ascii bool, scratch *[]byte) (h [2]uint64, beyond bool) {
	h = b.hash('S', key, scratch)
	if ascii {
		return h, false
	}
	form, beyond := asciiAddress(key)
	if beyond {
		h[0] = b.half('S', []byte(form), scratch)
	}
	return h, beyond
}

// name is the first of the two hashes of a subject.
func (b *Builder) name(key []byte, ascii bool, scratch *[]byte) uint64 {
	if !ascii {
		if form, beyond := asciiAddress(key); beyond {
			key = []byte(form)
		}
	}
	return b.half('S', key, scratch)
}

// Batch is what a run of rows says. It keeps nothing of their memory.
type Batch struct {
	builder *Builder
	records extsort.Spread
	names   []named
	scratch []byte
	packed  []byte
	// the subject and the categories seen last: rows of one person stand together,
	// and categories are few
	subject  []byte
	hash     [2]uint64
	sentAs   uint64 // hash of the subject as it is sent
	spelling uint32
	known    mapping.Few[known]
	pairs    pairs
}

// known is the hashes of a category: as it is compared, and as it is sent.
type known struct{ compared, sentAs uint64 }

type named struct {
	hash uint64
	category
}

// NewBatch makes a Batch, to be used again and again.
func (b *Builder) NewBatch() *Batch { return &Batch{builder: b} }

// Fate is what is known of a decision beside what it says.
type Fate struct {
	State State
	Pass  int  // that gave the state
	Again bool // it comes later than in its place, in a pass after others
	Begun bool // a run before may have sent it, and does not know what came of it
}

// Consent takes in a consent of a mapped row, or, with the state Unsendable, a
// decision that could be read in an invalid one: whose time, when it has none, is 0.
func (b *Batch) Consent(at Place, c *mapping.Consent, f Fate) {
	e := entry{time: c.Timestamp, decision: Accept, place: at, state: f.State, again: f.Again, begun: f.Begun, pass: uint16(min(f.Pass, 1<<16-1))}
	if c.Action == mapping.Reject {
		e.decision = Reject
	}
	if f.State == Unsendable && c.Timestamp == 0 {
		e.time = First
		if e.decision == Reject {
			e.time = Last
		}
	}
	e.expired = e.decision == Accept && c.ValidUntil != 0 && c.ValidUntil < b.builder.now
	category := b.key(&e, c.Subject(), c.Category)
	switch {
	case b.builder.keeps:
		e.digest = uint64(c.ValidUntil)
	case f.State != Unsendable:
		e.digest = b.digest(c, category)
	}
	if b.builder.cfg.Names && f.State != Unsendable {
		b.beside(e.subject[0], c)
	}
	b.add(&e)
}

// Nothing takes in that a row says nothing about a category for a subject.
func (b *Batch) Nothing(at Place, subject, category []byte) {
	e := entry{time: First, decision: None, place: at, state: Unsendable}
	b.key(&e, subject, category)
	b.add(&e)
}

// add adds a record.
func (b *Batch) add(e *entry) {
	e.encode(b.records.Add(e.subject[0], recordSize))
}

// key fills in the hashes of an entry, and gives that of the category as it is sent.
func (b *Batch) key(e *entry, subject, category []byte) (sentAs uint64) {
	if b.subject == nil || !bytes.Equal(subject, b.subject) {
		b.subject = append(b.subject[:0], subject...)
		b.scratch = b.scratch[:0]
		k, ascii := mapping.KeyForm(subject, &b.scratch)
		var beyond bool
		b.hash, beyond = b.builder.subject(k, ascii, &b.packed)
		b.spelling, b.sentAs = 0, b.hash[1]
		if same := bytes.Equal(k, subject); !same || b.builder.salt != nil {
			b.sentAs = maphash.Bytes(b.builder.seeds[1], subject)
			beyond = beyond || !same
		}
		if beyond {
			b.spelling = uint32(b.sentAs) | 1
		}
	}
	e.subject, e.spelling = b.hash, b.spelling
	names := b.category(category, e.place.Row())
	e.category = names.compared
	return names.sentAs
}

// category gives the hashes of a category.
func (b *Batch) category(name []byte, row int64) known {
	hash, isNew := b.known.Of(name)
	if isNew {
		b.scratch = b.scratch[:0]
		hash.compared = b.builder.half('C', mapping.KeyText(name, &b.scratch), &b.packed)
		hash.sentAs = maphash.Bytes(b.builder.seeds[1], name)
		if len(b.names) < 2*maxCategories {
			b.names = append(b.names, named{hash.compared, category{name: string(name), row: row}})
		}
	}
	return *hash
}

// digest is a hash of all that is sent of a consent: of its numbers, and of the hashes of
// its texts. Those of the category and of the subject, which key has seen, are known.
func (b *Batch) digest(c *mapping.Consent, category uint64) uint64 {
	seed := b.builder.seeds[1]
	d := digest(b.builder.digests).with(uint64(c.Timestamp)).with(uint64(c.ValidUntil)).with(category).with(uint64(c.Action))
	if c.HasSourceID {
		d = d.field(1, uint64(c.SourceID))
	}
	subject := false
	for i, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
		switch {
		case len(id) == 0:
		case !subject: // the first that there is
			subject = true
			d = d.field(2+i, b.sentAs)
		default:
			d = d.field(2+i, maphash.Bytes(seed, id))
		}
	}
	d = d.with(maphash.Bytes(seed, c.Source)).with(maphash.Bytes(seed, c.Message))
	if c.More != nil {
		for i, f := range c.More.Fields() {
			d = d.field(5+i, maphash.Bytes(seed, *f.Value))
		}
	}
	return uint64(d)
}

// digest is a hash of several numbers one after the other. It begins with a random one, so
// that nobody knows beforehand which of them have the same.
type digest uint64

// with takes in a number: both halves of the product go in, as wyhash and Go's own hash
// of numbers have it.
func (d digest) with(n uint64) digest {
	hi, lo := bits.Mul64(uint64(d)^0xa0761d6478bd642f, n^0xe7037ed1a0b428db)
	return digest(hi ^ lo)
}

// field takes in a number that not every consent has, with which it is.
func (d digest) field(which int, n uint64) digest { return (d + digest(which)).with(n) }

// Add takes in a batch of the rows that follow, and empties it for others.
func (b *Builder) Add(batch *Batch) error {
	for i := range batch.names {
		n := &batch.names[i]
		if was := b.names[n.hash]; was != nil {
			if was.also == 0 && was.name != n.name {
				was.also, was.alsoName = n.row, n.name
			}
			continue
		}
		if len(b.names) >= maxCategories {
			b.more = true
			continue
		}
		b.names[n.hash] = &category{name: n.name, row: n.row}
	}
	if len(batch.names) >= 2*maxCategories {
		batch.known = mapping.Few[known]{} // for names that it had no room to tell
	}
	clear(batch.names)
	batch.names = batch.names[:0]
	if err := b.sorter.AddSpread(&batch.records); err != nil {
		return err
	}
	return b.beside.add(&batch.pairs)
}

// Len is the number of decisions so far.
func (b *Builder) Len() int64 { return b.sorter.Len() }

// Sort ends the input and gives the index, which has to be closed. The Builder is
// not used any more, whatever it returns.
func (b *Builder) Sort() (*Index, error) {
	sorted, err := b.sorter.Sort()
	if err != nil {
		return nil, errors.Join(err, b.beside.pairs.Close())
	}
	spooled := b.beside.pairs.Size()
	if spooled <= heldPairs {
		spooled = 0
	}
	beside, err := b.beside.sort()
	if err != nil {
		return nil, errors.Join(err, sorted.Close())
	}
	b.cfg.Salt = b.salt
	return &Index{cfg: b.cfg, sorted: sorted, beside: beside, spooled: spooled, names: b.names, memory: groupMemory, now: b.now}, nil
}

// Close gives up what was collected; it is for a Builder whose Sort is not called.
func (b *Builder) Close() error { return errors.Join(b.sorter.Close(), b.beside.pairs.Close()) }

// Index is the decisions of an export in the order of keys, and within a key in
// that of its history.
type Index struct {
	cfg    Config
	sorted *extsort.Sorted
	beside *extsort.Sorted // nil: nobody stands under an address alone, or nobody asks
	// spooled is how many bytes of the disk the pairs took before they were sorted.
	spooled int64
	names   map[uint64]*category
	memory  int // decisions of one key that stay in memory
	now     int64
}

// Len is the number of decisions.
func (x *Index) Len() int64 { return x.sorted.Len() }

// Disk is how many bytes of the disk the index takes, or has taken while it was sorted.
func (x *Index) Disk() int64 {
	n := x.sorted.Disk() + x.spooled
	if x.beside != nil {
		n += x.beside.Disk()
	}
	return n
}

// Close removes what lies on the disk.
func (x *Index) Close() error {
	err := x.sorted.Close()
	if x.beside != nil {
		err = errors.Join(err, x.beside.Close())
	}
	return err
}
