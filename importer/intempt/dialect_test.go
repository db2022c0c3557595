package intempt

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/mapping"
)

// full is a consent with everything in it.
func full() *mapping.Consent {
	return &mapping.Consent{
		Action: mapping.Accept, Timestamp: 1748779200123, ValidUntil: 1782907200456,
		SourceID: 1234567890123456789, HasSourceID: true,
		Source: []byte("web"), Category: []byte("analytics"),
		UserID: []byte("user-4711"), ProfileID: []byte("profile-0815"),
		Email: []byte("ana@example.com"), Message: []byte("I agree\nto \"all\""),
	}
}

func TestAppendBody(t *testing.T) {
	tests := []struct {
		name    string
		dialect Dialect
		edit    func(*mapping.Consent)
		want    string
	}{
		{"docs, everything", Docs, func(*mapping.Consent) {},
			`{"action":"accept","timestamp":1748779200123,"validUntil":1782907200456,"source":"web","category":"analytics","sourceId":1234567890123456789,"profileId":"profile-0815","userId":"user-4711","email":"ana@example.com","message":"I agree\nto \"all\""}`},
		{"sdk, everything", SDK, func(*mapping.Consent) {},
			`{"action":"accept","timestamp":1748779200,"validUntil":"1782907200456","source":"web","category":"analytics","sourceId":"1234567890123456789","profileId":"profile-0815","userId":"user-4711","email":"ana@example.com","message":"I agree\nto \"all\""}`},
		{"docs, the least", Docs, least, `{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","userId":"u"}`},
		{"sdk, the least, seconds rounded down before 1970", SDK, least, `{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","userId":"u"}`},
		{"docs, sourceId without profileId", Docs, withSource, `{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","sourceId":9,"userId":"u"}`},
		{"sdk, no sourceId without profileId", SDK, withSource, `{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","userId":"u"}`},
		{"profileId without sourceId", SDK, func(c *mapping.Consent) { least(c); c.UserID, c.ProfileID = nil, []byte("p") },
			`{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","profileId":"p"}`},
		{"an e-mail address alone is the userId too", Docs, func(c *mapping.Consent) { least(c); c.UserID, c.Email = nil, []byte("a@b.c") },
			`{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","userId":"a@b.c","email":"a@b.c"}`},
		{"an e-mail address with a profile is not", Docs, func(c *mapping.Consent) {
			least(c)
			c.UserID, c.ProfileID, c.Email = nil, []byte("p"), []byte("a@b.c")
		}, `{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","profileId":"p","email":"a@b.c"}`},
		{"invalid UTF-8 stays JSON", Docs, func(c *mapping.Consent) { least(c); c.UserID = []byte("a\xffb\xe2\x82\x00\x1f") },
			`{"action":"reject","timestamp":-1,"validUntil":"unlimited","source":"web","userId":"a` + "\ufffdb\ufffd\ufffd" + `\u0000\u001f"}`},
	}
	bodies := map[Dialect]bool{}
	for _, tt := range tests {
		bodies[tt.dialect] = true
	}
	assert.Len(t, bodies, len(dialects), "each dialect has a body here")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := full()
			tt.edit(c)
			got := Wording{Dialect: tt.dialect}.AppendBody([]byte("before"), c)
			assert.Equal(t, "before"+tt.want, string(got))
			assert.True(t, json.Valid(got[len("before"):]))
		})
	}
}

func least(c *mapping.Consent) {
	*c = mapping.Consent{Action: mapping.Reject, Timestamp: -1, ValidUntil: mapping.Unlimited, Source: []byte("web"), UserID: []byte("u")}
}

func withSource(c *mapping.Consent) { least(c); c.SourceID, c.HasSourceID = 9, true }

func TestAppendBodyDoesNotAllocate(t *testing.T) {
	c := full()
	buf := make([]byte, 0, 1024)
	for _, d := range []Dialect{Docs, SDK} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { buf = Wording{Dialect: d}.AppendBody(buf[:0], c) }), d.String())
	}
}

// decoded is a body as a server reads it.
type decoded struct {
	Action     string          `json:"action"`
	Timestamp  json.Number     `json:"timestamp"`
	ValidUntil json.RawMessage `json:"validUntil"`
	Source     *string         `json:"source"`
	Category   *string         `json:"category"`
	SourceID   json.RawMessage `json:"sourceId"`
	ProfileID  *string         `json:"profileId"`
	UserID     *string         `json:"userId"`
	Email      *string         `json:"email"`
	Message    *string         `json:"message"`
}

