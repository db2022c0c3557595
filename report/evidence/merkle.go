package evidence

import (
	"crypto/sha256"
	"strconv"

	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// hash is a SHA-256.
type hash = [sha256.Size]byte

// tree is a Merkle tree hash (RFC 6962) that is built leaf by leaf. It keeps one
// hash a level: the roots of the whole subtrees so far, the largest first.
type tree struct {
	roots  []hash
	sizes  []int64
	leaves int64
	buf    []byte
}

// add puts a leaf behind the others.
func (t *tree) add(leaf []byte) {
	t.buf = append(append(t.buf[:0], 0), leaf...)
	h, size := sha256.Sum256(t.buf), int64(1)
	for n := len(t.roots); n > 0 && t.sizes[n-1] == size; n = len(t.roots) {
		h = node(&t.roots[n-1], &h)
		size *= 2
		t.roots, t.sizes = t.roots[:n-1], t.sizes[:n-1]
	}
	t.roots, t.sizes = append(t.roots, h), append(t.sizes, size)
	t.leaves++
}

// root is the hash of the whole tree; that of no leaves is SHA-256 of nothing.
func (t *tree) root() hash {
	n := len(t.roots)
	if n == 0 {
		return sha256.Sum256(nil)
	}
	h := t.roots[n-1]
	for i := n - 2; i >= 0; i-- {
		h = node(&t.roots[i], &h)
	}
	return h
}

func node(left, right *hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// outcomes is the visitor that builds the tree of an import.
type outcomes struct {
	tree
	leaf []byte
}

// visit is a survey.Visitor.
func (o *outcomes) visit(b *survey.Batch) func() error { return func() error { return o.fold(b) } }

func (o *outcomes) fold(b *survey.Batch) error {
	for i := range b.Rows {
		r := &b.Rows[i]
		row := strconv.FormatInt(r.Row.Number, 10)
		for k := range r.Consents {
			o.consent(row+"."+strconv.Itoa(k+1), &r.Consents[k])
		}
		switch {
		case r.Status == mapping.Skipped:
			o.row(row, "skipped", r.Reason)
		case r.Status != mapping.Mapped:
			o.row(row, "invalid", r.Reason)
		}
	}
	return nil
}

func (o *outcomes) row(row, outcome, reason string) {
	o.leaf = appendNet(appendNet(appendNet(appendNet(o.leaf[:0], "row"), row), outcome), reason)
	o.add(o.leaf)
}

func (o *outcomes) consent(ref string, c *survey.Consent) {
	end, sourceID := "unlimited", ""
	if c.ValidUntil != mapping.Unlimited {
		end = strconv.FormatInt(c.ValidUntil, 10)
	}
	if c.HasSourceID {
		sourceID = strconv.FormatInt(c.SourceID, 10)
	}
	o.leaf = appendNet(o.leaf[:0], "consent")
	for _, text := range [...]string{ref, c.Outcome.State.String(), c.Action.String(), strconv.FormatInt(c.Timestamp, 10), end} {
		o.leaf = appendNet(o.leaf, text)
	}
	for _, text := range [...][]byte{c.Category, c.Source, c.UserID, c.ProfileID, []byte(sourceID), c.Email} {
		o.leaf = appendNet(o.leaf, text)
	}
	o.add(o.leaf)
}

// appendNet appends a netstring (https://cr.yp.to/proto/netstrings.txt).
func appendNet[T string | []byte](dst []byte, text T) []byte {
	dst = strconv.AppendInt(dst, int64(len(text)), 10)
	dst = append(dst, ':')
	return append(append(dst, text...), ',')
}
