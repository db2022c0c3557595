package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/mapping"
)

// Consent is a consent as the sandbox keeps it: in milliseconds, whatever the
// dialect it came in.
type Consent struct {
	Seq         int64     // position in the order of arrival, from 1
	At          time.Time // of arrival, in microseconds, UTC
	Dialect     Dialect
	Action      mapping.Action
	Timestamp   int64 // epoch milliseconds
	ValidUntil  int64 // epoch milliseconds, or mapping.Unlimited
	SourceID    int64
	HasSourceID bool
	Source      string
	Category    string
	UserID      string
	ProfileID   string
	Email       string
	Message     string
	Reason      string
	Method      string
	DeviceInfo  string
}

// Subject is the person: userId, else profileId, else email.
func (c *Consent) Subject() string {
	switch {
	case c.UserID != "":
		return c.UserID
	case c.ProfileID != "":
		return c.ProfileID
	default:
		return c.Email
	}
}

// appendJSON appends the consent as one JSON object on one line, without a line
// end: the fields of the docs dialect, absent ones left out, then _seq, _at
// (RFC 3339) and _dialect.
func (c *Consent) appendJSON(b []byte) []byte {
	b = append(b, `{"action":"`...)
	b = append(b, c.Action.String()...)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, c.Timestamp, 10)
	b = append(b, `,"validUntil":`...)
	if c.ValidUntil == mapping.Unlimited {
		b = append(b, `"unlimited"`...)
	} else {
		b = strconv.AppendInt(b, c.ValidUntil, 10)
	}
	b = appendText(b, "source", c.Source)
	b = appendText(b, "category", c.Category)
	if c.HasSourceID {
		b = append(b, `,"sourceId":`...)
		b = strconv.AppendInt(b, c.SourceID, 10)
	}
	b = appendText(b, "profileId", c.ProfileID)
	b = appendText(b, "userId", c.UserID)
	b = appendText(b, "email", c.Email)
	b = appendText(b, "message", c.Message)
	b = appendText(b, "reason", c.Reason)
	b = appendText(b, "method", c.Method)
	b = appendText(b, "deviceInfo", c.DeviceInfo)
	b = append(b, `,"_seq":`...)
	b = strconv.AppendInt(b, c.Seq, 10)
	b = append(b, `,"_at":"`...)
	b = c.At.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","_dialect":"`...)
	b = append(b, c.Dialect.String()...)
	return append(b, `"}`...)
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	// The text passed the decoder, so it is valid UTF-8 and quotes without error.
	b, _ = jsontext.AppendQuote(b, text)
	return b
}

// MarshalJSON is appendJSON.
func (c Consent) MarshalJSON() ([]byte, error) { return c.appendJSON(nil), nil }

