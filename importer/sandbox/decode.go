package sandbox

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/mapping"
)

// Dialect is how a request writes times and the source's id. The way a request
// authenticates decides which one it must be in.
type Dialect uint8

// The dialects that the target is known to be spoken to in.
const (
	// Docs is the API reference's: apiKey in the query, epoch milliseconds,
	// sourceId as an integer.
	Docs Dialect = iota
	// SDK is that of the vendor's server SDKs: Basic authentication, timestamp
	// in epoch seconds, validUntil and sourceId as strings.
	SDK
)

// String gives the word that --dialect uses.
func (d Dialect) String() string {
	if d == SDK {
		return "sdk"
	}
	return "docs"
}

// maxBody is the size in bytes that the body of a request may have.
const maxBody = 1 << 20

// unlimited is the validUntil of a consent that does not end.
const unlimited = "unlimited"

// The times outside of which the product is said to put the time of receipt in
// place of what was sent, in epoch milliseconds.
var (
	suspectBefore = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	suspectFrom   = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// suspect says whether the product would silently replace the time t, in epoch
// milliseconds, by that of receipt.
func suspect(t int64) bool { return t < suspectBefore || t >= suspectFrom }

// decoder reads the bodies of requests, one after the other, into memory that
// it reuses.
type decoder struct {
	json jsontext.Decoder
	in   bytes.Buffer
	name []byte
	text []byte // unquoted strings; never moves while a body is decoded
}

// refusal is the message of an answer 400. It never holds a value of the body.
type refusal string

func (r refusal) Error() string { return string(r) }

// decode reads one body. The consent's bytes live until the next call. Every
// error is a refusal.
func (d *decoder) decode(body []byte, dialect Dialect, c *mapping.Consent) error {
	form := formOf(dialect)
	return d.decodeAs(body, &form, c)
}

// decodeAs is decode for a form that does not go with a dialect.
func (d *decoder) decodeAs(body []byte, form *Form, c *mapping.Consent) error {
	*c = mapping.Consent{}
	if cap(d.text) < len(body) {
		d.text = make([]byte, 0, 2*len(body))
	}
	d.text = d.text[:0]
	d.in = *bytes.NewBuffer(body)
	d.json.Reset(&d.in)

	switch d.json.PeekKind() {
	case '{':
	case '[':
		return refusal("Body must be one object, not an array")
	default:
		if _, err := d.json.ReadValue(); err != nil {
			return malformed(err)
		}
		return refusal("Body must be an object")
	}
	if _, err := d.json.ReadToken(); err != nil {
		return malformed(err)
	}
	var seen fields
	for d.json.PeekKind() != '}' {
		if err := d.field(form, c, &seen); err != nil {
			return err
		}
	}
	if _, err := d.json.ReadToken(); err != nil {
		return malformed(err)
	}
	if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
		return refusal("Malformed JSON: text after the object")
	}
	return check(c, &seen)
}

// fields says which of the fields that may not be absent a body had.
type fields struct{ timestamp, validUntil bool }

// field reads one name and its value.
func (d *decoder) field(form *Form, c *mapping.Consent, seen *fields) error {
	raw, err := d.json.ReadValue()
	if err != nil {
		return malformed(err)
	}
	if d.name, err = jsontext.AppendUnquote(d.name[:0], raw); err != nil {
		return malformed(err)
	}
	v, err := d.json.ReadValue()
	if err != nil {
		return malformed(err)
	}
	if v.Kind() == 'n' {
		return nil // the reference is silent; servers of its kind take null for absent
	}
	switch string(d.name) {
	case "action":
		return d.action(v, c)
	case "timestamp":
		seen.timestamp = true
		return d.timestamp(v, form, c)
	case "validUntil":
		seen.validUntil = true
		return d.validUntil(v, form, c)
	case "sourceId":
		return d.sourceID(v, form, c)
	case "source":
		return d.string(v, "source", &c.Source)
	case "category":
		return d.string(v, "category", &c.Category)
	case "profileId":
		return d.string(v, "profileId", &c.ProfileID)
	case "userId":
		return d.string(v, "userId", &c.UserID)
	case "email":
		return d.string(v, "email", &c.Email)
	case "message":
		return d.string(v, "message", &c.Message)
	case "reason", "method", "deviceInfo": // the SDKs' own, of which nobody says what they may be
		return d.more(v, c)
	}
	return nil // a field that the reference does not name
}

// check refuses a body that lacks what the reference requires.
func check(c *mapping.Consent, seen *fields) error {
	switch {
	case c.Action == mapping.Undecided:
		return refusal("action is required")
	case !seen.timestamp:
		return refusal("timestamp is required")
	case !seen.validUntil:
		return refusal("validUntil is required")
	case len(c.Source) == 0:
		return refusal("source is required")
	case len(c.ProfileID) > 0 && !c.HasSourceID:
		return refusal("Source is required for profileId")
	case len(c.ProfileID) == 0 && len(c.UserID) == 0:
		return refusal("userId or profileId is required")
	}
	return nil
}

