package intempt

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/mapping"
)

// Wording is how requests are written: a dialect, in which each of its three
// switches may be set by itself, since the sources disagree about each by itself.
// An empty one is as the dialect has it.
type Wording struct {
	Dialect    Dialect
	Auth       string // "query", "basic" or "apikey": where the key stands
	Times      string // "ms", "s" or "ms-text": a number of milliseconds or seconds, or milliseconds as text
	ValidUntil string // "ms" or "ms-text"
}

// switches are the three of a dialect.
type switches struct{ auth, times, validUntil string }

// auths, timeForms and untilForms are what the switches may be: one line each.
var (
	auths = []struct {
		name      string
		authorize func(Key) (query, headers string)
		dotted    bool // the key must have a dot, because it is split there
	}{
		{"query", queryAuth, false},
		{"basic", basicAuth, true},
		{"apikey", headerAuth, false},
	}
	timeForms = []struct {
		name   string
		append func(dst []byte, ms int64) []byte
	}{
		{"ms", appendInt},
		{"s", appendSeconds},
		{"ms-text", appendIntString},
	}
	untilForms = []struct {
		name   string
		append func(dst []byte, ms int64) []byte
	}{
		{"ms", appendUntilNumber},
		{"ms-text", appendUntilString},
	}
)

// AuthNames are the words of Wording.Auth.
func AuthNames() []string {
	var names []string
	for _, a := range auths {
		names = append(names, a.name)
	}
	return names
}

// TimesNames are the words of Wording.Times.
func TimesNames() []string {
	var names []string
	for _, f := range timeForms {
		names = append(names, f.name)
	}
	return names
}

// ValidUntilNames are the words of Wording.ValidUntil.
func ValidUntilNames() []string {
	var names []string
	for _, f := range untilForms {
		names = append(names, f.name)
	}
	return names
}

// Resolved fills in what the dialect says.
func (w Wording) Resolved() Wording {
	if w.Dialect.valid() {
		of := dialects[w.Dialect].switches
		w.Auth, w.Times, w.ValidUntil = cmp.Or(w.Auth, of.auth), cmp.Or(w.Times, of.times), cmp.Or(w.ValidUntil, of.validUntil)
	}
	return w
}

// Validate names the part whose value is unknown.
func (w Wording) Validate() error {
	if !w.Dialect.valid() {
		return blocked.Bad(blocked.Dialect, "the dialect is unknown; it is one of %s", strings.Join(DialectNames(), ", "))
	}
	_, err := w.form()
	return err
}

// Says tells people in one line how requests are written.
func (w Wording) Says() string {
	w = w.Resolved()
	as := ""
	if of := dialects[w.Dialect].switches; of == (switches{w.Auth, w.Times, w.ValidUntil}) {
		as = ", " + dialects[w.Dialect].says
	}
	return fmt.Sprintf("dialect %s: auth %s, times %s, valid-until %s%s", w.Dialect, w.Auth, w.Times, w.ValidUntil, as)
}

// form is a Wording made ready to write with.
type form struct {
	timestamp, validUntil, sourceID func(dst []byte, n int64) []byte
	sourceAlone                     bool // a sourceId may be sent without a profileId
	authorize                       func(Key) (query, headers string)
	dotted                          bool
}

// form looks the words up.
func (w Wording) form() (form, error) {
	w = w.Resolved()
	d := &dialects[w.Dialect]
	f := form{sourceID: d.sourceID, sourceAlone: d.sourceAlone}
	for _, a := range auths {
		if a.name == w.Auth {
			f.authorize, f.dotted = a.authorize, a.dotted
		}
	}
	for _, t := range timeForms {
		if t.name == w.Times {
			f.timestamp = t.append
		}
	}
	for _, u := range untilForms {
		if u.name == w.ValidUntil {
			f.validUntil = u.append
		}
	}
	switch {
	case f.authorize == nil:
		return f, blocked.Bad(blocked.Auth, "the authentication %q is unknown; it is one of %s", w.Auth, strings.Join(AuthNames(), ", "))
	case f.timestamp == nil:
		return f, blocked.Bad(blocked.Times, "the form of times %q is unknown; it is one of %s", w.Times, strings.Join(TimesNames(), ", "))
	case f.validUntil == nil:
		return f, blocked.Bad(blocked.ValidUntil, "the form of ends %q is unknown; it is one of %s", w.ValidUntil, strings.Join(ValidUntilNames(), ", "))
	}
	return f, nil
}

// AppendBody appends the request body of a consent: one flat JSON object, its
// fields always in the same order, the optional ones only when they have a
// value. A consent whose only identity is an e-mail address sends it as userId
// too, since email alone identifies nobody there. It does not allocate when dst
// has room. The wording must be valid.
func (w Wording) AppendBody(dst []byte, c *mapping.Consent) []byte {
	f, err := w.form()
	if err != nil {
		return dst
	}
	return f.appendBody(dst, c)
}

// headerAuth puts the whole key into a header of its own scheme.
func headerAuth(k Key) (query, headers string) {
	return "", "Authorization: ApiKey " + k.reveal() + "\r\n"
}
