package intempt

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/mapping"
)

// Dialect is one of the ways to word a request. The sources disagree on the
// units of times, and nothing public settles it, so it is a switch.
type Dialect uint8

// The dialects.
const (
	// Docs is what the API reference shows: milliseconds, the key in the query.
	Docs Dialect = iota
	// SDK is what the vendor's own server SDKs send: seconds, Basic auth.
	SDK
)

// dialect is what a dialect stands for: its switches, and what goes with it alone.
type dialect struct {
	name     string
	says     string // for people, where it comes from
	switches switches
	// sourceID adds the value (not its name) in JSON.
	sourceID func(dst []byte, id int64) []byte
	// sourceAlone: a sourceId may be sent without a profileId.
	sourceAlone bool
}

// dialects is the table: one line a dialect and what makes it one.
var dialects = [...]dialect{
	Docs: {"docs", "as the API reference shows", switches{"query", "ms", "ms"}, appendInt, true},
	SDK:  {"sdk", "as the vendor's server SDKs send", switches{"basic", "s", "ms-text"}, appendIntString, false},
}

// DialectNames are the names that ParseDialect takes.
func DialectNames() []string {
	names := make([]string, len(dialects))
	for i := range dialects {
		names[i] = dialects[i].name
	}
	return names
}

// ParseDialect takes the name of a dialect as the flag gives it.
func ParseDialect(name string) (Dialect, error) {
	for i := range dialects {
		if dialects[i].name == name {
			return Dialect(i), nil
		}
	}
	return 0, blocked.Bad(blocked.Dialect, "the dialect %q is unknown; it is one of %s", name, strings.Join(DialectNames(), ", "))
}

// valid says that d is in the table.
func (d Dialect) valid() bool { return int(d) < len(dialects) }

// String gives the name that ParseDialect takes.
func (d Dialect) String() string {
	if !d.valid() {
		return "unknown"
	}
	return dialects[d].name
}

// appendBody is Wording.AppendBody in a form.
func (t *form) appendBody(dst []byte, c *mapping.Consent) []byte {
	dst = append(dst, `{"action":"`...)
	dst = append(dst, c.Action.String()...)
	dst = append(dst, `","timestamp":`...)
	dst = t.timestamp(dst, c.Timestamp)
	dst = append(dst, `,"validUntil":`...)
	dst = t.validUntil(dst, c.ValidUntil)
	dst = append(dst, `,"source":`...)
	dst = appendString(dst, c.Source)
	if len(c.Category) > 0 {
		dst = append(dst, `,"category":`...)
		dst = appendString(dst, c.Category)
	}
	if c.HasSourceID && (t.sourceAlone || len(c.ProfileID) > 0) {
		dst = append(dst, `,"sourceId":`...)
		dst = t.sourceID(dst, c.SourceID)
	}
	if len(c.ProfileID) > 0 {
		dst = append(dst, `,"profileId":`...)
		dst = appendString(dst, c.ProfileID)
	}
	if subject := userID(c); len(subject) > 0 {
		dst = append(dst, `,"userId":`...)
		dst = appendString(dst, subject)
	}
	if len(c.Email) > 0 {
		dst = append(dst, `,"email":`...)
		dst = appendString(dst, c.Email)
	}
	if len(c.Message) > 0 {
		dst = append(dst, `,"message":`...)
		dst = appendString(dst, c.Message)
	}
	if c.More != nil {
		for _, f := range c.More.Fields() {
			if len(*f.Value) > 0 {
				dst = append(append(append(dst, `,"`...), f.Name...), `":`...)
				dst = appendString(dst, *f.Value)
			}
		}
	}
	return append(dst, '}')
}

// userID is what goes out as userId.
func userID(c *mapping.Consent) []byte {
	if len(c.UserID) == 0 && len(c.ProfileID) == 0 {
		return c.Email
	}
	return c.UserID
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func appendIntString(dst []byte, n int64) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '"')
}

// appendSeconds rounds down, before 1970 too: a decision never moves forward.
func appendSeconds(dst []byte, ms int64) []byte {
	s := ms / 1000
	if ms%1000 < 0 {
		s--
	}
	return strconv.AppendInt(dst, s, 10)
}

func appendUntilNumber(dst []byte, ms int64) []byte {
	if ms == mapping.Unlimited {
		return append(dst, `"unlimited"`...)
	}
	return strconv.AppendInt(dst, ms, 10)
}

func appendUntilString(dst []byte, ms int64) []byte {
	if ms == mapping.Unlimited {
		return append(dst, `"unlimited"`...)
	}
	return appendIntString(dst, ms)
}

// queryAuth puts the key into the query.
func queryAuth(k Key) (query, headers string) { return "?apiKey=" + k.query(), "" }

// basicAuth splits the key at its first dot into user and password.
func basicAuth(k Key) (query, headers string) {
	return "", "Authorization: Basic " + basicToken(k) + "\r\n"
}

// basicToken is the key as Basic auth words it; empty when it has no dot.
func basicToken(k Key) string {
	identifier, secret, ok := k.halves()
	if !ok {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(identifier + ":" + secret))
}
