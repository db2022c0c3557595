package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestUsualIdentifiersAreBeyondDoubt holds the quick looks at identifiers against the
// full ones: where they pass a consent, full looks find nothing about it either.
func TestUsualIdentifiersAreBeyondDoubt(t *testing.T) {
	t.Parallel()
	var words []string
	for _, known := range []map[string]bool{standIns, nowhere} {
		for word := range known {
			require.LessOrEqual(t, len(word), longestStandIn)
			words = append(words, word)
		}
	}
	for word := range hashesOfNothing {
		words = append(words, word)
	}
	words = append(words, "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000", "0000000")
	upper := rapid.Custom(func(t *rapid.T) string { return strings.ToUpper(rapid.SampledFrom(words).Draw(t, "word")) })
	part := rapid.OneOf(
		rapid.SampledFrom(words), upper, rapid.StringMatching(`[a-zA-Z0-9]{1,12}`), rapid.StringMatching(`[0-9]{1,20}`), rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}`),
		rapid.SampledFrom([]string{"@", "@@", ".", "..", "-", "_", "+", " ", ".0", "E+07", `="`, "'", "\u200b", "\x00", "<", ";", "[1.2.3.4]", "mail.example", "@mail.example", "test", "TEST@", "@example.org", "@EXAMPLE.net", "@a.test", "@test.com", "a@b.c", "@mail.12", "*", "{{", "}}"}),
		rapid.StringN(0, 3, 8),
	)
	text := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), "") })
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		c := Consent{UserID: []byte(text.Draw(t, "userId")), ProfileID: []byte(text.Draw(t, "profileId")), Email: []byte(text.Draw(t, "email"))}
		again := Consent{Email: []byte(text.Draw(t, "another email"))}
		var tally Tally // knows the domain of the one before
		for _, one := range []Consent{{UserID: c.UserID}, {ProfileID: c.ProfileID}, {Email: c.Email}, {UserID: c.Email, Email: c.Email}, c, again, c, again} {
			if tally.domain.usualPerson(&one) {
				passed++
			}
			doubts, test := tally.person(&one)
			require.Equal(t, doubtful(&one), doubts, "%q %q %q", one.UserID, one.ProfileID, one.Email)
			require.Equal(t, isTestAddress(one.Email) || isTestAddress(one.UserID), test, "%q %q %q", one.UserID, one.ProfileID, one.Email)
		}
	})
	assert.Greater(t, passed, 30, "the quick looks pass nearly nothing")
}

// TestUsualIdentifiersPass: the forms that nearly all exports have are told quickly.
func TestUsualIdentifiersPass(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"u0012345678", "12345678", "f8fad5bd-9cb4-69fa-1657-0867728950ee", "5f43a1b2c3d4e5f6a7b8c9d0", "cus_NffrFeUfNV2Hib4x"} {
		assert.True(t, usualID([]byte(id)), id)
	}
	for _, address := range []string{"ann@mail.example", "ann.lee@mail.co.example", "Annabelle.Lee@mail.example", "ann-lee_34@mail-2.example", "u@x.io"} {
		assert.True(t, new(domain).usualAddress([]byte(address)), address)
	}
}

// TestUnusualIdentifiersDoNotPass: what full looks find something about is left to them.
func TestUnusualIdentifiersDoNotPass(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"123.0", "12345678.0", "4.4E+07", "'12345678", `="00123"`, "1234 5678", "\u200b12345678", "00000000-0000-0000-0000-000000000000", "ann@mail.example1"} {
		assert.False(t, usualID([]byte(id)), id)
	}
	for _, address := range []string{
		"a..b@mail.example", "ann@mail..example", "ann@mailexample", "@mail.example", "ann@", "ann@@mail.example", "ann@b@mail.example", "ann@.mail.example", "ann@-mail.example",
		"ann@mail.example.", "ann@mail.12", ".ann@mail.example", "ann,lee@mail.example", "ann@mail.example ", "mailto:ann@mail.example", "<ann@mail.example>", "x",
	} {
		assert.False(t, new(domain).usualAddress([]byte(address)), address)
	}
}

// TestStandInsAreNotUsual: no word that stands for nobody passes, in any case.
func TestStandInsAreNotUsual(t *testing.T) {
	t.Parallel()
	for word := range standIns {
		assert.False(t, usualID([]byte(word)), word)
		assert.False(t, usualID([]byte(strings.ToUpper(word))), word)
	}
	for word := range nowhere {
		assert.False(t, new(domain).usualAddress([]byte(word+"@mail.example")), word)
		assert.False(t, new(domain).usualAddress([]byte(strings.ToUpper(word)+"@mail.example")), word)
	}
}

// TestADomainIsThatOfTheAddress: what is known of the address before says nothing about one
// with another domain.
func TestADomainIsThatOfTheAddress(t *testing.T) {
	t.Parallel()
	var tally Tally
	for _, c := range []struct {
		address     string
		usual, test bool
	}{
		{"ann@mail.example", true, false},
		{"bob@", false, false},
		{"bob@mail..example", false, false},
		{"bob@mail.example", true, false},
		{"ann@example.org", true, true},
		{"ann@mail.example", true, false},
		{"a..b@mail.example", false, false},
		{"test@mail.example", true, true},
	} {
		one := Consent{Email: []byte(c.address)}
		assert.Equal(t, c.usual, tally.domain.usualPerson(&one), c.address)
		_, test := tally.person(&one)
		assert.Equal(t, c.test, test, c.address)
	}
}
