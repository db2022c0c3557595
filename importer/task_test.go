package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

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
		if (hashKey(a, b) == hashKey(c, d)) != same {
			t.Fatalf("%q/%q and %q/%q", a, b, c, d)
		}
	})
	assert.NotEqual(t, hashKey([]byte("ann"), nil), hashKey(nil, []byte("ann")))
}