// checkBody decodes the body of a consent and compares the two.
func checkBody(t require.TestingT, d Dialect, c *mapping.Consent) {
	body := Wording{Dialect: d}.AppendBody(nil, c)
	var got decoded
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&got), "%s", body)

	text := func(b []byte) *string {
		if len(b) == 0 {
			return nil
		}
		s := string(bytes.ToValidUTF8(b, nil))
		if !utf8.Valid(b) {
			s = string([]rune(string(b))) // each bad byte is one U+FFFD
		}
		return &s
	}
	assert.Equal(t, c.Action.String(), got.Action)
	ms, err := got.Timestamp.Int64()
	require.NoError(t, err)
	until := strconv.FormatInt(c.ValidUntil, 10)
	id := strconv.FormatInt(c.SourceID, 10)
	if d == SDK {
		assert.Equal(t, int64(math.Floor(float64(c.Timestamp)/1000)), ms)
		until, id = `"`+until+`"`, `"`+id+`"`
	} else {
		assert.Equal(t, c.Timestamp, ms)
	}
	if c.ValidUntil == mapping.Unlimited {
		until = `"unlimited"`
	}
	assert.Equal(t, until, string(got.ValidUntil))
	if !c.HasSourceID || d == SDK && len(c.ProfileID) == 0 {
		id = ""
	}
	assert.Equal(t, id, string(got.SourceID))
	require.NotNil(t, got.Source)
	if len(c.Source) > 0 {
		assert.Equal(t, text(c.Source), got.Source)
	}
	assert.Equal(t, text(c.Category), got.Category)
	assert.Equal(t, text(c.ProfileID), got.ProfileID)
	assert.Equal(t, text(userID(c)), got.UserID)
	assert.Equal(t, text(c.Email), got.Email)
	assert.Equal(t, text(c.Message), got.Message)
}

func TestAppendBodyDecodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }), rapid.SliceOf(rapid.Byte()))
		c := &mapping.Consent{
			Action:      rapid.SampledFrom([]mapping.Action{mapping.Accept, mapping.Reject}).Draw(t, "action"),
			Timestamp:   rapid.Int64Range(-1e15, 1e15).Draw(t, "timestamp"),
			ValidUntil:  rapid.OneOf(rapid.Int64(), rapid.Just(mapping.Unlimited)).Draw(t, "validUntil"),
			HasSourceID: rapid.Bool().Draw(t, "hasSourceID"),
			SourceID:    rapid.Int64().Draw(t, "sourceID"),
			Source:      text.Draw(t, "source"),
			Category:    text.Draw(t, "category"),
			UserID:      text.Draw(t, "userID"),
			ProfileID:   text.Draw(t, "profileID"),
			Email:       text.Draw(t, "email"),
			Message:     text.Draw(t, "message"),
		}
		checkBody(t, rapid.SampledFrom([]Dialect{Docs, SDK}).Draw(t, "dialect"), c)
	})
}

func FuzzAppendBody(f *testing.F) {
	f.Add(int64(1748779200123), int64(math.MaxInt64), int64(1234567890123456789), []byte("user"), []byte("ana@example.com"), []byte("I \"agree\"\\\x00\u2028<b>"))
	f.Add(int64(-1), int64(0), int64(-1), []byte(nil), []byte("a\xff"), []byte("\xe2\x82"))
	f.Fuzz(func(t *testing.T, at, until, source int64, user, email, message []byte) {
		const most = 1e15 // beyond, the check itself would go through a float
		for _, d := range []Dialect{Docs, SDK} {
			checkBody(t, d, &mapping.Consent{Action: mapping.Accept, Timestamp: at % most, ValidUntil: until, SourceID: source, HasSourceID: source != 0,
				Source: []byte("web"), UserID: user, Email: email, Message: message, ProfileID: message})
		}
	})
}

func TestParseDialect(t *testing.T) {
	for _, name := range DialectNames() {
		d, err := ParseDialect(name)
		require.NoError(t, err)
		assert.Equal(t, name, d.String())
		assert.Contains(t, Wording{Dialect: d}.Says(), "auth ")
	}
	_, err := ParseDialect("soap")
	assert.EqualError(t, err, `the dialect "soap" is unknown; it is one of `+strings.Join(DialectNames(), ", "))
	assert.Equal(t, "unknown", Dialect(9).String())
}

func BenchmarkAppendBody(b *testing.B) {
	c := full()
	for _, d := range []Dialect{Docs, SDK} {
		b.Run(d.String(), func(b *testing.B) {
			f, err := Wording{Dialect: d}.form() // once, as a client does
			require.NoError(b, err)
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				buf = f.appendBody(buf[:0], c)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}