// UnmarshalJSON reads what appendJSON wrote.
func (c *Consent) UnmarshalJSON(b []byte) error {
	var v struct {
		Seq        int64           `json:"_seq"`
		At         time.Time       `json:"_at"`
		Dialect    string          `json:"_dialect"`
		Action     string          `json:"action"`
		Timestamp  int64           `json:"timestamp"`
		ValidUntil json.RawMessage `json:"validUntil"`
		SourceID   *int64          `json:"sourceId"`
		Source     string          `json:"source"`
		Category   string          `json:"category"`
		UserID     string          `json:"userId"`
		ProfileID  string          `json:"profileId"`
		Email      string          `json:"email"`
		Message    string          `json:"message"`
		Reason     string          `json:"reason"`
		Method     string          `json:"method"`
		DeviceInfo string          `json:"deviceInfo"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("decode consent: %w", err)
	}
	*c = Consent{Seq: v.Seq, At: v.At, Timestamp: v.Timestamp, ValidUntil: mapping.Unlimited,
		Source: v.Source, Category: v.Category, UserID: v.UserID, ProfileID: v.ProfileID, Email: v.Email, Message: v.Message, Reason: v.Reason, Method: v.Method, DeviceInfo: v.DeviceInfo}
	if v.Dialect == SDK.String() {
		c.Dialect = SDK
	}
	switch v.Action {
	case mapping.Accept.String():
		c.Action = mapping.Accept
	case mapping.Reject.String():
		c.Action = mapping.Reject
	default:
		return errors.New("decode consent: action is neither accept nor reject")
	}
	if string(v.ValidUntil) != `"`+unlimited+`"` {
		n, err := strconv.ParseInt(string(v.ValidUntil), 10, 64)
		if err != nil {
			return errors.New("decode consent: validUntil is neither a number nor unlimited")
		}
		c.ValidUntil = n
	}
	if v.SourceID != nil {
		c.SourceID, c.HasSourceID = *v.SourceID, true
	}
	return nil
}

// mapped gives the consent in the form that requests are decoded to.
func (c *Consent) mapped() mapping.Consent {
	m := mapping.Consent{Action: c.Action, Timestamp: c.Timestamp, ValidUntil: c.ValidUntil,
		SourceID: c.SourceID, HasSourceID: c.HasSourceID, Source: []byte(c.Source), Category: []byte(c.Category),
		UserID: []byte(c.UserID), ProfileID: []byte(c.ProfileID), Email: []byte(c.Email), Message: []byte(c.Message)}
	if c.Reason != "" || c.Method != "" || c.DeviceInfo != "" {
		m.More = &mapping.More{Reason: []byte(c.Reason), Method: []byte(c.Method), DeviceInfo: []byte(c.DeviceInfo)}
	}
	return m
}

// Bits of the first byte of a packed consent.
const (
	packReject = 1 << iota
	packUnlimited
	packSourceID
	packEmailIsUser // imports of rows that have only an e-mail send it twice
	packMore
)

// pack appends the consent's compact form: a byte of bits, varints, then the
// strings with their lengths. Equal consents have equal forms.
func pack(b []byte, c *mapping.Consent) []byte {
	var bits byte
	if c.Action == mapping.Reject {
		bits |= packReject
	}
	if c.ValidUntil == mapping.Unlimited {
		bits |= packUnlimited
	}
	if c.HasSourceID {
		bits |= packSourceID
	}
	sameEmail := len(c.Email) > 0 && string(c.Email) == string(c.UserID)
	if sameEmail {
		bits |= packEmailIsUser
	}
	if c.More != nil {
		bits |= packMore
	}
	b = append(b, bits)
	b = binary.AppendVarint(b, c.Timestamp)
	if bits&packUnlimited == 0 {
		b = binary.AppendVarint(b, c.ValidUntil)
	}
	if c.HasSourceID {
		b = binary.AppendVarint(b, c.SourceID)
	}
	b = packText(b, c.Source)
	b = packText(b, c.Category)
	b = packText(b, c.UserID)
	b = packText(b, c.ProfileID)
	if !sameEmail {
		b = packText(b, c.Email)
	}
	b = packText(b, c.Message)
	if c.More != nil {
		for _, f := range c.More.Fields() {
			b = packText(b, *f.Value)
		}
	}
	return b
}

func packText(b, text []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// unpack reads what pack wrote.
func unpack(b []byte, c *Consent) {
	r := packReader(b)
	bits := r.byte()
	c.Action = mapping.Accept
	if bits&packReject != 0 {
		c.Action = mapping.Reject
	}
	c.Timestamp = r.varint()
	c.ValidUntil = mapping.Unlimited
	if bits&packUnlimited == 0 {
		c.ValidUntil = r.varint()
	}
	if bits&packSourceID != 0 {
		c.SourceID, c.HasSourceID = r.varint(), true
	}
	c.Source = r.text()
	c.Category = r.text()
	c.UserID = r.text()
	c.ProfileID = r.text()
	if bits&packEmailIsUser != 0 {
		c.Email = c.UserID
	} else {
		c.Email = r.text()
	}
	c.Message = r.text()
	if bits&packMore != 0 {
		c.Reason, c.Method, c.DeviceInfo = r.text(), r.text(), r.text()
	}
}

// packReader reads memory that pack wrote, so nothing in it can be cut short.
type packReader []byte

func (r *packReader) byte() byte {
	v := (*r)[0]
	*r = (*r)[1:]
	return v
}

func (r *packReader) varint() int64 {
	v, n := binary.Varint(*r)
	*r = (*r)[n:]
	return v
}

func (r *packReader) uvarint() uint64 {
	v, n := binary.Uvarint(*r)
	*r = (*r)[n:]
	return v
}

func (r *packReader) text() string {
	n := r.uvarint()
	v := string((*r)[:n])
	*r = (*r)[n:]
	return v
}
