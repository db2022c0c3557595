package intempt

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"github.com/consentimport/consentimport/mapping"
)

// Whatever shape an identifier comes back in, of those that servers are known to
// use, no piece of it is shown; other texts are.
func TestIdentifiersInOtherShapesAreNotShown(t *testing.T) {
	const user, mail = "Größenwähn-Käßmann-471182", "sofie.quastenflosser.5518@muster-ägide.example"
	c := &mapping.Consent{UserID: []byte(user), Email: []byte(mail)}
	m := newMasker(Key{})
	latin, err := charmap.ISO8859_1.NewEncoder().String(user)
	assert.NoError(t, err)
	for name, text := range map[string]string{
		"as it is":        user,
		"Latin-1":         latin,
		"Latin-1 in JSON": `{"message":"No profile for ` + latin + `"}`,
		"without a charset": strings.Map(func(r rune) rune {
			if r > 127 {
				return '?'
			}
			return r
		}, user),
		"replaced": strings.Map(func(r rune) rune {
			if r > 127 {
				return 0xfffd
			}
			return r
		}, user),
		"decomposed":       norm.NFD.String(user),
		"in capitals":      strings.ToUpper(user),
		"spaced out":       strings.Join(strings.Split(user, ""), " "),
		"backwards":        backwards(user),
		"base64":           base64.StdEncoding.EncodeToString([]byte(user)),
		"base64 of a mail": base64.URLEncoding.EncodeToString([]byte(mail)),
		"half of a mail":   "sofie.quastenflosser.5518",
		"a mail in words":  "sofie quastenflosser 5518 at muster ägide",
	} {
		t.Run(name, func(t *testing.T) {
			got := m.mask(bodyText([]byte("No profile for "+text)), false, c)
			if strings.HasPrefix(text, "{") {
				got = m.mask(bodyText([]byte(text)), false, c)
			}
			for _, piece := range []string{"471182", "281174", "mann", "quasten", "5518", base64.StdEncoding.EncodeToString([]byte(user))[:8]} {
				assert.NotContains(t, strings.ToLower(got), strings.ToLower(piece))
			}
		})
	}
	assert.Equal(t, "no such purpose: news", m.mask("no such purpose: news", false, c))
}

// TestWhatATextSaidIsAskedForEachConsent: a text that comes again is another one for the
// person whom it quotes.
func TestWhatATextSaidIsAskedForEachConsent(t *testing.T) {
	m := newMasker(Key{})
	text := "no profile for " + base64.StdEncoding.EncodeToString([]byte("jane-8812"))
	jane, joe := &mapping.Consent{UserID: []byte("jane-8812")}, &mapping.Consent{UserID: []byte("joe-4711")}
	for range 2 {
		assert.Equal(t, text, m.mask(text, false, joe))
		assert.Contains(t, m.mask(text, false, jane), "not shown")
		assert.Equal(t, "no profile", m.mask("no profile", false, jane))
	}
}

// characters writes each character of a text in a way of its own.
func characters(text string, as func(r rune) string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(as(r))
	}
	return b.String()
}

// octets writes each byte of a text in a form.
func octets(text, form string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, form, text[i])
	}
	return b.String()
}

// An identifier in an encoding, in one inside another, or dressed up is not shown, however
// short it is; a text that holds somebody else's in one is.
func TestEncodedIdentifiersAreNotShown(t *testing.T) {
	m := newMasker(Key{})
	for _, id := range []string{"customer-88120034", "u_8812", "jo@x.de", "Käßmann/7&8 x+1", "4711"} {
		c := &mapping.Consent{UserID: []byte(id)}
		code := func(form string) string {
			return characters(id, func(r rune) string { return fmt.Sprintf(form, r) })
		}
		for name, text := range map[string]string{
			"percent":               octets(id, "%%%02X"),
			"percent twice":         url.QueryEscape(octets(id, "%%%02x")),
			"quoted-printable":      octets(id, "=%02X"),
			"HTML":                  code("&#%d;"),
			"HTML twice":            html.EscapeString(code("&#x%x;")),
			"backslash u":           code(`\u%04x`),
			"backslash u twice":     code(`\\u%04x`),
			"backslash U":           code(`\U%08x`),
			"backslash u in braces": code(`\u{%x}`),
			"backslash x":           octets(id, `\x%02x`),
			"octal":                 octets(id, `\%03o`),
			"hex":                   octets(id, "%02x"),
			"hex in capitals":       octets(id, "%02X"),
			"hex with colons":       octets(id, "%02x:"),
			"hex of UTF-16":         code("%04x"),
			"hex with 0x":           octets(id, "0x%02x "),
			"bytes":                 fmt.Sprint([]byte(id)),
			"base64":                base64.StdEncoding.EncodeToString([]byte(id)),
			"base64 for URLs":       base64.RawURLEncoding.EncodeToString([]byte(id)),
			"base64 of more, 1":     base64.StdEncoding.EncodeToString([]byte("x" + id + "y")),
			"base64 of more, 2":     base64.StdEncoding.EncodeToString([]byte("id" + id + ":secret")),
			"base32":                base32.StdEncoding.EncodeToString([]byte(id)),
			"soft hyphens":          code("%c\u00ad"),
			"zero width":            code("%c\u200b"),
			"under marks":           code("%c\u034f"),
			"in tags":               code("<b>%c</b>"),
			"spaced out":            code("%c "),
			"fullwidth": characters(id, func(r rune) string {
				if r > ' ' && r < 0x7f {
					r += 0xfee0
				}
				return string(r)
			}),
			"in capitals": strings.ToUpper(id),
		} {
			got := m.mask(bodyText([]byte("No profile for "+text)), false, c)
			assert.True(t, strings.HasPrefix(got, "not shown") || strings.Contains(got, "[id]") || strings.Contains(got, "[email]"), "%s, %s: %s", id, name, got)
		}
	}
	c := &mapping.Consent{UserID: []byte("сustomer-88120034"), Email: []byte("jane.longname77@mail.example")} // Cyrillic, as an export may be
	assert.Contains(t, m.mask("No profile for jane [dot] longname77 [at] mail [dot] example", false, c), "not shown")
	c.UserID = []byte("customer-88120034")
	assert.Contains(t, m.mask("No profile for сustоmеr-88120034", false, c), "not shown")
	for _, text := range []string{
		"category is required", "code 0x8004 at 12:30:45, row 1 of 4", "request 7f3a9c01-55aa-4e0e-9f12-0123456789ab was refused", "aGVsbG8gd29ybGQ= is not a purpose",
	} {
		assert.Equal(t, text, m.mask(text, false, c))
	}
}
