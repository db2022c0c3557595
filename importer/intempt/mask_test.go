package intempt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

func testMasker(t testing.TB) *masker {
	key, err := ParseKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return newMasker(key)
}

func TestMask(t *testing.T) {
	long := strings.Repeat("é", 400)
	tests := []struct {
		name, text, want string
		cut              bool
	}{
		{"plain", "no such category", "no such category", false},
		{"white space and control characters", " a\r\n\tb\x00c \u2028 d\u200b\u202e ", "a b c d", false},
		{"whole key", "key " + testKey + " is bad", "key [key] is bad", false},
		{"encoded key", "/x?apiKey=" + url.QueryEscape(testKey) + "&y", "/x?apiKey=[key]&y", false},
		{"key in lower case hex", "/x?apiKey=" + strings.ToLower(url.QueryEscape(testKey)), "/x?apiKey=[key]", false},
		{"halves", "ident+fier/9 or s3cr=t&val.ue", "[key] or [key]", false},
		{"Basic auth", "Basic " + base64.StdEncoding.EncodeToString([]byte("ident+fier/9:s3cr=t&val.ue")), "Basic [key]", false},
		{"own identifiers in any case", "USER-4711, Profile-0815, 1234567890123456789", "[id], [id], [id]", false},
		{"inside words", "xuser-4711y", "x[id]y", false},
		{"own address", "ANA@example.com or ana%40EXAMPLE.com", "[id] or [id]", false},
		{"another's address", "conflicts with <bob.o'hara+1@mail.example.org>, mailto:eve%40b.de?x", "conflicts with , mailto:[email]?x", false},
		{"another's address in quotes", `is "bob@b.de" or 'bob@b.de'?`, `is "[email]" or '[email]'?`, false},
		{"markup", `<html><script>var a = "x > y"</script><b>Bad</b> value 1 < 2 &amp; more<br/>`, "Bad value 1 < 2 & more", false},
		{"markup that hides an address", "user&#45;4711 and bob&#64;b.de", "[id] and [email]", false},
		{"Latin-1", "ung\xfcltig", "ungültig", false},
		{"long", long, strings.Repeat("é", 299) + "…", false},
		{"exactly as long", long[:2*delivery.MaxMessage], long[:2*delivery.MaxMessage], false},
		{"cut", "no half", "no half…", true},
		{"cut inside an identifier", "it is User-47", "it is…", true},
		{"cut inside the key", "it is ident+fier/9.s3c", "it is [key].…", true},
		{"marks of ours in the text", "a\uf8f0b\uf8f1c\uf8f2d", "abcd", false},
		{"empty", "", "", false},
	}
	m := testMasker(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, m.mask(tt.text, tt.cut, full()))
		})
	}
	t.Run("no key, no consent", func(t *testing.T) {
		assert.Equal(t, "a user-4711", newMasker(Key{}).mask("a user-4711", false, nil))
	})
	t.Run("short identifiers stay", func(t *testing.T) {
		assert.Equal(t, "a 12 b", m.mask("a 12 b", false, &mapping.Consent{UserID: []byte("12"), SourceID: 1, HasSourceID: true}))
	})
	t.Run("identifiers that look like markup", func(t *testing.T) {
		c := &mapping.Consent{UserID: []byte("<b>anna</b>"), ProfileID: []byte("tom &amp; co"), Email: []byte(`q"\x`)}
		got := m.mask(`no <b>anna</b>, no anna, no tom & co, no tom &amp; co, no q"\x, no q\"\\x`, false, c)
		assert.Equal(t, "no [id], no [id], no [id], no [id], no [id], no [id]", got)
	})
	t.Run("identifiers that look like escapes", func(t *testing.T) {
		c := &mapping.Consent{UserID: []byte(`corp\nick`), ProfileID: []byte("a&b c")}
		assert.Equal(t, `no [id], no [id], no [id]`, m.mask(`no corp\nick, no corp\\nick, no a\u0026b c`, false, c))
	})
	t.Run("identifiers of no use", func(t *testing.T) {
		c := &mapping.Consent{UserID: bytes.Repeat([]byte("x"), 2000)}
		assert.Equal(t, "not shown: the record's identifiers are too long to be masked", m.mask("no xxx", false, c))
	})
	t.Run("letters of two cases", func(t *testing.T) {
		c := &mapping.Consent{UserID: []byte("Jürgen Straße"), ProfileID: []byte("ΣΊΣΥΦΟΣ"), Email: []byte("\u212aelvin")}
		assert.Equal(t, "[id]; [id]; [id]", m.mask("JÜRGEN  strAßE; σίσυφος; kelvin", false, c))
	})
}