// more keeps a field that is not in the reference: its text, or what stands there.
func (d *decoder) more(v jsontext.Value, c *mapping.Consent) error {
	if c.More == nil {
		c.More = &mapping.More{}
	}
	for _, f := range c.More.Fields() {
		if f.Name != string(d.name) {
			continue
		}
		if v.Kind() == '"' {
			return d.string(v, f.Name, f.Value)
		}
		at := len(d.text)
		d.text = append(d.text, v...)
		*f.Value = d.text[at:len(d.text):len(d.text)]
	}
	return nil
}

func (d *decoder) string(v jsontext.Value, name string, into *[]byte) error {
	if v.Kind() != '"' {
		return refusal(name + " must be a string")
	}
	at := len(d.text)
	text, err := jsontext.AppendUnquote(d.text, v)
	if err != nil {
		return malformed(err)
	}
	d.text = text
	*into = text[at:len(text):len(text)]
	return nil
}

func (d *decoder) action(v jsontext.Value, c *mapping.Consent) error {
	var word []byte
	if err := d.string(v, "action", &word); err != nil {
		return err
	}
	switch string(word) {
	case "accept":
		c.Action = mapping.Accept
	case "reject":
		c.Action = mapping.Reject
	default:
		return refusal("action must be accept or reject")
	}
	return nil
}

// timestamp keeps the time in milliseconds, whatever the form.
func (d *decoder) timestamp(v jsontext.Value, form *Form, c *mapping.Consent) error {
	if form.Times == "ms-text" {
		var word []byte
		if err := d.string(v, "timestamp", &word); err != nil {
			return err
		}
		n, ok := decimal(word)
		if !ok {
			return refusal("timestamp must be epoch milliseconds")
		}
		c.Timestamp = n
		return nil
	}
	n, err := integer(v, "timestamp")
	if err != nil {
		return err
	}
	if form.Times == "s" {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return refusal("timestamp is out of range")
		}
		n *= 1000
	}
	c.Timestamp = n
	return nil
}

func (d *decoder) validUntil(v jsontext.Value, form *Form, c *mapping.Consent) error {
	if v.Kind() != '"' {
		if form.ValidUntil == "ms-text" {
			return refusal("validUntil must be a string")
		}
		n, err := integer(v, "validUntil")
		if err != nil {
			return err
		}
		if n == mapping.Unlimited {
			return refusal("validUntil is out of range")
		}
		c.ValidUntil = n
		return nil
	}
	var word []byte
	if err := d.string(v, "validUntil", &word); err != nil {
		return err
	}
	if string(word) == unlimited {
		c.ValidUntil = mapping.Unlimited
		return nil
	}
	if form.ValidUntil == "ms" {
		return refusal("validUntil must be a number or \"unlimited\"")
	}
	n, ok := decimal(word)
	if !ok || n == mapping.Unlimited {
		return refusal("validUntil must be epoch milliseconds or \"unlimited\"")
	}
	c.ValidUntil = n
	return nil
}

func (d *decoder) sourceID(v jsontext.Value, form *Form, c *mapping.Consent) (err error) {
	c.HasSourceID = true
	if form.Dialect == Docs {
		c.SourceID, err = integer(v, "sourceId")
		return err
	}
	var word []byte
	if err := d.string(v, "sourceId", &word); err != nil {
		return err
	}
	var ok bool
	if c.SourceID, ok = decimal(word); !ok {
		return refusal("sourceId must be a decimal number")
	}
	return nil
}

// integer reads a JSON number without letting it pass through a float. A
// fraction or an exponent is refused even when its value is whole.
func integer(v jsontext.Value, name string) (int64, error) {
	if v.Kind() != '0' {
		return 0, refusal(name + " must be a number")
	}
	if bytes.ContainsAny(v, ".eE") {
		return 0, refusal(name + " must be an integer")
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return 0, refusal(name + " is out of range")
	}
	return n, nil
}

// decimal reads a number that stands in a string: digits with a sign or none.
func decimal(word []byte) (int64, bool) {
	if len(word) == 0 || word[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(word), 10, 64)
	return n, err == nil
}

// malformed turns an error of the JSON syntax into a refusal. Its text names a
// place, never what stands there: that could be a person.
func malformed(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return refusal("Malformed JSON: a field appears twice")
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return refusal("Malformed JSON at byte " + strconv.FormatInt(syntax.ByteOffset, 10))
	}
	return refusal("Malformed JSON: unexpected end")
}
