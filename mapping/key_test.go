package mapping_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/mapping"
)

// TestKeyTextOfSpellings says which spellings are one, and which are not.
func TestKeyTextOfSpellings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"u1", "u1"},
		{"U1", "U1"}, // an id, and ids have a case
		{" u1", "u1"},
		{"u1 ", "u1"},
		{"\tu1\r\n", "u1"},
		{"u1\u00a0", "u1"},
		{"u1\u200b", "u1"},
		{"\u2060u1", "u1"},
		{"\u200eu1\u200e", "u1"},
		{"\ufeffu1", "u1"},
		{"\x1f00123", "00123"},
		{"u1\x7f", "u1"},
		{"\u00adu1", "u1"},
		{"u1\u3164", "u1"},
		{"u1\ufe0f", "u1"},
		{"\u2800u1\u3000", "u1"},
		{"u\u200b1", "u\u200b1"}, // within it is no longer around it
		{"u 1", "u 1"},
		{" \u200b ", ""},
		{"a@mail.example", "a@mail.example"},
		{"A@Mail.Example", "a@mail.example"},
		{" A@Mail.Example\u200b", "a@mail.example"},
		{"ÄNN@mail.example", "änn@mail.example"},
		{"A\u0308nn@mail.example", "änn@mail.example"}, // taken apart
		{"ΣΑΣ@mail.example", "σασ@mail.example"},
		{"σας@mail.example", "σασ@mail.example"},      // the sigma at the end of a word
		{"\u212aay@mail.example", "kay@mail.example"}, // the sign of the kelvin
		{"ΚΑΙ@mail.example", "και@mail.example"},
		{"κᾳ@mail.example", "κᾳ@mail.example"}, // with an iota below is another name
		{"Κᾼ@mail.example", "κᾳ@mail.example"},
		{"κα\u0345@mail.example", "κᾳ@mail.example"},
		{"και\u1fbe@mail.example", "καιι@mail.example"},
		{"@ACME", "@ACME"},
		{"ACME@", "ACME@"},
		{"A@B@C", "A@B@C"},
		{"Ann A@B", "Ann A@B"},
		{"Café", "Café"},
		{"Cafe\u0301", "Café"},
		{"CAFÉ", "CAFÉ"}, // a category is not an address
		{"\xff\xfe", "\xff\xfe"},
		{"A\xff@b", "a\xff@b"},
	} {
		var buf []byte
		require.Equal(t, c.want, string(mapping.KeyText([]byte(c.text), &buf)), "%q", c.text)
		buf = append(buf[:0], "before"...)
		require.Equal(t, c.want, string(mapping.KeyText([]byte(c.text), &buf)), "%q, appended", c.text)
		require.True(t, strings.HasPrefix(string(buf), "before"), "%q overwrites what the buffer held", c.text)
	}
}

// TestKeyTextOfAnyText holds the rules over any text: the form of a form is itself,
// and neither Unicode form nor what stands around, nor case in an address, changes it.
func TestKeyTextOfAnyText(t *testing.T) {
	t.Parallel()
	around := []string{"", " ", "\t", "\u00a0", "\u200b", "\u2060", "\u200f", "\ufeff", "\x1f", "\u180e", "\ufe0f", "\r\n"}
	letters := []rune("abZÄäéßşŞΣσςιΙαᾳ\u0345\u1fbe\u0301\u0308\u212bǅ日İı@@.- 1\u200b")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.RuneFrom(letters), rapid.Rune())).Draw(t, "text")
		key := func(s string) string {
			var buf []byte
			return string(mapping.KeyText([]byte(s), &buf))
		}
		want := key(text)
		require.Equal(t, want, key(want), "the form of its form")
		require.Equal(t, want, key(norm.NFD.String(text)), "taken apart")
		require.Equal(t, want, key(rapid.SampledFrom(around).Draw(t, "before")+text+rapid.SampledFrom(around).Draw(t, "after")), "with something around it")
		if strings.Count(want, "@") == 1 && want[0] != '@' && want[len(want)-1] != '@' && !strings.ContainsFunc(want, unicode.IsSpace) {
			swapped := strings.Map(func(r rune) rune {
				if other := unicode.SimpleFold(r); r != '\u0345' && other != '\u0345' { // no letter by itself
					return other
				}
				return r
			}, text)
			require.Equal(t, want, key(swapped), "in other case")
		}
	})
}

// TestKeyTextTakesNoMemory holds the way of nearly all subjects.
func TestKeyTextTakesNoMemory(t *testing.T) {
	buf := make([]byte, 0, 64)
	for _, text := range []string{"u0000012345", "person@mail.example", "Person@Mail.Example", "News", "Zürich"} {
		b := []byte(text)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			buf = buf[:0]
			_ = mapping.KeyText(b, &buf)
		}), text)
	}
	b := []byte("person@mail.example")
	require.Same(t, &b[0], &mapping.KeyText(b, &buf)[0], "it is a part of the text")
}
