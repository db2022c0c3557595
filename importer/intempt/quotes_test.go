package intempt

import (
	"encoding/base64"
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