// Whatever a server makes of an identifier in the usual ways, it is not shown.
func TestMaskHidesIdentifiers(t *testing.T) {
	m := testMasker(t)
	ways := []func(string) string{
		func(s string) string { return s },
		strings.ToUpper, strings.ToLower,
		url.QueryEscape, url.PathEscape, html.EscapeString,
		func(s string) string { b, _ := json.Marshal(s); return string(b) },
		func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	}
	rapid.Check(t, func(t *rapid.T) {
		// Seven letters of the middle make it certain that what is found is it.
		id := rapid.StringMatching(`[a-zA-Z0-9äöß .+@/&'"_\\%-]{0,10}zqXjwVk[a-zA-Z0-9äöß.+@/&'"_%-]{0,10}`).Draw(t, "id")
		before := rapid.StringMatching(`[a-z <>&;{}":,\\]{0,320}`).Draw(t, "before")
		after := rapid.StringMatching(`[a-z <>&;{}":,\\]{0,40}`).Draw(t, "after")
		way := rapid.IntRange(0, len(ways)-1).Draw(t, "way")
		c := &mapping.Consent{}
		switch rapid.IntRange(0, 2).Draw(t, "field") {
		case 0:
			c.UserID = []byte(id)
		case 1:
			c.ProfileID = []byte(id)
		default:
			c.Email = []byte(id)
		}
		got := m.mask(before+" "+ways[way](id)+" "+after, rapid.Bool().Draw(t, "cut"), c)
		if strings.Contains(strings.ToLower(got), "zqxjwvk") {
			t.Fatalf("%q", got)
		}
		if n := utf8.RuneCountInString(got); n > delivery.MaxMessage {
			t.Fatalf("%d characters", n)
		}
	})
}

func FuzzMask(f *testing.F) {
	f.Add("bad user-4711 "+testKey, "user-4711", true)
	f.Add("<script>\xff\u0130&#64;", "\u0130\u212a\xff&", false)
	f.Add(`{"a":"\u0061\ud83d\ude00\`, "\\u0061", true)
	m := testMasker(f)
	f.Fuzz(func(t *testing.T, text, id string, cut bool) {
		got := m.mask(bodyText([]byte(text)), cut, &mapping.Consent{UserID: []byte(id)})
		if n := utf8.RuneCountInString(got); n > delivery.MaxMessage || !utf8.ValidString(got) {
			t.Fatalf("%d characters: %q", n, got)
		}
		if strings.Contains(strings.ToLower(got), strings.ToLower(testKey)) {
			t.Fatalf("the key: %q", got)
		}
	})
}

func TestBodyText(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"errors", `{"errors":[{"message":"a"},{"message":"b"}]}`, "a; b"},
		{"errors as texts", `{"errors":["a","b"]}`, "a; b"},
		{"errors empty", `{"errors":[],"message":"m"}`, "m"},
		{"message first", `{"error":"Bad Request","message":"m"}`, "m"},
		{"message empty", `{"error":"Bad Request","message":""}`, "Bad Request"},
		{"message inside", `{"error":{"code":7,"message":"m"}}`, "m"},
		{"OAuth", `{"error_description":"d"}`, "d"},
		{"problem", `{"type":"about:blank","title":"t","detail":"d"}`, "d"},
		{"only a string", `"text"`, "text"},
		{"unknown form", `{"why":"a\u0040b <x>"}`, `{"why":"a@b <x>"}` + "\n"},
		{"number", `7`, "7"},
		{"empty object", `{}`, ""},
		{"empty array", `[]`, ""},
		{"empty", " \r\n ", ""},
		{"BOM", "\xef\xbb\xbf{\"message\":\"m\"}", "m"},
		{"not JSON", `{"message":"half \u0040 \ud83d\ude00 \q \`, `{"message":"half @ 😀 \q \`},
		{"too deep", strings.Repeat(`{"error":`, 50) + `"m"` + strings.Repeat("}", 50), strings.Repeat(`{"error":`, 50) + `"m"` + strings.Repeat("}", 50) + "\n"},
		{"text", "plain \\n text", "plain \\n text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, bodyText([]byte(tt.body))) })
	}
}

func BenchmarkMask(b *testing.B) {
	m := testMasker(b)
	c := full()
	for _, bb := range []struct{ name, text string }{
		{"short", `Source is required for profileId`},
		{"page of 64 KiB", strings.Repeat("<p>junk and more", 4096)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.mask(bb.text, true, c)
			}
		})
	}
	b.Run("short, another one each time", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			m.mask("Source is required for profileId in request "+strconv.Itoa(i), true, c)
		}
	})
}
