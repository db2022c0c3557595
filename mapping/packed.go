package mapping

import "encoding/binary"

// What a row became can be packed into one piece of memory, for what has to outlive the
// memory of its batch: numbers as varints, texts behind their lengths, in the order of the
// fields below.

// Bits of the first byte of a packed consent, above its action.
const (
	packedSource = 1 << (iota + 2)
	packedHidden
	packedAssumed
	packedMore
)

// texts are the fields of a consent that are packed as texts.
func (c *Consent) texts() [6]*[]byte {
	return [...]*[]byte{&c.Source, &c.Category, &c.UserID, &c.ProfileID, &c.Email, &c.Message}
}

// PackedSize is how many bytes Pack appends at most, but for texts of 16 KiB and more.
func (c *Consent) PackedSize() int {
	n := 1 + 3*binary.MaxVarintLen64
	for _, f := range c.texts() {
		n += 2 + len(*f)
	}
	if c.More != nil {
		for _, f := range c.More.Fields() {
			n += 2 + len(*f.Value)
		}
	}
	return n
}

// Pack appends the consent to b, all but Raw.
func (c *Consent) Pack(b []byte) []byte {
	b = append(b, byte(c.Action)|bit(c.HasSourceID, packedSource)|bit(c.Hidden, packedHidden)|bit(c.Assumed, packedAssumed)|bit(c.More != nil, packedMore))
	b = binary.AppendVarint(binary.AppendVarint(binary.AppendVarint(b, c.Timestamp), c.ValidUntil), c.SourceID)
	for _, f := range c.texts() {
		b = packText(b, *f)
	}
	if c.More != nil {
		for _, f := range c.More.Fields() {
			b = packText(b, *f.Value)
		}
	}
	return b
}

// PackedAction is the decision of a packed consent.
func PackedAction(b []byte) Action { return Action(b[0] & (packedSource - 1)) }

// Unpack sets the consent to one that was packed into the beginning of b, without Raw. Its
// texts point into b. It gives the rest of b; not ok where nothing was packed there.
func (c *Consent) Unpack(b []byte) (rest []byte, ok bool) {
	u := unpacker{b: b}
	u.consent(c)
	return u.b, !u.bad
}

// mostPacked is how many bytes the packed results of one row take at most.
const mostPacked = 1 << 20

// Pack appends what a row became to b. It is not ok where that is too much: a row of many
// elements may have one long text in each of its consents.
func (r *Result) Pack(b []byte) (_ []byte, ok bool) {
	from := len(b)
	b = append(b, byte(r.Status), byte(r.Missed))
	b = packText(packText(b, r.Reason), r.Column)
	b = binary.AppendUvarint(b, uint64(len(r.Consents)))
	for i := range r.Consents {
		if b = packText(r.Consents[i].Pack(b), r.Consents[i].Raw); len(b)-from > mostPacked {
			return b[:from], false
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.Dropped)))
	for i := range r.Dropped {
		d := &r.Dropped[i]
		b = packText(packText(packText(append(b, bit(d.Own, 1)), d.Category), d.Subject), d.Raw)
		if b = packText(binary.AppendVarint(b, d.Timestamp), d.Why); len(b)-from > mostPacked {
			return b[:from], false
		}
	}
	return b, true
}

// Unpack sets the result to one that was packed into the beginning of b. Its consents and
// dropped values are made in the memory of those that it has; their texts point into b. It
// gives the rest of b; not ok where nothing was packed there.
func (r *Result) Unpack(b []byte) (rest []byte, ok bool) {
	u := unpacker{b: b}
	r.Status, r.Missed = Status(u.byte()), Missed(u.byte())
	r.Reason, r.Column = string(u.text()), string(u.text())
	r.Consents, r.Dropped = r.Consents[:0], r.Dropped[:0]
	for range u.count() {
		var c Consent
		u.consent(&c)
		c.Raw = u.text()
		r.Consents = append(r.Consents, c)
	}
	for range u.count() {
		d := Dropped{Own: u.byte() == 1, Category: u.text(), Subject: u.text(), Raw: u.text(), Timestamp: u.int(), Why: string(u.text())}
		r.Dropped = append(r.Dropped, d)
	}
	return u.b, !u.bad
}

func packText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func bit(on bool, b byte) byte {
	if on {
		return b
	}
	return 0
}

// unpacker takes apart what was packed.
type unpacker struct {
	b   []byte
	bad bool // something is not as it was packed
}

func (u *unpacker) consent(c *Consent) {
	n := u.byte()
	*c = Consent{
		Action: Action(n & (packedSource - 1)), HasSourceID: n&packedSource != 0, Hidden: n&packedHidden != 0, Assumed: n&packedAssumed != 0,
		Timestamp: u.int(), ValidUntil: u.int(), SourceID: u.int(),
	}
	for _, f := range c.texts() {
		*f = u.text()
	}
	if n&packedMore != 0 {
		c.More = &More{}
		for _, f := range c.More.Fields() {
			*f.Value = u.text()
		}
	}
}

func (u *unpacker) byte() byte {
	if len(u.b) == 0 {
		u.bad = true
		return 0
	}
	b := u.b[0]
	u.b = u.b[1:]
	return b
}

func (u *unpacker) int() int64 {
	v, n := binary.Varint(u.b)
	u.skip(n)
	return v
}

// count is how many of something follow, each of which takes a byte at least.
func (u *unpacker) count() int {
	v, n := binary.Uvarint(u.b)
	if u.skip(n); v > uint64(len(u.b)) {
		u.bad = true
		return 0
	}
	return int(v)
}

func (u *unpacker) text() []byte {
	n := u.count()
	if n == 0 {
		return nil
	}
	text := u.b[:n:n]
	u.b = u.b[n:]
	return text
}

// skip goes on behind a number of n bytes; without any there was none.
func (u *unpacker) skip(n int) {
	if n <= 0 {
		u.bad, n = true, len(u.b)
	}
	u.b = u.b[n:]
}
