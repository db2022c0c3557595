package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

func TestAPackedConsentComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, name) }
		c := mapping.Consent{
			Action:     rapid.SampledFrom([]mapping.Action{mapping.Accept, mapping.Reject}).Draw(t, "action"),
			Timestamp:  rapid.Int64().Draw(t, "timestamp"),
			ValidUntil: rapid.OneOf(rapid.Int64(), rapid.Just(mapping.Unlimited)).Draw(t, "validUntil"),
			Source:     text("source"), Category: text("category"), UserID: text("userId"),
			ProfileID: text("profileId"), Email: text("email"), Message: text("message"),
		}
		if c.HasSourceID = rapid.Bool().Draw(t, "hasSourceID"); c.HasSourceID {
			c.SourceID = rapid.Int64().Draw(t, "sourceId")
		}
		got := unpack(pack(&c))
		if got.Action != c.Action || got.Timestamp != c.Timestamp || got.ValidUntil != c.ValidUntil ||
			got.HasSourceID != c.HasSourceID || got.SourceID != c.SourceID {
			t.Fatalf("%+v became %+v", c, got)
		}
		for i, f := range [][2][]byte{{c.Source, got.Source}, {c.Category, got.Category}, {c.UserID, got.UserID},
			{c.ProfileID, got.ProfileID}, {c.Email, got.Email}, {c.Message, got.Message}} {
			if string(f[0]) != string(f[1]) {
				t.Fatalf("field %d: %q became %q", i, f[0], f[1])
			}
		}
	})
}

// Two pairs of subject and category share a key when they are the same, and not
// when only their letters in a row are.
func TestKeysTellPairsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.ByteRange('a', 'b'), 0, 4)
		a, b, c, d := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c"), word.Draw(t, "d")
		same := string(a) == string(c) && string(b) == string(d)
		if (keyOf(a, b) == keyOf(c, d)) != same {
			t.Fatalf("%q/%q and %q/%q", a, b, c, d)
		}
	})
	assert.NotEqual(t, keyOf([]byte("ann"), nil), keyOf(nil, []byte("ann")))
}

// Against a naive model: what comes again is held back when a later decision, or
// one of the same time in a later row, was sent.
func TestOvertaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := newOvertaken()
		watched := map[byte]bool{}
		for _, k := range rapid.SliceOf(rapid.ByteRange(0, 3)).Draw(t, "watched") {
			watched[k] = true
			o.watch(key{lo: uint64(k)})
		}
		type sent struct {
			key  byte
			time int64
			ref  journal.Ref
		}
		one := rapid.Custom(func(t *rapid.T) sent {
			return sent{rapid.ByteRange(0, 3).Draw(t, "key"), rapid.Int64Range(-2, 2).Draw(t, "time"),
				journal.Ref{Row: rapid.Int64Range(1, 4).Draw(t, "row"), Consent: rapid.Int32Range(1, 2).Draw(t, "consent")}}
		})
		newer := func(a, b sent) bool {
			return a.time > b.time || a.time == b.time && b.ref.Compare(a.ref) < 0
		}
		all := rapid.SliceOfN(one, 0, 12).Draw(t, "sent")
		for _, s := range all {
			o.sent(key{lo: uint64(s.key)}, s.time, s.ref)
		}
		again := one.Draw(t, "again")
		var want *sent
		for _, s := range all {
			if watched[s.key] && s.key == again.key && newer(s, again) && (want == nil || newer(s, *want)) {
				want = &s
			}
		}
		by, held := o.by(key{lo: uint64(again.key)}, again.time, again.ref)
		if held != (want != nil) {
			t.Fatalf("%+v held back: %v, want %+v", again, held, want)
		}
		if held && by != want.ref {
			t.Fatalf("%+v held back by %v, want %v", again, by, want.ref)
		}
	})
}
